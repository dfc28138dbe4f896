"""Which certificate authorities are trusted, by the environment.

Opens no connection. A CA bundle is examined only after a connection has failed: reading one costs
more than everything else before a cached answer. An empty variable counts as not set.

Source: https://requests.readthedocs.io/en/latest/user/advanced/#ssl-cert-verification (the first
two names); https://docs.openssl.org/master/man3/SSL_CTX_load_verify_locations/ (the third, which
Go and curl read as well)
"""

from __future__ import annotations

import os

from cred_helper.errors import Misconfigured, memory_is_short
from cred_helper.files.path_values import holds_content
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


class CaFile(Record):
    """A CA bundle (a file or a folder), and the variable or setting that names it."""

    named_by: str
    path: str

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> CaFile | None:
        """The CA bundle that the environment names, if it names one."""
        return next((cls(name, environ[name]) for name in CA_VARIABLES if environ.get(name)), None)

    def problem(self) -> Misconfigured | None:
        """Why the bundle cannot be used, if that is so."""
        import ssl

        path, values = self.path, {"variable": self.named_by, "path": self.path}
        if holds_content(path):
            return Misconfigured("network.ca-file-not-a-path", variable=self.named_by)
        if not os.path.exists(path):
            return Misconfigured("network.ca-file-missing", **values)
        try:
            if os.path.isdir(path):
                ssl.create_default_context(capath=path)
            elif os.path.isfile(path):
                ssl.create_default_context(cafile=path)
            else:  # OpenSSL would wait for the writer of a pipe
                values["reason"] = "not a regular file"
        except ssl.SSLError as error:
            return openssl_problem(error) or Misconfigured("network.ca-file-empty", **values)
        except OSError as error:
            values["reason"] = (error.strerror or "no reason given").lower()
        return Misconfigured("network.ca-file-unreadable", **values) if "reason" in values else None


def openssl_problem(error: BaseException) -> Misconfigured | None:
    """The error if OpenSSL itself cannot be used, as with a FIPS provider that does not exist.

    Source: https://github.com/pyinstaller/pyinstaller/issues/8273
    """
    if getattr(error, "reason", None) != "LIBRARY_HAS_NO_CIPHERS":
        return None
    if memory_is_short():
        raise MemoryError
    return Misconfigured("network.openssl-without-ciphers")
