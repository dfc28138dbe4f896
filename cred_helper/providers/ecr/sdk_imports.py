"""What the AWS SDK imports and one token does not use; see ``common.deferred_imports``."""

from __future__ import annotations

from cred_helper.providers.common.deferred_imports import LATER, UNUSED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.common.deferred_imports import Table

TABLES: dict[str, Table] = {
    "botocore-1.44": {
        "botocore.docs": {},
        # The help of a client's methods.
        "botocore.docs.docstring": {
            "ClientMethodDocstring": UNUSED,
            "PaginatorDocstring": UNUSED,
            "WaiterDocstring": UNUSED,
        },
    },
    "jmespath-1.1": {"jmespath": {}},
    # ECR's times are numbers.
    "python_dateutil-2.9": {"dateutil.parser": {"parse": LATER}},
}
