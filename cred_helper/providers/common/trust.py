"""Which certificate authorities are trusted, by the environment.

Opens no connection. A CA bundle is examined only after a connection has failed: reading one costs
more than everything else before a cached answer. An empty variable counts as not set.

Source: https://requests.readthedocs.io/en/latest/user/advanced/#ssl-cert-verification (the first
two names); https://docs.openssl.org/master/man3/SSL_CTX_load_verify_locations/ (the third, which
Go and curl read as well)
"""

from __future__ import annotations

import os

from cred_helper.errors import Misconfigured
from cred_helper.files.path_values import holds_content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


class CaFile:
    """A CA bundle (a file or a folder), and the variable or setting that names it."""

    __slots__ = ("named_by", "path")

    def __init__(self, named_by: str, path: str) -> None:
        self.named_by = named_by
        self.path = path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> CaFile | None:
        """The CA bundle that the environment names, if it names one."""
        named = ((name, environ.get(name)) for name in CA_VARIABLES)
        return next((cls(name, path) for name, path in named if path), None)

    def problem(self) -> Misconfigured | None:
        """Why the bundle cannot be used, if that is so."""
        import ssl

        name, path = self.named_by, self.path
        if holds_content(path):
            return Misconfigured("network.ca-file-not-a-path", variable=name)
        if not os.path.exists(path):
            return Misconfigured("network.ca-file-missing", variable=name, path=path)
        if not os.path.isfile(path) and not os.path.isdir(path):
            # OpenSSL would wait for the writer of a pipe.
            return Misconfigured(
                "network.ca-file-unreadable", variable=name, path=path, reason="not a regular file"
            )
        try:
            if os.path.isdir(path):
                ssl.create_default_context(capath=path)
            else:
                ssl.create_default_context(cafile=path)
        except ssl.SSLError:
            return Misconfigured("network.ca-file-empty", variable=name, path=path)
        except OSError as error:
            reason = (error.strerror or "no reason given").lower()
            return Misconfigured(
                "network.ca-file-unreadable", variable=name, path=path, reason=reason
            )
        return None
