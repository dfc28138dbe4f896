"""What a check finds: how severe it is, a message of the catalogue, and a command to run."""

from __future__ import annotations

from typing import Any, NamedTuple

from cred_helper.errors import CredentialError

OK = "ok"
NOTE = "note"
WARNING = "warning"
ERROR = "error"


class Finding(NamedTuple):
    """The result of one check. ``command`` can be pasted into a shell."""

    severity: str
    subject: str
    notice: CredentialError
    command: str | None = None

    def document(self) -> dict[str, Any]:
        return {
            "severity": self.severity,
            "subject": self.subject,
            "code": self.notice.code,
            "message": self.notice.reason,
            "command": self.command,
            "hint": self.notice.hint,
        }


def ok(subject: str, code: str, **values: Any) -> Finding:
    """Nothing to do."""
    return Finding(OK, subject, CredentialError(code, **values))


def note(subject: str, code: str, command: str | None = None, **values: Any) -> Finding:
    """Worth knowing."""
    return Finding(NOTE, subject, CredentialError(code, **values), command)


def warning(subject: str, code: str, command: str | None = None, **values: Any) -> Finding:
    """Something to look at: part of the machine works as the user does not expect."""
    return Finding(WARNING, subject, CredentialError(code, **values), command)


def error(subject: str, code: str, command: str | None = None, **values: Any) -> Finding:
    """Something to mend."""
    return Finding(ERROR, subject, CredentialError(code, **values), command)
