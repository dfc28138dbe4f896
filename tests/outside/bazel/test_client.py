"""The protocol client by the authors of Bazel's credential helper specification.

``src/main.rs`` is that client's library, and a main function around it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from tests.clients.hosted import Hosted, cloud
from tests.clouds.fixtures import authority, proxy
from tests.support.machine import Machine

if TYPE_CHECKING:
    from tests.clouds.authority import Authority
    from tests.clouds.proxy import TerminatingProxy

__all__ = ["authority", "cloud", "proxy"]

_CLIENT = shutil.which("bazel-client")

pytestmark = pytest.mark.skipif(_CLIENT is None, reason="bazel-client is not built: see .ci/run")


def test_the_headers_that_it_reads_pull_an_image(
    cloud: Hosted, home: Path, proxy: TerminatingProxy, authority: Authority
) -> None:
    machine = Machine(home, host=cloud.host, cloud=cloud.cloud)
    machine.environment |= {**proxy.environment(), **cloud.identity}
    link = machine.scripts.link("bazel-credential-multi", machine.program)
    image = f"https://{cloud.host}/v2/team/app/manifests/1"
    with requests.Session() as session:
        session.trust_env = False
        session.proxies = {"https": proxy.url}
        session.verify = str(authority.ca_file)
        uris = [image, f"https://{cloud.host}/x.jar", "https://nowhere.example.com/v2/a/tags/list"]
        lines = machine.succeed(str(_CLIENT), str(link), *uris).splitlines()
        answers = [json.loads(line) for line in lines]
        assert [list(answer) for answer in answers] == [["headers"], ["error"], ["error"]]
        headers = {name: ", ".join(values) for name, values in answers[0]["headers"].items()}
        assert session.get(image, headers=headers, timeout=30).status_code == 200
