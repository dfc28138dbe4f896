"""Variables with this program's prefix that it does not read: misspelt, as a rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from cred_helper import clouds, providers
from cred_helper.fallback import loop_guard
from cred_helper.settings.settings import CONFIG, PREFIX, RULES, SETTINGS, option_variable

# Set for helpers that this program starts, and by its tests.
_NO_SETTINGS = (loop_guard.VARIABLE, f"{PREFIX}UNDER_TEST")


def unread(environ: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Each such variable that is set, and the name that was probably meant.

    A variable of a provider that this build leaves out counts as read.
    """
    known = [CONFIG, RULES, *(setting.variable for setting in SETTINGS)]
    left_out = []
    for cloud in clouds.CLOUDS:
        if providers.load(cloud.name):
            known += [option_variable(cloud.name, option) for option in cloud.option_names]
        else:
            left_out.append(option_variable(cloud.name, ""))
    for variable, value in sorted(environ.items()):
        name = variable.upper()
        is_ours = value and name.startswith(PREFIX) and not name.startswith(tuple(left_out))
        if is_ours and variable not in (*known, *_NO_SETTINGS):
            yield variable, _meant(name, known)


def _meant(name: str, known: list[str]) -> str | None:
    # Compared without the prefix, which is the same for all.
    rests = [variable.removeprefix(PREFIX) for variable in known]
    close = get_close_matches(name.removeprefix(PREFIX), rests, n=1)
    return f"{PREFIX}{close[0]}" if close else None
