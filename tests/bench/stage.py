"""Three loopback clouds, with an identity in each of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

from tests.bench import peers
from tests.bench.stopwatch import Command, Sample
from tests.bench.subjects import GO_HELPERS, Kind, Subject
from tests.clients.hosted import Hosted, hosted
from tests.clouds.authority import Authority
from tests.clouds.aws import AwsCloud
from tests.clouds.azure import AzureCloud
from tests.clouds.google import GoogleCloud
from tests.clouds.loopback import LoopbackCloud
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.support.executable import NOT_FOUND, pinned_environment

OTHER = "registry.example"


class Stage:
    """The clouds and homes: each subject has its own home and the same identities."""

    def __init__(self, clouds: Mapping[str, Hosted], proxy: TerminatingProxy, folder: Path) -> None:
        self.clouds = clouds
        self._folder = folder
        self._environment = {**_unpinned(folder), **proxy.environment()}
        self._homes = folder / "homes"
        self._homes.mkdir()
        self.identity: Mapping[str, str] = self.static_identity()
        """The variables of the identity: a key or secret in each cloud."""
        for name, host in [*((name, it.host) for name, it in clouds.items()), (OTHER, OTHER)]:
            self.request_file(name, f"{host}\n")

    def command(self, subject: Subject, cloud: str) -> Command:
        home = self._homes / subject.name
        home.mkdir(exist_ok=True)
        environment = {**self._environment, **self.identity, "HOME": str(home)}
        return Command(subject.command(cloud), environment, self._stdin(cloud))

    def request_file(self, name: str, request: str) -> Path:
        path = self._stdin(name)
        path.write_text(request)
        return path

    def forget(self, subject: Subject) -> None:
        shutil.rmtree(self._homes / subject.name, ignore_errors=True)

    def wrong(self, subject: Subject, cloud: str, sample: Sample) -> str | None:
        if not subject.answers:
            return None
        return next(filter(None, (self._wrong(subject, cloud, *it) for it in sample.replies)), None)

    def requests(self, cloud: str) -> int:
        """The number of requests to a cloud and its registry so far."""
        return sum(len(server.received) for server in self._servers(cloud))

    def objections(self, cloud: str) -> str | None:
        """The wrong requests to a cloud since the last call."""
        for server in self._servers(cloud):
            try:
                server.check()
            except Exception as error:
                return f"{type(error).__name__}: {error}"
        return None

    @contextmanager
    def network(self, delay_s: float) -> Iterator[None]:
        """Delay every reply of every cloud."""
        servers = [server for name in self.clouds for server in self._servers(name)]
        for server in servers:
            server.delay_s = delay_s
        yield
        for server in servers:
            server.delay_s = 0

    def static_identity(self) -> dict[str, str]:
        """An AWS key, a service account's key, a service principal's secret."""
        variables: dict[str, str] = {}
        for cloud in self.clouds.values():
            variables |= cloud.identity
        return variables

    def session_identity(self) -> dict[str, str]:
        """An assumed role, a user's login at Google, a workload's token for Azure."""
        amazon, google, microsoft = (self.clouds[name].cloud for name in ("ecr", "gcr", "acr"))
        assert isinstance(amazon, AwsCloud)
        assert isinstance(google, GoogleCloud)
        assert isinstance(microsoft, AzureCloud)
        folder = self._folder / "sessions"
        folder.mkdir()
        key = amazon.user("user")
        config = folder / "config"
        config.write_text(
            f"[profile keys]\naws_access_key_id = {key.id}\naws_secret_access_key = {key.secret}\n"
            f"[profile puller]\nregion = us-east-1\nsource_profile = keys\n"
            f"role_arn = {amazon.role('puller', key)}\n"
        )
        person = folder / "person.json"
        person.write_text(json.dumps(google.user_info()))
        self._workload_token = folder / "workload-token"
        self.renew_workload_token()
        return {
            **amazon.redirection(), "AWS_CONFIG_FILE": str(config), "AWS_PROFILE": "puller",
            "GOOGLE_APPLICATION_CREDENTIALS": str(person), **microsoft.redirection(),
            **microsoft.principal(), "AZURE_FEDERATED_TOKEN_FILE": str(self._workload_token),
        }  # fmt: skip

    def renew_workload_token(self) -> None:
        """Replace the token of the workload, as a cluster does."""
        microsoft = self.clouds["acr"].cloud
        assert isinstance(microsoft, AzureCloud)
        microsoft.federated_token = microsoft.authority.sign_jwt(
            {"iss": "https://ci.example", "sub": "job", "jti": str(self.requests("acr"))}
        )
        self._workload_token.write_text(microsoft.federated_token)

    def _wrong(self, subject: Subject, cloud: str, status: int, printed: bytes) -> str | None:
        said = printed.decode(errors="replace").strip().partition("\n")[0]
        if cloud == OTHER:
            is_right = status != 0 and (printed == NOT_FOUND or subject.kind is Kind.PEER)
            if is_right:
                return None
            return "it gives a credential for any host" if status == 0 else said
        if status != 0:
            return said or f"status {status}"
        try:
            reply = json.loads(printed)
            username, secret = reply["Username"], reply["Secret"]
        except (ValueError, KeyError):
            return "the reply is not a credential"
        if subject.kind is Kind.PEER:
            return None if secret else "the reply has no secret"  # one signs its own
        known = self.clouds[cloud]
        return None if known.cloud.issued(username, secret, known.host) else "a secret of no cloud"

    def _servers(self, cloud: str) -> tuple[LoopbackCloud, Registry]:
        known = self.clouds[cloud]
        return known.cloud, known.registry

    def _stdin(self, cloud: str) -> Path:
        return self._folder / f"{quote(cloud, safe='')}.stdin"


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    authority = Authority(folder)
    with ExitStack() as stack:
        proxy = stack.enter_context(TerminatingProxy(authority))
        clouds = {
            name: stack.enter_context(hosted(name, authority, proxy, folder)) for name in GO_HELPERS
        }
        peers.admit(clouds)
        built = Stage(clouds, proxy, folder)
        yield built
        for name in clouds:
            built.objections(name)  # the rounds report them


def _unpinned(home: Path) -> dict[str, str]:
    """The tests' empty environment, without the variables of a checkout."""
    pinned = pinned_environment(home)
    for name in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE"):
        del pinned[name]
    return pinned
