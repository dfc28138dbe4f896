"""The settings that a link's name sets: this program then stands in for another helper.

Only the cloud of that helper answers, and the variables that configure the helper count as settings
of ours, unless the setting itself is in the environment. Defects of the helpers (a token for any
host, failures reported as "not found") are not imitated. ``providers/NAME/replaced.py`` of a cloud
knows what its helpers read; a helper without reads nothing.
"""

from __future__ import annotations

import os

from cred_helper import clouds, providers
from cred_helper.providers.common.interface import ReplacedHelper
from cred_helper.record import Record
from cred_helper.settings import CI_VARIABLES, CLOUD, VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from cred_helper.hosts import Route

_PREFIX = "docker-credential-"


class LinkProfile(Record):
    """The settings that a name sets.

    ``helper`` is the helper that the program stands in for, ``""`` under its own name. ``cloud`` is
    the only cloud that answers, and ``order`` replaces the setting of that name; ``None`` is no
    change. ``replaced`` is what the helper's own variables set.
    """

    helper: str = ""
    cloud: str | None = None
    order: tuple[str, ...] | None = None
    replaced: ReplacedHelper = ReplacedHelper()

    @property
    def ignores_logins(self) -> bool:
        """Whether a login to any registry is to succeed without being kept."""
        return self.replaced.settings.get("STORE_FOR_CLOUDS") == "ignore"

    def options(self, route: Route) -> dict[str, str]:
        """The options of a registry."""
        return {"stands_for": self.helper, **self.replaced.options(route)} if self.helper else {}

    def variables(self, environ: Mapping[str, str]) -> Mapping[str, str]:
        """The environment, with the helper's own variables as settings of ours."""
        ours = self.replaced.settings
        named = {f"DOCKER_CREDENTIAL_MULTI_{name}": text for name, text in ours.items()}
        return {**named, **environ} if ours else environ


OWN_NAME = LinkProfile()


def find(program: str, environ: MutableMapping[str, str]) -> LinkProfile:
    """The profile of the name that the program is called by; ``program`` is its ``argv[0]``."""
    name = os.path.basename(program).lower().removesuffix(".exe")
    helper = name.removeprefix(_PREFIX) if name.startswith(_PREFIX) else ""
    cloud = next((cloud.name for cloud in clouds.CLOUDS if helper in cloud.replaces), None)
    if cloud is None:
        return OWN_NAME
    read = providers.find(f"{cloud}.replaced", "read")
    replaced = read(helper, environ) if read else ReplacedHelper()
    order = (VARIABLES, CLOUD, CI_VARIABLES) if replaced.reads_variables else (CLOUD,)
    return LinkProfile(name, cloud, order, replaced)
