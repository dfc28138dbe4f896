"""What google-auth imports and one token does not use; see ``common.deferred_imports``."""

from __future__ import annotations

from cred_helper.providers.common.deferred_imports import LATER, UNUSED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.common.deferred_imports import Table

TABLES: dict[str, Table] = {
    "google_auth-2.63": {
        # The search for an identity, which this program does itself.
        "google.auth._default": dict.fromkeys(
            ("default", "load_credentials_from_dict", "load_credentials_from_file"), LATER
        ),
        # Signatures by an elliptic curve, which Google's keys do not make.
        "google.auth.crypt": {
            "RSASigner": "google.auth.crypt.rsa",
            "RSAVerifier": "google.auth.crypt.rsa",
            "Signer": "google.auth.crypt.base",
        },
        "google.auth.crypt.es": {"EsSigner": UNUSED, "EsVerifier": LATER},
        # Signatures by Google, for machines without a key.
        "google.auth.iam": {},
    }
}
