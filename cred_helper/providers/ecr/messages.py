"""Messages about Amazon ECR.

``detail`` is the identity as ``explain`` shows it, ``answer`` AWS's code for an error, ``api`` the
API that was asked, ``command`` a command to run.
"""

from __future__ import annotations

from cred_helper.messages import IN_BETWEEN, Message

_LATER = "try again in a minute"
_RUN = "run {command}"
_SESSION_CAUSE = "AWS keeps a sign-in for some hours, and its renewal for some days."
_KEY = {
    "cause": "The key was deleted, mistyped, cut in half, or is of another partition (China,"
    " GovCloud).",
    "cure": "Set the access key id and the secret key anew, both from the same key.",
}
_NO_IDENTITY = {
    "cause": "sudo and services see neither your variables nor your ~/.aws.",
    "cure": "Sign in as this user (aws sso login, aws configure), or run the client without sudo.",
}
_SERVICE = {
    "cause": "A container's or an instance's credentials endpoint gives no keys.",
    "cure": "Attach a role to the task, pod or instance; in a container on EC2 set the hop limit to"
    " 2.",
}

MESSAGES: dict[str, Message] = {
    # Why a source is skipped.
    "ecr.chosen-profile-first": Message("the profile set for this registry comes first"),
    "ecr.key-not-set": Message("AWS_ACCESS_KEY_ID is not set"),
    "ecr.key-id-not-set": Message(
        "AWS_ACCESS_KEY_ID is not set, although AWS_SECRET_ACCESS_KEY is"
    ),
    "ecr.role-first": Message('the role of profile "{profile}" comes first'),
    "ecr.profile-without-keys": Message('profile "{profile}" names no credentials'),
    "ecr.no-default-profile": Message("there is no default profile in {config} or {credentials}"),
    "ecr.source-skipped": Message("{reason}"),
    "ecr.no-boto-file": Message("there is no boto configuration file with credentials"),
    "ecr.no-container-variable": Message(
        "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is"
        " set"
    ),
    "ecr.metadata-disabled": Message("AWS_EC2_METADATA_DISABLED is true"),
    "ecr.other-machine": Message("this machine is not in AWS: {reason}"),
    # No identity.
    "ecr.no-identity": Message(
        "no AWS identity is configured for this user, and this machine is not an AWS machine",
        **_NO_IDENTITY,
    ),
    "ecr.no-metadata-service": Message(
        "no AWS identity is configured for this user, and no metadata service answers",
        **_NO_IDENTITY,
    ),
    "ecr.instance-without-role": Message(
        "this instance has no role, or its hop limit keeps the role from containers", **_SERVICE
    ),
    "ecr.instance-without-role-by-proxy": Message(
        "the metadata service gives no role; is HTTP_PROXY in between?"
    ),
    "ecr.nothing-assumes-role": Message(
        "no AWS identity is configured that could assume {role}",
        "sign in as an identity that may assume it: aws configure, or aws sso login",
        cure="Sign in, or remove the option where the message says it is written.",
    ),
    "ecr.profile-empty": Message(
        'profile "{profile}" names no credentials, and there are none elsewhere',
        "{command}",
        cure="Give the profile keys, or remove the option where the message says it is written.",
    ),
    # The keys in variables and files.
    "ecr.secret-not-set": Message(
        "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not",
        "set both, or unset AWS_ACCESS_KEY_ID",
    ),
    "ecr.key-not-usable": Message(
        "{name} contains {problem}, which AWS does not accept",
        "set it anew without {problem}",
        cause="A Kubernetes secret, a file or echo adds a line break; an env file keeps quotation"
        " marks.",
        cure="Use printf in place of echo, and no quotation marks in files that docker reads.",
    ),
    "ecr.profile-half-key": Message(
        'profile "{profile}" in {path} has no aws_secret_access_key', **_KEY
    ),
    "ecr.web-identity-without-role": Message(
        "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not",
        "set AWS_ROLE_ARN to the role that the token is for",
    ),
    "ecr.profile-web-identity-without-role": Message(
        'profile "{profile}" has a web_identity_token_file, but no role_arn',
        "set role_arn to the role that the token is for",
    ),
    "ecr.token-file-unreadable": Message(
        "the token file {path}, named in {named_by}, cannot be read: {reason}",
        "check that the volume or the step that writes it is there",
        cause="A pod's token volume is not mounted, a CI step did not run, or another user owns the"
        " file.",
        cure="See where the file is written; in a pod, annotate its service account.",
    ),
    "ecr.token-file-empty": Message(
        "the token file {path}, named in {named_by}, is empty",
        "look at the step that writes it: the variable that it writes may be empty",
    ),
    "ecr.credential-file-missing": Message(
        "AWS_CREDENTIAL_FILE names a file that does not exist", "unset AWS_CREDENTIAL_FILE"
    ),
    "ecr.container-address": Message(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor an address of containers"
    ),
    "ecr.container-token-line-break": Message(
        "AWS_CONTAINER_AUTHORIZATION_TOKEN, or the file with it, contains a line break"
    ),
    # Profiles.
    "ecr.profile-missing": Message(
        'profile "{profile}" is neither in {config} nor in {credentials}{order}',
        "correct {setting}; {known}",
    ),
    "ecr.section-misnamed": Message(
        "{path}: line {line}: the section [{section}] has to be [{right}]",
        "rename the section to [{right}]",
        cause="In ~/.aws/config the sections of profiles are named [profile NAME], in"
        " ~/.aws/credentials [NAME].",
    ),
    "ecr.two-profile-variables": Message(
        "{used} and {unused} name different profiles; {used} counts, because this SDK reads it"
        " first",
        "unset {used}",
    ),
    "ecr.role-without-source": Message(
        'profile "{profile}" has a role_arn, but no source_profile or credential_source',
        "add source_profile = NAME, the profile that may assume the role",
    ),
    "ecr.two-role-sources": Message(
        'profile "{profile}" has both source_profile and credential_source', "remove one of them"
    ),
    "ecr.source-profile-missing": Message(
        'profile "{source}", the source_profile of profile "{profile}", does not exist',
        "correct source_profile, or add the profile",
    ),
    "ecr.source-profile-loop": Message(
        'profile "{profile}" is its own source_profile, directly or through others',
        "let the last profile of the chain have keys of its own",
    ),
    "ecr.source-profiles-too-many": Message(
        'profile "{profile}" assumes more than {most} roles, one after another',
        "name a source_profile that is nearer to the keys",
    ),
    "ecr.source-profile-empty": Message(
        'profile "{profile}" is a source_profile and has no credentials',
        "give it keys, or name another source_profile",
    ),
    "ecr.credential-source-unknown": Message(
        'the SDK does not know the credential_source of profile "{profile}"',
        "use Environment, EcsContainer or Ec2InstanceMetadata",
    ),
    "ecr.credential-source-empty": Message(
        'credential_source = {source} of profile "{profile}" gives no credentials: {reason}'
    ),
    "ecr.credential-source-not-web-identity": Message(
        'credential_source = Environment of profile "{profile}" means AWS_ACCESS_KEY_ID, not'
        " AWS_WEB_IDENTITY_TOKEN_FILE",
        "name a source_profile that has role_arn and web_identity_token_file",
    ),
    "ecr.credential-source-failed": Message(
        'the credential_source of profile "{profile}" gives no credentials', **_SERVICE
    ),
    "ecr.role-of-itself": Message(
        "role_arn is {role}, which the identity has already",
        "remove role_arn: the role would have to assume itself",
    ),
    "ecr.role-variable-first": Message(
        'AWS_ROLE_ARN comes before the role_arn of profile "{profile}", and names another role',
        "unset AWS_ROLE_ARN, or set the option profile for this registry",
    ),
    "ecr.keys-before-process": Message(
        'profile "{profile}" has keys in {path}, which come before its credential_process',
        "remove the keys from {path}",
    ),
    "ecr.option-missing": Message("{detail} has no {option}"),
    "ecr.config-refused": Message("the AWS SDK refuses the configuration: {reason}"),
    "ecr.file-unreadable": Message(
        "{path} cannot be read: {reason}",
        'if it belongs to another user: sudo chown "$(id -u)" {path}',
    ),
    "ecr.file-not-parsed": Message("{path} cannot be parsed"),
    "ecr.file-not-usable": Message("{detail}: {reason}"),
    "ecr.byte-order-mark": Message(
        "{path}: line 1: a byte order mark comes before the first section",
        "save the file as UTF-8 without a byte order mark",
        cause="Editors on Windows, and PowerShell's Out-File, put the mark there.",
    ),
    "ecr.file-encoding": Message(
        "{path}: line 1: the file is UTF-16", "save the file as UTF-8 without a byte order mark"
    ),
    "ecr.comment-behind-value": Message(
        "{path}: line {line}: the value of {option} includes the comment at the end of the line",
        "put the comment on a line of its own",
        cause="The AWS SDK knows comments only on lines of their own.",
    ),
    "ecr.setting-wrong": Message("{name} is not {wanted}", "correct or remove it"),
    "ecr.parameter-not-valid": Message(
        "{detail}: AWS accepts no such {option}", "correct {option} in the profile"
    ),
    "ecr.role-not-valid": Message("{detail}: AWS accepts no such role or session name"),
    "ecr.library-missing": Message("{detail} needs a library that this build does not have"),
    # Programs.
    "ecr.process-failed": Message(
        'the credential_process of profile "{profile}" ended with status {status}',
        "run {command} to see what it prints",
    ),
    "ecr.process-output": Message(
        'the credential_process of profile "{profile}" prints something that is not keys',
        "run {command} to see what it prints",
        cure="The program has to print the JSON that the AWS CLI documents.",
    ),
    "ecr.process-not-on-path": Message(
        'the credential_process of profile "{profile}" is not on PATH', "write its whole path"
    ),
    "ecr.process-not-expanded": Message(
        'the credential_process of profile "{profile}" begins with ~ or $, which are not expanded',
        "write its whole path",
    ),
    "ecr.process-not-set": Message('the credential_process of profile "{profile}" is empty'),
    "ecr.process-quotes": Message(
        'the credential_process of profile "{profile}" has an unclosed quotation mark'
    ),
    # Sign-in sessions.
    "ecr.sso-session-missing": Message(
        'profile "{profile}" uses [sso-session {session}], which does not exist'
    ),
    "ecr.sso-contradiction": Message(
        'profile "{profile}" and its sso-session have different values of {option}'
    ),
    "ecr.sso-incomplete": Message('profile "{profile}" uses SSO and has no {options}'),
    "ecr.sso-expired": Message(
        'the SSO session of profile "{profile}" has expired or was never started',
        _RUN,
        cause=_SESSION_CAUSE,
    ),
    "ecr.sign-in-expired": Message(
        'the sign-in of profile "{profile}" has expired or cannot be renewed',
        _RUN,
        cause=_SESSION_CAUSE,
    ),
    "ecr.sign-in-missing": Message('profile "{profile}" has not been signed in here', _RUN),
    "ecr.sign-in-damaged": Message(
        '{path}, the session of profile "{profile}", has no valid {field}', _RUN
    ),
    "ecr.sign-in-not-writable": Message(
        'the session of profile "{profile}" has to be renewed, and {folder} is read-only here',
        "run {command} where the folder can be written",
        cause="A renewal changes the session's refresh token. Where the new one cannot be kept, the"
        " session would be lost, so it is not renewed.",
        cure="Mount ~/.aws writable, or renew the session outside the container.",
    ),
    "ecr.sso-role-not-given": Message(
        'SSO does not give the role of profile "{profile}" to this user: {answer}',
        "check sso_account_id and sso_role_name",
    ),
    "ecr.mfa-needed": Message(
        'the role of profile "{profile}" requires an MFA code, which cannot be asked for here',
        "run {command} and enter the code: the session is used here until it ends",
    ),
    # What the APIs answer.
    "ecr.keys-expired": Message("the keys from {detail} have expired", "renew them"),
    "ecr.session-expired": Message(
        "the session from {detail} has expired: {answer}",
        "renew it",
        cure="Renew the keys where they came from (aws sso login, a step of your CI).",
    ),
    "ecr.token-file-expired": Message(
        "the token has expired: {detail}: {answer}", "look at the step or the volume that renews it"
    ),
    "ecr.key-unknown": Message(
        "{api} does not know the access key from {detail}: {answer}",
        "the key is deleted, inactive, or not of the {partition} partition",
        **_KEY,
    ),
    "ecr.session-token-missing": Message(
        "{api} does not know the access key from {detail}, which needs a session token: {answer}",
        "set AWS_SESSION_TOKEN, or aws_session_token in the profile",
    ),
    "ecr.session-token-of-another-key": Message(
        "{api} does not know the access key from {detail}, which has a session token beside it:"
        " {answer}",
        "remove the session token (AWS_SESSION_TOKEN): a key that begins with AKIA has none",
    ),
    "ecr.secret-wrong": Message(
        "the secret key from {detail} does not belong to its access key: {answer}",
        "set both anew",
        cause=_KEY["cause"],
    ),
    "ecr.clock-wrong": Message(
        "{api} refuses the signature, because this machine's clock is {skew}: {answer}",
        "set the clock",
        cure="sudo timedatectl set-ntp true",
    ),
    "ecr.policy-does-not-allow": Message(
        "{who} may not do {action}, because no {policy} allows it: {answer}",
        'allow {needed} on resource "*" in its {policy}',
        cure="For pulls the managed policy AmazonEC2ContainerRegistryReadOnly is enough.",
    ),
    "ecr.policy-denies": Message(
        "{who} may not do {action}, because a {policy} denies it: {answer}", "change the {policy}"
    ),
    "ecr.role-not-assumable": Message(
        "{who} may not assume the role: {answer}",
        "sts:AssumeRole has to be allowed by its policy, and by the role's trust policy",
    ),
    "ecr.token-not-trusted": Message(
        "the role does not trust the token: {detail}: {answer}",
        "its trust policy has to allow sts:AssumeRoleWithWebIdentity for this subject and audience",
    ),
    "ecr.issuer-unknown": Message(
        "STS knows no identity provider for the token's issuer in the role's account: {detail}",
        "create the OpenID Connect provider of the cluster or the CI in the role's account",
    ),
    "ecr.audience-wrong": Message(
        "the token is for another audience: {detail}",
        "request the token for the audience sts.amazonaws.com, or add its audience to the provider",
    ),
    "ecr.issuer-unreachable": Message(
        "STS cannot get the keys of the token's issuer: {detail}",
        "the issuer's /.well-known/openid-configuration has to be reachable from the internet",
    ),
    "ecr.issuer-thumbprint": Message(
        "the certificate of the token's issuer has another thumbprint than the provider: {detail}",
        "aws iam update-open-id-connect-provider-thumbprint",
    ),
    "ecr.token-not-taken": Message("STS does not accept the token: {detail}"),
    "ecr.not-a-role": Message(
        "{named_by} is not the ARN of a role", "write arn:aws:iam::ACCOUNT:role/NAME"
    ),
    "ecr.role-of-another-partition": Message(
        "the role is of another partition than the registry, which is in {partition}",
        "set a role of arn:{partition} for this registry",
    ),
    "ecr.region-off": Message(
        "{api} refuses {detail}: {answer}",
        "enable the region in the identity's account, or set AWS_DEFAULT_REGION to an enabled one",
    ),
    "ecr.region-unknown": Message(
        "region {region} has no API: the host name {host} has no address",
        "check the region in the registry's name, and the DNS server",
    ),
    "ecr.refused": Message("{api} refuses {detail}: {answer}"),
    "ecr.api-not-working": Message("{api} is not working: {answer}", _LATER),
    "ecr.api-throttles": Message("{api} gets too many requests: {answer}", _LATER),
    "ecr.api-redirects": Message(
        "{api} answers with a redirect, which is not followed: {answer}", IN_BETWEEN
    ),
    "ecr.not-aws": Message("something other than AWS answers for {api}: {answer}", IN_BETWEEN),
    "ecr.no-token": Message("{api} answered without an authorization token", IN_BETWEEN),
    "ecr.token-encoding": Message("the authorization token of {api} is not base64", IN_BETWEEN),
    "ecr.token-not-a-login": Message(
        "the authorization token of {api} is not a user name and a password", IN_BETWEEN
    ),
    "ecr.answer-unreadable": Message("the answer of {api} cannot be read ({error})"),
    # The machine's services.
    "ecr.container-refuses": Message("{detail}: the service answers {status}"),
    "ecr.container-not-working": Message("{detail}: the service answers {status}", _LATER),
    "ecr.container-redirects": Message(
        "{detail}: the service answers with a redirect ({status}), which is not followed"
    ),
    "ecr.container-answer": Message("{detail}: the service's answer holds no credentials"),
    "ecr.container-silent": Message("{detail}: the service does not answer"),
    "ecr.pod-role-not-assumable": Message(
        "{detail}: EKS may not assume the role of the pod ({status})",
        "the role's trust policy has to allow sts:AssumeRole and sts:TagSession to"
        " pods.eks.amazonaws.com",
    ),
    "ecr.metadata-empty": Message(
        "{detail} gives no credentials",
        "attach a role to the instance; in a container the hop limit has to be 2"
        " (HttpPutResponseHopLimit)",
    ),
    "ecr.metadata-without-session-token": Message(
        "the instance metadata service gives no session token",
        "in a container the hop limit has to be 2 (HttpPutResponseHopLimit)",
    ),
    "ecr.metadata-address": Message(
        "the address set for the instance metadata service is not valid"
    ),
    "ecr.source-empty": Message("{detail} holds no credentials"),
    # The SDK.
    "ecr.no-endpoint": Message(
        "the SDK has no endpoint for this combination of settings",
        "look at AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT, AWS_ENDPOINT_URL and the"
        " options like them in the profile",
    ),
    "ecr.endpoint-not-a-url": Message(
        "an endpoint URL that is set for the AWS SDK is not a URL",
        "look at AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_ECR and endpoint_url in the profile",
    ),
    "ecr.sdk-refuses": Message("the AWS SDK refuses the configuration with {error}"),
    "ecr.client-not-made": Message(
        "the AWS SDK cannot use the configuration ({error})",
        "look at ~/.aws/config and the AWS_ variables",
    ),
    "ecr.keys-unreadable": Message("the keys from {detail} cannot be read ({error})"),
    # Names of hosts.
    "ecr.near-account-id": Message(
        "{host} looks like a registry of Amazon ECR, and the account id is not 12 digits"
    ),
    "ecr.near-china": Message(
        "{host} looks like a registry of Amazon ECR in China, and its name lacks the .cn at the end"
    ),
    "ecr.near-vpc-endpoint": Message(
        "{host} is a VPC endpoint of Amazon ECR and not the name of a registry",
        "use the name of the registry, or a rule whose alias is that name",
    ),
    "ecr.near-api": Message(
        "{host} is the API of Amazon ECR; a registry is named ACCOUNT.dkr.ecr.REGION.amazonaws.com"
    ),
}
