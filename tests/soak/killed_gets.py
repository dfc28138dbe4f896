"""Kill ``get`` at random moments of an exchange, and look for torn tokens and foreign ones.

The executable, the real SDK, AWS on loopback. Each round starts with a token that is due for
renewal, so that the process loads the SDK, asks, and writes; three ask at once, and another takes
over from the one that is killed.

``python -m tests.soak.killed_gets [--kills N]``
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

from cred_helper.cache.entry import TOKEN, Entry
from tests.clouds.aws import EXAMPLE_HOST, AwsCloud
from tests.soak import script
from tests.support.executable import Completed
from tests.support.machine import Machine

# No process takes this long, however busy the machine is.
_HUNG_S = 60.0
_ALMOST_OVER_S = 12 * 3600.0 - 5.0


class KilledGets:
    def __init__(self, kills: int, folder: Path) -> None:
        self.kills = self.answered = self.refused = 0
        with AwsCloud() as cloud:
            identity = cloud.identity(folder)
            self._machine = Machine(folder, host=EXAMPLE_HOST, cloud=cloud, **identity)
            began_at_s = time.monotonic()
            self._machine.get()
            self._longest_s = time.monotonic() - began_at_s
            for _ in range(kills):
                self._round(cloud)
            self.exchanges = cloud.exchanges

    def _round(self, cloud: AwsCloud) -> None:
        self._machine.age(_ALMOST_OVER_S)  # over for who reads it, and still there
        asking = [self._machine.start() for _ in range(3)]
        time.sleep(random.uniform(0, self._longest_s))
        asking[0].kill()
        asking[0].communicate()
        self.kills += 1
        for process in asking[1:]:
            stdout, stderr = process.communicate(timeout=_HUNG_S)
            answered = process.returncode == 0 and not stderr
            self.answered += answered
            credential = Completed(0, stdout, b"").credential if answered else ("", "")
            self.refused += not cloud.issued(*credential, EXAMPLE_HOST)
        for path in self._machine.cache.glob(f"*.{TOKEN}"):
            entry = Entry.decode(path.stem, path.read_bytes())
            issued = entry and cloud.issued(entry.username, entry.secret.expose(), EXAMPLE_HOST)
            self.refused += not issued


def soaked(kills: int, folder: str) -> tuple[dict[str, object], bool]:
    soak = KilledGets(kills, Path(folder))
    return {
        "gets killed": soak.kills,
        "gets beside them": f"{soak.answered} answered of {2 * soak.kills}",
        "exchanges": soak.exchanges,
        "torn or foreign": soak.refused,
    }, soak.answered == 2 * soak.kills and not soak.refused


if __name__ == "__main__":
    sys.exit(script.run(__doc__, soaked, kills=50))
