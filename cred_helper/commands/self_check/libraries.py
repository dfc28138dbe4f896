"""Whether the libraries of this build can be loaded, and which OpenSSL and CA bundle it has."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import ExtensionFileLoader
from importlib.util import find_spec

from cred_helper import clouds, providers
from cred_helper.commands.doctor.finding import ERROR, Finding, error, ok
from cred_helper.commands.self_check import payload
from cred_helper.errors import CannotLoad, fault
from cred_helper.providers.common import deferred_imports
from cred_helper.providers.common.trust import CaFile

_SUBJECT = "libraries"


def libraries() -> Iterator[Finding]:
    """Load what each cloud needs, and look at what TLS works with."""
    for cloud in clouds.CLOUDS:
        if cloud.sdk and providers.load(cloud.name) is not None:
            # A build has what the program imports: of boto3, botocore alone.
            packages = [name for name in cloud.sdk if find_spec(name)]
            yield from _loaded(packages, f"{len(packages)} SDK packages of {cloud.name}")
    # Some extension modules need the body of their package.
    deferred = deferred_imports.names()
    yield from _loaded(deferred, f"{len(deferred)} deferred modules")
    extensions = payload.extensions() or _extensions_of_python()
    yield from _loaded(extensions, f"{len(extensions)} extension modules")
    yield from _openssl()
    yield from _authorities()


def _loaded(names: Iterable[str], what: str) -> Iterator[Finding]:
    count = 0
    for name in names:
        try:
            importlib.import_module(name)
            deferred_imports.run(name)
        except CannotLoad as failure:
            yield Finding(ERROR, _SUBJECT, failure.error)
        except Exception as failure:  # noqa: BLE001 - the other modules are still loaded
            kind = type(failure).__name__
            yield error(_SUBJECT, "selfcheck.cannot-load", module=name, error=kind)
        else:
            count += 1
    yield ok(_SUBJECT, "selfcheck.loaded", count=count, what=what)


def _extensions_of_python() -> list[str]:
    """The extension modules that the SDKs have loaded, where Python finds them in folders."""
    return [
        name
        for name, module in sorted(sys.modules.items())
        if isinstance(getattr(module, "__loader__", None), ExtensionFileLoader)
    ]


def _openssl() -> Iterator[Finding]:
    import ssl

    yield ok("openssl", "selfcheck.openssl", version=f"{ssl.OPENSSL_VERSION}, of Python")
    try:
        from cryptography.hazmat.backends.openssl.backend import backend
    except ModuleNotFoundError:
        return  # a build without a cloud signs nothing
    except CannotLoad as failure:
        yield Finding(ERROR, "openssl", failure.error)
        return
    version = f"{backend.openssl_version_text()}, of cryptography"
    yield ok("openssl", "selfcheck.openssl", version=version)


def _authorities() -> Iterator[Finding]:
    """The certificate authorities that the clouds' certificates are compared with."""
    import ssl

    chosen = CaFile.of(os.environ)
    try:
        if chosen is None:
            import certifi

            place = f"certifi {certifi.__version__}"
            context = ssl.create_default_context(cadata=certifi.contents())
        elif problem := chosen.problem():
            yield Finding(ERROR, "ca", problem)
            return
        elif os.path.isdir(chosen.path):
            return  # its files are read when a certificate asks for them
        else:
            place = f"{chosen.path}, by {chosen.named_by}"
            context = ssl.create_default_context(cafile=chosen.path)
    except ModuleNotFoundError:
        return  # a build without a cloud opens no connection
    except (Exception, CannotLoad) as failure:  # noqa: BLE001 - the other checks still run
        yield Finding(ERROR, "ca", fault(failure))
        return
    count = context.cert_store_stats()["x509_ca"]
    if count:
        yield ok("ca", "selfcheck.authorities", count=count, place=place)
    else:
        yield error("ca", "selfcheck.no-authorities", place=place)
