"""Messages about Google's registries."""

from __future__ import annotations

from cred_helper.messages import Message

_ADC_LOGIN = "run gcloud auth application-default login"
_LOGIN = "run gcloud auth login"
_CHECK_POOL = "check the pool's provider: its issuer, audiences and attribute condition"
_CHECK_SOURCE = "Check credential_source in the file that is named."
_FEDERATION = (
    "Workload identity federation: the outer identity (a CI job, AWS, a file, a program) gives no"
    " subject token."
)
_NOT_ACCEPTED = "{upstream} does not accept the subject token ({status}): {said}"
_KEY_REFUSED = "{upstream} refuses the key ({status}): {said}"
_CANNOT_IMPERSONATE = (
    "the identity cannot impersonate {account}: {upstream} answers {status}, {said}"
)
_METADATA_REFUSES = "the metadata service gives no token ({status}): {said}"
_GCLOUD_REFUSES = "gcloud has no token for {whose}: {said}"
_ENABLE_API = "run gcloud services enable iamcredentials.googleapis.com"

MESSAGES: dict[str, Message] = {
    # Why an identity source is skipped, or has no identity.
    "gcr.no-credentials-file": Message("credentials_file is not set for this host"),
    "gcr.no-default-file": Message("{path} does not exist"),
    "gcr.metadata-switched-off": Message("NO_GCE_CHECK is true"),
    "gcr.not-a-google-machine": Message("this machine is not in Google Cloud: {reason}"),
    "gcr.gcloud-no-login": Message("gcloud has no login: {path} does not exist"),
    "gcr.gcloud-no-account": Message(
        "gcloud's configuration {configuration} has no active account"
    ),
    "gcr.no-metadata-service": Message("no metadata service of Google answers at {address}"),
    "gcr.no-service-account": Message("this machine has no service account"),
    "gcr.no-identity": Message("no Google identity is configured or detected"),
    "gcr.login-of-former-helper": Message(
        "only docker-credential-gcr can renew the login in {path}",
        _ADC_LOGIN,
        cause="This program is called as docker-credential-gcr, whose gcr-login works with that"
        " helper only.",
    ),
    # The user's choices for a registry.
    "gcr.nothing-to-impersonate-with": Message(
        "impersonating {account} needs a Google identity, and none was found",
        _ADC_LOGIN,
        cause="impersonate is set for the registry, and no identity is configured or detected.",
        cure="Log in, or remove the option where the message says it is set.",
    ),
    "gcr.not-a-service-account": Message(
        "impersonate does not name a service account",
        "set impersonate to a service account's e-mail address",
    ),
    "gcr.wrong-universe": Message(
        "the credential belongs to the universe {universe}, the registry to {wanted}",
        "use a credential of the universe {wanted}",
        cause="A token of one universe (Google's own cloud, or a partner's) is not valid in"
        " another, and is not sent there.",
    ),
    # Credential files.
    "gcr.content-for-path": Message(
        "{variable} holds a file's content, and has to hold its path",
        "write the content to a file, and set {variable} to the path of that file",
    ),
    "gcr.file-missing": Message(
        "{file} does not exist",
        cause="The file was removed, or the path is mistyped.",
        cure="Correct the path, or make a new key or login.",
    ),
    "gcr.file-missing-tilde": Message(
        "{file} does not exist", "only a shell expands ~: write the whole path"
    ),
    "gcr.file-missing-quotes": Message(
        "{file} does not exist", "the quotation marks are part of the value: remove them"
    ),
    "gcr.file-missing-blank": Message(
        "{file} does not exist", "the value begins or ends with a blank or a line end: remove it"
    ),
    "gcr.file-unreadable": Message("{file} cannot be read: {reason}"),
    "gcr.not-a-credential-file": Message(
        "{path} is not a Google credential file", "its type has to be one of {types}"
    ),
    "gcr.encoded-file": Message(
        "{path} holds a credential file in base64", "decode it: base64 --decode"
    ),
    "gcr.oauth-client-file": Message(
        "{path} is not a Google credential file",
        f"it holds the secret of an OAuth client, which is not an identity; {_ADC_LOGIN}",
    ),
    "gcr.distributed-cloud-file": Message(
        "{path} is of type gdch_service_account, whose tokens are valid only in Google Distributed"
        " Cloud",
        cure="Use another identity.",
        cause="Google's public registries do not accept these tokens.",
    ),
    "gcr.field-missing": Message(
        "{path} is of type {type} and has no valid {field}",
        cause="The file was edited by hand or cut short.",
        cure="Make the file anew, as Google's documentation of its type says.",
    ),
    "gcr.bad-private-key": Message(
        "{path} cannot be used: its private_key is not an RSA key in PEM",
        "its line ends have to be written as \\n, and not as \\\\n",
    ),
    "gcr.bad-credential-source": Message(
        "{path} cannot be used: its credential_source is incomplete or ambiguous"
    ),
    "gcr.bad-impersonation": Message(
        "{path} cannot be used: its service_account_impersonation_url names no account"
    ),
    "gcr.unusable-file": Message("{path} cannot be used: google-auth does not accept it as {type}"),
    "gcr.bad-address": Message("an address in {place} is not a valid URL"),
    "gcr.insecure-address": Message(
        "a secret would be sent to {host} without encryption",
        "every address in {place} has to begin with https://",
    ),
    # The subject token of workload identity federation.
    "gcr.subject-file-missing": Message(
        "{path}, named in {place}, does not exist", cause=_FEDERATION, cure=_CHECK_SOURCE
    ),
    "gcr.subject-file-unreadable": Message(
        "{path}, named in {place}, cannot be read: {reason}", cause=_FEDERATION, cure=_CHECK_SOURCE
    ),
    "gcr.subject-file-empty": Message(
        "{path}, named in {place}, is empty",
        "check the step that writes the token: its variable may not be set",
    ),
    "gcr.subject-file-too-large": Message("{path}, named in {place}, is too large for a token"),
    "gcr.subject-field-missing": Message(
        "{path} has no token in the field that subject_token_field_name in {place} names"
    ),
    "gcr.subject-token-expired": Message(
        "the subject token that {path} names expired on {time}", "have its issuer write a new one"
    ),
    "gcr.subject-token-refused": Message(
        "{upstream} gives no subject token (status {status})",
        "a GitHub job needs the permission id-token: write",
        cause=_FEDERATION,
        cure=_CHECK_SOURCE,
    ),
    "gcr.not-a-subject-token": Message(
        "{upstream} answers with something other than a subject token",
        cause=_FEDERATION,
        cure=_CHECK_SOURCE,
    ),
    "gcr.subject-token-not-accepted": Message(_NOT_ACCEPTED, _CHECK_POOL),
    "gcr.provider-unknown": Message(
        "{upstream} has no such workload identity provider ({status}): {said}",
        "check the project's number and the names of pool and provider, and that both are enabled",
    ),
    "gcr.attribute-condition": Message(
        "the provider's attribute condition refuses the subject token ({status}): {said}",
        "compare it: gcloud iam workload-identity-pools providers describe",
    ),
    "gcr.issuer-unreachable": Message(
        "{upstream} cannot get the keys of the subject token's issuer ({status}): {said}",
        "the issuer's /.well-known/openid-configuration has to be reachable from the internet",
    ),
    "gcr.subject-too-long": Message(
        "{upstream} cannot map the subject token ({status}): {said}",
        "map a shorter claim to google.subject, such as assertion.repository",
    ),
    "gcr.audience-not-allowed": Message(
        "the provider does not allow the audience of the subject token ({status}): {said}",
        "add it to the provider's allowed audiences, or set id_token_audience to one of these",
    ),
    "gcr.not-a-provider": Message(
        "the option workload_identity_provider is not the name of a provider",
        "write projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER",
    ),
    "gcr.project-without-number": Message(
        "the option workload_identity_provider names the project by its id, not by its number",
        'gcloud projects describe PROJECT --format "value(projectNumber)"',
    ),
    "gcr.subject-token-stale": Message(
        _NOT_ACCEPTED,
        "have its issuer write a new one, and compare this machine's clock",
        cause="The token in the file was not renewed: its sidecar, kubelet or CI step has stopped.",
    ),
    "gcr.scope-refused": Message(
        "{upstream} does not accept the scope ({status}): {said}",
        "check the scopes that the pool's provider allows",
    ),
    # Programs that give a subject token.
    "gcr.programs-not-allowed": Message(
        "{path} names a program, and programs are not allowed to run",
        "if you trust that file, set GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES to 1",
    ),
    "gcr.bad-program": Message("{path} has no valid command in credential_source.executable"),
    "gcr.bad-program-timeout": Message(
        "{path} cannot be used: timeout_millis has to be from 5000 to 120000"
    ),
    "gcr.program-missing": Message("{program}, named in {path}, cannot be found or run"),
    "gcr.program-failed": Message(
        "{program} gave no subject token and ended with status {status}: {said}"
    ),
    "gcr.program-failed-silently": Message(
        "{program} gave no subject token and ended with status {status}",
        "run it by hand to see why",
    ),
    "gcr.program-refused": Message("{program} gives no subject token: {said}"),
    "gcr.program-expired-token": Message("{program} gave a subject token that has expired"),
    "gcr.program-bad-answer": Message(
        "{program} answered with something other than a subject token",
        "its answer has to be the JSON that https://google.aip.dev/auth/4117 describes",
    ),
    "gcr.program-other-version": Message(
        "{program} answered in version {version}, which is not supported"
    ),
    # Google's refusals.
    "gcr.sign-in-refused": Message(
        "{upstream} refuses the user's sign-in ({status}): {said}",
        _ADC_LOGIN,
        cause="The sign-in has expired or was revoked.",
    ),
    "gcr.sign-in-required": Message(
        "Google requires the user to sign in again ({reason})",
        _ADC_LOGIN,
        cause="A policy of the organization limits how long a sign-in lasts.",
    ),
    "gcr.account-sign-in-required": Message(
        "Google requires a sign-in ({reason}), which an identity without a user cannot do",
        "exempt the identity from Google Cloud session control in the Admin console",
    ),
    "gcr.wrong-clock": Message(_KEY_REFUSED, "set this machine's clock"),
    "gcr.key-refused": Message(
        _KEY_REFUSED,
        "check in IAM whether the service account exists, is enabled, and has this key",
    ),
    "gcr.token-refused": Message("{upstream} gives no token ({status}): {said}"),
    "gcr.refused-without-reason": Message("{upstream} gives no token ({status}) and no reason"),
    "gcr.not-a-token": Message(
        "{upstream} answers with something other than a token",
        cause="The service has a fault, or something else answers in its place.",
        cure="Try again in a minute; the debug log shows the requests and their status.",
    ),
    "gcr.no-token-made": Message(
        "google-auth made no token for {type} ({error})",
        cause="The key or the certificate cannot be used, or a file that it names is missing.",
        cure="Make a new key; check the files that the credential file names.",
    ),
    # Impersonation.
    "gcr.impersonation-refused": Message(
        _CANNOT_IMPERSONATE, "grant it roles/iam.serviceAccountTokenCreator on {account}"
    ),
    "gcr.impersonation-by-workload-refused": Message(
        "the workload cannot impersonate {account}: {upstream} answers {status}, {said}",
        "grant it roles/iam.workloadIdentityUser on {account}",
    ),
    "gcr.impersonation-api-disabled": Message(_CANNOT_IMPERSONATE, _ENABLE_API),
    "gcr.impersonation-scope": Message(
        _CANNOT_IMPERSONATE, "give the scope cloud-platform to the identity that impersonates"
    ),
    "gcr.impersonation-no-account": Message(
        _CANNOT_IMPERSONATE, "check in IAM whether {account} exists"
    ),
    # The metadata service.
    "gcr.bad-metadata-address": Message(
        "{variable} does not hold the address of a metadata service",
        "set it to HOST or HOST:PORT, without http://",
    ),
    "gcr.not-the-metadata-service": Message(
        "something other than Google's metadata service answers at {host}"
    ),
    "gcr.metadata-refused": Message(_METADATA_REFUSES),
    "gcr.metadata-refused-silently": Message("the metadata service gives no token ({status})"),
    "gcr.metadata-no-binding": Message(
        _METADATA_REFUSES,
        "grant the Kubernetes service account roles/iam.workloadIdentityUser on the Google account",
    ),
    "gcr.metadata-api-disabled": Message(_METADATA_REFUSES, _ENABLE_API),
    "gcr.metadata-no-scopes": Message(
        _METADATA_REFUSES, "stop the machine, and give it the scope cloud-platform"
    ),
    "gcr.metadata-wrong-account": Message(
        _METADATA_REFUSES,
        "check the annotation iam.gke.io/gcp-service-account of the Kubernetes service account",
    ),
    # gcloud.
    "gcr.gcloud-login-ended": Message(
        _GCLOUD_REFUSES,
        _LOGIN,
        cause="The login has expired or was revoked, or a policy requires a new one.",
    ),
    "gcr.gcloud-account-refused": Message(
        _GCLOUD_REFUSES, "run gcloud auth activate-service-account with a new key file"
    ),
    "gcr.gcloud-failed": Message(
        "gcloud ended with status {status}: {said}",
        "run gcloud auth print-access-token to see more",
        cause="gcloud failed for another reason than its login: its folder cannot be written, or"
        " its Python is missing.",
    ),
    "gcr.gcloud-locked": Message(
        "gcloud's database is locked by another gcloud, after {attempts} attempts",
        "try again when no other gcloud runs",
    ),
    "gcr.gcloud-printed-no-token": Message(
        "gcloud printed something other than a token",
        "run gcloud auth print-access-token to see what it prints",
    ),
    "gcr.not-a-token-file": Message("{file} does not hold one access token"),
}
