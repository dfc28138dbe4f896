"""Run a profile's ``credential_process``, which alone can say whose keys it gives.

Its answer is kept for the SDK, so that a ``get`` runs the program once. Never shows what the
program prints: that holds keys, or an error text of unknown content.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
"""

from __future__ import annotations

import os

from cred_helper.errors import BadReply, Denied, Misconfigured, ProviderError
from cred_helper.providers.common import run_program
from cred_helper.providers.ecr.identity import Output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.common.interface import Deadline
    from cred_helper.providers.ecr.configuration import Configuration


def run(config: Configuration, profile: str, deadline: Deadline) -> Output:
    """Run the program of a profile.

    Raises:
        ProviderError: it cannot be started, fails, or prints no keys.
    """
    command = command_of(config, profile)
    if not command:
        raise Misconfigured("ecr.process-not-set", profile=profile)
    done = run_program.run(command, os.environ, deadline.remaining_s(), name_of(profile))
    if done.status:
        values = {"profile": profile, "status": f"{done.status}", "command": _trial(profile)}
        raise Denied("ecr.process-failed", **values)
    from cred_helper.files.json_file import parse_object

    keys = parse_object(done.output)
    key_id, secret = keys.get("AccessKeyId"), keys.get("SecretAccessKey")
    if keys.get("Version") != 1 or not isinstance(key_id, str) or not isinstance(secret, str):
        raise not_keys(profile)
    return Output(done.output, key_id)


def name_of(profile: str) -> str:
    return f'the credential_process of profile "{profile}"'


def command_of(config: Configuration, profile: str) -> list[str]:
    """The program of a profile and its arguments, divided as the SDK divides them.

    Raises:
        Misconfigured: the quotation marks in it do not match, or it holds a NUL byte.
    """
    from shlex import split

    text = config.profiles.get(profile, {}).get("credential_process", "")
    if "\0" in text:
        reason = "its command holds a NUL byte"
        raise Misconfigured("provider.program-not-started", program=name_of(profile), reason=reason)
    try:
        return split(text, posix=os.name != "nt")
    except ValueError:
        raise Misconfigured("ecr.process-quotes", profile=profile) from None


def not_keys(profile: str) -> ProviderError:
    return BadReply("ecr.process-output", profile=profile, command=_trial(profile))


def _trial(profile: str) -> str:
    from shlex import quote

    return f"aws sts get-caller-identity --profile {quote(profile)}"
