"""The behaviour that only skopeo has."""

from __future__ import annotations

from tests.clients.clients import SKOPEO
from tests.clients.machine import name_in_registries_conf, name_multi, stored
from tests.clients.marks import needs_skopeo
from tests.clients.private import HOST, IMAGE, PASSWORD, USERNAME, Private, accepts
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.support.machine import Machine

pytestmark = needs_skopeo


def test_logging_out_of_everything_leaves_nothing(machine: Machine, private: Private) -> None:
    name_multi(machine, "registries.conf")
    SKOPEO.log_in(machine, HOST, USERNAME, PASSWORD)
    machine.succeed(SKOPEO.program, "logout", "--all")
    assert stored(machine, HOST) is None


def test_a_logout_without_a_login_is_not_an_error_of_ours(machine: Machine) -> None:
    # skopeo before 1.10 overflows its stack where a helper's erase fails.
    name_multi(machine, "credHelpers", HOST)
    said = machine.call(SKOPEO.program, "logout", HOST).stderr
    assert "goroutine" not in said
    assert "multi" not in said


def test_with_its_own_file_first_a_login_pulls_and_this_program_answers(
    machine: Machine, private: Private
) -> None:
    name_in_registries_conf(machine, "containers-auth.json", "multi")
    SKOPEO.log_in(machine, HOST, USERNAME, PASSWORD)
    assert SKOPEO.pull(machine, IMAGE) == private.image.digest
    assert stored(machine, HOST) == (USERNAME, PASSWORD)


def test_an_image_goes_from_one_registry_to_another(
    machine: Machine, private: Private, proxy: TerminatingProxy
) -> None:
    with Registry(accepts, auth="token") as other:
        proxy.route("other.example", other)
        name_multi(machine, "registries.conf")
        for host in (HOST, "other.example"):
            SKOPEO.log_in(machine, host, USERNAME, PASSWORD)
        copied = "other.example/team/copy:2"
        copy = ("copy", "--insecure-policy", f"docker://{IMAGE}", f"docker://{copied}")
        machine.succeed(SKOPEO.program, *copy)
        assert SKOPEO.pull(machine, copied) == private.image.digest
