"""Started by a link with another helper's name, this program stands in for that helper.

Only the cloud of that helper answers, and the variables that configure the helper count as settings
of ours, unless the setting itself is in the environment. Defects of the helpers (a token for any
host, failures reported as "not found") are not imitated. ``providers/NAME/replaced.py`` reads the
variables of a cloud's helpers; without it they have none.
"""

from __future__ import annotations

import os

from cred_helper import clouds, providers
from cred_helper.providers.common.interface import LinkProfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

_PREFIX = "docker-credential-"
OWN_NAME = LinkProfile()


def find(program: str, environ: MutableMapping[str, str]) -> LinkProfile:
    """The profile of the name that the program is called by; ``program`` is its ``argv[0]``."""
    name = os.path.basename(program).lower().removesuffix(".exe")
    helper = name.removeprefix(_PREFIX) if name.startswith(_PREFIX) else ""
    cloud = next((cloud.name for cloud in clouds.CLOUDS if helper in cloud.replaces), None)
    if cloud is None:
        return OWN_NAME
    read = providers.find(f"{cloud}.replaced", "read")
    profile: LinkProfile = read(helper, environ) if read else OWN_NAME
    options = profile.options
    return profile.but(
        helper=name, cloud=cloud, options=lambda route: {"stands_for": name, **options(route)}
    )


def variables(profile: LinkProfile, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment, with the helper's own variables as settings of ours."""
    if not profile.settings:
        return environ
    ours = {f"DOCKER_CREDENTIAL_MULTI_{name}": text for name, text in profile.settings.items()}
    return {**ours, **environ}
