"""The private key of a service account: checked, without the slow test of its primes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict, dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cred_helper.providers.gcr.sdk_credentials import _private_key
from tests.support.executable import ROOT

KEY = rsa.generate_private_key(65537, 2048)


@dataclass
class Numbers:
    """The numbers of a key, to be changed one by one."""

    p: int
    q: int
    d: int
    dmp1: int
    dmq1: int
    iqmp: int
    e: int
    n: int

    @classmethod
    def of(cls, key: rsa.RSAPrivateKey) -> Numbers:
        found = key.private_numbers()
        public = found.public_numbers
        return cls(
            *(found.p, found.q, found.d, found.dmp1, found.dmq1, found.iqmp), *(public.e, public.n)
        )

    def pem(self) -> str:
        values = asdict(self)
        public = rsa.RSAPublicNumbers(values.pop("e"), values.pop("n"))
        numbers = rsa.RSAPrivateNumbers(public_numbers=public, **values)
        return pem(numbers.private_key(unsafe_skip_rsa_key_validation=True))


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_a_sound_key_is_loaded() -> None:
    assert _private_key(Numbers.of(KEY).pem()).private_numbers() == KEY.private_numbers()


@pytest.mark.parametrize("number", ["p", "q", "d", "dmp1", "dmq1", "iqmp", "n"])
def test_a_key_whose_numbers_do_not_belong_together_is_refused(number: str) -> None:
    numbers = Numbers.of(KEY)
    setattr(numbers, number, getattr(numbers, number) + 2)
    with pytest.raises(ValueError):  # noqa: PT011 - its text is not used
        _private_key(numbers.pem())


def test_a_key_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its text is not used
        _private_key(pem(ec.generate_private_key(ec.SECP256R1())))


def test_the_library_of_the_key_is_unpacked_before_the_sdk_takes_memory() -> None:
    info = {
        "type": "service_account",
        "client_email": "a@b.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
        "private_key": Numbers.of(KEY).pem(),
    }
    program = f"""
import sys
from cred_helper.providers.gcr.sdk_credentials import load
load({info!r}, "key.json", None, "scope")
print(*sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = done.stdout.split()
    assert names.index("cryptography.hazmat.bindings._rust") < names.index("google.auth")
