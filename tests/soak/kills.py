"""Kill writers of the cache at random moments, and look for an entry that is torn or lost.

Eight processes write tokens as fast as they can, to shared keys. Some tokens have expired, so that
every write also tidies. One after another is killed and replaced. Each says what it is about to
write and what it has written, while it has the key's lock; so it is known, for every key and at
every moment, what a reader may find.

``python -m tests.soak.kills [--kills N]``
"""

from __future__ import annotations

import os
import random
import sys
import time
from typing import NoReturn

from cred_helper.cache import MAX_TEMPORARY_AGE_S, TokenCache
from cred_helper.cache.entry import TOKEN, Entry
from cred_helper.credential import Secret
from cred_helper.files.fingerprints import digest
from cred_helper.files.private_folder import PrivateFolder
from tests.soak import script
from tests.soak.writers import ABOUT_TO, HAS, WRITERS, Writers, secret_of

KEYS = [digest([f"key {number}"]) for number in range(24)]
_LIFE_S = 3600.0
# The longest secret, in digests.
_MOST = 1500
# One write in this many is of an expired token, which the next tidying removes.
_ONE_OVER_IN = 6


def token(secret: str, created_at: float) -> Entry:
    return Entry(
        "cloud", "registry.example", username="user", secret=Secret(secret), source="",
        created_at=created_at, expires_at=created_at + _LIFE_S,
    )  # fmt: skip


class Kills(Writers):
    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.cache = TokenCache(folder)
        self.writes = 0
        # The newest stamps: of any token, of a valid one, of an expired one.
        self._written = dict.fromkeys(KEYS, 0)
        self._written_good = dict.fromkeys(KEYS, 0)
        self._over = dict.fromkeys(KEYS, 1)

    def write_for_ever(self, writer: int, report: int) -> NoReturn:
        cache, files = TokenCache(self.folder), PrivateFolder(self.folder)
        choose = random.Random(os.getpid())
        while True:
            key = choose.choice(KEYS)
            locks = cache.locks()
            if locks.acquire(key):
                stamp, now = time.monotonic_ns(), time.time()
                over = choose.randrange(_ONE_OVER_IN) == 0
                what = f"{key} {stamp} {'over' if over else 'good'}\n"
                os.write(report, f"{ABOUT_TO} {what}".encode())
                if over:
                    entry = token(secret_of(key, stamp, _MOST), now - 2 * _LIFE_S)
                    written = files.write(f"{key}.{TOKEN}", entry.encode(key))
                else:
                    written = cache.keep(key, token(secret_of(key, stamp, _MOST), now), locks)
                if written:
                    os.write(report, f"{HAS} {what}".encode())
            locks.close()

    def check(self) -> None:
        """Compare every key's file with what was said about it before it was read."""
        files = PrivateFolder(self.folder)
        for key in KEYS:
            self.listen()
            written, good = self._written[key], self._written_good[key]
            content = files.read(f"{key}.{TOKEN}", 1 << 20)
            self.listen()  # about a removal, too, which may have come before the reading
            self.checks += 1
            if content is None:
                # An entry that was written after the reading proves nothing.
                if good > self._over[key]:
                    self.lost.append(key)
                continue
            entry = Entry.decode(key, content)
            secret = entry.secret.expose() if entry is not None else ""
            stamp = int(secret.partition(" ")[0] or 0)
            if secret != secret_of(key, stamp, _MOST):
                self.torn.append(key)
            elif stamp < written:
                self.lost.append(key)

    def hear(self, said: str, *what: str) -> None:
        """Record what a reader may find from now on."""
        key, life, stamp = what[0], what[2], int(what[1])
        if life == "over":
            self._over[key] = stamp
        if said == HAS:
            self.writes += 1
            self._written[key] = stamp
            if life == "good":
                self._written_good[key] = stamp

    def tidy_later(self) -> None:
        """Write one more token, once the leftovers are old enough to be removed."""
        later = time.time() + MAX_TEMPORARY_AGE_S + 1
        locks = self.cache.locks()
        assert self.cache.keep(digest(["last"]), token("last", later), locks)
        locks.close()


def soaked(kills: int, folder: str) -> tuple[dict[str, object], bool]:
    soak = Kills(os.path.join(folder, "cache")).run(kills)
    litter = len(soak.litter)
    soak.tidy_later()
    return {
        "kills survived": f"{soak.kills}, {litter} of them in the middle of a write",
        "writes": f"{soak.writes} by {WRITERS} writers at once, to {len(KEYS)} keys",
        "entries read": soak.checks, "torn": len(soak.torn), "lost": len(soak.lost),
        "left behind": f"{len(soak.litter)} after tidying",
    }, not (soak.torn or soak.lost or soak.litter)  # fmt: skip


if __name__ == "__main__":
    sys.exit(script.run(__doc__, soaked))
