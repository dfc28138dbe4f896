"""A program's standard error is passed on at once and without secrets."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from time import sleep

import pytest

from cred_helper.programs.relay import Relay

SECRET = 'hunter2/"äö" +x'


def _shown(capfd: pytest.CaptureFixture[str]) -> str:
    return capfd.readouterr().err


def test_a_question_is_shown_while_the_program_waits(capfd: pytest.CaptureFixture[str]) -> None:
    with Relay() as relay:
        for written, shown in ((b"enter your PIN: ", "enter your PIN: "), (b"", ""), (b"\n", "\n")):
            relay.listen(b"")
            relay.listen(written)
            sleep(0.26)
            relay.listen(b"")
            sleep(0.26)
            relay.listen(b"")
            assert _shown(capfd) == shown
        relay.listen(b"thank you")
    assert _shown(capfd) == "thank you"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        'hunter2/\\"\\u00e4\\u00f6\\" +x',
        "hunter2%2F%22%C3%A4%C3%B6%22%20%2Bx",
        b64encode(SECRET.encode()).decode(),
        b64encode(f"user:{SECRET}".encode()).decode(),
        # CycloneDX/cdxgen#2124: the header that a client sends to docker's engine.
        urlsafe_b64encode(f'{{"username":"u","password":"{SECRET}"}}'.encode()).decode(),
    ],
)
def test_a_line_with_the_secret_is_left_out(capfd: pytest.CaptureFixture[str], form: str) -> None:
    text = f"before\nDEBUG {form} was read\nafter\n".encode()
    with Relay() as relay:
        for at in range(0, len(text), 7):
            relay.listen(text[at : at + 7])
        relay.hide(SECRET)
    assert _shown(capfd) == "before\nafter\n"


def test_a_line_with_a_pause_in_it_is_checked_as_a_whole(capfd: pytest.CaptureFixture[str]) -> None:
    with Relay("hunter2") as relay:
        relay.listen(b"first\nthe secret is hun")
        relay.listen(b"ter2\nlast\n")
        sleep(0.26)
        relay.listen(b"")
    assert _shown(capfd) == "first\nlast\n"


def test_a_key_file_s_lines_are_left_out(capfd: pytest.CaptureFixture[str]) -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----\n"
    with Relay(key) as relay:
        relay.listen(f"read\n{key}done\n".encode())
    assert _shown(capfd) == "read\ndone\n"


def test_a_program_that_writes_without_end_is_cut_off(capfd: pytest.CaptureFixture[str]) -> None:
    with Relay() as relay:
        for _ in range(100):
            relay.listen(b"progress\n" * 1000)
    shown = _shown(capfd)
    assert len(shown) < (1 << 15) + 100
    assert shown.endswith("...\n")
