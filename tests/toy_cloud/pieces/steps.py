"""The request of one ``get`` to the toy cloud."""

from __future__ import annotations

from tests.faults.step import EXPIRES_IN, OAUTH, Step, reply
from tests.fuzz.target import SECRET

from . import EXAMPLE_HOST, TOKEN_HOST
from .identities import a_key_in_a_variable

STEPS = (
    Step(
        "toycloud token", EXAMPLE_HOST, a_key_in_a_variable, "/v1/token", TOKEN_HOST, at_most=1,
        ending=EXPIRES_IN, main=True, first=True,
        replies=(reply(OAUTH), reply({"error": SECRET}, "401 Unauthorized")),
    ),
)  # fmt: skip
