"""botocore's data loader in the frozen file: botocore's folders first, then the file's own data.

Models in ``~/.aws/models`` or ``AWS_DATA_PATH`` come first, as in an installed botocore.
"""

from __future__ import annotations

import marshal

import frozen_importer
from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader as DirectoryLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = "botocore/data/"


def _carried(type_name: str) -> Iterator[list[str]]:
    """The service and version of every file of this type in the payload."""
    for name in frozen_importer.contents()["data"]:
        if name.startswith(_PREFIX) and name.endswith(f"/{type_name}.json"):
            yield name[len(_PREFIX) :].split("/")[:2]


class Loader(DirectoryLoader):
    def list_available_services(self, type_name: str) -> list[str]:
        found = super().list_available_services(type_name)
        return sorted({*found, *(service for service, _ in _carried(type_name))})

    def list_api_versions(self, service_name: str, type_name: str) -> list[str]:
        versions = {version for service, version in _carried(type_name) if service == service_name}
        try:
            versions.update(super().list_api_versions(service_name, type_name))
        except DataNotFoundError:
            if not versions:
                raise
        return sorted(versions)

    def load_data_with_path(self, name: str) -> tuple[dict, str]:
        try:
            return super().load_data_with_path(name)
        except DataNotFoundError:
            try:
                document = frozen_importer.data(f"{_PREFIX}{name}.json")
            except KeyError:
                raise DataNotFoundError(data_path=name) from None
            return marshal.loads(document), f"{self.BUILTIN_DATA_PATH}/{name}"
