"""Variables that are set, are not read, and are named like one that is: misspelt, as a rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher, get_close_matches
from itertools import zip_longest

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


# A shorter word of a name is often close to another one that is right as well: STS and SES.
_LEAST_LETTERS = 4
_LEAST_RATIO = 0.8


def misspelt(
    environ: Mapping[str, str], looked_up: Mapping[str, bool]
) -> Iterator[tuple[str, str]]:
    """Each variable that is set and was not looked up, and the name that was probably meant.

    ``looked_up`` is for each name that was, whether it is set.
    """
    missing = [name for name, is_set in looked_up.items() if not is_set and "_" in name]
    for variable, value in sorted(environ.items()):
        if not value or variable in looked_up or variable.startswith(PREFIX):
            continue
        meant = next((name for name in missing if _is_close(variable.upper(), name)), None)
        if meant:
            yield variable, meant


def _is_close(name: str, other: str) -> bool:
    """Whether each word of one name is close to that of the other; or only underscores differ."""
    pairs = list(zip_longest(name.split("_"), other.split("_"), fillvalue=""))
    return name.replace("_", "") == other.replace("_", "") or all(
        word == its
        or (
            min(len(word), len(its)) >= _LEAST_LETTERS
            and SequenceMatcher(None, word, its).ratio() >= _LEAST_RATIO
        )
        for word, its in pairs
    )
