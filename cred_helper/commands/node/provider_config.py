"""A ``CredentialProviderConfig`` of kubelet: read, checked as kubelet checks it, and merged.

A file keeps every entry, comment and line that is not ours. Shows no value of ``env`` and no
argument of a provider: they can be secrets.

Source: kubernetes, pkg/credentialprovider/plugin/config.go and k8s.io/kubelet/config/v1/types.go
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cred_helper.commands.configure import raw_json
from cred_helper.commands.configure.changes import read
from cred_helper.commands.node import yaml_text
from cred_helper.commands.node.match_images import covers
from cred_helper.commands.node.yaml_text import Items, NotUnderstood
from cred_helper.errors import Misconfigured

Entry = dict[str, Any]

# The executable, and the provider without pod identity; those with it add the name of a cloud.
PROGRAM = "multi-credential-provider"
GROUP = "kubelet.config.k8s.io"
KIND = "CredentialProviderConfig"
VERSION = f"{GROUP}/v1"
PLUGIN_GROUP = "credentialprovider.kubelet.k8s.io"
PLUGIN_VERSION = f"{PLUGIN_GROUP}/v1"
_VERSIONS = ("v1", "v1beta1", "v1alpha1")
TOKENS = "tokenAttributes"
_CACHE_TYPES = ("ServiceAccount", "Token")

_TEXTS = [str]
# The members of an entry, by their types. Only the first version has tokenAttributes.
_ENTRY: dict[str, Any] = {
    **dict.fromkeys(("name", "defaultCacheDuration", "apiVersion"), str),
    **dict.fromkeys(("matchImages", "args"), _TEXTS),
    "env": [{"name": str, "value": str}],
}
ANNOTATIONS = ("requiredServiceAccountAnnotationKeys", "optionalServiceAccountAnnotationKeys")
_TOKEN_MEMBERS: dict[str, Any] = {
    **dict.fromkeys(("serviceAccountTokenAudience", "cacheType"), str),
    "requireServiceAccount": bool,
    **dict.fromkeys(ANNOTATIONS, _TEXTS),
}
# Go's time.ParseDuration, without a sign: kubelet refuses less than 0.
_DURATION = re.compile(r"\+?(?:0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)")
# What Go's net/url takes after https://, without escapes.
_MATCH_IMAGE = re.compile(
    r"(?:[A-Za-z0-9!$&'()*+,;=._~-]*@)?[A-Za-z0-9!$&'()*+,;=._~<>\"\x80-\U0010ffff-]*"
    r"(?::[0-9]*)?(?:[/?#][^%\x00-\x1f\x7f]*)?"
)
# Source: apimachinery, pkg/util/validation, IsQualifiedName
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ANNOTATION = re.compile(
    rf"(?:(?=.{{1,253}}/){_LABEL}(?:\.{_LABEL})*/)?[a-z0-9](?:[a-z0-9_.-]{{0,61}}[a-z0-9])?"
)
# A longer name could be a secret in the wrong place.
_SHOWN_NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_SECRET_MEMBER = re.compile(r"""(\bvalue["']?\s*:\s*).*""")


def new(entries: list[Entry]) -> Entry:
    return {"apiVersion": VERSION, "kind": KIND, "providers": entries}


def masked(text: str) -> str:
    """A configuration without the values of variables, in lines that can be compared."""
    try:
        text = json.dumps(json.loads(text), indent=2)
    except (ValueError, RecursionError):
        pass  # YAML has a line for each value
    return _SECRET_MEMBER.sub(r"\1…", text)


def label(number: int, entry: Any) -> str:
    """What an entry is called in messages: its name, or its number."""
    name = entry.get("name") if isinstance(entry, dict) else None
    is_shown = isinstance(name, str) and _SHOWN_NAME.fullmatch(name)
    return str(name) if is_shown else f"provider {number + 1}"


class ConfigFile:
    """One file. ``document`` is ``None`` where the file does not exist or is empty."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = read(path)
        self.document = self._parse(self.text or "")

    def _parse(self, text: str) -> Any:
        if text.lstrip().startswith("{"):
            try:
                return json.loads(text, object_pairs_hook=_without_repeats)
            except ValueError:
                pass  # perhaps a flow collection of YAML, whose parser knows the line
            except RecursionError:
                raise self._not_understood(1) from None
        try:
            return yaml_text.parse(text)
        except NotUnderstood as error:
            raise self._not_understood(error.line) from None

    def _not_understood(self, line: int) -> Misconfigured:
        return Misconfigured("node.config-not-understood", path=self.path, line=line)

    @property
    def entries(self) -> list[Entry]:
        """The entries that are objects."""
        found = self.document.get("providers") if isinstance(self.document, dict) else None
        entries = found if isinstance(found, list) else ()
        return [entry for entry in entries if isinstance(entry, dict)]

    def problems(self) -> Iterator[Misconfigured]:
        """Everything for which kubelet does not start."""
        document = self.document if isinstance(self.document, dict) else {}
        versions = [f"{GROUP}/{version}" for version in _VERSIONS]
        if document.get("kind") != KIND or document.get("apiVersion") not in versions:
            yield Misconfigured("node.config-kind", path=self.path, kind=KIND, group=GROUP)
            return
        for member in document:
            if member not in ("apiVersion", "kind", "providers"):
                yield self._problem("node.config-unknown-member", KIND, member=_shown(member))
        providers = document.get("providers")
        if not isinstance(providers, list) or not providers:
            yield self._problem("node.config-no-member", KIND, member="providers")
            return
        names = set()
        for number, entry in enumerate(providers):
            name = label(number, entry)
            yield from self._entry_problems(name, entry)
            if isinstance(entry, dict) and isinstance(entry.get("name"), str):
                if entry["name"] in names:
                    yield self._problem("node.config-name-twice", name)
                names.add(entry["name"])

    def _problem(self, code: str, provider: str, **values: Any) -> Misconfigured:
        return Misconfigured(code, path=self.path, provider=provider, **values)

    def _entry_problems(self, name: str, entry: Any) -> Iterator[Misconfigured]:
        has_tokens = self.document["apiVersion"] == VERSION
        members = _ENTRY | ({TOKENS: _TOKEN_MEMBERS} if has_tokens else {})
        entry = {} if entry is None else entry
        found = list(self._type_problems(name, entry, members, ""))
        yield from found
        if found:
            return  # the other checks rely on the types
        for member in ("name", "matchImages", "defaultCacheDuration", "apiVersion"):
            if not entry.get(member):
                yield self._problem("node.config-no-member", name, member=member)
        if {"/", " "} & set(entry.get("name") or "") or entry.get("name") in (".", ".."):
            yield self._problem("node.config-name", name)
        versions = ["", *(f"{PLUGIN_GROUP}/{version}" for version in _VERSIONS)]
        if (entry.get("apiVersion") or "") not in versions:
            yield self._problem("node.config-version", name, group=PLUGIN_GROUP)
        if not _DURATION.fullmatch(entry.get("defaultCacheDuration") or "0"):
            yield self._problem("node.config-duration", name)
        for glob in entry.get("matchImages") or []:
            if not _MATCH_IMAGE.fullmatch(glob or ""):
                yield self._problem("node.config-match-image", name)
        if (tokens := entry.get(TOKENS)) is not None:
            yield from self._token_problems(name, entry, tokens)

    def _type_problems(
        self, name: str, value: Any, wanted: Any, at: str
    ) -> Iterator[Misconfigured]:
        """Whether a value has the type that its place has, and only known members."""
        if value is None:
            return
        has_type = isinstance(value, wanted if isinstance(wanted, type) else type(wanted))
        if not has_type:
            yield self._problem("node.config-type", name, member=at or "it")
        elif isinstance(wanted, list):
            for item in value:
                yield from self._type_problems(name, item, wanted[0], at)
        elif isinstance(wanted, dict):
            for member, inner in value.items():
                place = f"{at}.{member}" if at else member
                if member in wanted:
                    yield from self._type_problems(name, inner, wanted[member], place)
                else:
                    yield self._problem("node.config-unknown-member", name, member=_shown(place))

    def _token_problems(self, name: str, entry: Entry, tokens: Entry) -> Iterator[Misconfigured]:
        requires = tokens.get("requireServiceAccount")
        for member in ("serviceAccountTokenAudience", "cacheType", "requireServiceAccount"):
            if tokens.get(member) in (None, ""):
                yield self._problem("node.config-no-member", name, member=f"{TOKENS}.{member}")
        if tokens.get("cacheType") and tokens["cacheType"] not in _CACHE_TYPES:
            yield self._problem("node.config-cache-type", name, types=" or ".join(_CACHE_TYPES))
        if entry.get("apiVersion") != PLUGIN_VERSION:
            yield self._problem("node.config-tokens-version", name, version=PLUGIN_VERSION)
        required, optional = (tokens.get(member) or [] for member in ANNOTATIONS)
        if required and requires is False:
            yield self._problem("node.config-required-annotations", name)
        keys = [*required, *optional]
        if len(set(keys)) < len(keys):
            yield self._problem("node.config-annotation-twice", name)
        if not all(_ANNOTATION.fullmatch((key or "").lower()) for key in keys):
            yield self._problem("node.config-annotation", name)

    def merged(self, entries: list[Entry]) -> str:
        """The text with these entries, each in the place of the entry with its name, or at the end.

        An entry also replaces this program's other entries for the same images.
        """
        if self.document is None:
            document = new(entries)
            if self.path.suffix == ".json":
                return json.dumps(document, indent=2) + "\n"
            return yaml_text.render(document)
        if problem := next(self.problems(), None):
            raise problem
        if self.document["apiVersion"] != VERSION and any(TOKENS in entry for entry in entries):
            raise Misconfigured("node.config-too-old", path=self.path, version=VERSION)
        by_name = {entry["name"]: entry for entry in entries}
        # In the place of each old entry: itself, another one, or nothing.
        places = [
            by_name.pop(old["name"], None if _is_displaced(old, entries) else old)
            for old in self.entries
        ]
        added = list(by_name.values())
        if places == self.entries and not added:
            return self.text or ""
        is_json = (self.text or "").lstrip().startswith("{")
        text = (self._spliced_json if is_json else self._spliced_yaml)(places, added)
        if self._parse(text)["providers"] != [entry for entry in places if entry] + added:
            raise Misconfigured("node.config-not-editable", path=self.path)
        return text

    def _spliced_yaml(self, places: list[Entry | None], added: list[Entry]) -> str:
        text = self.text or ""
        items = self.document["providers"]
        if not isinstance(items, Items) or not items.spans:
            raise Misconfigured("node.config-not-editable", path=self.path)
        newline = "\r\n" if "\r\n" in text else "\n"
        lines = text.splitlines(keepends=True)
        if not lines[-1].endswith("\n"):
            lines[-1] += newline

        def rendered(entry: Entry) -> str:
            return yaml_text.render([entry], items.column).replace("\n", newline)

        pieces = lines[: items.spans[0][0]]
        end = items.spans[-1][1]
        following = [first for first, _ in items.spans[1:]] + [end]
        for place, old, (first, last), after in zip(
            places, items, items.spans, following, strict=True
        ):
            if place is old:
                pieces += lines[first:last]
            elif place:
                pieces.append(rendered(place))
            pieces += lines[last:after]  # comments
        return "".join([*pieces, *map(rendered, added), *lines[end:]])

    def _spliced_json(self, places: list[Entry | None], added: list[Entry]) -> str:
        text = self.text or ""
        try:
            member = next(m for m in raw_json.members(text) if m.name == "providers")
        except ValueError:  # a flow collection of YAML
            raise Misconfigured("node.config-not-editable", path=self.path) from None
        spans = list(raw_json.items(text, member.value_start))
        before, indent = text[: spans[0][0]], ""
        if before.rstrip(" \t").endswith("\n"):
            indent = before[len(before.rstrip(" \t")) :]

        def rendered(entry: Entry) -> str:
            if not indent:
                return json.dumps(entry)
            return json.dumps(entry, indent=2).replace("\n", f"\n{indent}")

        pieces = []
        for place, old, (first, last) in zip(places, self.entries, spans, strict=True):
            if place:
                pieces.append(text[first:last] if place is old else rendered(place))
        pieces += map(rendered, added)
        separator = f",\n{indent}" if indent else ", "
        return before + separator.join(pieces) + text[spans[-1][1] :]


def is_ours(entry: Entry) -> bool:
    """Whether an entry is for this program by its own name."""
    name = str(entry.get("name"))
    return name == PROGRAM or name.startswith(f"{PROGRAM}-")


def _is_displaced(old: Entry, entries: list[Entry]) -> bool:
    """Whether one of these entries is for images that an older entry of this program has."""
    return is_ours(old) and any(
        covers(glob, other) or covers(other, glob)
        for entry in entries
        for glob in entry["matchImages"]
        for other in old["matchImages"]
    )


def _shown(member: str) -> str:
    return member if _SHOWN_NAME.fullmatch(member) else "a member"


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found
