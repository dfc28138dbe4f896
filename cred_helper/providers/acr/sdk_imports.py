"""What azure-identity imports and one token does not use; see ``common.deferred_imports``."""

from __future__ import annotations

from cred_helper.providers.common.deferred_imports import LATER, UNUSED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.common.deferred_imports import Table

_INTERNAL = "azure.identity._internal"
_CREDENTIALS = "azure.identity._credentials"

_PIPELINE = "azure.core.pipeline"
_POLICIES = f"{_PIPELINE}.policies"


def _of(module: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, module)


TABLES: dict[str, Table] = {
    "azure_core-1.41": {
        # Half of it is for asyncio.
        "azure.core._pipeline_client": {"PipelineClient": LATER},
        "azure.core._pipeline_client_async": {"AsyncPipelineClient": LATER},
        f"{_PIPELINE}._base_async": {"AsyncPipeline": LATER},
        _POLICIES: {
            **_of(f"{_POLICIES}._base", "HTTPPolicy", "SansIOHTTPPolicy"),
            **_of(
                f"{_POLICIES}._universal",
                *("ContentDecodePolicy", "HeadersPolicy", "HttpLoggingPolicy"),
                *("NetworkTraceLoggingPolicy", "ProxyPolicy", "RequestIdPolicy"),
                "UserAgentPolicy",
            ),
            "CustomHookPolicy": f"{_POLICIES}._custom_hook",
            "DistributedTracingPolicy": f"{_POLICIES}._distributed_tracing",
            "BearerTokenCredentialPolicy": f"{_POLICIES}._authentication",
            "RetryPolicy": f"{_POLICIES}._retry",
            "SensitiveHeaderCleanupPolicy": f"{_POLICIES}._sensitive_header_cleanup_policy",
        },
        f"{_PIPELINE}.transport._base_async": _of(LATER, "AsyncHttpResponse", "AsyncHttpTransport"),
        "azure.core.serialization": {"AzureJSONEncoder": LATER},
    },
    "azure_identity-1.27": {
        # One credential class of twenty is used.
        "azure.identity": {
            "AuthenticationRecord": "azure.identity._auth_record",
            "AuthenticationRequiredError": "azure.identity._exceptions",
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
            **_of(
                f"{_INTERNAL}.utils",
                *("encode_base64", "get_default_authority"),
                *("normalize_authority", "resolve_tenant", "validate_scope"),
                *("validate_subscription", "validate_tenant_id"),
                *("within_credential_chain", "within_dac"),
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
        "msal.managed_identity": _of(
            LATER,
            *("ArcPlatformNotSupportedError", "ManagedIdentityClient", "ManagedIdentityError"),
            *("SystemAssignedManagedIdentity", "UserAssignedManagedIdentity"),
        ),
        # A browser's answer, and federations by XML.
        "msal.mex": {"send_request": LATER},
        "msal.oauth2cli.authcode": {"AuthCodeReceiver": LATER, "is_wsl": LATER},
        "msal.wstrust_request": {"send_request": LATER},
    },
    # Its application looks at the version of this, and at how requests fails.
    "msal_extensions-1.3": {
        "msal_extensions.persistence": _of(
            LATER,
            *("FilePersistence", "FilePersistenceWithDataProtection", "KeychainPersistence"),
            *("LibsecretPersistence", "build_encrypted_persistence"),
        ),
        "msal_extensions.token_cache": _of(
            LATER, "CrossPlatLock", "LockError", "PersistedTokenCache"
        ),
    },
    "requests-2.34": {"requests": {}, "requests.exceptions": {"RequestException": UNUSED}},
    # Types that Python has by now, taken from the package for older ones.
    "typing_extensions-4.16": {
        "typing_extensions": _of(
            "typing",
            *("ContextManager", "Literal", "ParamSpec", "Protocol"),
            *("Self", "TypeGuard", "runtime_checkable"),
        )
    },
}
