"""One request of kubelet: which identity answers it, and how long kubelet may keep the answer.

The sources are the registry's cloud, or what a rule names. The logins of config.json are asked only
by a rule with ``provider = "none"``: kubelet reads a config.json itself, and the file in kubelet's
home folder is not the node's.

A pod that asks for an identity of its own, by its service account's token and annotations, gets
that identity's credential or none. The node's identity is then never asked.

Source: https://github.com/kubernetes/enhancements/tree/master/keps/sig-auth/4412-projected-service-account-tokens-for-kubelet-image-credential-providers
"""

from __future__ import annotations

import os
from time import time

from cred_helper import cache, clouds
from cred_helper import settings as kinds
from cred_helper.cache.entry import Entry
from cred_helper.credential import IDENTITY_TOKEN, Credential
from cred_helper.errors import BadReply, Misconfigured, NotFound, ProviderError
from cred_helper.protocols import kubelet
from cred_helper.providers.common import id_token_check, token_identity
from cred_helper.providers.common.interface import ID_TOKEN, IdToken
from cred_helper.resolution import Resolution
from cred_helper.server_url import ServerURL
from cred_helper.settings.rules import NO_PROVIDER
from cred_helper.wiring import ProviderSource, Wiring

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from cred_helper.clouds import Annotation, Cloud
    from cred_helper.keychain import Source
    from cred_helper.settings.node import NodeProfile
    from cred_helper.wiring import Warn

# kubelet ends a provider after a minute.
# Source: ExecPlugin in kubernetes' pkg/credentialprovider/plugin/plugin.go
LONGEST_S = 55.0
# The subject of a service account's token.
# Source: MakeUsername in k8s.io/apiserver's pkg/authentication/serviceaccount/util.go
_SUBJECT = "system:serviceaccount:"
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.")
_MAX_NAMES_LENGTH = 63 + 1 + 253


def answer(request: kubelet.Request, profile: NodeProfile, warn: Warn, spent_s: float) -> bytes:
    """The response to a request. ``spent_s`` seconds of its time have passed.

    Raises:
        CredentialError: an identity does not work, or the pod's is not complete.
    """
    wiring = Wiring.of_process(warn, spent_s, profile.profile)
    wiring.deadline = wiring.deadline.sooner(LONGEST_S)
    settings = wiring.settings
    settings.rules = (*profile.rules, *settings.rules)
    settings.cache_folder = settings.cache_folder or cache.usable_folder(wiring.environ) or ""
    return Pull(request, wiring, profile).response()


class Pull:
    """The pull of one image.

    It is answered for the registry, with as much of the path as the rule for the image has.
    """

    def __init__(self, request: kubelet.Request, wiring: Wiring, profile: NodeProfile) -> None:
        self._request = request
        self._wiring = wiring
        self._profile = profile
        image, settings = request.image, wiring.settings
        address = ServerURL.parse(str(image))
        rule = settings.rule(address)
        depth = rule.pattern.depth if rule is not None and rule.pattern else 0
        self._pattern = "/".join((image.registry, *image.segments[:depth]))
        patterns = [rule.pattern for rule in settings.rules if rule.pattern]
        # What kubelet keeps by registry it gives to every image there, whatever the pattern is.
        by_path = any(p.depth and p.matches_address(address) for p in patterns)
        self._key_type = kubelet.IMAGE if by_path else kubelet.REGISTRY
        self._resolution = wiring.resolve(ServerURL.parse(self._pattern))
        self._is_mirrored = rule in profile.rules
        self._identity = "the node"

    def response(self) -> bytes:
        credential = None
        try:
            credential = self._credential()
        except (NotFound, ProviderError) as failure:
            words = {"image": self._request.image, "identity": self._identity}
            in_full = failure.within("kubelet.image", **words)
            if not (self._resolution.anonymous or self._wiring.settings.on_error == "anonymous"):
                raise in_full from None
            self._wiring.warn(in_full.within("provider.anonymous"))
        return kubelet.render(
            self._request,
            credential,
            pattern=self._pattern,
            key_type=self._key_type,
            seconds=_kept_for_s(credential) if credential else 0,
        )

    def _credential(self) -> Credential | None:
        """The credential; ``None`` if there is none or the registry is not ours to answer for."""
        resolution = self._resolution.checked()
        resolution.sources = _kinds(resolution)
        token = self._token()
        if kinds.CLOUD in resolution.sources and self._is_for_pod(token):
            sources: Iterable[Source] = [self._source_of_pod(token)]
            is_needed = True
        else:
            self._refuse_other_source_for_pod()
            if not resolution.sources:
                return None
            sources = self._sources_of_node()
            is_needed = resolution.route is not None and resolution.route.private
        answer = self._wiring.ask(resolution, sources)
        if answer.credential is not None:
            return _checked(answer.credential, token)
        for asked in answer.trace:
            if isinstance(asked.outcome, ProviderError) or is_needed:
                assert not isinstance(asked.outcome, Credential)
                raise asked.outcome
        return None

    def _refuse_other_source_for_pod(self) -> None:
        """Refuse what the settings put in the place of the cloud, if the pod asks the cloud.

        A rule can say that a registry is pulled from without a credential.
        """
        rule, route = self._resolution.rule, self._resolution.own_route
        is_of_plugin = route is not None and self._profile.profile.cloud in (None, route.cloud)
        if route is None or not is_of_plugin or kinds.CLOUD in self._resolution.sources:
            return
        asked = next(iter(self._annotations_of(clouds.find(route.cloud))), None)
        if asked is None or self._resolution.needs_no_credential:
            return
        if rule is None or not (rule.answered_by or rule.provider == NO_PROVIDER):
            names = {"annotation": asked.name, "cloud": route.cloud}
            raise Misconfigured("kubelet.cloud-left-out", **names)
        names = {"annotation": asked.name, "source": rule.answered_by or "config.json"}
        raise rule.place.wrong("match", "kubelet.answered-by-rule", **names)

    def _sources_of_node(self) -> Iterable[Source]:
        resolution = self._resolution
        resolution.options = {**resolution.options, **self._profile.node.node_options}
        # A refresh token under the name <token>, which kubelet has no field for.
        resolution.options.pop("identity_token", None)
        if kinds.CLOUD in resolution.sources and "id_token" not in resolution.options:
            is_for_pods = resolution.options.pop(self._cloud.ci_option, None)
            if is_for_pods and not self._cloud.annotations:
                return ()  # every identity of the cloud comes from a token
        # A copy in the wiring; the SDK reads the process's own.
        variables = self._profile.node.variables
        self._wiring.environ = {**self._wiring.environ, **variables}
        os.environ.update(variables)
        return self._wiring.sources(resolution)

    @property
    def _cloud(self) -> Cloud:
        assert self._resolution.route is not None
        return clouds.find(self._resolution.route.cloud)

    def _token(self) -> str:
        """The token of the service account, ``""`` where kubelet sent none."""
        if self._request.token is None:
            return ""
        self._identity = "the service account of the pod"
        token = self._request.token.expose()
        claims = token_identity.claims(token)
        issuer, subject = claims.get("iss"), claims.get("sub")
        if not (isinstance(issuer, str) and issuer and isinstance(subject, str) and subject):
            raise Misconfigured("kubelet.not-jwt")
        self._identity = _shown_account(subject)
        id_token_check.check_end(claims, f"the token of {self._identity}")
        return token

    def _is_for_pod(self, token: str) -> bool:
        """Whether the pod's identity is asked, and the node's is not."""
        cloud = self._cloud
        asked = self._annotations_of(cloud)
        # Docker Hub has no annotations: its connection is an option, and no annotation is wrong.
        for other in clouds.CLOUDS if cloud.annotations else ():
            foreign = next(iter(self._annotations_of(other)), None)
            if foreign is None or other is cloud:
                continue
            if asked:
                both = {"annotation": next(iter(asked)).name, "other": foreign.name}
                raise Misconfigured("kubelet.two-clouds", **both)
            names = {"other": other.title, "cloud": cloud.title}
            raise Misconfigured("kubelet.other-cloud", annotation=foreign.name, **names)
        if asked and not token:
            raise Misconfigured("kubelet.no-token", annotation=next(iter(asked)).name)
        if asked:
            return True
        is_for_node = self._profile.node.answers_as_node or self._is_mirrored
        has_identity = cloud.annotations or cloud.ci_option in self._resolution.options
        if token and has_identity and not is_for_node and not self._resolution.anonymous:
            return True
        self._identity = "the node"
        return False

    def _annotations_of(self, cloud: Cloud) -> dict[Annotation, str]:
        """The annotations by which the pod asks for its own identity at a cloud."""
        given = self._request.annotations
        found = {known: given[known.name] for known in cloud.annotations if known.name in given}
        for known, value in found.items():
            if not known.option and value not in ("true", "false"):
                words = {"annotation": known.name, "expected": "true or false"}
                raise Misconfigured("kubelet.annotation-value", **words)
            if not known.option and value == "false":
                return {}
        return found

    def _source_of_pod(self, token: str) -> Source:
        """The provider with the identity of the pod."""
        resolution, cloud = self._resolution, self._cloud
        asked = self._annotations_of(cloud)
        by_annotation = {known.option: value for known, value in asked.items() if known.option}
        of_machine = {option.name for option in cloud.options if option.is_of_machine}
        options = {
            name: value
            for name, value in {**resolution.options, **self._profile.node.pod_options}.items()
            if name not in of_machine and name not in ("id_token", "identity_token")
        } | by_annotation
        for known in cloud.annotations:
            if known.needed and not options.get(known.option):
                account = self._identity.rpartition(" ")[2]
                words = {"annotation": known.name, "account": account, "option": known.option}
                raise Misconfigured("kubelet.no-annotation", **words)
        names = {known.option: known.name for known in asked if known.option}
        place = f"the token of {self._identity}"
        if asked:
            self._identity += f" (by {next(iter(asked)).name})"

        def origin_of(option: str) -> str | None:
            name = names.get(option)
            return f"the annotation {name}" if name else resolution.origin_of(option)

        source = self._wiring.provider_source(resolution)
        given = IdToken(place, given=token)
        request = source.request.but(options=options, origin_of=origin_of, id_token=given)
        return _PodSource(source.name, source.provider, request)


class _PodSource(ProviderSource):
    """A provider that answers by the token of the request, or not at all."""

    def get(self, _server_url: ServerURL) -> Credential:
        """Ask, unless the provider chose an identity that is not the token's."""
        identity = self.provider.identify(self.request)
        if identity.source != ID_TOKEN:
            raise Misconfigured("kubelet.no-pod-identity", provider=self.name)
        return self.provider.get(self.request, identity)


def _kinds(resolution: Resolution) -> tuple[str, ...]:
    """The kinds of sources that answer on a node: the cloud, or those that the rule is about."""
    provider = resolution.rule.provider if resolution.rule is not None else None
    by_rule = {
        kinds.VARIABLES: {kinds.VARIABLES, kinds.CI_VARIABLES},
        NO_PROVIDER: {kinds.CONFIG_JSON},
    }
    wanted = by_rule.get(provider or "", {kinds.CLOUD, kinds.HELPER, kinds.REFUSED})
    return tuple(kind for kind in resolution.sources if kind in wanted)


def _shown_account(subject: str) -> str:
    name = subject.removeprefix(_SUBJECT).replace(":", "/")
    is_account = (
        subject.startswith(_SUBJECT)
        and (_NAME_CHARACTERS | {"/"}).issuperset(name)
        and len(name) <= _MAX_NAMES_LENGTH
    )
    return f"the service account {name}" if is_account else "the service account of the pod"


def _checked(credential: Credential, token: str) -> Credential:
    if token and credential.secret.expose() == token:
        raise BadReply("kubelet.token-returned")
    if credential.username == IDENTITY_TOKEN:
        raise BadReply("kubelet.identity-token")
    return credential


def _kept_for_s(credential: Credential) -> float:
    """How long kubelet may keep a credential: as long as our own cache would.

    Not at all where its end is not known, since kubelet would give out an expired one.
    """
    if credential.expires_at is None:
        return 0.0
    now = time()
    entry = Entry.of(credential, "", "", now)
    return max(0.0, entry.stale_at - now) if entry.is_fresh(now) else 0.0
