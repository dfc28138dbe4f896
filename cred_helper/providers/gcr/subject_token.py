"""The subject token of a credential source: in a file, or from a program. For a get and ``doctor``.

A program is run as the SDK runs it, but its standard error is kept apart from its answer, both have
limits, and what it says of a failure is passed on. A program that opens a browser or asks for
something is not run: the source is used without interaction.

Sources:
  https://cloud.google.com/iam/docs/workload-identity-federation-with-other-providers
  https://google.aip.dev/auth/4117 (the program's variables, its answer, the output file)
"""

from __future__ import annotations

import os

from cred_helper.errors import BadReply, Denied, Misconfigured
from cred_helper.files import json_file
from cred_helper.files.os_errors import os_reason
from cred_helper.files.path_values import quotable
from cred_helper.providers.gcr import credential_file
from cred_helper.providers.gcr.identity import MAX_FILE_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cred_helper.errors import CredentialError
    from cred_helper.providers.common.interface import Deadline

_ALLOW_VARIABLE = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"
_VERSION = 1
_DEFAULT_TIMEOUT_MS = 30_000
_TIMEOUTS_MS = (5_000, 120_000)
_OIDC_TYPES = ("urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token")
_SAML_TYPE = "urn:ietf:params:oauth:token-type:saml2"


def from_file(source: Mapping[str, Any], place: str) -> str:
    """The token in the file of a credential source; ``place`` is the credential file.

    Raises:
        Misconfigured: the file is missing, unreadable or empty, or has no such field.
    """
    path = source["file"]
    shown = path if quotable(path) else "its subject token file"
    where = {"path": shown, "place": place}
    try:
        data = credential_file.content(path)
        token = data.decode("utf-8")
    except FileNotFoundError:
        raise Misconfigured("gcr.subject-file-missing", **where) from None
    except (OSError, ValueError) as error:
        reason = os_reason(error) if isinstance(error, OSError) else "not UTF-8"
        raise Misconfigured("gcr.subject-file-unreadable", **where, reason=reason) from None
    if len(data) >= MAX_FILE_BYTES:
        raise Misconfigured("gcr.subject-file-too-large", **where)
    form = source.get("format")
    if isinstance(form, dict) and form.get("type") == "json":
        try:
            document = json_file.parse(data)
        except Misconfigured as error:
            raise error.within("file.at", place=shown) from None
        members = document.value if document else None
        field = form.get("subject_token_field_name")
        member = members.get(field) if isinstance(members, dict) else None
        if not isinstance(member, str):
            raise Misconfigured("gcr.subject-field-missing", **where)
        token = member
    if not token.strip():
        raise Misconfigured("gcr.subject-file-empty", **where)
    return token.strip()


class TokenProgram:
    """The program that a credential file names; ``place`` is that file.

    Raises:
        Misconfigured: the file does not name one that can be run.
    """

    def __init__(self, info: Mapping[str, Any], place: str) -> None:
        import shlex

        executable = info["credential_source"].get("executable")
        executable = executable if isinstance(executable, dict) else {}
        command = executable.get("command")
        timeout_ms = executable.get("timeout_millis") or _DEFAULT_TIMEOUT_MS
        try:
            self.command = shlex.split(command) if isinstance(command, str) else []
        except ValueError:
            self.command = []
        low, high = _TIMEOUTS_MS
        if not self.command or not isinstance(timeout_ms, int | float):
            raise Misconfigured("gcr.bad-program", path=place)
        if not low <= timeout_ms <= high:
            raise Misconfigured("gcr.bad-program-timeout", path=place)
        self._timeout_s = timeout_ms / 1000
        self._info = info
        self._place = place
        output_file = executable.get("output_file")
        self._output_file = output_file if isinstance(output_file, str) else ""
        # Without its arguments, which may hold a secret.
        name = self.command[0]
        self.name = f"the program {name}" if quotable(name) else "the program"

    def require_allowed(self, environ: Mapping[str, str]) -> None:
        """Check that the user has allowed programs to run.

        Raises:
            Misconfigured: the variable that allows it is not set.
        """
        if environ.get(_ALLOW_VARIABLE) != "1":
            raise Misconfigured("gcr.programs-not-allowed", path=self._place)

    def token(self, environ: Mapping[str, str], deadline: Deadline) -> str:
        """Run the program, unless its output file holds an answer that has not expired.

        Raises:
            ProviderError: it is not allowed, did not run, or did not answer with a token.
        """
        from cred_helper.providers.common.quoted import last_line, quoted
        from cred_helper.providers.common.run_program import run

        self.require_allowed(environ)
        kept = self._kept_answer()
        if "expiration_time" in kept:
            try:
                return self._token_in(kept)
            except (Denied, BadReply):
                pass  # expired: the program is run
        timeout_s = deadline.step_s(self._timeout_s)
        finished = run(self.command, self._variables(environ), timeout_s, self.name)
        # The SDKs read both outputs of a program as one.
        answer = json_file.parse_object(finished.output) or json_file.parse_object(finished.errors)
        if finished.status == 0:
            return self._token_in(answer or self._kept_answer())
        if answer.get("success") is False:
            raise self._refusal(answer)
        said = quoted(last_line(finished.errors or finished.output))
        code = "gcr.program-failed" if said else "gcr.program-failed-silently"
        raise BadReply(code, program=self.name, status=finished.status, said=said)

    def _variables(self, environ: Mapping[str, str]) -> dict[str, str]:
        account = credential_file.impersonated_by(
            self._info.get("service_account_impersonation_url")
        )
        variables = {
            "AUDIENCE": str(self._info["audience"]),
            "TOKEN_TYPE": str(self._info["subject_token_type"]),
            "ID": account,
            "INTERACTIVE": "0",
            "REVOKE": "0",
        }
        if account:
            variables["IMPERSONATED_EMAIL"] = account
        if self._output_file:
            variables["OUTPUT_FILE"] = self._output_file
        prefix = "GOOGLE_EXTERNAL_ACCOUNT_"
        return {**environ, **{prefix + name: value for name, value in variables.items()}}

    def _kept_answer(self) -> dict[str, Any]:
        if not os.path.isfile(self._output_file):
            return {}
        try:
            return json_file.parse_object(json_file.read(self._output_file))
        except OSError:
            return {}

    def _token_in(self, answer: Mapping[str, Any]) -> str:
        if answer.get("success") is False:
            raise self._refusal(answer)
        version = answer.get("version")
        if answer.get("success") is not True or not isinstance(version, int):
            raise BadReply("gcr.program-bad-answer", program=self.name)
        if version > _VERSION:
            raise BadReply("gcr.program-other-version", program=self.name, version=version)
        ends_at = answer.get("expiration_time")
        if isinstance(ends_at, int | float):
            from time import time

            if ends_at < time():
                raise Denied("gcr.program-expired-token", program=self.name)
        kind = answer.get("token_type")
        token = answer.get("id_token") if kind in _OIDC_TYPES else None
        token = answer.get("saml_response") if kind == _SAML_TYPE else token
        if not isinstance(token, str) or not token:
            raise BadReply("gcr.program-bad-answer", program=self.name)
        return token

    def _refusal(self, answer: Mapping[str, Any]) -> CredentialError:
        from cred_helper.providers.common.quoted import quoted

        tokens = [str(answer[name]) for name in ("id_token", "saml_response") if name in answer]
        code = quoted(str(answer.get("code") or ""), tokens)
        said = ": ".join(filter(None, [code, quoted(answer.get("message"), tokens)]))
        code = "gcr.program-refused" if said else "gcr.program-bad-answer"
        return Denied(code, program=self.name, said=said)
