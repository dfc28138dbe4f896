"""Credentials in environment variables: of variables that name a host, and of CI systems.

``DOCKER_<HOST>_USR`` and ``DOCKER_<HOST>_PSW`` hold a user name and password for a host. The dots
and hyphens of the host are written as underscores; its letters are in its own lower case or in
capitals. Leading labels may be left out, so that one pair serves a domain:
``DOCKER_example_com_USR`` for ``registry.example.com``. Two labels must stay: ``DOCKER_com_USR``
would serve half the internet. Variables cannot name a port, and the same variable is for
``my-registry.test`` and ``my.registry.test``.

The variables that CI systems set for every job are another source, asked later: they are there
whether they are meant for this pull or not.

Sources:
  https://github.com/isometry/docker-credential-env (the names)
  https://docs.github.com/actions/publishing-packages (ghcr.io)
  https://docs.gitlab.com/ci/variables/predefined_variables/
"""

from __future__ import annotations

from cred_helper.credential import Credential, Secret
from cred_helper.docker_hub import HOSTS, is_hub, is_token_key
from cred_helper.errors import Misconfigured, NotFound
from cred_helper.record import Record
from cred_helper.server_url import ServerURL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FEWEST_LABELS = 2
_GHCR = "ghcr.io"
# Host, user name and password.
_GITLAB = (
    ("CI_REGISTRY", "CI_REGISTRY_USER", "CI_REGISTRY_PASSWORD"),
    ("CI_DEPENDENCY_PROXY_SERVER", "CI_DEPENDENCY_PROXY_USER", "CI_DEPENDENCY_PROXY_PASSWORD"),
)


class NamedVariables(Record):
    """Variables whose names contain a registry's host.

    With ``answers_for_all``, ``DOCKER_com_USR`` and ``DOCKER__USR`` count too, as they do for
    docker-credential-env.
    """

    name = "environment"

    environ: Mapping[str, str]
    answers_for_all: bool = False

    def get(self, server_url: ServerURL) -> Credential:
        """Find the pair that names most of the host.

        Raises:
            NotFound: there is no such pair, or its values are empty.
            Misconfigured: one variable of the pair is not set.
        """
        for name in self._names(server_url):
            user, password = f"{name}_USR", f"{name}_PSW"
            missing = [variable for variable in (user, password) if variable not in self.environ]
            if len(missing) == 1:
                there = password if missing == [user] else user
                raise Misconfigured("settings.half-pair", there=there, missing=missing[0])
            # A CI system sets an empty secret for branches that may not have it.
            if not missing and self.environ[user] and self.environ[password]:
                secret = Secret(self.environ[password])
                return Credential(self.environ[user], secret, source=f"{user} and {password}")
        raise NotFound("settings.no-pair")

    def _names(self, server_url: ServerURL) -> Iterator[str]:
        """The names of variables before ``_USR`` and ``_PSW``, the best first."""
        if not server_url.is_host or is_token_key(server_url):
            return
        fewest_labels = 0 if self.answers_for_all else _FEWEST_LABELS
        for host in HOSTS if is_hub(server_url) else (server_url.host,):
            labels = host.replace("-", "_").split(".")
            # An address has no domain.
            fewest = len(labels) if labels[-1].isdigit() else fewest_labels
            for dropped in range(len(labels) + 1):
                if dropped and len(labels) - dropped < fewest:
                    break
                kept = "_".join(labels[dropped:])
                yield f"DOCKER_{kept}"
                yield f"DOCKER_{kept.upper()}"


class CiVariables(Record):
    """Variables that GitLab CI and GitHub Actions set for a registry of their own.

    ``trusted`` is for where the user asks for these variables: ``GITHUB_TOKEN`` then counts alone.
    In a shell it is often set for something else, and ghcr.io refuses a token without the right to
    packages even for public images.
    """

    name = "ci"

    environ: Mapping[str, str]
    trusted: bool = False

    def get(self, server_url: ServerURL) -> Credential:
        asked = _place(server_url)
        for host, credential in self._credentials():
            if server_url.is_host and asked == _place(ServerURL.parse(host)):
                return credential
        raise NotFound("settings.no-ci-variables")

    def list(self) -> dict[str, str]:
        found = reversed(list(self._credentials()))
        return {host: credential.username for host, credential in found}

    def _credentials(self) -> Iterator[tuple[str, Credential]]:
        variables = self.environ
        token, actor = variables.get("GITHUB_TOKEN"), variables.get("GITHUB_ACTOR")
        if token and (actor or self.trusted):
            # With a token, any user name is accepted.
            yield _GHCR, Credential(actor or "github", Secret(token), source="GITHUB_TOKEN")
        for names in _GITLAB:
            host, user, secret = map(variables.get, names)
            if host and user and secret:
                yield host, Credential(user, Secret(secret), source=names[-1])
        host, token = variables.get("CI_REGISTRY"), variables.get("CI_JOB_TOKEN")
        if host and token:
            yield host, Credential("gitlab-ci-token", Secret(token), source="CI_JOB_TOKEN")


def _place(server_url: ServerURL) -> tuple[str, str]:
    return server_url.host, server_url.port or "443"
