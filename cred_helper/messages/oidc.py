"""Messages about identity tokens of CI jobs and pods."""

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    # The option.
    "oidc.unknown-source": Message(
        "the option id_token must be ci, env:NAME or file:/PATH",
        'id_token = "ci" takes the token of the CI job',
    ),
    "oidc.variable-not-set": Message("the variable {variable} of id_token is not set or empty"),
    "oidc.file-unreadable": Message("{place} cannot be read: {reason}"),
    "oidc.two-identities": Message(
        "the options id_token and {name} choose two identities", "remove one of them"
    ),
    "oidc.option-missing": Message(
        "id_token is set without the option {name}: {purpose}", "set {name}"
    ),
    # What the job lacks.
    "oidc.no-ci": Message(
        "id_token is ci, but this is not a job of a known CI system",
        "set id_token to env:NAME or file:/PATH, or remove it outside of CI",
        cause="None of the variables of GitHub Actions, GitLab CI, CircleCI, Buildkite, Azure"
        " Pipelines, Bitbucket Pipelines and HCP Terraform is set, and the machine is not in"
        " Google Cloud. A container does not have the variables of the job that started it, unless"
        " they are passed on.",
    ),
    "oidc.github-permission": Message(
        "the job may not ask GitHub for an identity token: {variable} is not set",
        "add permissions: id-token: write to the workflow or job; a pull request from a fork gets"
        " none",
        cause="GitHub sets ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN only for"
        " jobs with this permission; pull requests from forks never have it.",
        cure="With permissions: id-token: write, add contents: read too if the job checks out code:"
        " permissions that are not named are taken away.",
    ),
    "oidc.gitlab-token": Message(
        "the job has no identity token of GitLab",
        'add id_tokens: to the job, with aud: "{audience}"',
    ),
    "oidc.gitlab-audience": Message(
        "no identity token of the job has the audience {audience}; tokens for others are in"
        " {variables}",
        'add one with aud: "{audience}" to id_tokens:, or set id_token_audience',
    ),
    "oidc.circleci-token": Message(
        "the job has no identity token of CircleCI: CIRCLE_OIDC_TOKEN_V2 is not set",
        "give the job a context: CircleCI sets the token for jobs with one",
    ),
    "oidc.azure-pipelines-variable": Message(
        "the job cannot ask Azure Pipelines for an identity token: {variable} is not set",
        "add env: SYSTEM_ACCESSTOKEN: $(System.AccessToken) to the step, and run it in AzureCLI@2",
        cause="Azure Pipelines gives a token for a service connection. Its access token is passed"
        " to a step only by name, and AZURESUBSCRIPTION_SERVICE_CONNECTION_ID is set by tasks such"
        " as AzureCLI@2.",
    ),
    "oidc.bitbucket-token": Message(
        "the step has no identity token of Bitbucket: {variable} is not set",
        "add oidc: true to the step",
    ),
    "oidc.terraform-token": Message(
        "the run has no identity token of HCP Terraform: {variable} is not set",
        "set TFC_WORKLOAD_IDENTITY_AUDIENCE in the workspace",
    ),
    # The system that is asked for a token.
    "oidc.bad-endpoint": Message(
        "{variable} does not have an https address, or the token that goes with it has a line break"
    ),
    "oidc.refused": Message(
        "{upstream} gives the job no identity token ({status}): {said}",
        "start the job again: its access token may have ended",
    ),
    "oidc.no-answer": Message("the CI system did not answer the request for a token"),
    "oidc.no-token-in-reply": Message(
        "{upstream} answered without an identity token", "is a proxy or a sign-in page in between?"
    ),
    "oidc.program-missing": Message(
        "{place} needs the program {program}, which is not on PATH",
        "put {program} on PATH; a container needs it too",
    ),
    "oidc.program-failed": Message("{program} gives the job no identity token: {said}"),
    # The token itself.
    "oidc.empty": Message("{place} is empty"),
    "oidc.not-a-token": Message("{place} is not a JSON web token"),
    "oidc.expired": Message(
        "{place} expired {minutes} minutes ago",
        "get a new token: CI systems give tokens for minutes",
    ),
    "oidc.claims": Message("{reason}; the token has {claims}"),
    "oidc.wrong-audience": Message(
        "{place} is for the audience {audience}, not for {wanted}",
        "request it for {wanted}, or set id_token_audience if the cloud expects another",
        cause="A token for one service is not sent to another service, which could use it.",
    ),
}
