"""A session of the SDK with the user's configuration, within the time of one request.

Changes nothing that the SDK keeps. A sign-in session that the SDK renews is never lost by it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import Any

import botocore.hooks
import botocore.session
import botocore.utils
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES, ConstantProvider
from botocore.exceptions import ClientError

from cred_helper import __version__
from cred_helper.hosts import PARTITIONS, EcrRoute
from cred_helper.providers.common.interface import Deadline
from cred_helper.providers.ecr.configuration import Configuration
from cred_helper.providers.ecr.identity import AwsIdentity
from cred_helper.providers.ecr.profile_errors import sign_in_error
from cred_helper.providers.ecr.sign_in import Session as SignIn

# The services that the SDK is asked for, by its own names.
_SERVICES = ["ecr", "ecr-public", "signin", "sso", "sso-oidc", "sts"]

# Source: https://docs.python.org/3/library/inspect.html#code-objects-bit-flags
CO_VARKEYWORDS = 0x08

# One attempt and two repetitions, which is the SDK's standard mode.
_ATTEMPTS = 3
# The APIs that renew a sign-in session. A refresh token may be spent by the first request that
# shows it, whatever becomes of the answer: a repetition could end the session.
_ASKED_ONCE = ("sso-oidc", "signin")
# An API in the farthest region answers within a second or two.
_CONNECT_TIMEOUT_S = 4.0
_READ_TIMEOUT_S = 6.0
# The SDK's single attempt is too few for a metadata service under load.
_METADATA_ATTEMPTS = 2


def new(config: Configuration, identity: AwsIdentity, deadline: Deadline) -> Any:
    """A session of the SDK with the user's configuration, and time limits within the deadline.

    It is botocore's: boto3's is the same with a layer for resources, 15 ms later.
    """
    session = _Session(profile=config.chosen_profile)
    store = session.get_component("config_store")
    for name, value in _empty_variables(config):
        store.set_config_provider(name, ConstantProvider(value))
    if not config.chosen_profile:
        named = config.profile if config.profile_setting else None
        store.set_config_provider("profile", ConstantProvider(named))
    for name, file in zip(("config_file", "credentials_file"), config.files, strict=True):
        # Without a home folder, "~" is not the name of a folder here.
        store.set_config_provider(name, ConstantProvider(file.path or os.devnull))
    # These hold for STS, SSO and ECR alike. All attempts together stay within the deadline, so that
    # a failure is explained by its cause.
    share_s = deadline.remaining_s() / (_ATTEMPTS + 2)
    session.set_default_client_config(
        Config(
            connect_timeout=deadline.step_s(min(_CONNECT_TIMEOUT_S, share_s)),
            read_timeout=deadline.step_s(min(_READ_TIMEOUT_S, share_s)),
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            user_agent_extra=f"docker-credential-multi/{__version__}",
        )
    )
    # A variable of the session would not come before the provider of an empty variable.
    store.set_config_provider("region", ConstantProvider(_sts_region(session, config.route)))
    if not config.setting("metadata_service_num_attempts"):
        attempts = ConstantProvider(_METADATA_ATTEMPTS)
        store.set_config_provider("metadata_service_num_attempts", attempts)

    def note(http_response: Any, **_: object) -> None:
        config.renewal_status = http_response.status_code

    # The SDK does not say why it could not renew an SSO session.
    session.register("after-call.sso-oidc.CreateToken", note)
    if identity.found.session is not None:
        refuse = partial(_refuse_to_lose, config, identity.found.session)
        for operation in ("sso-oidc.CreateToken", "signin.CreateOAuth2Token"):
            session.register(f"before-call.{operation}", refuse)
    # A look into the folders of all 400 services would be an eighth of an uncached answer.
    session.get_component("data_loader").list_available_services = lambda _type: _SERVICES
    return session


def _accepts_keywords(handler: Any, by_signature: Any = botocore.hooks.accepts_kwargs) -> Any:
    """Whether a handler of an event takes any keyword, without parsing its signature.

    The SDK asks it of each of the hundred handlers that it registers.
    """
    called = handler if hasattr(handler, "__code__") else type(handler).__call__
    code = getattr(called, "__code__", None)
    return by_signature(handler) if code is None else code.co_flags & CO_VARKEYWORDS


botocore.hooks.accepts_kwargs = _accepts_keywords
# The wire chooses the proxy, for the sources that the SDK makes and does not ask as well.
botocore.utils.should_bypass_proxies = lambda _url: True


def _empty_variables(config: Configuration) -> Iterator[tuple[str, object]]:
    """The SDK's settings whose variable is empty, with the value that they have without it.

    An empty variable counts as not set, as in the SDK for Go. This SDK would refuse to work.
    """
    for name, (option, names, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items():
        variables = [names] if isinstance(names, str) else names or []
        if name == "profile" or "" not in map(config.environ.get, variables):
            continue
        value = config.options.get(option) if option else None
        yield name, default if value is None else convert(value) if convert else value


def _refuse_to_lose(config: Configuration, sign_in: SignIn, **_: object) -> None:
    """Stop a renewal whose new refresh token could not be kept: it would end the session.

    Raises:
        ClientError: the SDK goes on with the session as it is, which is still valid.
        Denied: the session is over.
    """
    if os.access(sign_in.folder, os.W_OK):
        return
    if sign_in.is_valid():
        raise ClientError({"Error": {"Code": "ReadOnly", "Message": ""}}, "CreateToken")
    raise sign_in_error(config, "read-only", sign_in)


class _Session(botocore.session.Session):  # type: ignore[misc]
    """The SDK's session, which never repeats a request that shows a refresh token."""

    def get_auth_token(self, **_: Any) -> None:
        """No bearer token: none of the APIs takes one.

        To look for one, the SDK reads the SSO settings of the profile, also if its keys are not in
        use, and refuses a mistake there.
        """

    def create_client(self, service_name: str, *args: Any, **options: Any) -> Any:
        if service_name in _ASKED_ONCE:
            once = Config(retries={"mode": "standard", "total_max_attempts": 1})
            config = options.get("config")
            options["config"] = config.merge(once) if config else once
        options["verify"] = True  # the wire chooses the CA bundle
        return super().create_client(service_name, *args, **options)


def _sts_region(session: Any, route: EcrRoute) -> str:
    """The region whose STS assumes roles: the user's, if it is in the partition of the host.

    The SDK knows only the user's, and a build agent has none; a key of one partition is unknown in
    every other. A value that cannot be a region, such as one with a comment behind it, is ignored.
    """
    configured: str = session.get_config_variable("region") or ""
    if not configured.replace("-", "").isalnum():
        return route.region
    owner = next(p for p in PARTITIONS if configured.startswith(p.region_prefix))
    return configured if configured and owner.name == route.partition else route.region
