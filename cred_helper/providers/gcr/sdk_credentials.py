"""google-auth's credentials for a credential file: the class that its ``type`` names.

Loads google-auth. ``google.auth.load_credentials_from_file()`` is not used: it exchanges a
federated token only to find a project, and its errors quote the file.

Source: https://google.aip.dev/auth/4110 and the pages it links, one for each type
"""

from __future__ import annotations

from typing import Any

from cred_helper.errors import Misconfigured
from cred_helper.providers.common.interface import TokenRequest
from cred_helper.providers.gcr.credential_file import impersonated_by
from cred_helper.providers.gcr.identity import is_pull_only
from cred_helper.providers.gcr.subject import AWS_TOKEN_TYPE

# The least that pushes and pulls, and the least that pulls, in Container Registry and Artifact
# Registry alike.
# Source: https://cloud.google.com/artifact-registry/docs/integrate-compute
PUSH_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
PULL_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"

# What is wrong with a file in which no field is missing.
_UNUSABLE = {
    "external_account": "gcr.bad-credential-source",
    "impersonated_service_account": "gcr.bad-impersonation",
    "service_account": "gcr.bad-private-key",
}


def scope_of(request: TokenRequest) -> str:
    """The scope to ask for: no more than the request needs."""
    return PULL_SCOPE if is_pull_only(request) else PUSH_SCOPE


def load(info: dict[str, Any], path: str, subject_token: str | None, scope: str) -> Any:
    """The credentials for a scope; ``subject_token`` is a federated identity's, where it is known.

    Raises:
        Misconfigured: something in the file, or in what it names, cannot be used.
    """
    try:
        return _load(info, subject_token, scope)
    except Exception:  # noqa: BLE001 - the classes raise errors of any kind, and quote the file
        code = _UNUSABLE.get(info["type"], "gcr.unusable-file")
        raise Misconfigured(code, path=path, type=info["type"]) from None


def impersonated(source: Any, accounts: list[str], scope: str) -> Any:
    """The credentials of the last account; the others are its delegates."""
    from google.auth.impersonated_credentials import Credentials

    *delegates, account = accounts
    return Credentials(source, account, [scope], delegates=delegates or None)


def _load(info: dict[str, Any], subject_token: str | None, scope: str) -> Any:
    match info["type"]:
        case "service_account":
            return _service_account(info, scope)
        case "external_account":
            return _external_account(info, subject_token, scope)
        case "impersonated_service_account":
            account = impersonated_by(info["service_account_impersonation_url"])
            if not account:
                raise ValueError
            source = _load(info["source_credentials"], subject_token, scope)
            return impersonated(source, [*(info.get("delegates") or ()), account], scope)
        # A user's token has the scopes of the sign-in: none is requested.
        case "external_account_authorized_user":
            from google.auth import external_account_authorized_user

            return external_account_authorized_user.Credentials.from_info(info)
        case _:
            from google.oauth2 import credentials

            return credentials.Credentials.from_authorized_user_info(info)


def _service_account(info: dict[str, Any], scope: str) -> Any:
    """What ``Credentials.from_service_account_info`` makes, with a quicker check of the key."""
    # Before the SDK: unpacking the library of the key is the peak of the frozen file's memory.
    key = _private_key(info["private_key"])
    from google.auth import crypt
    from google.oauth2 import service_account

    domain = {name: info[name] for name in ("universe_domain",) if name in info}
    return service_account.Credentials(
        crypt.RSASigner(key, info.get("private_key_id")),
        service_account_email=info["client_email"],
        token_uri=info["token_uri"],
        project_id=info.get("project_id"),
        scopes=[scope],
        **domain,
    )


def _private_key(pem: str) -> Any:
    """Load an RSA key. Its numbers must belong together; that its primes are prime is not tested.

    That test takes longer than all else here. Numbers that do not belong together make signatures
    that give the key away; a number that is not prime makes signatures that Google refuses.
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    numbers = key.private_numbers() if isinstance(key, RSAPrivateKey) else None
    if numbers is None:
        raise ValueError
    p, q, d, public = numbers.p, numbers.q, numbers.d, numbers.public_numbers
    belong = (
        p * q == public.n
        and public.e * d % (p - 1) == public.e * d % (q - 1) == 1
        and (numbers.dmp1, numbers.dmq1) == (d % (p - 1), d % (q - 1))
        and numbers.iqmp * q % p == 1
    )
    if not belong:
        raise ValueError
    return key


def _external_account(info: dict[str, Any], subject_token: str | None, scope: str) -> Any:
    if info["subject_token_type"] == AWS_TOKEN_TYPE:
        from google.auth import aws

        return aws.Credentials.from_info(info, scopes=[scope])
    from google.auth import identity_pool

    if subject_token is not None:
        token: str = subject_token

        class FixedToken(identity_pool.SubjectTokenSupplier):
            def get_subject_token(self, context: Any, request: Any) -> str:  # noqa: ARG002
                return token

        info = {**info, "subject_token_supplier": FixedToken()}
        del info["credential_source"]
    return identity_pool.Credentials.from_info(info, scopes=[scope])
