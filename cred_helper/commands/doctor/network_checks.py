"""What token exchanges depend on besides the identity: the clock, certificates, the proxy."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Iterator
from typing import Any

from cred_helper.clouds import CLOUDS
from cred_helper.commands.doctor.finding import ERROR, Finding, error, note, ok, warning
from cred_helper.commands.doctor.path_variables import path_variable
from cred_helper.commands.ui import shell
from cred_helper.providers.common import proxy as common_proxy
from cred_helper.providers.common.trust import CA_VARIABLES, CaFile
from cred_helper.registry import system_certificates

# This program did not exist before: an earlier clock fails every TLS handshake and signature.
_WRITTEN_AT_S = 1_790_000_000.0
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY")
_METADATA = "169.254.169.254"
_BUNDLE_VARIABLES = (*(name for cloud in CLOUDS for name in cloud.ca_variables), *CA_VARIABLES)
# A file with more certificates than this is a system's: their names are not listed.
_LISTED = 5


def clock() -> Iterator[Finding]:
    """Whether the clock can be right; ``--online`` compares it with the registries'."""
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    if time.time() < _WRITTEN_AT_S:
        yield error("clock", "doctor.clock-in-past", shell.set_clock(), time=shown)
    else:
        yield ok("clock", "doctor.clock", time=shown)


def tls() -> Iterator[Finding]:
    """Which certificates are trusted, and whether the system's store counts."""
    named = [(name, path) for name in _BUNDLE_VARIABLES if (path := os.environ.get(name))]
    for variable, path in named:
        yield path_variable(variable, path, "tls") or _bundle(variable, path)
    if not named:
        system = system_certificates() or "none"
        yield ok("tls", "doctor.certificates-built-in", system=system)


def _bundle(variable: str, path: str) -> Finding:
    if problem := CaFile(variable, path).problem():
        return Finding(ERROR, "tls", problem, shell.unset_variable(variable))
    values = {"variable": variable, "path": path}
    if os.path.isdir(path):
        return ok("tls", "doctor.certificates-folder", **values)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(path)
    certificates = context.get_ca_certs()
    ended = [c for c in certificates if ssl.cert_time_to_seconds(str(c["notAfter"])) < time.time()]
    if ended and len(ended) == len(certificates):
        values["names"] = ", ".join(map(_name, ended[:_LISTED]))
        return error("tls", "doctor.certificates-expired", shell.unset_variable(variable), **values)
    names = f" ({', '.join(map(_name, certificates))})" if len(certificates) <= _LISTED else ""
    count = len(certificates)
    values["count"] = f"{count} {'certificate' if count == 1 else 'certificates'}{names}"
    return ok("tls", "doctor.certificates-named", **values)


def _name(certificate: dict[str, Any]) -> str:
    """The name of an authority: its common name, else its organisation."""
    subject = {key: value for part in certificate.get("subject", ()) for key, value in part}
    return str(subject.get("commonName") or subject.get("organizationName") or "unnamed")


def proxy() -> Iterator[Finding]:
    """Which proxy is used, and whether its address is valid."""
    for variable in _PROXIES:
        values = {os.environ.get(name, "") for name in (variable, variable.lower())} - {""}
        if len(values) > 1:
            both = {"one": variable, "other": variable.lower()}
            command = shell.unset_variable(variable.lower())
            yield warning("proxy", "doctor.proxies-differ", command, **both)
        for value in sorted(values):
            yield _proxy(variable, value)
    excepted = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    is_direct = not {"*", _METADATA}.isdisjoint(map(str.strip, excepted.split(",")))
    if any(os.environ.get(name) for name in ("HTTP_PROXY", "http_proxy")) and not is_direct:
        direct = f"{excepted},{_METADATA}" if excepted else _METADATA
        command = shell.set_variable("NO_PROXY", direct)
        yield note("proxy", "doctor.metadata-through-proxy", command, address=_METADATA)


def _proxy(variable: str, value: str) -> Finding:
    if common_proxy.problem(value):
        command = shell.unset_variable(variable)
        return error("proxy", "doctor.proxy-invalid", command, variable=variable)
    return note("proxy", "doctor.proxy", variable=variable, address=common_proxy.shown(value))
