"""What token exchanges depend on and nobody looks at: the clock, the authorities, the proxy."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cred_helper.commands.doctor.finding import ERROR, NOTE, OK, WARNING, Finding
from cred_helper.commands.ui import shell
from cred_helper.providers.common.trust import CA_VARIABLES, ca_trouble

if TYPE_CHECKING:
    from collections.abc import Iterator

# Nobody ran this before it was written: an earlier clock fails every TLS handshake and signature.
_WRITTEN_AT_S = 1_790_000_000.0
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY")
_METADATA = "169.254.169.254"


def clock() -> Iterator[Finding]:
    """Whether the clock can be right; ``--online`` compares it with the registries'."""
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    if time.time() < _WRITTEN_AT_S:
        message = f"the clock says {shown}, which is over: no certificate and no signature is valid"
        yield Finding(ERROR, "clock", message, shell.set_clock())
    else:
        yield Finding(OK, "clock", shown)


def tls() -> Iterator[Finding]:
    """Whether the files of authorities that variables name are such files."""
    for variable in ("AWS_CA_BUNDLE", *CA_VARIABLES):
        path = os.environ.get(variable)
        if not path:
            continue
        trouble = ca_trouble(path)
        if trouble:
            message = f"{variable} names {path}, which {trouble}: whoever reads it trusts nobody"
            yield Finding(ERROR, "tls", message, shell.unset_variable(variable))
        else:
            yield Finding(OK, "tls", f"{variable}: {path}")


def proxy() -> Iterator[Finding]:
    """Which proxy is in the way, and whether it is one."""
    for variable in _PROXIES:
        values = {os.environ.get(name, "") for name in (variable, variable.lower())} - {""}
        if len(values) > 1:
            message = (
                f"{variable} and {variable.lower()} differ: programs do not agree on the proxy"
            )
            yield Finding(WARNING, "proxy", message, shell.unset_variable(variable.lower()))
        for value in sorted(values):
            yield _proxy(variable, value)
    if any(os.environ.get(name) for name in ("HTTP_PROXY", "http_proxy")) and not _is_direct():
        message = f"NO_PROXY lacks {_METADATA}: a cloud's metadata service is asked by the proxy"
        before = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
        direct = ",".join(filter(None, (before, _METADATA)))
        yield Finding(NOTE, "proxy", message, shell.set_variable("NO_PROXY", direct))


def _proxy(variable: str, value: str) -> Finding:
    # What stands before an @ is a password more often than not.
    shown = value.rpartition("@")[2]
    address = value if "://" in value else f"http://{value}"
    try:
        parts = urlsplit(address)
        is_address = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        message = f"{variable} is no address of a proxy"
        return Finding(ERROR, "proxy", message, shell.unset_variable(variable))
    return Finding(NOTE, "proxy", f"{variable}: {shown}")


def _is_direct() -> bool:
    """Whether metadata services are reached without the proxy."""
    excepted = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    return any(entry.strip() in ("*", _METADATA) for entry in excepted.split(","))
