"""Why Google gave no token, in our words: one line, and a command or setting to try.

Of what the other side said, codes are passed on, and descriptions that hold nothing of what was
sent and no word as long as a token.

Sources:
  https://www.rfc-editor.org/rfc/rfc6749#section-5.2 (errors of token endpoints)
  https://google.aip.dev/193 (errors of Google's APIs)
"""

from __future__ import annotations

from requests import RequestException, exceptions

from cred_helper.errors import BadReply, Denied, Misconfigured, NotFound, Unreachable
from cred_helper.files.json_file import trouble
from cred_helper.providers.common.trust import unusable_proxy
from cred_helper.providers.gcr.credential_file import LOGIN_HINT, target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from cred_helper.errors import CredentialError, ProviderError
    from cred_helper.providers.gcr.answer import Answer

# No word of an explanation is longer, and every token is.
_LONGEST_WORD = 40
_LONGEST_DESCRIPTION = 200


def no_answer(host: str, error: RequestException) -> ProviderError:
    """Tell a request without a reply."""
    match error:  # the later are bases of the earlier
        case exceptions.SSLError():
            return Unreachable(
                f"the certificate of {host} is not trusted",
                hint="have REQUESTS_CA_BUNDLE or SSL_CERT_FILE name the file of the CA behind it",
            )
        case exceptions.ProxyError():
            # urllib3 takes the other end's part of the tunnel for the proxy's.
            is_other_end = "closed connection" in str(error)
            return Unreachable(
                f"the connection to {host} through the proxy breaks off"
                if is_other_end
                else f"the proxy does not let through to {host}",
                hint="see HTTPS_PROXY and NO_PROXY",
            )
        case exceptions.Timeout():
            return Unreachable(f"{host} does not answer in time")
        case exceptions.ChunkedEncodingError() | exceptions.ContentDecodingError():
            return BadReply(f"the answer of {host} breaks off")
        case exceptions.ConnectionError():
            return Unreachable(f"there is no connection to {host}")
        case _:
            unusable = unusable_proxy()
            return unusable or Misconfigured(f"{host} cannot be asked ({type(error).__name__})")


def explain(answer: Answer | None, error: Exception, kind: str) -> CredentialError:
    """Tell a token that was not made by the last answer; ``kind`` is the credential's type."""
    if answer is None:
        return _local_failure(error, kind)
    if answer.status == 429 or answer.status >= 500:
        return Unreachable(f"{answer.host} answers {answer.status}")
    if answer.is_metadata:
        return _metadata_refusal(answer)
    if answer.method != "POST":
        return _subject_refusal(answer)
    if answer.status == 200:
        return BadReply(f"{answer.host} answers with something that is not a token")
    document = answer.document
    if not isinstance(document, dict):
        return BadReply(f"{answer.host} answers {answer.status} without a reason")
    if ":generateAccessToken" in answer.url:
        return _impersonation_refusal(answer, document)
    return _token_refusal(answer, document, kind)


def _local_failure(error: Exception, kind: str) -> CredentialError:
    """Tell what failed before anything was sent: reading or running what gives a subject token."""
    if kind != "external_account":
        return BadReply(f"no token was made ({type(error).__name__})")
    name = type(error).__name__
    if name == "TimeoutExpired":  # subprocess's, by which the SDK runs a program
        return Unreachable("the program that gives the subject token does not end in time")
    if isinstance(error, OSError):
        return Misconfigured(f"no subject token can be had: {trouble(error)}")
    return BadReply(f"what should give a subject token does not ({name})")


def _metadata_refusal(answer: Answer) -> CredentialError:
    if answer.status == 404:
        return NotFound("this machine has no service account attached")
    if answer.status == 200:
        return BadReply("the metadata service answers with something that is not a token")
    return Denied(f"the metadata service answers {answer.status}")


def _subject_refusal(answer: Answer) -> CredentialError:
    if answer.status == 200:
        return BadReply(f"{answer.host} answers with something that is not a subject token")
    return Denied(f"{answer.host} answers {answer.status} when asked for a subject token")


def _token_refusal(answer: Answer, document: Mapping[str, Any], kind: str) -> CredentialError:
    code, subtype = _word(document.get("error")), _word(document.get("error_subtype"))
    description = _quotable(document.get("error_description"), answer.secrets)
    if subtype in ("invalid_rapt", "rapt_required"):
        return Denied(f"the user has to sign in anew ({subtype})", hint=LOGIN_HINT)
    said = ": ".join(filter(None, [code, description])) or "no reason"
    return Denied(
        f"{answer.host} answers {answer.status}, {said}", hint=_hint(code, description, kind)
    )


def _hint(code: str, description: str, kind: str) -> str | None:
    match kind:
        case "authorized_user" | "external_account_authorized_user":
            return LOGIN_HINT
        case "service_account" if "short-lived" in description:
            return "set this machine's clock"
        case "service_account":
            return "see in IAM whether the service account is there, enabled, and has this key"
        case "external_account" if code == "invalid_scope":
            return "see the scopes that the pool's provider allows"
        case "external_account":
            return "see the pool's provider: its issuer, audiences and attribute condition"
        case _:
            return None


def _impersonation_refusal(answer: Answer, document: Mapping[str, Any]) -> CredentialError:
    error = document.get("error")
    error = error if isinstance(error, dict) else {}
    details = error.get("details")
    reasons = [
        detail.get("reason")
        for detail in (details if isinstance(details, list) else ())
        if isinstance(detail, dict)
    ]
    account = target(answer.url)
    said = _word(error.get("status")) or "no reason"
    if "SERVICE_DISABLED" in reasons:
        hint = "run gcloud services enable iamcredentials.googleapis.com"
    elif "ACCESS_TOKEN_SCOPE_INSUFFICIENT" in reasons:
        hint = "give the identity that impersonates the scope cloud-platform"
    elif answer.status == 404:
        hint = f"see in IAM whether {account} is there"
    else:
        hint = f"grant it roles/iam.serviceAccountTokenCreator on {account}"
    return Denied(
        f"the identity may not impersonate {account}: {answer.host} answers "
        f"{answer.status}, {said}",
        hint=hint,
    )


def _word(value: object) -> str:
    """An error code, if it is one: short, of letters, digits and a few marks."""
    if not isinstance(value, str) or not value.isascii() or len(value) > _LONGEST_WORD:
        return ""
    return value if value.replace("_", "").replace("-", "").isalnum() else ""


def _quotable(text: object, secrets: Iterable[str]) -> str:
    """What the other side said, without what we sent and what could be a token."""
    if not isinstance(text, str):
        return ""
    for secret in secrets:
        text = text.replace(secret, "…")
    words = (
        word if len(word) <= _LONGEST_WORD and word.isprintable() else "…" for word in text.split()
    )
    return " ".join(words)[:_LONGEST_DESCRIPTION].rstrip(".")
