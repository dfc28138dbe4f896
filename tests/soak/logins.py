"""Kill writers of our own store at random moments, and look for a login that is torn or lost.

Eight processes log in and out as fast as they can, each at registries of its own, all in one file.
One after another is killed and replaced. Each says what it is about to do and what it has done; so
it is known, for every registry and at every moment, what a reader may find.

``python -m tests.soak.logins [--kills N]``
"""

from __future__ import annotations

import os
import random
import sys
import time
from typing import NoReturn

from cred_helper.credential import Credential, Secret
from cred_helper.errors import CredentialError
from cred_helper.fallback.store import FileStore
from cred_helper.server_url import ServerURL
from tests.soak import script
from tests.soak.writers import ABOUT_TO, HAS, WRITERS, Writers, secret_of

_REGISTRIES_EACH = 3
# One change in this many is a logout.
_LOGOUT_IN = 4
_NOTHING = 0
# The longest secret, in digests.
_MOST = 50


def registries(writer: int) -> list[str]:
    """The registries that only this writer logs in to."""
    return [f"https://{writer}-{number}.example" for number in range(_REGISTRIES_EACH)]


def _ignore(_warning: CredentialError) -> None:
    """Ignore warnings."""


class Logins(Writers):
    def __init__(self, folder: str) -> None:
        super().__init__(os.path.join(folder, "docker-credential-multi"))
        self.path = os.path.join(self.folder, "credentials.json")
        self.interrupted = self.changes = 0
        names = [registry for writer in range(WRITERS) for registry in registries(writer)]
        # The allowed contents: the last acknowledged change, or one that has begun since.
        self._possible = {name: {_NOTHING} for name in names}
        self._heard: dict[str, set[int]] = {name: set() for name in names}
        self._begun: set[str] = set()

    def write_for_ever(self, writer: int, report: int) -> NoReturn:
        store = FileStore(self.path, _ignore)
        choose = random.Random(os.getpid())
        while True:
            registry = choose.choice(registries(writer))
            stamp = _NOTHING if choose.randrange(_LOGOUT_IN) == 0 else time.monotonic_ns()
            what = f"{registry} {stamp}\n"
            os.write(report, f"{ABOUT_TO} {what}".encode())
            server_url = ServerURL.parse(registry)
            try:
                if stamp == _NOTHING:
                    store.erase(server_url)
                else:
                    secret = Secret(secret_of(registry, stamp, _MOST))
                    store.store(server_url, Credential("user", secret))
            except CredentialError:
                continue  # another process kept the lock too long: nothing has changed
            os.write(report, f"{HAS} {what}".encode())

    def replaced(self, writer: int) -> None:
        """Count a change that the kill interrupted."""
        self.interrupted += not self._begun.isdisjoint(registries(writer))
        self._begun.difference_update(registries(writer))

    def check(self) -> None:
        """Compare the file with what was said about it before and while it was read."""
        self.listen()
        before = {name: set(stamps) for name, stamps in self._possible.items()}
        for stamps in self._heard.values():
            stamps.clear()
        found = self._stamps()
        self.listen()
        for name, stamp in found.items():
            self.checks += 1
            if stamp not in before[name] | self._heard[name]:
                self.lost.append(name)

    def _stamps(self) -> dict[str, int]:
        """The content of the file, by registry."""
        try:
            entries = FileStore(self.path, _ignore)._read()
        except CredentialError as error:
            self.torn.append(error.reason)
            return {}
        stamps = dict.fromkeys(self._possible, _NOTHING)
        for name, (_, secret) in entries.items():
            stamps[name] = int(secret.partition(" ")[0])
            if secret != secret_of(name, stamps[name], _MOST):
                self.torn.append(name)
        return stamps

    def hear(self, said: str, *what: str) -> None:
        """Record what a reader may find from now on."""
        name, stamp = what
        self._heard[name].add(int(stamp))
        self._begun.add(name)
        if said == HAS:
            self._begun.discard(name)
            self.changes += 1
            self._possible[name].clear()
        self._possible[name].add(int(stamp))


def sweep(soak: Logins) -> None:
    """Log in once more: the next login removes what the killed left behind."""
    last = ServerURL.parse("https://last.example")
    FileStore(soak.path, _ignore).store(last, Credential("user", Secret("secret")))


def soaked(kills: int, folder: str) -> tuple[dict[str, object], bool]:
    soak = Logins(folder).run(kills)
    sweep(soak)
    return {
        "kills survived": f"{soak.kills}, {soak.interrupted} of them in the middle of a change",
        "logins and logouts": f"{soak.changes} by {WRITERS} writers at once, in one file",
        "entries read": soak.checks, "torn": len(soak.torn), "lost": len(soak.lost),
        "left behind": f"{len(soak.litter)} after the next login",
    }, not (soak.torn or soak.lost or soak.litter)  # fmt: skip


if __name__ == "__main__":
    sys.exit(script.run(__doc__, soaked))
