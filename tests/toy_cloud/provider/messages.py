"""Messages of the toy cloud."""

from __future__ import annotations

from cred_helper.messages import IN_BETWEEN, Message

MESSAGES = {
    "toycloud.invalid-account": Message("account is not a name", "write account in letters"),
    "toycloud.account-without-key": Message("account needs a key", "set TOY_KEY"),
    "toycloud.invalid-key": Message("the key has a character that no key has", "copy it again"),
    "toycloud.no-file": Message("~/.toy/key is not a file that can be read"),
    "toycloud.no-key": Message("TOY_KEY is not set, and ~/.toy/key is not there"),
    "toycloud.refused": Message(
        "{upstream} does not accept the key (status {status})", "make a new key"
    ),
    "toycloud.no-token": Message("{upstream} answered without a token ({status})", IN_BETWEEN),
}
