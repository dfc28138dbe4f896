"""What azure-identity imports and one token does not use; see ``common.deferred_imports``."""

from __future__ import annotations

from cred_helper.providers.common.deferred_imports import LATER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.common.deferred_imports import Table

_INTERNAL = "azure.identity._internal"
_CREDENTIALS = "azure.identity._credentials"

TABLES: dict[str, Table] = {
    "azure_identity-1.27": {
        # One credential class of twenty is used.
        "azure.identity": {
            "AuthenticationRecord": "azure.identity._auth_record",
            "AuthenticationRequiredError": "azure.identity._exceptions",
            "AzurePipelinesCredential": f"{_CREDENTIALS}.azure_pipelines",
            "CertificateCredential": f"{_CREDENTIALS}.certificate",
            "ClientAssertionCredential": f"{_CREDENTIALS}.client_assertion",
            "ClientSecretCredential": f"{_CREDENTIALS}.client_secret",
            "CredentialUnavailableError": "azure.identity._exceptions",
            "ManagedIdentityCredential": f"{_CREDENTIALS}.managed_identity",
            "UsernamePasswordCredential": f"{_CREDENTIALS}.user_password",
        },
        "azure.identity._credentials": {},
        "azure.identity._internal": {
            "AadClient": f"{_INTERNAL}.aad_client",
            "AadClientBase": f"{_INTERNAL}.aad_client_base",
            "AadClientCertificate": f"{_INTERNAL}.aadclient_certificate",
            "InteractiveCredential": f"{_INTERNAL}.interactive",
            "wrap_exceptions": f"{_INTERNAL}.decorators",
            **dict.fromkeys(
                (
                    *("encode_base64", "get_default_authority"),
                    *("normalize_authority", "resolve_tenant", "validate_scope"),
                    *("validate_subscription", "validate_tenant_id"),
                    *("within_credential_chain", "within_dac"),
                ),
                f"{_INTERNAL}.utils",
            ),
        },
    },
    # Its applications sign in for some of these classes, and keep the tokens of all.
    "msal-1.39": {
        "msal": {
            "ClientApplication": LATER,
            "SerializableTokenCache": "msal.token_cache",
            "TokenCache": "msal.token_cache",
            "__version__": "msal.sku",
        },
        # A browser's answer, and federations by XML.
        "msal.mex": {"send_request": LATER},
        "msal.oauth2cli.authcode": {"AuthCodeReceiver": LATER, "is_wsl": LATER},
        "msal.wstrust_request": {"send_request": LATER},
    },
    # Types that Python has by now, taken from the package for older ones.
    "typing_extensions-4.16": {
        "typing_extensions": dict.fromkeys(
            (
                *("ContextManager", "Literal", "ParamSpec", "Protocol"),
                *("Self", "TypeGuard", "runtime_checkable"),
            ),
            "typing",
        )
    },
}
