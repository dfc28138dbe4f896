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


# A shorter word of a name often resembles another one that is right as well: STS and SES.
_LEAST_LETTERS = 4
_LEAST_RATIO = 0.8


def misspelt(
    environ: Mapping[str, str], looked_up: Mapping[str, bool]
) -> Iterator[tuple[str, str]]:
    """Each variable that is set and was not looked up, and the name that was probably meant.

    ``looked_up`` is for each name that was, whether it is set.
    """
    more = {name: name in environ for cloud in clouds.CLOUDS for name in cloud.more_variables}
    known = {**more, **looked_up}
    names = [name for name in known if "_" in name]
    for variable, value in sorted(environ.items()):
        if not value or variable in known or variable.startswith(PREFIX):
            continue
        name = variable.upper()
        if any(its.startswith(f"{name}_") for its in names):
            continue  # AWS_ACCESS_KEY is a variable of other programs
        tests = (_lacks_a_word, _is_close)
        meant = next((its for test in tests for its in names if test(name, its)), None)
        if meant and not known[meant]:
            yield variable, meant


def _lacks_a_word(name: str, other: str) -> bool:
    """Whether the second of several words is left out: SHARED of AWS_SHARED_CREDENTIALS_FILE."""
    cloud, _, rest = other.split("_", 2) if other.count("_") > 2 else (other, "", "")
    return name == f"{cloud}_{rest}"


def _is_close(name: str, other: str) -> bool:
    """Whether the words of two names are close one by one, or only underscores differ."""
    pairs = zip_longest(name.split("_"), other.split("_"), fillvalue="")
    is_spaced = name.replace("_", "") == other.replace("_", "")
    return is_spaced or all(_is_word_close(word, its) for word, its in pairs)


def _is_word_close(word: str, other: str) -> bool:
    """Whether two words are equal or close; of short ones, a letter may be left out or swapped."""
    if word == other:
        return True
    if min(len(word), len(other)) >= _LEAST_LETTERS:
        return SequenceMatcher(None, word, other).ratio() >= _LEAST_RATIO
    at = range(len(other))
    swapped = (other[:i] + other[i + 1 : i + 2] + other[i] + other[i + 2 :] for i in at)
    shorter = (other[:i] + other[i + 1 :] for i in at if len(other) >= _LEAST_LETTERS - 1)
    return word in (*swapped, *shorter)
