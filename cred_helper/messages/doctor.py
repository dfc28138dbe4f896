"""Messages about what ``doctor`` and ``explain --check`` find."""

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    # --- Programs ---------------------------------------------------------------------------------
    "doctor.program-not-on-path": Message(
        "docker-credential-multi is not on PATH: clients do not find it"
    ),
    "doctor.program-not-installed": Message(
        "docker-credential-multi is not on PATH: clients do not find it", "install it"
    ),
    "doctor.program-other-copy": Message("clients find {path}, and this copy is {own}"),
    "doctor.program-found": Message("clients find {path}"),
    "doctor.shadowed": Message("{path} is never started: {first} comes first on PATH"),
    "doctor.dangling-link": Message("{path} is a link to a file that does not exist"),
    "doctor.helper-is-this-program": Message("{path} is this program by another name"),
    "doctor.helper-found": Message("{path} is another credential helper"),
    "doctor.helper-for-windows": Message(
        "{path} cannot be started: it is a program for Windows",
        "install the Linux build of it, or turn on the interoperability of WSL",
    ),
    "doctor.helper-for-macos": Message("{path} cannot be started: it is a program for macOS"),
    "doctor.helper-for-other-processor": Message(
        "{path} cannot be started: it is built for another processor"
    ),
    "doctor.helper-without-loader": Message(
        "{path} cannot be started: it is linked dynamically, and its loader does not exist here",
        "install the static file",
        cause='The system says "no such file or directory", although the file is there.',
    ),
    "doctor.helper-windows-line-ends": Message(
        "{path} cannot be started: its lines end as on Windows", "save it with Unix line ends"
    ),
    "doctor.helper-without-format": Message(
        "{path} cannot be started: it is not a program, and its first line does not begin with #!"
    ),
    "doctor.run-by-sudo": Message(
        "started by sudo, with the files of {home}: clients that {user} starts without sudo"
        " may read others"
    ),
    "doctor.helper-without-interpreter": Message(
        "{path} cannot be started: the interpreter in its first line does not exist"
    ),
    # --- Variables --------------------------------------------------------------------------------
    "doctor.variable-with-tilde": Message(
        "{variable} begins with ~, which only a shell expands: programs look for a folder named ~",
        cause="The value was quoted, or comes from a .env file or a service definition.",
    ),
    "doctor.variable-in-quotes": Message(
        "{variable} has quotation marks around its value: they are read as part of the value"
    ),
    "doctor.variable-relative": Message(
        "{variable} is a relative path: it depends on the folder in which a client is started"
    ),
    "doctor.variable-set": Message("{variable} is set: docker or podman reads {path}"),
    "doctor.auth-config-set": Message(
        "DOCKER_AUTH_CONFIG is set: its logins come before those of config.json"
    ),
    "doctor.auth-config-of-cloud": Message(
        "DOCKER_AUTH_CONFIG has a login for {hosts}: docker 28.3 and newer use it and ask no helper"
    ),
    "doctor.auth-config-not-json": Message("DOCKER_AUTH_CONFIG is not a JSON object"),
    "doctor.variable-unread": Message("{name} is set, and no setting has this name"),
    "doctor.variable-misspelt": Message(
        "{name} is set, and no setting has this name", "did you mean {meant}?"
    ),
    "doctor.cloud-variable-misspelt": Message(
        "{name} is set, and no built-in provider reads it", "did you mean {meant}?"
    ),
    # --- docker's files ---------------------------------------------------------------------------
    "doctor.docker-config-missing": Message("{path} does not exist: docker asks no helper"),
    "doctor.file-is-folder": Message(
        "{path} is a directory; it should be a file",
        "remove it: docker run -v makes a folder where the file to mount does not exist",
    ),
    "doctor.file-is-special": Message(
        "{path} is not a regular file but a pipe, socket or device",
        "put a regular file in its place",
    ),
    "doctor.file-closed": Message(
        "{path} cannot be read by this user", "change its owner or its mode"
    ),
    "doctor.auth-file-empty": Message(
        "{path} is empty: podman, skopeo and buildah stop at it", "remove it, or write {{}} into it"
    ),
    "doctor.docker-refuses": Message(
        "{reason}: docker warns at every command, and every program that uses the library of "
        "docker refuses the whole file"
    ),
    "doctor.byte-order-mark": Message(
        "{path}: line 1: a byte order mark: docker does not read the file"
    ),
    "doctor.member-of-wrong-type": Message(
        "{place}: {member} is not {kind}: docker warns at every command and may drop the rest"
    ),
    "doctor.member-misspelt": Message(
        "{path}: docker does not read the member {member}", "did you mean {meant}?"
    ),
    "doctor.named-for-all": Message("{path} names multi for every registry"),
    "doctor.named-for-some": Message("{path} names multi for {hosts}"),
    "doctor.other-store-named": Message(
        "{path} names {store!r} for every registry: docker never asks multi"
    ),
    "doctor.store-not-named": Message(
        "docker never asks multi: see credsStore and credHelpers in {path}"
    ),
    "doctor.key-not-matched": Message(
        "{path}: docker never looks up the key {key!r} of credHelpers", "write {right!r}"
    ),
    "doctor.key-with-wildcard": Message(
        "{path}: docker never looks up the key {key!r} of credHelpers: wildcards have no"
        " meaning there",
        "name multi in credsStore, which is for every registry, or write one key for each host",
    ),
    "doctor.key-without-helper": Message(
        "{path}: the key {key!r} of credHelpers has no helper: docker asks no helper for"
        " this registry",
        "remove the key, or write multi as its value",
    ),
    "doctor.helper-not-on-path": Message(
        "{path} names {name!r} for {where}, and {program} is not on PATH"
    ),
    "doctor.helper-not-executable": Message(
        "{path} names {name!r} for {where}, and this user may not execute {file}"
    ),
    "doctor.docker-is-snap": Message(
        "{path} is a snap: docker then reads ~/snap/docker/current/.docker/config.json, and starts "
        "no credential helper of this machine",
        "install docker from docker's own packages",
    ),
    "doctor.not-a-helper": Message(
        "{path}: {where} is not a helper's name (the value is not shown)",
        "write the name of a helper, without a path",
    ),
    "doctor.helper-full-name": Message(
        "{path} names {name!r} for {where}, which is the full name of a helper",
        "write {short!r}: clients put docker-credential- before it",
    ),
    "doctor.host-of-other-helper": Message("{name!r} answers for {host}: {path} names it"),
    "doctor.cloud-host-of-other-helper": Message(
        "{name!r} answers for {host}, not the built-in provider: {path} names it"
    ),
    "doctor.passwords-readable": Message(
        "{path} holds passwords, and other users can read it ({mode})"
    ),
    "doctor.passwords-in-clear": Message(
        "{path} holds passwords without encryption, for {hosts}",
        "log in again: docker then keeps the login where credsStore says and removes it here",
    ),
    "doctor.login-expired": Message(
        "{path}: the login to {host} has expired ({when})",
        cause="The password or token contains the time at which it ends.",
    ),
    "doctor.password-ends-in-line-end": Message(
        "{path}: the password for {host} ends in a line end: registries refuse it",
        "log in again, or encode it without one: printf %s USER:PASSWORD | base64",
    ),
    # --- podman's files ---------------------------------------------------------------------------
    "doctor.podman-stops": Message("{reason}: {clients} stop at it"),
    "doctor.registries-conf-missing": Message(
        "CONTAINERS_REGISTRIES_CONF names {path}, which does not exist"
    ),
    "doctor.registries-first-format": Message(
        "{path} is in the first format ([registries.search] and the like), which podman 6 refuses",
        "write [[registry]] tables in their place; see containers-registries.conf(5)",
    ),
    "doctor.podman-named": Message("{path} names {names}"),
    "doctor.podman-other-helpers": Message(
        "{path} names {names}, and not multi: {clients} ask multi only for the keys of credHelpers"
    ),
    "doctor.podman-not-named": Message(
        "no registries.conf names multi: {clients} ask multi only for the keys of credHelpers"
    ),
    "doctor.podman-remote": Message(
        "podman here is a remote client, which asks helpers only for the keys of"
        " credHelpers: {path} names multi for no key"
    ),
    "doctor.podman-earlier-login": Message(
        "{path} has a login to {hosts}, which podman uses before it asks multi",
        "remove the login: the built-in provider then answers",
    ),
    # --- This program -----------------------------------------------------------------------------
    "doctor.settings-read": Message("{files}"),
    "doctor.settings-default": Message("no file, the defaults"),
    "doctor.log-on": Message("every step is logged in {path}"),
    "doctor.rules-sound": Message("{count} of {of_all} rules can work"),
    "doctor.rule-after-another": Message(
        "{place}: this rule never applies: for {host}, {other} comes first"
    ),
    "doctor.rule-provider-left-out": Message(
        "{place}: this build has no provider {provider}", "install the complete build"
    ),
    "doctor.logins-kept": Message(
        "{path} keeps logins without encryption, and only its owner can read it: {hosts}"
    ),
    "doctor.no-home": Message("there is no home folder: no file of this user is read or kept"),
    "doctor.home-read-only": Message(
        "{path} cannot be written ({cause}): logins, cached tokens and renewed sign-in"
        " sessions are not kept"
    ),
    "doctor.cache-off": Message("switched off: every get asks the cloud"),
    "doctor.cache-without-folder": Message(
        "there is no folder to keep tokens in: every get asks the cloud"
    ),
    "doctor.cache-not-used": Message("{path} is not used: {cause}"),
    "doctor.cache-not-kept": Message("{path}: no token can be kept: {cause}"),
    "doctor.cache-used": Message("{path}: {tokens}"),
    "doctor.check-failed": Message("{path}: {cause}"),
    # --- The network ------------------------------------------------------------------------------
    "doctor.clock": Message("{time}"),
    "doctor.clock-in-past": Message(
        "the clock says {time}, which is in the past: no certificate and no signature is valid"
    ),
    "doctor.clock-agrees": Message("it agrees with the clock of {host}"),
    "doctor.clock-behind": Message("it is {by} behind the clock of {host}"),
    "doctor.clock-ahead": Message("it is {by} ahead of the clock of {host}"),
    "doctor.certificates-built-in": Message(
        "the clouds' SDKs trust their built-in list; the system's certificates ({system}) count "
        "for docker, login, doctor --online and bazel get only",
        cause="A certificate that an administrator added to the system's store is not trusted when "
        "tokens are fetched, unless REQUESTS_CA_BUNDLE names the store.",
    ),
    "doctor.certificates-named": Message("{variable}: {path}: {count}"),
    "doctor.certificates-folder": Message("{variable}: {path}: a folder of certificates"),
    "doctor.certificates-expired": Message(
        "{variable} names {path}, in which every certificate has expired: {names}"
    ),
    "doctor.proxy": Message("{variable}: {address}"),
    "doctor.proxy-invalid": Message("{variable} is not the address of a proxy"),
    "doctor.proxies-differ": Message("{one} and {other} differ: programs use different proxies"),
    "doctor.metadata-through-proxy": Message(
        "NO_PROXY lacks {address}: a cloud's metadata service is asked through the proxy"
    ),
    # --- Identities -------------------------------------------------------------------------------
    "doctor.identity": Message("{identity}"),
    "doctor.no-identity": Message("no identity"),
    "doctor.ci-token": Message("{system}: the job can have an identity token"),
    "doctor.ci-token-unused": Message(
        "the job's identity token of {system} is not used: it needs the options {options}"
    ),
    "doctor.ci-not-trusted": Message(
        "this cloud cannot trust the identity tokens of {system}",
        cause="Docker Hub trusts GitHub alone. Azure compares the whole subject, and the subjects"
        " of CircleCI and Bitbucket contain the run.",
    ),
    "doctor.provider-left-out": Message("this build does not have the provider"),
    "doctor.provider-not-asked": Message("not asked: {reason}"),
    "doctor.identity-works": Message("the identity can work, as far as local files show"),
    "doctor.other-source-works": Message("{source} answers for {host}"),
    "doctor.source-open": Message(
        "only a request shows whether {source} has a credential for {host}", "{command} asks"
    ),
    "doctor.nothing-answers": Message("no source has a credential for {host}"),
    "doctor.no-rule-matches": Message("no rule matches {host}: {rules} set"),
    # --- Host names -------------------------------------------------------------------------------
    "doctor.near-registry": Message(
        "{host} looks like a registry of {cloud}, whose names are like {example}"
    ),
    # --- Online -----------------------------------------------------------------------------------
    "doctor.no-registry": Message("no registry is configured: name one"),
    "doctor.no-credential": Message("{host}: no credential from {source}: {reason}"),
    "doctor.not-a-registry": Message("{host}: this is not the address of a registry"),
    "doctor.registry-checked": Message("{host}: {got}; {reason} ({ms} ms)"),
    "doctor.asked-without-credential": Message("no credential"),
    "doctor.asked-from-cache": Message("a credential from the cache in {ms} ms"),
    "doctor.asked-anew": Message("a credential in {ms} ms"),
}
