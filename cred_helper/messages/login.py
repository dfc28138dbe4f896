"""Messages of ``login``, ``logout`` and ``token``, and of the question to a registry."""

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    # --- What a registry answers ------------------------------------------------------------------
    "login.registry-open": Message("it needs no credential"),
    "login.registry-asks": Message("it asks for a credential"),
    "login.accepted": Message("it accepts this credential"),
    "login.accepted-by": Message("it accepts this credential, by {endpoint}"),
    "login.refused": Message("HTTP {status}: it does not accept this credential"),
    "login.refused-by-endpoint": Message(
        "HTTP {status} from its token endpoint, which does not accept this credential"
    ),
    "login.http-status": Message("HTTP {status}"),
    "login.endpoint-without-tls": Message(
        "it names a token endpoint that is not asked: its address is not https"
    ),
    "login.endpoint-on-this-machine": Message(
        "it names a token endpoint on this machine, which is not asked",
        cause="A remote registry that sends clients to a service or file of their own machine "
        "could have that service's answer sent to it.",
    ),
    "login.endpoint-elsewhere": Message(
        "it names a token endpoint at {host}, to which no cloud's token is sent"
    ),
    "login.endpoint-without-token": Message("its token endpoint answers without a token"),
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
        "the login to {host} is kept, and {source} answers before it", "see {command}"
    ),
    "login.not-asked": Message(
        "docker and podman do not ask docker-credential-multi yet", "{command} makes them ask"
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
