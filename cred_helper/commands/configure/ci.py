"""The recipes of ``configure --ci`` and of packaging/docs/ci.md: a job that pulls without keys.

A recipe is the whole file of a CI system. Lines such as ``@pulls@`` are filled in for the clouds
of the registries that docker's files, the rules and the options name, or for all clouds.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from shlex import quote
from typing import NamedTuple

from cred_helper import __version__, clouds, docker_hub, stdio
from cred_helper.clouds import Cloud
from cred_helper.commands.ui.arguments import server_urls_known
from cred_helper.hosts import ACR, OPTIONAL_ZONES, route
from cred_helper.providers.common import ci_job
from cred_helper.secret_shapes import looks_secret
from cred_helper.server_url import ServerURL
from cred_helper.settings.settings import PREFIX, RULES, Settings
from cred_helper.wiring import Wiring

# Of pyproject.toml: make docs writes it.
REPOSITORY = "OWNER/docker-credential-multi"
_RELEASE = f"https://github.com/{REPOSITORY}/releases/download/v{__version__}"
_FILE = "docker-credential-multi-linux-amd64"
_GHCR = "ghcr.io"

_GITHUB = f"""\
# .github/workflows/pull.yml
name: pull
on: push
permissions:
  contents: read
  id-token: write # for the identity token
  packages: read # for ghcr.io
jobs:
  pull:
    runs-on: ubuntu-latest
    steps:
      - uses: {REPOSITORY}/.github/actions/setup@v{__version__}
        with:
          settings: |
            @settings@
      - run: |
          @pulls@
        env: {{GITHUB_TOKEN: "${{{{ github.token }}}}"}} # for ghcr.io
"""
_GITLAB = """\
# .gitlab-ci.yml
pull:
  image: docker:cli
  services: [docker:dind]
  id_tokens:
    @id-tokens@
  variables:
    @variables@
  script:
    - |
      @install@
      @pulls@
"""
_CIRCLECI = """\
# .circleci/config.yml
version: 2.1
jobs:
  pull:
    docker:
      - image: cimg/base:current
    environment:
      @variables@
    steps:
      - setup_remote_docker
      - run: |
          @install@
          @pulls@
workflows:
  pull:
    jobs:
      - pull:
          context: registries # a job without a context has no identity token
"""
# The file is uploaded by a program that replaces $NAME in it.
_BUILDKITE = """\
# .buildkite/pipeline.yml, for agents on which the program is installed and configured
env:
  BUILDKITE_OIDC_TOKEN_SUBJECT_CLAIM: pipeline_id # a subject that every build has
  @variables@
steps:
  - label: pull
    command: |
      set -e
      @pulls@
"""
_AZURE = """\
# azure-pipelines.yml
pool:
  vmImage: ubuntu-latest
variables:
  @variables@
steps:
  - task: AzureCLI@2
    inputs:
      azureSubscription: registries # the service connection
      scriptType: bash
      scriptLocation: inlineScript
      inlineScript: |
        @install@
        @pulls@
    env:
      SYSTEM_ACCESSTOKEN: $(System.AccessToken)
"""
_BITBUCKET = """\
# bitbucket-pipelines.yml
pipelines:
  default:
    - step:
        name: pull
        oidc: true
        services: [docker]
        script:
          - |
            @exports@
            @install@
            @pulls@
"""


class CiSystem(NamedTuple):
    """A CI system: its word for ``--ci``, its name, and its recipe.

    ``registry`` is its own. ``audience`` is the audience of all its tokens, where another service
    sets it.
    """

    name: str
    title: str
    recipe: str
    registry: str = ""
    audience: str = ""


SYSTEMS = (
    CiSystem("github", ci_job.GITHUB, _GITHUB, registry=_GHCR),
    CiSystem("gitlab", ci_job.GITLAB, _GITLAB, registry='"$CI_REGISTRY"'),
    CiSystem("circleci", ci_job.CIRCLECI, _CIRCLECI),
    CiSystem("buildkite", ci_job.BUILDKITE, _BUILDKITE),
    CiSystem("azure-pipelines", ci_job.AZURE_PIPELINES, _AZURE, audience=clouds.find(ACR).audience),
    CiSystem("bitbucket", ci_job.BITBUCKET, _BITBUCKET),
)
NAMES = tuple(system.name for system in SYSTEMS)


class Registry(NamedTuple):
    """A registry to pull from: a cloud's, with the options that are in force for it, or another.

    ``alias`` is the cloud's registry that the host stands for by a rule.
    """

    host: str
    cloud: Cloud | None
    options: Mapping[str, str]
    alias: str = ""

    @property
    def image(self) -> str:
        """The image that the example pulls."""
        return self.cloud.job.image if self.cloud and self.cloud.job else "team/app:1"


def recipe(system: CiSystem, hosts: Iterable[str] = (), wiring: Wiring | None = None) -> str:
    """The recipe for the registries of these hosts, and the example of each cloud that is set up.

    Without any it has every cloud's example.
    """
    known = _registries(hosts, wiring)
    wanted = [found for found in known if _is_taken(found, system)]
    others = [found.host for found in known if not _is_taken(found, system)]
    texts = [cloud.example_host for cloud in clouds.CLOUDS]
    examples = [found for found in _registries(texts, wiring) if _is_taken(found, system)]
    named = {found.cloud for found in wanted}
    wanted += [found for found in examples if found.cloud not in named and _is_set_up(found)]
    if not wanted:
        wanted = examples
        if system.registry:
            wanted.append(Registry(system.registry, None, {}))
    options = {found.cloud: _options(found, system) for found in reversed(wanted) if found.cloud}
    tables = {cloud: options[cloud] for cloud in clouds.CLOUDS if cloud in options}
    rules = list(_rules(wanted, tables, system))
    variables = list(_variables(tables, rules))
    parts: dict[str, Callable[[], Iterable[str]]] = {
        "settings": lambda: [*_settings(tables), *rules],
        "variables": lambda: (f"{name}: {json.dumps(value)}" for name, value in variables),
        "exports": lambda: (f"export {name}={quote(value)}" for name, value in variables),
        "id-tokens": lambda: _id_tokens(wanted, system),
        "install": _install,
        "pulls": lambda: (f"docker pull {found.host}/{found.image}" for found in wanted),
    }

    def fill(place: re.Match[str]) -> str:
        lines = parts[place["part"]]()
        return "".join(f"{place['indent'] if line else ''}{line}\n" for line in lines)

    text = re.sub(r"^(?P<indent> *)@(?P<part>[a-z-]+)@\n", fill, system.recipe, flags=re.MULTILINE)
    if system.registry not in [found.host for found in wanted]:
        text = re.sub(rf"^.* # for {re.escape(system.registry)}\n", "", text, flags=re.MULTILINE)
    return text + "".join(f"# Without an identity token: {host}\n" for host in others)


def known_hosts() -> list[str]:
    """The registries that docker's files and the rules name."""
    rules = [rule.match for rule in Settings.load(os.environ).rules if not rule.answer]
    return [text for text in (*server_urls_known(), *rules) if "*" not in text]


def _registries(texts: Iterable[str], wiring: Wiring | None) -> list[Registry]:
    found = {}
    for text in texts:
        server_url = ServerURL.parse(text)
        if not server_url.is_host:
            continue
        host = docker_hub.HOSTS[0] if docker_hub.is_hub(server_url) else server_url.address
        routed = route(server_url) or route(server_url, OPTIONAL_ZONES)
        found[host] = Registry(host, clouds.find(routed.cloud) if routed else None, {})
        if wiring and (resolution := wiring.resolve(server_url)).route:
            target = resolution.route
            alias = "" if resolution.own_route == target else target.host
            found[host] = Registry(host, clouds.find(target.cloud), resolution.options, alias)
    return list(found.values())


def _is_taken(registry: Registry, system: CiSystem) -> bool:
    if registry.cloud is None:
        return registry.host == system.registry
    return takes(registry.cloud, system)


def _is_set_up(registry: Registry) -> bool:
    """Whether the settings have all that the cloud needs in a job."""
    job = registry.cloud.job if registry.cloud else None
    return job is not None and registry.options.keys() >= job.options.keys()


def takes(cloud: Cloud, system: CiSystem) -> bool:
    return cloud.job is not None and (not cloud.job.systems or system.name in cloud.job.systems)


def _options(registry: Registry, system: CiSystem) -> dict[str, str]:
    """The options of the cloud's table, with placeholders where they are not set or a secret."""
    assert registry.cloud is not None
    assert registry.cloud.job is not None
    job = registry.cloud.job
    chosen = {} if registry.cloud.ci_option else {"id_token": "ci"}
    if system.audience not in ("", registry.cloud.audience):
        chosen["id_token_audience"] = system.audience
    own = {name: value for name, value in registry.options.items() if not looks_secret(value)}
    return chosen | {name: own.get(name, value) for name, value in job.options.items()}


def _settings(tables: Mapping[Cloud, Mapping[str, str]]) -> Iterator[str]:
    for number, (cloud, options) in enumerate(tables.items()):
        yield from ("", f"[{cloud.name}]")[number == 0 :]
        yield from (f"{name} = {json.dumps(value)}" for name, value in options.items())


def _rules(
    registries: Iterable[Registry], tables: Mapping[Cloud, Mapping[str, str]], system: CiSystem
) -> Iterator[str]:
    """Rules for the registries that have other options than their cloud's table, or an alias."""
    for registry in registries:
        if registry.cloud is None:
            continue
        options, table = _options(registry, system), tables[registry.cloud]
        words = {"alias": registry.alias} if registry.alias else {}
        words |= {name: value for name, value in options.items() if table[name] != value}
        if words:
            yield from ("", "[[rule]]", f"match = {json.dumps(registry.host)}")
            yield from (f"{name} = {json.dumps(value)}" for name, value in words.items())


def _variables(
    tables: Mapping[Cloud, Mapping[str, str]], rules: Iterable[str]
) -> Iterator[tuple[str, str]]:
    for cloud, options in tables.items():
        for name, value in options.items():
            yield f"{PREFIX}{cloud.name.upper()}_{name.upper()}", value
    if text := "\n".join(rules).strip():
        yield RULES, f"{text}\n"


def _id_tokens(registries: Iterable[Registry], system: CiSystem) -> Iterator[str]:
    """One token for each audience, by which the program finds the token, whatever its name is."""
    names: dict[str, str] = {}
    for registry in registries:
        if registry.cloud and registry.cloud.job:
            audience = registry.cloud.audience.format(**_options(registry, system))
            names.setdefault(audience, f"{registry.cloud.name.upper()}_ID_TOKEN")
    counts = Counter[str]()
    for audience, name in names.items():
        counts[name] += 1
        yield f"{name}_{counts[name]}:" if counts[name] > 1 else f"{name}:"
        yield f"  aud: {json.dumps(audience)}"


def _install() -> Iterator[str]:
    folder = "~/.local/bin"
    yield "set -e"
    yield f"release={_RELEASE}"
    yield f'wget -q "$release/{_FILE}" "$release/SHA256SUMS"'
    yield f"grep ' {_FILE}$' SHA256SUMS | sha256sum -c"
    # Not install, which some images lack.
    yield f"chmod +x {_FILE} && mkdir -p {folder} && mv {_FILE} {folder}/{stdio.PROGRAM}"
    yield f"export PATH={folder}:$PATH"
    yield f"{stdio.PROGRAM} configure --yes"
