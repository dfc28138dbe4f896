"""Messages about ``kubelet-config`` and the configuration of a node."""

from cred_helper.messages import Message


def _refused(text: str, hint: str = "") -> Message:
    return Message(text, hint, cause="kubelet does not start with this configuration.")


MESSAGES: dict[str, Message] = {
    # --- Installing -------------------------------------------------------------------------------
    "node.not-a-single-file": Message(
        "this {program} is a Python package, and kubelet's folder of providers takes one file",
        "use --program FILE with the single file of a release or of make frozen/static",
    ),
    "node.left-out": Message(
        "this build does not have all of these clouds; it has {clouds}",
        "use a build with all clouds, or name only clouds of this build with --cloud",
    ),
    "node.no-program": Message("{path} does not exist, or is not a file"),
    "node.unknown-layout": Message(
        "{root} has no folder of kubelet or of a known distribution, and no kubelet with flags for"
        " credential providers runs here",
        "--layout names the kind of node",
    ),
    "node.noexec": Message(
        "{path} is on a file system that is mounted with noexec: no program in it can be started",
        "use another folder by kubelet's flag image-credential-provider-bin-dir, or mount this one"
        " with exec",
    ),
    "node.outside": Message(
        "{path} is a link to {real}, which is outside {root}",
        "mount the node's root so that its links lead to the same places, or run this on the node",
    ),
    "node.in-the-way": Message(
        "{path} exists and is not a link to the program beside it", "remove it, if nothing uses it"
    ),
    "node.rule-without-glob": Message(
        "{place}: kubelet has no pattern for what this rule matches",
        "write no ** in the host and no * in path and port, or add it to matchImages by hand",
    ),
    "node.needs-rbac": Message(
        "before kubelet starts with this configuration, run docker-credential-multi"
        " kubelet-config --pod-identity --rbac | kubectl apply -f - with the same options;"
        " without that role, no image of these registries can be pulled"
    ),
    "node.needs-flags": Message("kubelet needs the flags {flags}"),
    "node.needs-restart": Message("kubelet reads the configuration when it starts: {restart}"),
    "node.in-machine-config": Message(
        "the configuration belongs in the machine configuration: docker-credential-multi"
        " kubelet-config --layout talos prints the patch"
    ),
    # --- The configuration ------------------------------------------------------------------------
    "node.config-not-understood": Message(
        "{path}:{line}: this is not YAML of the kind that is read here",
        "write it with plain mappings, lists and one-line values",
        cause="It is not YAML, has a member twice, or uses anchors, tags, several documents or"
        " texts of several lines. It is left as it is.",
    ),
    "node.config-not-editable": Message(
        "{path} cannot be changed in place: its providers are not a list with a line for each item",
        "write the providers of docker-credential-multi kubelet-config into it by hand",
    ),
    "node.config-too-old": Message(
        "{path} has an older apiVersion than {version}, which tokens need",
        "set apiVersion: {version}; kubelet reads it since 1.26",
    ),
    "node.config-kind": _refused("{path} is not a {kind} of {group}"),
    "node.config-unknown-member": _refused(
        "{path}: {provider} has the member {member}, which its apiVersion does not have"
    ),
    "node.config-no-member": _refused("{path}: {provider} has no {member}"),
    "node.config-type": _refused("{path}: {provider}: {member} has a value of the wrong type"),
    "node.config-name-twice": _refused(
        "{path}: two providers have the name {provider}",
        "make a link with another name to the executable, and use that name for one of them",
    ),
    "node.config-name": _refused(
        "{path}: {provider} is not the name of a file in kubelet's folder of providers"
    ),
    "node.config-version": _refused(
        "{path}: the apiVersion of {provider} does not belong to {group}"
    ),
    "node.config-duration": _refused(
        "{path}: the defaultCacheDuration of {provider} is not a duration such as 12h"
    ),
    "node.config-match-image": _refused(
        "{path}: {provider} has a pattern in matchImages that is not an image"
    ),
    "node.config-cache-type": _refused("{path}: the cacheType of {provider} is not {types}"),
    "node.config-tokens-version": _refused(
        "{path}: {provider} has tokenAttributes, and its apiVersion is not {version}"
    ),
    "node.config-required-annotations": _refused(
        "{path}: {provider} requires annotations and does not require a service account"
    ),
    "node.config-annotation-twice": _refused("{path}: {provider} names an annotation twice"),
    "node.config-annotation": _refused(
        "{path}: {provider} names an annotation that is not a valid key"
    ),
    # --- doctor -----------------------------------------------------------------------------------
    "node.without-flags": Message(
        "kubelet, process {process}, has no flags for credential providers: it asks no provider",
        "give it {flags}",
    ),
    "node.config-missing": Message(
        "kubelet's flags name {path}, which does not exist: kubelet cannot start again"
    ),
    "node.none-found": Message(
        "{path} is not the root folder of a node: it has no file of kubelet",
        "mount the node's / there, as hostPath",
    ),
    "node.not-asked": Message("kubelet asks no credential provider: {path} does not exist"),
    "node.others-asked": Message("{path} names {names}, and not this program"),
    "node.provider-missing": Message(
        "{path} does not exist, and the configuration names {provider}: kubelet does not start",
        "put the executable there, or take {provider} out of the configuration",
    ),
    "node.provider-not-executable": Message("{path} cannot be executed: kubelet does not start"),
    "node.docker-helper": Message(
        "{provider} is the name of a credential helper for docker, which does not understand"
        " kubelet",
        "in kubelet's folder, make a link {ours} to this program, and name {ours}",
    ),
    "node.glob-in-path": Message(
        "{provider} has patterns that match no image, since * stands for itself after the host:"
        " {patterns}",
        "remove the paths: everything from the slash on",
    ),
    "node.provider-found": Message("kubelet asks {path} for {count} patterns of images"),
    "node.hosts-missing": Message(
        "kubelet asks {provider} for some hosts of {cloud} only; matchImages lacks {hosts}"
    ),
    "node.annotations-missing": Message(
        "{provider} gets tokens, but not the annotations {annotations}, with which a pod"
        " asks for its own identity"
    ),
    "node.second-provider": Message(
        "{other} answers for {hosts} too, without tokens: a pod whose own identity is refused gets"
        " the node's credential from it",
        "take these hosts out of the matchImages of {other}",
        cause="kubelet asks every provider that matches an image, and tries all their answers.",
    ),
    "node.cache-missing": Message(
        "{provider} has no folder for tokens in kubelet's environment: each pull asks the cloud",
        "set DOCKER_CREDENTIAL_MULTI_CACHE_FOLDER in env of the provider",
    ),
    "node.provider-answers": Message("{host}: {provider} has a credential, as kubelet asks it"),
    "node.provider-without-answer": Message("{host}: {provider} has no credential for kubelet"),
    "node.provider-fails": Message("{host}: {provider} fails for kubelet: {said}"),
    "node.provider-not-started": Message("{host}: {provider} cannot be started: {problem}"),
    "node.provider-timeout": Message("{host}: {provider} gives no answer within {seconds} s"),
    "node.provider-bad-answer": Message("{host}: {provider} does not answer as kubelet expects"),
}
