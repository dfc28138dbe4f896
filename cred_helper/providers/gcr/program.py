"""The program of a credential source: run it, and read the subject token that it answers with.

Unlike the SDK, which does the same, it keeps the program's standard error apart from its answer,
limits both, and passes on what the program says of a failure. A program that opens a browser or
asks for something is not run: the source is used without interaction.

Source: https://google.aip.dev/auth/4117 (the executable's variables, its answer, the output file)
"""

from __future__ import annotations

import os

from cred_helper.errors import BadReply, Denied, Misconfigured
from cred_helper.files import json_file
from cred_helper.files.json_file import parse_object
from cred_helper.providers.common.quoted import last_line, quoted
from cred_helper.providers.common.run_program import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cred_helper.errors import CredentialError
    from cred_helper.providers.common.interface import Deadline

ALLOW_VARIABLE = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"
_VERSION = 1
_DEFAULT_TIMEOUT_S = 30.0
_TIMEOUTS_MS = (5_000, 120_000)
_OIDC_TYPES = ("urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token")
_SAML_TYPE = "urn:ietf:params:oauth:token-type:saml2"


class Program:
    """The program that a credential file names; ``place`` is that file.

    Raises:
        Misconfigured: the file does not name one that can be run.
    """

    def __init__(self, info: Mapping[str, Any], place: str) -> None:
        import shlex

        executable = info["credential_source"].get("executable")
        executable = executable if isinstance(executable, dict) else {}
        command = executable.get("command")
        timeout_ms = executable.get("timeout_millis") or _DEFAULT_TIMEOUT_S * 1000
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
        self._output_file = executable.get("output_file")

    @property
    def name(self) -> str:
        """The program in words, without its arguments, which may hold a secret."""
        from cred_helper.files.path_values import quotable

        program = self.command[0]
        return f"the program {program}" if quotable(program) else "the program"

    def subject_token(self, environ: Mapping[str, str], deadline: Deadline) -> str:
        """Run the program, unless its output file holds an answer that has not expired.

        Raises:
            ProviderError: it did not run, or did not answer with a token.
        """
        kept = self._kept_answer()
        if "expiration_time" in kept:
            try:
                return self._token(kept)
            except (Denied, BadReply):
                pass  # expired: the program is run
        timeout_s = deadline.step_s(self._timeout_s)
        finished = run(self.command, self._variables(environ), timeout_s, self.name)
        # The SDKs read both outputs of a program as one.
        answer = parse_object(finished.output) or parse_object(finished.errors)
        if finished.status == 0:
            return self._token(answer or self._kept_answer())
        if answer and answer.get("success") is False:
            raise self._refusal(answer)
        said = quoted(last_line(finished.errors or finished.output))
        raise BadReply(
            "gcr.program-failed" if said else "gcr.program-failed-silently",
            program=self.name,
            status=finished.status,
            said=said,
        )

    def _variables(self, environ: Mapping[str, str]) -> dict[str, str]:
        from cred_helper.providers.gcr.credential_file import impersonated_by

        info = self._info
        account = impersonated_by(info.get("service_account_impersonation_url"))
        variables = {
            "GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE": str(info["audience"]),
            "GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE": str(info["subject_token_type"]),
            "GOOGLE_EXTERNAL_ACCOUNT_ID": account,
            "GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE": "0",
            "GOOGLE_EXTERNAL_ACCOUNT_REVOKE": "0",
        }
        if account:
            variables["GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL"] = account
        if isinstance(self._output_file, str):
            variables["GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE"] = self._output_file
        return {**environ, **variables}

    def _kept_answer(self) -> dict[str, Any]:
        if not isinstance(self._output_file, str) or not os.path.isfile(self._output_file):
            return {}
        try:
            return parse_object(json_file.read(self._output_file))
        except OSError:
            return {}

    def _token(self, answer: Mapping[str, Any]) -> str:
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
        tokens = [str(answer[name]) for name in ("id_token", "saml_response") if name in answer]
        code = quoted(str(answer.get("code") or ""), tokens)
        said = ": ".join(filter(None, [code, quoted(answer.get("message"), tokens)]))
        code = "gcr.program-refused" if said else "gcr.program-bad-answer"
        return Denied(code, program=self.name, said=said)


def require_allowed(environ: Mapping[str, str], place: str) -> None:
    """Run no program before the user has allowed it.

    Raises:
        Misconfigured: the variable that allows it is not set.
    """
    if environ.get(ALLOW_VARIABLE) != "1":
        raise Misconfigured("gcr.programs-not-allowed", path=place)
