"""Messages about Azure Container Registry."""

from __future__ import annotations

from cred_helper.messages import IN_BETWEEN, Message

_CHECK_TENANT = "check AZURE_TENANT_ID"
_CHECK_PASSWORD = "check AZURE_USERNAME and AZURE_PASSWORD"  # noqa: S105 - advice
_LOG_IN = "az login"
_EXPLAINED = "see https://login.microsoftonline.com/error?code={number}"


class _Refusal(Message):
    """Why Entra refuses an identity: the message for these AADSTS numbers."""

    def __init__(self, numbers: str, text: str, hint: str = _EXPLAINED, *, cause: str = "") -> None:
        super().__init__(f"{text} (AADSTS{{number}})", hint, cause=cause)
        self.numbers = numbers.split()


MESSAGES: dict[str, Message] = {
    # Options and variables.
    "acr.cloud-closed": Message(
        "the Azure cloud of {suffix} (Microsoft Cloud Germany) was closed in {closed}, and its"
        " registries with it",
        "use the registry that replaced it, under azurecr.io",
    ),
    "acr.bad-character": Message("{name} has an invalid character: {character}"),
    "acr.not-a-guid": Message(
        "{name} is not a GUID", "the client secret and the client id may be swapped"
    ),
    "acr.content-for-path": Message(
        "{variable} holds a key or a token, where the path of a file belongs",
        "write it to a file, and set {variable} to the path of that file",
    ),
    "acr.unreadable": Message("{variable}: {path} cannot be read ({reason})"),
    "acr.empty-token-file": Message(
        "{variable}: {path} is empty",
        cause="The step that writes the token failed, or wrote an empty variable.",
        cure="Check that the job or pod is allowed to request a token, and write the file again.",
    ),
    "acr.token-expired": Message(
        "the token in {variable} expired {minutes} min ago", "get a fresh token"
    ),
    "acr.bad-token-credentials": Message(
        "{name} is not prod, dev or a credential class that is used here",
        "set it to prod, dev or one class, such as AzureCliCredential",
    ),
    "acr.half-an-identity": Message(
        "{variable} is set, but {missing} is not", "set {missing}, or unset {variable}"
    ),
    "acr.two-identities": Message("the options {options} both choose an identity"),
    "acr.bad-authority": Message(
        "AZURE_AUTHORITY_HOST is not the https address of a host",
        "set it to an address such as https://login.microsoftonline.com",
    ),
    "acr.authority-of-another-cloud": Message(
        "AZURE_AUTHORITY_HOST is an authority of another cloud than {suffix}",
        "unset AZURE_AUTHORITY_HOST: the host's suffix says where to sign in",
    ),
    "acr.bad-certificate": Message(
        "the certificate in {path} cannot be used with {how}",
        "it has to be PEM or PKCS #12, certificate and RSA private key;"
        " AZURE_CLIENT_CERTIFICATE_PASSWORD takes the password",
    ),
    "acr.certificate-without-key": Message(
        "{path} holds a certificate, but not its private key",
        "append the private key in PEM, or export the certificate with its key",
    ),
    "acr.certificate-without-certificate": Message(
        "{path} holds a private key, but not the certificate", "append the certificate in PEM"
    ),
    "acr.certificate-encoded": Message(
        "{path} holds a certificate in base64", "decode it: base64 --decode"
    ),
    "acr.certificate-needs-password": Message(
        "the private key in {path} is encrypted",
        "AZURE_CLIENT_CERTIFICATE_PASSWORD takes the password",
    ),
    "acr.certificate-not-rsa": Message(
        "the private key in {path} is not an RSA key", "Entra takes certificates with RSA keys only"
    ),
    "acr.sdk-refuses": Message("azure-identity does not accept what {source} is set to"),
    # Why a source is skipped.
    "acr.not-chosen": Message("{name} is {chosen}"),
    "acr.managed-identity-chosen": Message("the option {option} chooses a managed identity"),
    "acr.other-client-id": Message(
        "{variable} belongs to AZURE_CLIENT_ID, and the option client_id names another"
    ),
    "acr.guess": Message("{source} comes first: it certainly exists, and this source may not"),
    "acr.asked-later": Message("used only if {source} does not exist"),
    "acr.not-an-azure-machine": Message("this machine is not in Azure: {reason}"),
    "acr.no-broker": Message(
        "it signs in through azure-identity-broker, which is not part of this program"
    ),
    "acr.az-logged-out": Message("az has no login (az login)"),
    "acr.tool-logged-out": Message("{program} has no login ({command})"),
    # No identity.
    "acr.no-identity": Message("no Azure identity is configured or detected here"),
    "acr.no-such-identity": Message(
        "no Azure identity here can sign in as the {kind} {id}",
        "az login, or set AZURE_TENANT_ID and AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE",
    ),
    "acr.no-managed-identity": Message(
        "this machine cannot have the managed identity with the {kind} {id}",
        "ask from an Azure machine to which this managed identity is assigned",
    ),
    "acr.no-metadata-service": Message(
        "no metadata service answers at {address}, so this machine has no managed identity"
    ),
    "acr.machine-without-identity": Message("this machine has no managed identity"),
    # Metadata services.
    "acr.identity-not-assigned": Message(
        "this machine does not have the managed identity with the {kind} {id}",
        "assign it to the machine, or correct the id",
    ),
    "acr.several-identities": Message(
        "this machine has several managed identities", "choose one with AZURE_CLIENT_ID"
    ),
    "acr.no-system-identity": Message(
        "{place} has no system-assigned managed identity here",
        "set AZURE_CLIENT_ID to the client id of the user-assigned identity",
        cause="The app has user-assigned identities only, and none of them is chosen.",
    ),
    "acr.arc-key-unreadable": Message(
        "the Azure Arc agent gives tokens only to users who can read its key files",
        'sudo usermod --append --groups himds "$USER", then log in again',
    ),
    "acr.no-metadata-token": Message("{upstream} gave no token ({said})"),
    # Programs.
    "acr.tool-not-logged-in": Message("{source} is not logged in"),
    # The words of version 0.1.0, which a script may match.
    "acr.not-logged-in": Message("nobody is logged in to {source}", "{command}"),
    "acr.no-powershell-module": Message(
        "PowerShell has no module Az.Accounts of version 2.2 or later",
        "pwsh -Command Install-Module Az.Accounts",
    ),
    "acr.program-failed": Message("{source} gave no token: {said}", "{command}"),
    "acr.program-failed-silently": Message("{source} gave no token", "{command}"),
    "acr.no-token-given": Message(
        "{source} answered with something other than a token",
        cause="The program printed a warning or a page of help in place of its JSON document.",
        cure="Run az account get-access-token by hand, and see what it prints.",
    ),
    "acr.az-in-another-cloud": Message(
        "az is set to {name}, which is another cloud than {suffix}", "see az cloud list"
    ),
    "acr.token-of-another-cloud": Message(
        "the identity is of {issuer}, which is another cloud than {suffix}"
    ),
    "acr.az-file-broken": Message(
        "{path} is not valid JSON, and az cannot read its login",
        "az account clear, then az login",
        cause="An az was interrupted while it wrote the file, or two of them wrote it at once.",
    ),
    # Entra.
    "acr.no-token": Message(
        "{upstream} answered with something other than a token ({status})", IN_BETWEEN
    ),
    "acr.entra-refuses": Message("{upstream} refuses the identity ({word})"),
    "acr.entra-code": _Refusal("", "Entra refuses the identity"),
    "acr.not-a-user-of-the-tenant": _Refusal(
        "50020 90072", "the account is not a user of the tenant", _CHECK_TENANT
    ),
    "acr.unknown-user": _Refusal(
        "50034", "the tenant has no such user", "check AZURE_USERNAME and AZURE_TENANT_ID"
    ),
    "acr.unknown-authority": _Refusal(
        "50049",
        "Microsoft does not know the authority that AZURE_AUTHORITY_HOST names",
        "if it belongs to a private cloud, set"
        " DOCKER_CREDENTIAL_MULTI_ACR_INSTANCE_DISCOVERY=false",
    ),
    "acr.account-locked": _Refusal("50053", "the account is locked"),
    "acr.password-expired": _Refusal("50055", "the password has expired"),
    "acr.wrong-password": _Refusal(
        "50056 50126", "the user name or password is wrong", _CHECK_PASSWORD
    ),
    "acr.account-disabled": _Refusal("50057", "the account is disabled"),
    "acr.second-factor": _Refusal(
        "50076 50079 50158",
        "the tenant asks for a second factor, which a credential helper cannot give",
        "use a service principal, a managed identity or az login",
    ),
    "acr.login-revoked": _Refusal("50173", "the login was revoked", _LOG_IN),
    "acr.login-expired": _Refusal("70043 700082", "the login has expired", _LOG_IN),
    "acr.conditional-access": _Refusal(
        "53003", "a conditional access policy of the tenant forbids it"
    ),
    "acr.no-consent": _Refusal("65001", "the tenant has not consented to the application"),
    "acr.unknown-audience": _Refusal(
        "70011 500011",
        "the tenant does not know the audience",
        "DOCKER_CREDENTIAL_MULTI_ACR_AUDIENCE names another, such as https://management.azure.com",
    ),
    "acr.no-federated-credential": _Refusal(
        "70021 70025 700211 700212 700213",
        "no federated credential of the application matches the token's issuer, subject and"
        " audience",
        "compare them: az ad app federated-credential list --id {client}",
    ),
    "acr.issuer-unreachable": _Refusal(
        "50166 90061 501661",
        "Entra cannot get the keys of the token's issuer",
        "the issuer's /.well-known/openid-configuration has to be reachable from the internet",
    ),
    "acr.federated-credential-case": _Refusal(
        "7002138",
        "the subject of a federated credential differs from the token's in upper and lower case",
        "write it in the same case: az ad app federated-credential list --id {client}",
    ),
    "acr.unknown-tenant": _Refusal("90002", "this cloud has no such tenant", _CHECK_TENANT),
    "acr.bad-tenant": _Refusal(
        "900023", "the tenant's id is neither a GUID nor a domain", _CHECK_TENANT
    ),
    "acr.unknown-application": _Refusal(
        "700016",
        "the tenant has no such application",
        "check AZURE_CLIENT_ID and AZURE_TENANT_ID: az ad app show --id {client}",
    ),
    "acr.federated-token-not-valid-now": _Refusal(
        "700024",
        "the federated token is not valid now: it has expired, or a clock is wrong",
        "get a fresh token, compare the clocks",
    ),
    "acr.federated-token-too-long": _Refusal(
        "70023",
        "the federated token is valid for longer than Entra accepts",
        "use a token that is made for the audience api://AzureADTokenExchange",
        cause="The token is the one that Kubernetes gives every pod for its own API.",
    ),
    "acr.unknown-certificate": _Refusal(
        "700027",
        "the application does not have this certificate",
        "compare: az ad app credential list --cert --id {client}",
    ),
    "acr.application-disabled": _Refusal("7000112", "the application is disabled"),
    "acr.wrong-secret": _Refusal(
        "7000215",
        "the client secret is wrong",
        "AZURE_CLIENT_SECRET takes the secret's value, not its id",
    ),
    "acr.secret-with-blanks": _Refusal(
        "",
        "{variable} begins or ends with a blank or a line end",
        "write the value without it: use echo -n, or kubectl create secret --from-literal",
        cause="The secret was written to a file or a Kubernetes secret with echo, which adds a line"
        " end.",
    ),
    "acr.secret-expired": _Refusal(
        "7000222",
        "the client secret has expired",
        "make a new one: az ad app credential reset --id {client}",
    ),
    "acr.no-service-principal": _Refusal(
        "7000229",
        "the application has no service principal in the tenant",
        "make one: az ad sp create --id {client}",
    ),
    # The registry.
    "acr.no-such-registry": Message(
        "{host} cannot be reached: it has no address",
        "does the registry exist? az acr show --name {registry}",
    ),
    "acr.registry-not-found": Message(
        "no registry answers at {host} ({status})", "az acr show --name {registry}"
    ),
    "acr.not-let-in": Message(
        "the registry gives {who} no access ({status})",
        "give it the role AcrPull on {registry}, in the registry's own tenant, or"
        ' "Container Registry Repository Reader" where the registry uses ABAC: az role assignment'
        " create --role AcrPull --assignee {client} --scope $(az acr show --name {registry}"
        " --query id --output tsv)",
        cause="The identity has no role at the registry, or the role was given only minutes ago."
        " A registry in the mode RBAC + ABAC ignores AcrPull.",
    ),
    "acr.network-rules": Message(
        "the registry's network rules do not admit {address} ({status})",
        "az acr network-rule list --name {registry}; with a private endpoint, this machine"
        " has to use its DNS zone",
    ),
    "acr.exchange-denied": Message(
        "{host} denies the exchange for {who} ({status}): {said}",
        "az acr check-health --name {registry}",
    ),
    "acr.not-the-registry": Message(
        "the answer of {host} does not come from the registry ({status})", IN_BETWEEN
    ),
    "acr.not-exchanged": Message("{host} did not exchange the token of {who} ({status})"),
    "acr.no-refresh-token": Message(
        "{host} answered the exchange with something other than a refresh token", IN_BETWEEN
    ),
    # Names of hosts.
    "acr.near-private-link": Message(
        "{host} is a private endpoint and not the login server of the registry",
        "leave privatelink out of the name",
    ),
}

# The number of a refusal → the code of its message.
ENTRA_CODES = {
    number: code
    for code, message in MESSAGES.items()
    if isinstance(message, _Refusal)
    for number in message.numbers
}
