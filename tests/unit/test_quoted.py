"""The part of a program's or server's text that a message repeats."""

from __future__ import annotations

import pytest

from cred_helper.providers.common.quoted import last_line, quoted


@pytest.mark.parametrize(
    "text",
    [
        "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)",
        'locked; run "security -v unlock-keychain ~/Library/Keychains/login.keychain-db"',
        "Unable to create file [/home/u/.config/gcloud/credentials.db]: [Errno 30] Read-only",
        "AWS refuses GetCallerIdentityRequestFailed for /Users/Bob/projects2024/app",
        "Gaia id not found for email app@my-project.iam.gserviceaccount.com",
    ],
)
def test_an_explanation_is_repeated_whole(text: str) -> None:
    assert quoted(text) == text


@pytest.mark.parametrize(
    "secret",
    [
        "ya29.a0AfH6SMBx",
        "1//0gDj",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln",
        "AKIAIOSFODNN7EXAMPLE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "-----BEGIN",
        "Abc8Q0supersecret0value",
        "x" * 41,
        "a\x1b[31mb",
    ],
)
@pytest.mark.parametrize("form", ["{}", '"{}"', "[{}]:", "'{}'."])
def test_a_word_that_could_be_a_secret_is_left_out(secret: str, form: str) -> None:
    line = quoted(f"the token {form.format(secret)} is wrong")
    assert secret not in line
    assert line.startswith("the token ")
    assert line.endswith(" is wrong")


def test_known_secrets_are_left_out_whole() -> None:
    assert quoted("hunter2 is expired", ["hunter2", "e", ""]) == "… is expired"
    assert quoted("key: secret key", ["secret", "secret key"]) == "key: …"


def test_a_long_text_is_cut_between_words_and_other_types_are_empty() -> None:
    assert len(quoted("word " * 100)) < 310
    nothing: tuple[object, ...] = (None, 1, {}, "")
    assert [quoted(value) for value in nothing] == [""] * 4


def test_the_line_of_an_error_comes_before_the_last_line() -> None:
    text = b"WARNING: old\nERROR: (gcloud) no\nPlease run:\n\n  $ gcloud auth login\n\n"
    assert last_line(text, "ERROR:") == "ERROR: (gcloud) no"
    assert last_line(text) == "$ gcloud auth login"
    assert last_line(b"\n \n") == ""
