"""What a person's environment says of the network: whom to trust, and by which proxy to go.

Never opens a connection. What is wrong with a file of authorities is looked for only after a
connection has failed: reading one costs more than all the rest of a look.

Source: https://requests.readthedocs.io/en/latest/user/advanced/#ssl-cert-verification (the first
two names); https://docs.openssl.org/master/man3/SSL_CTX_load_verify_locations/ (the third, which
Go and curl read as well)
"""

from __future__ import annotations

import os

from cred_helper.errors import Misconfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


class CaFile:
    """A file (or folder) of authorities to trust, and what names it."""

    __slots__ = ("named_by", "path")

    def __init__(self, named_by: str, path: str) -> None:
        self.named_by = named_by
        self.path = path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> CaFile | None:
        """The file that the environment names, the strongest word first."""
        named = ((name, environ.get(name)) for name in CA_VARIABLES)
        return next((cls(name, path) for name, path in named if path), None)

    def problem(self) -> Misconfigured | None:
        """The error that says why nobody can be trusted by it, if that is so."""
        trouble = ca_trouble(self.path)
        if trouble is None:
            return None
        return Misconfigured(
            f"{self.named_by} names {self.path}, which {trouble}",
            hint="have it name the file of the authorities to trust, or unset it",
        )


def ca_trouble(path: str) -> str | None:
    """What is wrong with a file of authorities, in words that follow "which"."""
    import ssl

    if not os.path.exists(path):
        return "does not exist"
    try:
        if os.path.isdir(path):
            ssl.create_default_context(capath=path)
        else:
            ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        return "holds no certificates"
    except OSError as error:
        return f"cannot be read ({(error.strerror or 'no reason given').lower()})"
    return None


def unusable_proxy() -> Misconfigured | None:
    """The error for a proxy that the SDKs cannot go by, where one is set at all.

    Its address may hold a password. What an SDK goes by is the process's own environment.
    """
    from urllib.request import getproxies

    if not getproxies():
        return None
    return Misconfigured(
        "HTTPS_PROXY is set to no http:// or https:// address of a proxy",
        hint="no other proxy can be used; NO_PROXY names what is reached without one",
    )
