"""``explain``: which way a server URL would go, and why. Looks only: no network, no SDK, no child.

The trace is the wiring's own: the sources listed here are the very objects that ``get`` would ask.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from cred_helper import providers
from cred_helper.commands.arguments import ServerURLCommand
from cred_helper.errors import Misconfigured
from cred_helper.hosts import AcrRoute, EcrRoute, GcrRoute, Route, route
from cred_helper.server_url import ServerURL
from cred_helper.wiring import ProviderSource, Wiring

if TYPE_CHECKING:
    from cred_helper.keychain import Source

_CLOUDS = {
    "ecr": "Amazon ECR",
    "gcr": "Google Container Registry and Artifact Registry",
    "acr": "Azure Container Registry",
}


@click.command(cls=ServerURLCommand)
@click.argument("server_url", metavar="SERVER_URL")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def explain(server_url: str, as_json: bool) -> None:
    """Say which way a server URL would go, without asking anyone.

    SERVER_URL is what a client sends: a host, host:port, host/repository or a https URL.
    """
    explanation = Explanation(ServerURL.parse(server_url))
    if as_json:
        click.echo(json.dumps(explanation.document(), indent=2))
    else:
        for label, text in explanation.lines():
            click.echo(f"{label:<12}{text}".rstrip())


class Explanation:
    """What can be said about one server URL by looking."""

    def __init__(self, server_url: ServerURL) -> None:
        self.server_url = server_url
        wiring = Wiring.of_process()
        self.rule = wiring.rule(server_url)
        self.route = wiring.route(server_url)
        self.sources: list[Source] = list(wiring.sources(server_url))
        self.builtin = next((s for s in self.sources if isinstance(s, ProviderSource)), None)

    def document(self) -> dict[str, Any]:
        """Everything, as a JSON object."""
        found = self.route
        return {
            "server_url": self.server_url.raw,
            "host": self.server_url.host or None,
            "provider": found.provider if found else None,
            "region": found.region if found else None,
            "fips": found.fips if found else None,
            "reason": self.why_provider(),
            "rule": self.rule.place.of("match") if self.rule else None,
            "in_this_build": self.in_this_build(),
            "identity": self.identity(),
            "order": [source.name for source in self.sources],
        }

    def why_provider(self) -> str:
        """Why this built-in provider, or none."""
        own = route(self.server_url)
        if self.route is not None:
            cloud = _CLOUDS[self.route.provider]
            if self.rule and self.rule.target:
                return f"by a rule the host stands for {self.route.host}, one of {cloud}"
            return f"the host is one of {cloud}"
        if own is not None:
            why = "a rule answers otherwise" if self.rule else "its provider is switched off"
            return f"the host is one of {_CLOUDS[own.provider]}, but {why}"
        if self.server_url.unroutable:
            return self.server_url.unroutable
        return "the host is on no table of a cloud's registries"

    def in_this_build(self) -> bool | None:
        """Whether the provider is there at all; a slim build is made without some."""
        return providers.load(self.route.provider) is not None if self.route else None

    def identity(self) -> dict[str, Any] | None:
        """Which identity the built-in provider would use, and why not the others."""
        if self.builtin is None:
            return None
        try:
            identity = self.builtin.provider.identify(self.builtin.request)
        except Misconfigured as error:
            return {"source": None, "error": error.reason, "hint": error.hint, "passed_over": []}
        return {
            "source": identity.source,
            "detail": identity.detail,
            "certain": identity.certain,
            "passed_over": [
                {"source": other.source, "reason": other.reason} for other in identity.passed_over
            ],
        }

    def lines(self) -> list[tuple[str, str]]:
        """Everything, as labelled lines for a person."""
        lines = [("server URL", self.server_url.raw), ("host", self.server_url.host)]
        lines.append(("provider", f"{self._provider_words()}: {self.why_provider()}"))
        if self.rule is not None:
            lines.append(("rule", self.rule.place.of("match")))
        if self.route is not None:
            lines.extend(_facts(self.route))
        lines.extend(self._identity_lines())
        for position, source in enumerate(self.sources):
            lines.append(("asked" if position == 0 else "then", source.name))
        if not self.sources:
            lines.append(("asked", "nobody: the answer is that there are no credentials"))
        return lines

    def _provider_words(self) -> str:
        if self.route is None:
            return "none"
        if not self.in_this_build():
            return f"{self.route.provider}, which this build has no provider for"
        return self.route.provider

    def _identity_lines(self) -> list[tuple[str, str]]:
        identity = self.identity()
        if identity is None:
            return []
        if "error" in identity:
            said = [("identity", identity["error"])]
            return [*said, ("hint", identity["hint"])] if identity["hint"] else said
        if identity["source"] is None:
            lines = [("identity", "none")]
        else:
            detail = f": {identity['detail']}" if identity["detail"] else ""
            doubt = "" if identity["certain"] else " (if it answers)"
            lines = [("identity", f"{identity['source']}{detail}{doubt}")]
        lines.extend(("", f"not {o['source']}: {o['reason']}") for o in identity["passed_over"])
        return lines


def _facts(found: Route) -> list[tuple[str, str]]:
    """What the host's own name says."""
    match found:
        case EcrRoute():
            kinds = ["FIPS"] * found.fips + ["dual-stack"] * found.dual_stack
            kinds += ["public"] * found.public
            return [
                ("region", f"{found.region} in partition {found.partition}"),
                ("endpoint", ", ".join(kinds) or "standard"),
            ]
        case GcrRoute():
            return [("universe", found.universe_domain)]
        case AcrRoute():
            if found.cloud.closed:
                return [("cloud", f"closed in {found.cloud.closed}; it is never called")]
            return [("authority", found.cloud.authorities[0])]
    return []
