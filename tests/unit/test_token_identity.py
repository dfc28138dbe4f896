"""A token is known by all its claims except those that a renewal changes."""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest

from cred_helper.files.fingerprints import file_digest
from cred_helper.providers.common import token_identity

GITHUB = {
    "iss": "https://token.actions.example",
    "sub": "repo:org/a:ref:refs/heads/main",
    "aud": "x",
    "run_id": "1",
    "act": {"sub": "another", "iss": "another"},
    "text": 'a "sub": "another", {[',
    "list": [{"sub": "another"}, "]}"],
}
KUBERNETES = {
    "iss": "https://oidc.eks.example/id/1",
    "sub": "system:serviceaccount:builds:puller",
    "aud": ["sts.amazonaws.com"],
}
IN_KUBERNETES = {
    "namespace": "builds",
    "node": {"name": "n-1", "uid": "1"},
    "pod": {"name": "p-1", "uid": "2"},
    "serviceaccount": {"name": "puller", "uid": "3"},
    "warnafter": 1,
}


def jwt(claims: Any, *, indent: int | None = None, signature: str = "c2ln") -> str:
    parts = [{"alg": "RS256"}, claims]
    encoded = [
        urlsafe_b64encode(json.dumps(part, indent=indent).encode()).decode().rstrip("=")
        for part in parts
    ]
    return ".".join([*encoded, signature])


@pytest.mark.parametrize(
    "renewed",
    [
        jwt({**GITHUB, "exp": 2, "iat": 1, "jti": "b"}),
        jwt({"exp": 3, **GITHUB}),
        jwt(GITHUB, signature="b3RoZXI"),
        jwt(dict(reversed(GITHUB.items()))),
        jwt({**GITHUB, "nbf": 1, "auth_time": 2, "nonce": "n", "at_hash": "h", "sid": "s"}),
        jwt({**GITHUB, "uti": "u", "rh": "r", "aio": "a", "xms_ftd": "x", "updated_at": 3}),
        f"\n{jwt(GITHUB)}\n",
    ],
)
def test_a_renewed_token_is_the_same_identity(renewed: str) -> None:
    assert token_identity.of_token(renewed) == token_identity.of_token(jwt(GITHUB))


def in_kubernetes(**changed: object) -> str:
    return jwt({**KUBERNETES, "kubernetes.io": {**IN_KUBERNETES, **changed}})


@pytest.mark.parametrize(
    "changed",
    [{"warnafter": 2}, {"pod": {"name": "p-2", "uid": "4"}, "node": {"name": "n-2", "uid": "5"}}],
)
def test_pods_of_a_service_account_are_the_same_identity(changed: dict[str, object]) -> None:
    assert token_identity.of_token(in_kubernetes(**changed)) == token_identity.of_token(
        in_kubernetes()
    )


@pytest.mark.parametrize(
    "changed", [{"namespace": "other"}, {"serviceaccount": {"name": "puller", "uid": "6"}}]
)
def test_another_service_account_is_another_identity(changed: dict[str, object]) -> None:
    assert token_identity.of_token(in_kubernetes(**changed)) != token_identity.of_token(
        in_kubernetes()
    )


@pytest.mark.parametrize(
    "other",
    [
        jwt({**GITHUB, "sub": "repo:org/b:ref:refs/heads/main"}),
        jwt({**GITHUB, "iss": "https://gitlab.example"}),
        jwt({**GITHUB, "aud": "y"}),
        jwt({**GITHUB, "aud": ["x"]}),
        jwt({"iss": GITHUB["iss"], "aud": "x"}),
        jwt({**GITHUB, "https://aws.amazon.com/source_identity": "ann"}),
        jwt({**GITHUB, "https://aws.amazon.com/tags": {"principal_tags": {"team": ["a"]}}}),
        jwt({**GITHUB, "azp": "client"}),
        jwt({**GITHUB, "amr": ["mfa"]}),
        jwt({**GITHUB, "run_id": "2"}),
        jwt({**GITHUB, "act": {"sub": "third"}}),
        jwt({**GITHUB, "list": [{"sub": "third"}, "]}"]}),
        jwt([GITHUB]),
        jwt({"inner": GITHUB}),
        "opaque-token",
        "",
        "a.b.c",
    ],
)
def test_any_other_lasting_claim_is_another_identity(other: str) -> None:
    assert token_identity.of_token(other) != token_identity.of_token(jwt(GITHUB))


@pytest.mark.parametrize("text", ['{"sub": "a', '{"sub": "\\', '{"sub": {"sub": "a"}', "{" * 9000])
def test_a_broken_payload_is_read_to_its_end(text: str) -> None:
    payload = urlsafe_b64encode(text.encode()).decode().rstrip("=")
    assert token_identity.of_token(f"a.{payload}.c")
    assert token_identity.claims(f"a.{payload}.c") == {}


def test_a_file_is_known_by_its_token_and_a_pipe_not_read(tmp_path: Path) -> None:
    file = tmp_path / "token"
    assert file_digest(str(file), token_identity.of_token) == "absent"
    file.write_text(jwt(GITHUB) + "\n")
    assert file_digest(str(file), token_identity.of_token) == token_identity.of_token(jwt(GITHUB))
    assert file_digest(str(tmp_path), token_identity.of_token) == "unreadable"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert file_digest(str(pipe), token_identity.of_token) is None


def test_claims_are_those_of_the_payload_and_without_a_subject_all_of_the_text_counts() -> None:
    assert token_identity.claims(jwt(GITHUB)) == GITHUB
    assert token_identity.claims("opaque") == {}
    assert token_identity.of_token("opaque-1") != token_identity.of_token("opaque-2")
    assert token_identity.of_token("opaque-1") == token_identity.of_token("opaque-1\n")
    assert token_identity.of_token(jwt({"exp": 1})) != token_identity.of_token(jwt({"exp": 2}))
