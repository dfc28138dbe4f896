"""A cached ``get`` from the outside: the executable, the real SDKs, clouds on loopback."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cred_helper.cache.entry import TOKEN
from cred_helper.messages import find
from tests.clouds import azure, google
from tests.clouds.authority import Authority
from tests.clouds.aws import EXAMPLE_HOST, AwsCloud
from tests.clouds.azure import AzureCloud
from tests.clouds.faults import unavailable
from tests.clouds.google import GoogleCloud
from tests.clouds.proxy import TerminatingProxy
from tests.contract.test_helper import needs_pass, password_store
from tests.soak.warm import loaded
from tests.support.executable import COMMAND
from tests.support.machine import Machine

pytestmark = pytest.mark.real_executable

IS_FROZEN = COMMAND[-1] != "cred_helper"
HOUR_S = 3600.0
# With a key in the environment. Each module costs a tenth of a millisecond.
MOST_MODULES = 33
CACHE = "DOCKER_CREDENTIAL_MULTI_CACHE"
FOLDER = "DOCKER_CREDENTIAL_MULTI_CACHE_FOLDER"


@pytest.fixture
def machine(home: Path) -> Iterator[Machine]:
    with AwsCloud() as cloud:
        yield Machine(home, host=EXAMPLE_HOST, cloud=cloud, **cloud.identity(home))


# --- A hit ----------------------------------------------------------------------------------------


def test_a_cached_answer_is_the_same_and_asks_no_cloud(machine: Machine) -> None:
    first = machine.get()
    assert machine.get().credential == first.credential
    assert machine.cloud.exchanges == 1
    machine.cloud.fail("/", unavailable())
    assert machine.get().stdout == first.stdout


def test_a_settings_file_is_parsed_once(machine: Machine, home: Path) -> None:
    if IS_FROZEN:
        pytest.skip("the frozen file reports no imports")
    file = home / ".config/docker-credential-multi/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[[rule]]\nmatch = "*.corp.example"\nprofile = "work"\n')
    machine.get()
    modules = loaded(machine.executable.environment, EXAMPLE_HOST)
    assert "cred_helper.settings.rules" in modules
    assert not {"tomllib", "json", "re", "typing"} & modules


def test_a_logout_removes_the_cached_answer(machine: Machine) -> None:
    machine.get()
    assert machine.executable.run("erase", stdin=EXAMPLE_HOST).status == 0
    assert machine.get().credential
    assert machine.cloud.exchanges == 2


def test_a_cached_answer_loads_no_sdk_and_few_other_modules(machine: Machine) -> None:
    if IS_FROZEN:
        pytest.skip("the frozen file reports no imports")
    machine.get()
    assert len(expect_few_modules(machine, EXAMPLE_HOST)) <= MOST_MODULES
    assert machine.cloud.exchanges == 1


def expect_few_modules(machine: Machine, host: str) -> set[str]:
    """The modules of this program that a cached answer loads."""
    modules = loaded(machine.executable.environment, host)
    assert "cred_helper.cache.cached" in modules
    ours = {name for name in modules if name.partition(".")[0] == "cred_helper"}
    assert modules - ours <= {"_blake2", "_json", "gc", "resource", "runpy"}
    assert not [name for name in ours if name.endswith(("renewal", "login"))]
    return ours


def test_registries_of_one_principal_and_region_share_a_token(machine: Machine) -> None:
    first = machine.get("123456789012.dkr.ecr.us-east-1.amazonaws.com")
    other = machine.get("210987654321.dkr.ecr.us-east-1.amazonaws.com")
    assert other.credential == first.credential
    assert machine.cloud.exchanges == 1
    assert (
        machine.get("123456789012.dkr.ecr.eu-west-1.amazonaws.com").credential != other.credential
    )
    assert machine.get("public.ecr.aws").credential != other.credential
    assert machine.cloud.exchanges == 3


def test_settings_switch_the_cache_off_and_place_it(machine: Machine, tmp_path: Path) -> None:
    assert machine.get(**{CACHE: "off"}).credential != machine.get(**{CACHE: "off"}).credential
    assert not machine.cache.parent.exists()
    place = tmp_path / "elsewhere" / "tokens"
    assert machine.get(**{FOLDER: str(place)}).credential
    assert list(place.glob(f"*.{TOKEN}"))
    assert not machine.cache.parent.exists()


# --- A renewal ------------------------------------------------------------------------------------


def test_a_token_is_renewed_at_half_of_its_life_and_used_on_if_that_fails(machine: Machine) -> None:
    first = machine.get()
    machine.age(7 * HOUR_S)
    machine.cloud.fail("/", unavailable())
    stale = machine.get()
    assert (stale.status, stale.stdout) == (0, first.stdout)
    warning = stale.stderr.splitlines()[0]
    values = {"host": EXAMPLE_HOST, "provider": "ecr", "left": "300 min", "reason": ""}
    text = find("cache.not-renewed").text.format(**values)
    assert warning.startswith(f"docker-credential-multi: warning: {text}")
    asked = len(machine.cloud.received)
    assert machine.get().stdout == first.stdout
    assert len(machine.cloud.received) == asked
    machine.age(6 * HOUR_S)
    expired = machine.get()
    assert expired.status == 1
    assert f"no credential for {EXAMPLE_HOST} from ecr" in expired.stderr


def test_a_token_that_is_renewed_takes_the_place_of_the_old_one(machine: Machine) -> None:
    first = machine.get()
    machine.age(7 * HOUR_S)
    second = machine.get()
    assert second.credential != first.credential
    assert machine.get().credential == second.credential
    assert len(list(machine.cache.glob(f"*.{TOKEN}"))) == 1


def test_a_token_that_would_end_during_a_build_is_renewed_or_a_warning(machine: Machine) -> None:
    least = "DOCKER_CREDENTIAL_MULTI_MIN_REMAINING_LIFE"
    first = machine.get()
    machine.age(3 * HOUR_S)
    assert machine.get(**{least: "9h30m"}).codes == ["settings.invalid-variable"]
    assert machine.get(**{least: "10h"}).credential != first.credential
    machine.settings(
        f'min_remaining_life = "1h"\n[[rule]]\nmatch = "{EXAMPLE_HOST}"\n'
        "min_remaining_life = 36000\n"
    )
    machine.age(3 * HOUR_S)
    assert (machine.get().stderr, machine.cloud.exchanges) == ("", 3)
    machine.settings("")
    machine.age(HOUR_S)
    for cache in ("on", "off"):
        done = machine.get(**{least: "12h", CACHE: cache})
        assert (done.status, done.codes) == (0, ["provider.short-life"])


# --- Encrypted at rest ----------------------------------------------------------------------------


@needs_pass
def test_a_keychain_keeps_the_encryption_key(machine: Machine, home: Path) -> None:
    with password_store(home) as environ:
        machine.executable.environment |= {
            **{name: environ[name] for name in ("GNUPGHOME", "PATH")},
            f"{CACHE}_KEYCHAIN": "pass",
        }
        first = machine.get()
        assert machine.get().credential == first.credential
        assert machine.cloud.exchanges == 1
        (kept,) = machine.cache.glob(f"*.{TOKEN}")
        assert first.credential[1].encode() not in kept.read_bytes()
        assert b"\nsealed=" in kept.read_bytes()
    without = machine.get(PATH=os.defpath, **{f"{CACHE}_KEYCHAIN": "missing"})
    assert (without.status, without.codes) == (0, ["helper.not-on-path"])
    assert "docker-credential-missing" in without.stderr
    assert kept.read_bytes().count(b"\nsealed=") == 1
    assert machine.cloud.exchanges == 2


# --- No place to keep it --------------------------------------------------------------------------


def full_disk() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@pytest.mark.parametrize(
    ("environment", "without", "options"),
    [
        ({}, ("HOME",), {}),
        ({"HOME": "/proc"}, (), {}),
        ({"HOME": "/dev/null"}, (), {}),
        ({"HOME": "/nonexistent"}, (), {}),
        ({}, (), {"preexec_fn": full_disk}),
    ],
    ids=["no home", "read-only home", "home that is a file", "home not there", "full disk"],
)
def test_without_a_usable_cache_every_get_asks_without_a_message(
    machine: Machine,
    environment: dict[str, str],
    without: tuple[str, ...],
    options: dict[str, Callable[[], None]],
) -> None:
    if options and IS_FROZEN:
        pytest.skip("the limit on files is one on the frozen file's memory, too")
    for _ in range(2):
        done = machine.executable.run(
            "get", stdin=EXAMPLE_HOST, environment=environment, without=without, **options
        )
        assert done.credential
    assert machine.cloud.exchanges == 2
    assert not list(machine.cache.glob(f"*.{TOKEN}"))
    assert not os.path.exists("/nonexistent")


# --- Many at once ---------------------------------------------------------------------------------


def test_fifty_registries_of_one_principal_and_region_need_one_call(machine: Machine) -> None:
    machine.cloud.delay_s = 1
    hosts = [f"{100000000000 + n}.dkr.ecr.us-east-1.amazonaws.com" for n in range(50)]
    answers = machine.get_at_once(*hosts)
    assert machine.cloud.exchanges == 1
    assert [answer.document["ServerURL"] for answer in answers] == hosts
    assert len({answer.credential for answer in answers}) == 1


@pytest.mark.parametrize(
    ("cloud_of", "host"),
    [(lambda _: GoogleCloud(), google.EXAMPLE_HOST), (AzureCloud, azure.EXAMPLE_HOST)],
    ids=["google", "azure"],
)
def test_the_other_clouds_are_asked_once_as_well(
    cloud_of: Callable[[Authority], GoogleCloud | AzureCloud], host: str, home: Path, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    with cloud_of(authority) as cloud, TerminatingProxy(authority) as proxy:
        cloud.register(proxy)
        variables = proxy.environment() | cloud.identity(tmp_path)
        machine = Machine(home, host=host, cloud=cloud, **variables)
        answers = machine.get_at_once(*[host] * 8)
        assert machine.get().credential == answers[0].credential
        assert len({answer.credential for answer in answers}) == 1
        if not IS_FROZEN:
            expect_few_modules(machine, host)
        assert cloud.exchanges == 1
        assert cloud.issued(*answers[0].credential, host)
        assert proxy.refused == []


def test_another_get_takes_over_from_one_that_is_killed(machine: Machine) -> None:
    machine.cloud.delay_s = 2
    first = machine.start()
    machine.wait_for_request()
    others = [machine.start() for _ in range(3)]
    first.kill()
    first.communicate()
    machine.cloud.delay_s = 0
    results = {other.communicate(timeout=60) for other in others}
    assert len(results) == 1
    assert not next(iter(results))[1]
    assert len(list(machine.cache.glob(f"*.{TOKEN}"))) == 1
