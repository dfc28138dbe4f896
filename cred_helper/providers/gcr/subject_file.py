"""The subject token in a file, for a get and for ``doctor``.

Source: https://cloud.google.com/iam/docs/workload-identity-federation-with-other-providers
"""

from __future__ import annotations

from cred_helper.errors import Misconfigured
from cred_helper.files import json_file
from cred_helper.files.os_errors import os_reason
from cred_helper.files.path_values import quotable
from cred_helper.providers.gcr.identity import MAX_FILE_BYTES, file_content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def read_file(source: Mapping[str, Any], place: str) -> str:
    """The subject token in the file of a credential source; ``place`` is the credential file.

    Raises:
        Misconfigured: the file is missing, unreadable or empty, or has no such field.
    """
    path = source["file"]
    shown = path if quotable(path) else "its subject token file"
    form = source.get("format")
    form = form if isinstance(form, dict) else {}
    try:
        data = file_content(path)
        text = data.decode("utf-8")
    except FileNotFoundError:
        raise Misconfigured("gcr.subject-file-missing", path=shown, place=place) from None
    except (OSError, ValueError) as error:
        reason = os_reason(error) if isinstance(error, OSError) else "not UTF-8"
        raise Misconfigured(
            "gcr.subject-file-unreadable", path=shown, place=place, reason=reason
        ) from None
    if len(data) >= MAX_FILE_BYTES:
        raise Misconfigured("gcr.subject-file-too-large", path=shown, place=place)
    token: object = text
    if form.get("type") == "json":
        field = form.get("subject_token_field_name")
        try:
            document = json_file.parse(data)
        except Misconfigured as error:
            raise error.within("file.at", place=shown) from None
        value = document.value if document else None
        token = value.get(field) if isinstance(value, dict) else None
        if not isinstance(token, str):
            raise Misconfigured("gcr.subject-field-missing", path=shown, place=place)
    assert isinstance(token, str)
    if not token.strip():
        raise Misconfigured("gcr.subject-file-empty", path=shown, place=place)
    return token.strip()
