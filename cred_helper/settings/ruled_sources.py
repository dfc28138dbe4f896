"""Sources and listers that a rule puts in the place of others."""

from __future__ import annotations

from cred_helper import clouds
from cred_helper.credential import Credential, Secret
from cred_helper.errors import Denied
from cred_helper.hosts import route
from cred_helper.record import Record
from cred_helper.server_url import ServerURL
from cred_helper.settings import REFUSED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from cred_helper.keychain import Lister
    from cred_helper.settings.places import Place
    from cred_helper.settings.rules import Rule


class RuleAnswer(Record):
    """The source of a rule whose answer is ``none``, which refuses, or ``empty``.

    docker, podman, go-containerregistry and rules_oci take empty texts for no login. .NET, which
    stops where a helper has no credential, sends them to the registry as they are.
    """

    place: Place
    answer: str
    name: str = "a rule"

    def get(self, _server_url: ServerURL) -> Credential:
        if self.answer == REFUSED:
            raise Denied("settings.rule-refuses", place=self.place.of("answer"))
        return Credential("", Secret(""), source=self.name)


class RuledLister:
    """The logins of a lister, without the registries that a rule answers for itself.

    docker asks for every registry that is listed, and an error at one hides all the others.
    """

    def __init__(self, lister: Lister, rule_for: Callable[[ServerURL], Rule | None]) -> None:
        self.name = lister.name
        self._lister = lister
        self._rule_for = rule_for

    def list(self) -> dict[str, str]:
        return {
            key: username
            for key, username in self._lister.list().items()
            if (rule := self._rule_for(ServerURL.parse(key))) is None
            or not (rule.answer or rule.mistakes)
        }


class ListedHosts(Record):
    """The hosts of rules with ``list = true``, each with the user name of its cloud's tokens."""

    rules: Collection[Rule]
    name: str = "rules"

    def list(self) -> dict[str, str]:
        """List them. No source is asked."""
        found: dict[str, str] = {}
        for rule in self.rules:
            address = rule.pattern.address if rule.pattern else None
            if rule.is_listed and not rule.mistakes and address is not None:
                behind = rule.target or route(ServerURL.parse(address))
                if behind is not None:
                    found[address] = clouds.find(behind.cloud).username
        return found
