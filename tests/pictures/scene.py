"""The machine of the pictures: a laptop behind a proxy, with three clouds and some mistakes.

The clouds are those of the tests, on loopback; the executable, its SDKs and the terminal are real.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cred_helper import clouds
from tests.clients.hosted import NAMES, hosted
from tests.clouds.authority import Authority
from tests.clouds.aws import AwsCloud
from tests.clouds.aws.identities import SSO_ROLE, SSO_SESSION
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.support.machine import Machine

_PRIVATE = "registry.example.com"
_SSO = f"[default]\nsso_session = corp\n{SSO_ROLE}{SSO_SESSION}"
_KEY_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_OLD_LOGIN = 'echo \'{"ServerURL":"","Username":"me","Secret":"changed-long-ago"}\''


@contextmanager
def laptop(folder: Path) -> Iterator[Machine]:
    home = folder / "home"
    home.mkdir()
    authority = Authority(folder)
    with TerminatingProxy(authority) as proxy, ExitStack() as running:
        person = Machine(home)
        hosts = {}
        for name in NAMES:
            if clouds.find(name).only_with:
                continue  # by the options of a job, which a laptop does not have
            place = home / ".config" / name
            place.mkdir(parents=True)
            cloud = running.enter_context(hosted(name, authority, proxy, place))
            person.environment |= cloud.identity
            hosts[cloud.host] = "multi"
            if isinstance(cloud.cloud, AwsCloud):
                cloud.cloud.start_sso(home, "corp")
        private = running.enter_context(Registry(lambda *_: False, auth="token"))
        proxy.route(_PRIVATE, private)
        _go_behind(proxy, person, authority)
        person.write(".aws/config", _SSO)
        person.helper("pass", _OLD_LOGIN)
        helpers = {**hosts, _PRIVATE: "pass"}
        person.write(
            ".docker/config.json", json.dumps({"credsStore": "multi", "credHelpers": helpers})
        )
        person.write(".cache/docker-credential-multi/lock", "").parent.chmod(0o755)
        yield person


def _go_behind(proxy: TerminatingProxy, person: Machine, authority: Authority) -> None:
    """Set the proxy, and trust its certificate authority."""
    bundle = person.write(".config/corporate-ca.pem", authority.ca_file.read_text())
    for name in (*proxy.environment(), *_KEY_VARIABLES):
        person.environment.pop(name, None)
    person.environment |= {
        "HTTPS_PROXY": proxy.url,
        "NO_PROXY": "127.0.0.1,localhost,169.254.169.254",
        "SSL_CERT_FILE": str(bundle),
    }
