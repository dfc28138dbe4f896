"""Messages of the toy cloud."""

from __future__ import annotations

from cred_helper.messages import Message

MESSAGES = {
    "toycloud.invalid-account": Message("account is not a name", "write account in letters"),
    "toycloud.account-without-key": Message("account needs a key", "set TOY_KEY"),
    "toycloud.no-key": Message("TOY_KEY is not set"),
}
