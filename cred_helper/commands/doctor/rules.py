"""Whether each of the user's rules can work: its provider, its profile and its files are there."""

from __future__ import annotations

from collections.abc import Iterator

from cred_helper import clouds
from cred_helper.commands.doctor.finding import ERROR, WARNING, Finding, error, note, ok
from cred_helper.commands.doctor.own_state import helper_missing, repair
from cred_helper.commands.lookup.explanation import Explanation
from cred_helper.commands.lookup.near_miss import near_miss
from cred_helper.commands.ui import this_program
from cred_helper.errors import CredentialError, Misconfigured
from cred_helper.hosts import route
from cred_helper.secret_shapes import looks_secret
from cred_helper.server_url import ServerURL
from cred_helper.settings.rules import Rule
from cred_helper.wiring import Wiring

_SUBJECT = "rules"


def rules() -> Iterator[Finding]:
    try:
        found = Wiring.of_process().settings.rules
    except Misconfigured:
        return  # a finding of the settings
    sound = 0
    for rule in found:
        findings = list(_findings(rule))
        sound += not findings
        yield from findings
    if sound:
        yield ok(_SUBJECT, "doctor.rules-sound", count=sound, of_all=len(found))


def _findings(rule: Rule) -> Iterator[Finding]:
    place = rule.place.of("match")
    if rule.mistakes:
        for mistake in rule.mistakes:
            yield Finding(ERROR, _SUBJECT, mistake, repair(mistake))
        return
    if rule.helper:
        where = f"the rule for {ServerURL.parse(rule.match).redacted}"
        yield from helper_missing(_SUBJECT, rule.helper, rule.place.of("helper"), where)
    host = _host(rule)
    if host is None:
        return
    explained = Explanation(ServerURL.parse(host))
    command = None if looks_secret(host) else this_program.command("explain", host)
    other = explained.rule
    if other is not None and other.place.of("match") != place and "*" not in rule.match:
        values = {"place": place, "host": host, "other": other.place.of("match")}
        yield note(_SUBJECT, "doctor.rule-after-another", command, **values)
        return
    for problem in explained.problems():
        yield Finding(ERROR, _SUBJECT, _placed(problem, place), command)
    if explained.in_this_build() is False:
        provider = explained.route.cloud if explained.route else ""
        yield error(_SUBJECT, "doctor.rule-provider-left-out", place=place, provider=provider)
    elif explained.route is None and (cause := near_miss(explained.server_url)):
        yield Finding(WARNING, _SUBJECT, _placed(cause, place), command)


def _placed(problem: CredentialError, place: str) -> CredentialError:
    file = place.rpartition(":")[0]
    return problem if file in problem.reason else problem.within("file.at", place=place)


def _host(rule: Rule) -> str | None:
    """A host that a rule matches: its own or, for a pattern with ``*``, an example of a cloud.

    The path of the rule follows its own host.
    """
    place = rule.match.removeprefix("https://")
    text = place.partition("/")[0]
    if "*" not in text:
        return text if "*" in place else place
    for provider in rule.clouds:
        example = clouds.find(provider).example_host
        for host in (example, _filled(text, example)):
            server_url = ServerURL.parse(host)
            if rule.matches(server_url) and (rule.target or route(server_url)):
                return host
    return None


def _filled(pattern: str, example: str) -> str:
    """A pattern with the labels of an example in the place of its wildcards."""
    labels = example.split(".")
    wanted = pattern.split(".")
    if wanted[0] == "**":
        wanted = ["*"] * (len(labels) - len(wanted) + 1) + wanted[1:]
    pairs = zip(wanted, labels, strict=False)
    return ".".join(label if want == "*" else want.replace("*", "a") for want, label in pairs)
