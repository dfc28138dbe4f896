"""Messages about the token cache."""

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    "cache.folder-refused": Message(
        "the cache folder {folder} is not used: {problem}",
        "run docker-credential-multi doctor",
        cause="Other users could read or replace the tokens in it, or it cannot be opened.",
    ),
    "cache.not-removed": Message("{file} in {folder} cannot be removed"),
    "cache.not-renewed": Message(
        "the credential for {host} from {provider} could not be renewed and is valid for another"
        " {left}: {reason}"
    ),
    "cache.no-key": Message(
        "no token is kept: {helper} does not provide the encryption key: {reason}",
        cause="The setting cache_keychain asks for encrypted tokens, and the keychain with the key"
        " is locked or does not work.",
        cure="Unlock the keychain, or take cache_keychain out of the settings.",
    ),
    "cache.no-cipher": Message("this build has no encryption"),
    "cache.bad-key": Message(
        "the entry for {url} is not an encryption key",
        "erase the entry {url} with that helper; the next get makes a new key",
    ),
    "cache.other-process-waits": Message(
        "another process is asking for the same credential and has no answer after {waited} s",
        "see DOCKER_CREDENTIAL_MULTI_DEADLINE_S for the time a get may take",
    ),
}
