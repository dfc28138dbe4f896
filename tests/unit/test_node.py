"""What is known of a node: the globs of ``matchImages``, configurations, YAML, running kubelets."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cred_helper.clouds import CLOUDS, NAMES
from cred_helper.commands.node import layouts, match_images, yaml_text
from cred_helper.commands.node.entries import ChosenCloud, of
from cred_helper.commands.node.provider_config import GROUP, ConfigFile
from cred_helper.errors import Misconfigured
from cred_helper.hosts import route
from cred_helper.server_url import ServerURL

_HOSTS = (Path(__file__).parent.parent / "data" / "hosts.tsv").read_text("utf-8").splitlines()
_GKE = """kind: CredentialProviderConfig
apiVersion: kubelet.config.k8s.io/v1
providers:
  # Google's own
  - name: auth-provider-gcp
    apiVersion: credentialprovider.kubelet.k8s.io/v1
    matchImages:
    - "container.cloud.google.com"
    - '*.gcr.io'  # and more
    args:
    - get-credentials
    - --v=3
    env: [{name: A, value: "b # c"}, {name: 'it''s', value: x}]
    defaultCacheDuration: 1m
# the end
"""
_EKS = """{
  "apiVersion": "kubelet.config.k8s.io/v1",
  "kind": "CredentialProviderConfig",
  "providers": [
    {
      "name": "ecr-credential-provider",
      "matchImages": [
        "*.dkr.ecr.*.amazonaws.com"
      ],
      "defaultCacheDuration": "12h0m0s",
      "apiVersion": "credentialprovider.kubelet.k8s.io/v1"
    }
  ]
}
"""
_ALL = of([ChosenCloud(cloud) for cloud in CLOUDS if not cloud.only_with])


def _read(tmp_path: Path, text: str, name: str = "config.yaml") -> ConfigFile:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return ConfigFile(path)


# --- matchImages ----------------------------------------------------------------------------------


def test_the_globs_cover_every_host_of_their_cloud_and_none_of_another() -> None:
    rows = [line.split("\t") for line in _HOSTS if not line.startswith("#")]
    for text, provider, *_ in rows:
        url = ServerURL.parse(text)
        if not route(url):
            continue
        covered = [
            name
            for name in NAMES
            if any(match_images.covers(glob, url.host) for glob in match_images.of_cloud(name))
        ]
        assert covered == [provider], text


@pytest.mark.parametrize(
    ("glob", "other", "is_covered"),
    [
        ("*.gcr.io", "a.gcr.io", True),
        ("*.gcr.io", "a.b.gcr.io", False),
        ("*.gcr.io", "gcr.io", False),
        ("*.gcr.io", "a.gcr.io:5000", False),
        ("*.gcr.io:5000", "a.gcr.io:5000", True),
        ("a.gcr.io/team", "a.gcr.io/team/app", True),
        ("a.gcr.io/team", "a.gcr.io", False),
        ("*.dkr.ecr.*.amazonaws.com", "*.dkr.ecr.us-gov-*.amazonaws.com", True),
        ("*.dkr.ecr.us-gov-*.amazonaws.com", "*.dkr.ecr.*.amazonaws.com", False),
    ],
)
def test_a_glob_covers_label_by_label(glob: str, other: str, is_covered: bool) -> None:
    assert match_images.covers(glob, other) == is_covered


# --- YAML -----------------------------------------------------------------------------------------


def _reference(text: str) -> Any:
    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 1)
    return reader.load(text)


def _damaged(text: str, chance: random.Random) -> str:
    for _ in range(chance.choice((1, 1, 2, 3))):
        at = chance.randrange(len(text) + 1)
        match chance.randrange(3):
            case 0:
                text = text[:at] + chance.choice("  \n-:[]{},'\"#&*!|>%@`a0~.\\=?") + text[at:]
            case 1:
                text = text[:at] + text[at + 1 :]
            case _:
                text = text[:at] + text[at : at + chance.randrange(20)] + text[at:]
    return text


def test_the_small_yaml_reader_agrees_with_a_full_parser_or_refuses() -> None:
    chance = random.Random(7)
    texts = [_GKE, _EKS, yaml_text.render({"providers": _ALL})]
    read = 0
    for text in [*texts, *(_damaged(chance.choice(texts), chance) for _ in range(150))]:
        try:
            found = yaml_text.parse(text)
        except yaml_text.NotUnderstood:
            assert text not in texts
            continue
        read += 1
        try:
            assert found == _reference(text), text
        except YAMLError as error:
            pytest.fail(f"{error}\n{text}")
    assert read > 50


@pytest.mark.parametrize(
    "text",
    [
        *("a: &x 1", "a: *x", "a: !t 1", "a: |\n  b", "a: 1\n---\nb: 2", "a: b: c", "a: 1\na: 2"),
        *("\ta: 1", "*.gcr.io", "a: *.gcr.io", "a: [1, 2", '"a', "a: 1\n  b: 2", "[" * 200),
        "- " * 200,
    ],
)
def test_yaml_that_is_not_understood_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(yaml_text.NotUnderstood) as caught:
        yaml_text.parse(text)
    assert 1 <= caught.value.line <= 3


# --- Configurations -------------------------------------------------------------------------------


def _entry(**members: Any) -> dict[str, Any]:
    given = {
        "name": "a",
        "matchImages": ["gcr.io"],
        "defaultCacheDuration": "1h",
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        **members,
    }
    return {name: value for name, value in given.items() if value is not ...}


def _tokens(**members: Any) -> dict[str, Any]:
    given = {
        "serviceAccountTokenAudience": "a",
        "cacheType": "Token",
        "requireServiceAccount": True,
        **members,
    }
    return {name: value for name, value in given.items() if value is not ...}


# Entries, and the problem with them. kubelet's own code is asked too: tests/outside/kubelet.
CONFIGURATIONS: list[tuple[list[dict[str, Any]], str | None]] = [
    ([_entry()], None),
    ([_entry(tokenAttributes=_tokens())], None),
    ([], "node.config-no-member"),
    ([_entry(name=...)], "node.config-no-member"),
    ([_entry(name=1)], "node.config-type"),
    ([_entry(name="a/b")], "node.config-name"),
    ([_entry(name="..")], "node.config-name"),
    ([_entry(), _entry()], "node.config-name-twice"),
    ([_entry(Name="a")], "node.config-unknown-member"),
    ([_entry(matchImages=[])], "node.config-no-member"),
    ([_entry(matchImages=["a b"])], "node.config-match-image"),
    ([_entry(matchImages=["gcr.io:port"])], "node.config-match-image"),
    ([_entry(defaultCacheDuration=0)], "node.config-type"),
    ([_entry(defaultCacheDuration="1d")], "node.config-duration"),
    ([_entry(defaultCacheDuration="-1h")], "node.config-duration"),
    ([_entry(apiVersion="credentialprovider.kubelet.k8s.io/v2")], "node.config-version"),
    ([_entry(env=[{"name": "A", "value": 1}])], "node.config-type"),
    ([_entry(tokenAttributes=_tokens(cacheType=...))], "node.config-no-member"),
    ([_entry(tokenAttributes=_tokens(cacheType="x"))], "node.config-cache-type"),
    ([_entry(tokenAttributes=_tokens(requireServiceAccount=...))], "node.config-no-member"),
    (
        [_entry(apiVersion="credentialprovider.kubelet.k8s.io/v1beta1", tokenAttributes=_tokens())],
        "node.config-tokens-version",
    ),
    (
        [
            _entry(
                tokenAttributes=_tokens(
                    requireServiceAccount=False, requiredServiceAccountAnnotationKeys=["a"]
                )
            )
        ],
        "node.config-required-annotations",
    ),
    (
        [_entry(tokenAttributes=_tokens(optionalServiceAccountAnnotationKeys=["a", "a"]))],
        "node.config-annotation-twice",
    ),
    (
        [_entry(tokenAttributes=_tokens(optionalServiceAccountAnnotationKeys=["a b"]))],
        "node.config-annotation",
    ),
]


def configuration(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """A configuration with these entries."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1",
        "kind": "CredentialProviderConfig",
        "providers": entries,
    }


@pytest.mark.parametrize(("entries", "code"), CONFIGURATIONS)
def test_a_configuration_that_kubelet_refuses_has_a_problem(
    tmp_path: Path, entries: list[dict[str, Any]], code: str | None
) -> None:
    document = configuration(entries)
    for text in (json.dumps(document), yaml_text.render(document)):
        found = {problem.code for problem in _read(tmp_path, text).problems()}
        assert found == ({code} if code else set())


@pytest.mark.parametrize("providers", [3, True, "x", {"name": "a"}])
def test_providers_of_another_type_are_a_problem(tmp_path: Path, providers: Any) -> None:
    file = _read(tmp_path, json.dumps(configuration(providers)))
    assert file.entries == []
    assert [problem.code for problem in file.problems()] == ["node.config-no-member"]


def test_tokens_need_the_first_version_of_the_configuration(tmp_path: Path) -> None:
    old = _GKE.replace(f"n: {GROUP}/v1", f"n: {GROUP}/v1beta1")
    file = _read(tmp_path, old)
    assert not list(file.problems())
    file.merged(_ALL)
    with pytest.raises(Misconfigured, match=r"node.config-too-old"):
        file.merged([_entry(tokenAttributes=_tokens())])


@pytest.mark.parametrize(
    ("text", "end"),
    [
        (_GKE, "# the end\n"),
        (_GKE.replace("\n", "\r\n"), "# the end\r\n"),
        (_GKE.removesuffix("# the end\n"), ""),
        (_EKS, "\n  ]\n}\n"),
        (json.dumps(json.loads(_EKS)), "]}"),
    ],
)
def test_entries_of_other_programs_stay_unchanged(tmp_path: Path, text: str, end: str) -> None:
    file = _read(tmp_path, text, "config.json" if text.startswith("{") else "config.yaml")
    merged = file.merged(_ALL)
    assert merged.startswith(text.removesuffix(end))
    assert merged.endswith(end)
    again = _read(tmp_path, merged)
    assert again.entries == [*file.entries, *_ALL]
    assert not list(again.problems())
    assert again.merged(_ALL) == merged
    changed = [{**_ALL[0], "args": ["x"]}]
    assert _read(tmp_path, again.merged(changed)).entries == [*file.entries, *changed]


def test_an_older_entry_of_this_program_for_the_same_images_goes(tmp_path: Path) -> None:
    with_all = _read(tmp_path, _read(tmp_path, _GKE).merged(_ALL))
    for_pods = [_entry(name="multi-credential-provider-gcr", tokenAttributes=_tokens())]
    merged = _read(tmp_path, with_all.merged(for_pods)).entries
    assert [entry["name"] for entry in merged] == ["auth-provider-gcp", for_pods[0]["name"]]


# --- A running kubelet ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["/usr/bin/kubelet", "--v=2"], ("", "")),
        (
            ["kubelet", f"--{layouts.CONFIG_FLAG}=/c", f"--{layouts.FOLDER_FLAG}", "/b", "--v=2"],
            ("/c", "/b"),
        ),
        (["kubelet", f"--{layouts.CONFIG_FLAG}=/x", f"--{layouts.CONFIG_FLAG}=/c"], ("/c", "")),
        (["/usr/bin/kubelet-wrapper"], None),
    ],
)
def test_the_flags_of_a_running_kubelet_are_read(
    tmp_path: Path, words: list[str], found: tuple[str, str] | None
) -> None:
    (tmp_path / "12").mkdir()
    (tmp_path / "12/cmdline").write_text("\0".join([*words, ""]))
    (tmp_path / "12/root").symlink_to("/")
    (tmp_path / "self").mkdir()
    kubelet = layouts.running(Path("/"), str(tmp_path))
    assert (kubelet and (kubelet.config, kubelet.folder)) == found
    # The kubelet of a node in a container has another root.
    assert layouts.running(tmp_path, str(tmp_path)) is None


@pytest.mark.parametrize("name", ["rke2", "k3s"])
def test_an_agent_without_a_configuration_is_known_by_its_data(tmp_path: Path, name: str) -> None:
    for folder in ("var/lib/kubelet", "etc/rancher/node", f"var/lib/rancher/{name}/agent"):
        (tmp_path / folder).mkdir(parents=True)
    assert layouts.detect(tmp_path, str(tmp_path)) is layouts.find(name)


@pytest.mark.parametrize(
    "config",
    [
        f"{layouts.CONFIG_FLAG}: /c\n{layouts.FOLDER_FLAG}: /b\n",
        f"kubelet-arg:\n  - v=2\n  - {layouts.CONFIG_FLAG}=/c\n  - {layouts.FOLDER_FLAG}=/b\n",
    ],
)
def test_k3s_says_where_its_kubelet_looks(tmp_path: Path, config: str) -> None:
    folder = tmp_path / "etc/rancher/k3s/config.yaml.d"
    folder.mkdir(parents=True)
    assert layouts.detect(tmp_path, str(tmp_path)) is layouts.find("k3s")
    (folder / "credentials.yaml").write_text(config)
    layout = layouts.detect(tmp_path, str(tmp_path))
    assert layout is not None
    assert (layout.config, layout.folder) == ("/c", "/b")
    assert layout.restart == layouts.find("k3s").restart
