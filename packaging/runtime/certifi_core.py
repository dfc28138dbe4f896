"""``certifi.core`` in the frozen file: the CA bundle is a memory file."""

import frozen_importer

_path = ""


def where() -> str:
    global _path  # noqa: PLW0603
    if not _path:
        _path = frozen_importer.readable_path("certifi/cacert.pem")
    return _path


def contents() -> str:
    return frozen_importer.data("certifi/cacert.pem").decode("ascii")
