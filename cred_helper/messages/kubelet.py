"""Messages about requests of kubelet."""

from cred_helper.messages import Message

_PROVIDER_EACH = (
    "Give each cloud a provider of its own in the CredentialProviderConfig, which names the"
    " annotations of that cloud alone."
)

MESSAGES: dict[str, Message] = {
    # The request
    "kubelet.no-request": Message(
        "standard input is empty: kubelet writes a {kind} there",
        cause="The command was called by hand, or by another program than kubelet.",
    ),
    "kubelet.other-kind": Message("the kind of the request is not {kind}"),
    "kubelet.other-version": Message(
        "the apiVersion of the request is not supported; {versions} are",
        "check apiVersion of the provider in the CredentialProviderConfig",
    ),
    "kubelet.unknown-key": Message("the request has the key {key}, which {version} does not have"),
    "kubelet.repeated-key": Message("the request has the key {key} twice"),
    "kubelet.no-image": Message("the request names no image"),
    "kubelet.not-reference": Message("the image of the request is not a valid reference"),
    "kubelet.annotations": Message("serviceAccountAnnotations is not a map of strings"),
    # The arguments
    "kubelet.unknown-argument": Message(
        "{name} has no argument {argument}",
        "docker-credential-multi kubelet-config prints a configuration with its args",
    ),
    "kubelet.no-value": Message(
        "the argument {argument} has no value",
        "check args: of the provider in kubelet's configuration",
    ),
    "kubelet.bad-value": Message("the value of the argument {argument} is not {expected}"),
    "kubelet.needs-argument": Message("the argument {argument} needs {other}"),
    "kubelet.not-supported": Message("{what} is not supported", "{instead}"),
    "kubelet.cannot-read": Message("{path} cannot be read: {problem}"),
    "kubelet.bad-file": Message("{path} is not a JSON object with the settings of Azure"),
    # The identity
    "kubelet.image": Message("no credential for the image {image} as {identity}: {reason}"),
    "kubelet.no-pod-identity": Message(
        "{provider} takes no identity token, and the pod asks for an identity of its own"
    ),
    "kubelet.no-token": Message(
        "the service account has the annotation {annotation}, but kubelet sent no token",
        "set tokenAttributes of the provider in the CredentialProviderConfig",
        cause="The pod asks for its own identity. The node's identity is not used instead.",
    ),
    "kubelet.not-jwt": Message("the service account's token is not a JSON web token"),
    "kubelet.no-annotation": Message(
        "the service account has no annotation {annotation}",
        "annotate it, and name the annotation in optionalServiceAccountAnnotationKeys",
        cause="kubelet sent the pod's token, and no annotation or option names the identity at the"
        " cloud. Either the service account has no annotation, or the"
        " CredentialProviderConfig does not list it in optionalServiceAccountAnnotationKeys."
        " The node's identity is not used instead.",
        cure="Annotate the service account, or set the cloud's option for the identity. With the"
        " argument --without-annotation=node such pods get the node's credential.",
    ),
    "kubelet.annotation-value": Message(
        "the annotation {annotation} of the service account is not {expected}"
    ),
    "kubelet.other-cloud": Message(
        "the annotation {annotation} of the service account is for {other},"
        " and the image is in {cloud}",
        cause="An annotation for one cloud chooses no identity at another.",
        cure=_PROVIDER_EACH,
    ),
    "kubelet.two-clouds": Message(
        "the service account has annotations for two clouds: {annotation} and {other}",
        cause="A token has the audience of one cloud, so only one of the annotations can be used.",
        cure=_PROVIDER_EACH,
    ),
    "kubelet.answered-by-rule": Message(
        "the service account has the annotation {annotation}, but the rule makes {source} answer",
        cause="The pod asks for its own identity at the image's cloud, but the rule names another"
        " source, which is the same for all pods.",
        cure="Remove the rule, or the annotation.",
    ),
    "kubelet.cloud-left-out": Message(
        "the service account has the annotation {annotation}, and {cloud} is not asked here",
        "docker-credential-multi config show: order and disabled_providers",
        cause="The settings leave the cloud of the image out, or the program was built without it.",
    ),
    "kubelet.token-returned": Message(
        "the credential is the service account's token itself, which kubelet refuses"
    ),
    "kubelet.identity-token": Message(
        "the login is an identity token, which kubelet cannot use",
        "log in with a user name and a password",
    ),
}
