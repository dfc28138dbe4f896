"""Values that look like a secret, and texts without them."""

from __future__ import annotations

import pytest

from cred_helper import messages
from cred_helper.clouds import CLOUDS
from cred_helper.secret_shapes import looks_secret, shown, without_secrets, without_tokens


@pytest.mark.parametrize(
    "value",
    [
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "dckr_pat_abcdefghijklmnopqrstuvwxyz",
        "AKIAIOSFODNN7EXAMPLE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "abc8Q~abcdefghijklmnopqrstuvwxyz0123456",
        "0123456789abcdef0123456789abcdef01234567",
        "/qJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKE",
        "GOCSPX-abcdefghijklmnopqrstuvwxyz01",
        "AIzaSyabcdefghijklmnopqrstuvwxyz0123456",
        "dop_v1_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "p_6Q7wT6S3SsDtQOF-EeTnT9fPMrcqJg4D",
        "xK3mP9qR7tW2zB5nC8vD4",
        "docker-credential-AKIAIOSFODNN7EXAMPLE",
        "env:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "file:/secrets/abc8Q~abcdefghijklmnopqrstuvwxyz0123456",
        '{"private_key": "x"}',
    ],
)
def test_tokens_and_keys_look_secret(value: str) -> None:
    assert looks_secret(value)
    assert shown(value) == "…"


@pytest.mark.parametrize(
    "value",
    [
        "work",
        "AdministratorAccess-123456789012",
        "MyCompanyProduction2024Admin",
        "arn:aws:iam::123456789012:role/Stack-DeployRole-1A2B3C4D5E6F7",
        "arn:aws:iam::123456789012:role/xK3mP9qR7tW2zB5nC8vD4",
        "00000000-1111-2222-3333-444444444444",
        "/subscriptions/0/resourceGroups/A1b2C3d4E5f6G7h8I9j0K1/providers/Microsoft.X",
        "robot@my-project-123456.iam.gserviceaccount.com",
        "https://containerregistry.azure.net",
        "api://00000000-1111-2222-3333-444444444444/.default",
        "*.dkr.ecr.*.amazonaws.com",
        "osxkeychain",
        "docker-credential-secretservice",
        "file:/var/run/secrets/tokens/registry-token-2024-US-East-1",
        "dev-TeamA/us-east-1/AdministratorAccess-2024",
        "Production-Account-Administrator-123456789012",
        "/home/me/.local/state/docker-credential.log",
        "",
    ],
)
def test_names_urls_and_paths_are_not_redacted(value: str) -> None:
    assert shown(value) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('profile "AKIAIOSFODNN7EXAMPLE" is missing', 'profile "…" is missing'),
        ("known: a, wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY, b", "known: a, …, b"),
        (
            "aws configure --profile=ghp_abcdefghijklmnopqrstuvwxyz0123456789.",
            "aws configure --profile=….",
        ),
        ("(assumes eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln): no", "(assumes …): no"),
        ("assumes arn:aws:iam::123456789012:role/xK3mP9qR7tW2zB5nC8vD4: no", None),
        ("no answer from [2001:db8:85a3::8a2e:370:7334]:443", None),
        ("~/.config/docker-credential-multi/config.toml:12: [Errno 30] on /x/y", None),
        ("DOCKER_CREDENTIAL_MULTI_HELPER_TIMEOUT_S is how long a helper may take", None),
        ("/home/me/.cache/docker-credential-multi/" + "0123456789abcdef" * 4 + ".token", None),
    ],
)
def test_a_message_loses_words_with_the_shape_of_a_token(text: str, expected: str | None) -> None:
    assert without_tokens(text) == (text if expected is None else expected)


def test_no_message_of_the_catalogue_loses_a_word() -> None:
    for area in (*messages.AREAS, *(cloud.name for cloud in CLOUDS)):
        for message in messages.catalogue(area).values():
            for text in (message.text, message.hint):
                assert without_tokens(text) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://u:hunter2@vault.corp/v1", "…@vault.corp/v1"),
        ("//u:hun/ter2@vault.corp", "…@vault.corp"),
        ("u:hunter2@vault.corp", "…@vault.corp"),
    ],
)
def test_user_information_is_cut(value: str, expected: str) -> None:
    assert shown(value) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("https://u:hunter2@vault.corp/v1 failed: 401", "https://…@vault.corp/v1 failed: 401"),
        ("Authorization: Bearer hunter2 rejected", "Authorization: Bearer … rejected"),
        ("authorization: basic hunter2", "authorization: basic …"),
        ("login with password=hunter2 failed", "login with password=… failed"),
        ("token: hunter2, expired", "token: …, expired"),
        ("POST //u:hun/ter2@x/ token=Bearer hunter2", "POST //…@x/ token=…"),
        ("the token is expired", "the token is expired"),
        ("no login for me@corp.example", "no login for me@corp.example"),
    ],
)
def test_secrets_are_removed_from_the_output_of_a_program(line: str, expected: str) -> None:
    assert without_secrets(line) == expected
