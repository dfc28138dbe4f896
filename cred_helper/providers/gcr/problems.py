"""What local files show to be wrong with a Google identity.

No network, no SDK, no child process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cred_helper.errors import Misconfigured, ProviderError
from cred_helper.providers.common import pipes
from cred_helper.providers.common.interface import Identity, TokenRequest
from cred_helper.providers.gcr.identity import GCLOUD, FileIdentity


def problems(request: TokenRequest, identity: Identity) -> Iterator[ProviderError]:
    """Each problem of the identity in use."""
    environ = request.environ
    if isinstance(identity, FileIdentity) and identity.content is not None:
        yield from _raised_by(_check_file, identity.path, environ)
    if identity.source == GCLOUD:
        yield from _raised_by(_check_gcloud, environ)


def _raised_by(check: Callable[..., None], *values: object) -> Iterator[ProviderError]:
    try:
        check(*values)
    except ProviderError as error:
        yield error


def _check_file(path: str, environ: Mapping[str, str]) -> None:
    from cred_helper.providers.gcr import credential_file

    for part in credential_file.parts(credential_file.read(path)):
        if part["type"] == "external_account":
            _check_subject(part, path, environ)


def _check_subject(info: Mapping[str, Any], path: str, environ: Mapping[str, str]) -> None:
    from shutil import which

    from cred_helper.providers.gcr import subject, subject_token

    source = info["credential_source"]
    if info["subject_token_type"] == subject.AWS_TOKEN_TYPE:
        return
    if "executable" in source:
        program = subject_token.TokenProgram(info, path)
        if not which(program.command[0], path=environ.get("PATH", os.defpath)):
            raise Misconfigured("gcr.program-missing", program=program.name, path=path)
        program.require_allowed(environ)
    elif isinstance(source.get("file"), str) and not pipes.is_pipe(source["file"]):
        _check_lifetime(subject_token.from_file(source, path), path)


def _check_lifetime(token: str, path: str) -> None:
    from time import gmtime, strftime, time

    from cred_helper.providers.common import token_identity

    ends_at_s = token_identity.ends_at_s(token)
    if ends_at_s is not None and 0 < ends_at_s < time():
        shown = strftime("%Y-%m-%d %H:%M UTC", gmtime(ends_at_s))
        raise Misconfigured("gcr.subject-token-expired", path=path, time=shown)


def _check_gcloud(environ: Mapping[str, str]) -> None:
    from cred_helper.providers.gcr import gcloud, gcloud_token

    login = gcloud.find(environ)
    if isinstance(login, gcloud.Login) and login.token_file and not pipes.is_pipe(login.token_file):
        gcloud_token.from_file(login.token_file)
