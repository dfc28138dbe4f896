"""Messages about links with the names of other helpers."""

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    "compat.not-kept": Message(
        "the login to {host} is not kept: {helper} keeps no logins",
        "name another helper for {host} in docker's config.json",
        cause="This program is called by the name of another helper, and does as that helper does.",
    ),
    "compat.azure-environment": Message(
        "AZURE_ENVIRONMENT is not the name of an Azure cloud",
        "set it to AzurePublicCloud, AzureUSGovernmentCloud or AzureChinaCloud, or unset it",
    ),
    "compat.other-azure-cloud": Message(
        "AZURE_ENVIRONMENT names the cloud of {suffix}, and {host} is in another one",
        "unset AZURE_ENVIRONMENT: the cloud follows from the host",
    ),
    "compat.half-account": Message(
        "{variable} is not set, although other variables of the account are",
        "set {variable}, or unset the others that end in the account's number",
    ),
}
