"""An exchange of each cloud with a loopback server, by the provider and its SDK as they are.

The environment of the process is a made-up one meanwhile: no variable, file or identity of the user
has a part in it, no token is kept, and nothing is sent to a network.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic

from cred_helper import clouds, providers
from cred_helper.clouds import Cloud
from cred_helper.commands.doctor.finding import ERROR, Finding, error, note, ok, warning
from cred_helper.commands.self_check.loopback_server import Authority, LoopbackServer
from cred_helper.commands.self_check.temporary_files import TemporaryFiles
from cred_helper.credential import Credential
from cred_helper.errors import CannotLoad, CredentialError, fault
from cred_helper.files.os_errors import os_reason
from cred_helper.hosts import OPTIONAL_ZONES, ZONES, route
from cred_helper.providers.common.bounded_provider import BoundedProvider
from cred_helper.providers.common.interface import Deadline, IdToken, TokenRequest
from cred_helper.providers.common.loopback import SelfCheck
from cred_helper.providers.common.protocols import Provider
from cred_helper.server_url import ServerURL

# An exchange takes a second or two on the slowest machine that is supported.
_DEADLINE_S = 30.0
# What a process needs of its environment to load libraries and open sockets.
_KEPT = ("LANG", "LC_ALL", "PATH", "SYSTEMROOT", "TEMP", "TMPDIR", "XDG_RUNTIME_DIR")


def exchanges() -> Iterator[Finding]:
    authority: Authority | None = None
    for cloud in clouds.CLOUDS:
        provider = providers.load(cloud.name)
        if provider is None:
            yield note(cloud.name, "selfcheck.left-out")
            continue
        try:
            declared: type[SelfCheck] | None = providers.find(
                f"{cloud.name}.self_check", "SelfCheck"
            )
            if declared is None:
                yield warning(cloud.name, "selfcheck.not-declared")
                continue
            authority = authority or Authority()
            yield _exchanged(cloud, provider, declared(), authority)
        except OSError as failure:
            yield error(cloud.name, "selfcheck.no-loopback", reason=os_reason(failure))
        except (Exception, CannotLoad) as failure:  # noqa: BLE001 - the others are still checked
            yield _failed(cloud, fault(failure))


def _exchanged(cloud: Cloud, provider: Provider, check: SelfCheck, authority: Authority) -> Finding:
    with TemporaryFiles() as files, LoopbackServer(authority, files.keep, check.answer) as server:
        bundle = files.keep("authority.pem", authority.pem)
        environ = {
            **{name: os.environ[name] for name in _KEPT if name in os.environ},
            "USERPROFILE" if sys.platform == "win32" else "HOME": os.devnull,
            "HTTPS_PROXY": server.address,
            "REQUESTS_CA_BUNDLE": bundle,
            **check.environ(files.keep),
        }
        begun_s = monotonic()
        try:
            with _environment(environ):
                credential = _ask(cloud, provider, check, environ)
        except CredentialError:
            if server.refused is None:
                raise
            asked = server.refused
            values = {"method": asked.method, "host": asked.host, "path": asked.path}
            return _failed(cloud, CredentialError("selfcheck.refused", **values))
        took_ms = f"{(monotonic() - begun_s) * 1000:.0f}"
        username = cloud.username or check.options["username"]
        if (credential.username, credential.secret.expose()) != (username, check.secret):
            return _failed(cloud, CredentialError("selfcheck.other-credential"))
        requests = f"{server.answered} request{'' if server.answered == 1 else 's'}"
        values = {"host": cloud.example_host, "requests": requests, "took": took_ms}
        return ok(cloud.name, "selfcheck.exchanged", **values)


def _ask(
    cloud: Cloud, provider: Provider, check: SelfCheck, environ: Mapping[str, str]
) -> Credential:
    found = route(ServerURL.parse(cloud.example_host), (*ZONES, *OPTIONAL_ZONES))
    assert found is not None
    token = check.options.get("id_token")
    request = TokenRequest(
        found,
        environ=environ,
        deadline=Deadline(_DEADLINE_S, monotonic),
        options=check.options,
        id_token=IdToken(token) if token else None,
    )
    bounded = BoundedProvider(provider)
    return bounded.get(request, bounded.identify(request))


@contextmanager
def _environment(environ: Mapping[str, str]) -> Iterator[None]:
    """Replace the environment of the process, which the SDKs read."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _failed(cloud: Cloud, failure: CredentialError) -> Finding:
    notice = failure.within("selfcheck.exchange-failed", host=cloud.example_host)
    return Finding(ERROR, cloud.name, notice)
