"""Messages about ``login``, ``logout`` and ``token``."""

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    # --- What a registry answers ------------------------------------------------------------------
    "login.registry-open": Message("the registry needs no credential"),
    "login.registry-asks": Message("the registry asks for a credential"),
    "login.accepted": Message("the registry accepts the credential"),
    "login.accepted-by": Message("the registry accepts the credential, by {endpoint}"),
    "login.refused": Message("HTTP {status}: the registry does not accept the credential"),
    "login.refused-by-endpoint": Message(
        "HTTP {status}: the registry's token endpoint does not accept the credential"
    ),
    "login.http-status": Message("HTTP {status}"),
    "login.endpoint-without-tls": Message(
        "the registry names a token endpoint whose address is not https: it is not asked"
    ),
    "login.endpoint-on-this-machine": Message(
        "the registry names a token endpoint on this machine: it is not asked",
        cause="A remote registry could use such an address to read the answer of a service, or a"
        " file, on the client's machine.",
    ),
    "login.endpoint-elsewhere": Message(
        "the registry names a token endpoint at {host}, to which no cloud's token is sent"
    ),
    "login.endpoint-without-token": Message(
        "the registry's token endpoint answers without a token"
    ),
    "login.check-failed": Message("{reason}"),
    # --- login and logout -------------------------------------------------------------------------
    "login.not-accepted": Message(
        "no login to {host}: {reason}", "nothing is kept; --unchecked keeps it without asking"
    ),
    "login.cloud-not-accepted": Message("no login to {host}: {reason}"),
    "login.rule-answers": Message(
        "a login to {host} would never be used: the rule at {place} answers for it",
        "remove that rule, or see {command}",
    ),
    "login.password-not-text": Message("the password on standard input is not UTF-8"),
    "login.password-missing": Message("there is no password on standard input"),
    "login.input-too-long": Message("standard input is too long for a password"),
    "login.not-kept": Message(
        "the login to {host} was accepted, and no source has it now", "see {command}"
    ),
    "login.answered-before": Message(
        "the login to {host} is kept, but {source} answers first", "see {command}"
    ),
    "login.not-asked": Message(
        "docker and podman do not ask docker-credential-multi yet", "run {command}"
    ),
    "login.of-namespace": Message(
        "docker and podman ask a credential helper for {host} alone; clients that send the path,"
        " such as crane and ko, get this login"
    ),
    "login.still-answered": Message("{source} still answers for {host}: {words}"),
    # --- token and explain --try ------------------------------------------------------------------
    "login.no-credential": Message(
        "no source has a credential for {server_url}", "{command} lists the sources"
    ),
    "login.no-such-form": Message(
        "an identity token is not a password and has no form {form}", "use --format json"
    ),
}
