"""The login of a program of Azure's: az, PowerShell or azd, by the files that it keeps.

Source: https://learn.microsoft.com/python/api/overview/azure/identity-readme
"""

from __future__ import annotations

import os

from cred_helper import files, programs
from cred_helper.errors import NotFound
from cred_helper.files import fingerprints, user_folders
from cred_helper.providers.acr.sources import (
    AZURE_CLI,
    AZURE_DEVELOPER_CLI,
    AZURE_POWERSHELL,
    Candidate,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.acr.sources import AzureSettings, AzureSource

# The users that az writes into its profile after "az login --identity": on every machine the same.
_MACHINE_USERS = (b'"systemAssignedIdentity"', b'"userAssignedIdentity"')
_MAX_FILE_BYTES = 1 << 20
# The commands that sign a user in to a program.
LOGIN_COMMANDS = {
    AZURE_CLI: "az login",
    AZURE_POWERSHELL: "Connect-AzAccount",
    AZURE_DEVELOPER_CLI: "azd auth login",
}


def look(settings: AzureSettings, source: AzureSource) -> Candidate | NotFound:
    """The login of the program of a source."""
    if source.word == AZURE_CLI:
        return _azure_cli(settings, source)
    if source.word == AZURE_POWERSHELL:
        context = _home(settings, ".Azure", "AzureRmContext.json")
        return _tool(settings, source, "pwsh", (context,))
    folder = settings.variable("AZD_CONFIG_DIR") or _home(settings, ".azd")
    state = (os.path.join(folder, "auth.json"), os.path.join(folder, "config.json"))
    # azd then signs in as az, or asks the program that started it.
    borrowed = b"useAzCliAuth" in (_content(state[1]) or b"")
    borrowed = borrowed or bool(settings.variable("AZD_AUTH_ENDPOINT"))
    return _tool(settings, source, "azd", state, borrowed=borrowed)


def _azure_cli(settings: AzureSettings, source: AzureSource) -> Candidate | NotFound:
    program = _program(settings, "az")
    if isinstance(program, NotFound):
        return program
    folder = az_folder(settings)
    required = source.is_required(settings)
    profile = _content(os.path.join(folder, "azureProfile.json"))
    if profile is None and not files.is_folder(folder):
        # Every az that ever ran here left its folder behind. This one keeps it elsewhere, or has
        # never run: only az itself knows whose the login is, if there is one.
        return Candidate(
            AZURE_CLI,
            "if az is logged in",
            (None,),
            settled=required,
            certain=False,
            program=program,
        )
    profile = profile or b""
    # After a logout, the list of subscriptions is empty; each of them would name its user.
    if b'"user"' not in profile and not required:
        return NotFound("acr.az-logged-out")
    # The login of a managed identity is the machine's, which the profile does not name.
    of_machine = any(user in profile for user in _MACHINE_USERS)
    whose = (
        *(program, folder, None if of_machine else fingerprints.digest([profile])),
        fingerprints.file_digest(os.path.join(folder, "config")),
        settings.variable("AZURE_CLOUD_NAME"),
    )
    return Candidate(AZURE_CLI, lambda: _az_detail(profile), whose, program=program)


def az_folder(settings: AzureSettings) -> str:
    """The folder where az keeps its logins."""
    return settings.variable("AZURE_CONFIG_DIR") or _home(settings, ".azure")


def _az_detail(profile: bytes) -> str:
    from cred_helper.files.json_file import parse_object

    try:
        subscriptions = parse_object(profile)["subscriptions"]
        default = next(s for s in subscriptions if s.get("isDefault"))
        return f"the login of {default['user']['name']} to tenant {default['tenantId']}"
    except (KeyError, TypeError, AttributeError, StopIteration):
        return "the login of az"


def _tool(
    settings: AzureSettings,
    source: AzureSource,
    name: str,
    state: tuple[str, ...],
    *,
    borrowed: bool = False,
) -> Candidate | NotFound:
    """A program that signs a user in, and the files in which it keeps the login."""
    program = _program(settings, name)
    if isinstance(program, NotFound):
        return program
    if not files.exists(state[0]) and not source.is_required(settings) and not borrowed:
        return NotFound("acr.tool-logged-out", program=name, command=LOGIN_COMMANDS[source.word])
    digests = [fingerprints.file_digest(path) for path in state]
    whose = (None,) if borrowed else (program, *state, *digests)
    return Candidate(source.word, f"the login of {name}", whose, program=program)


def _program(settings: AzureSettings, name: str) -> str | NotFound:
    if path := programs.find(name, settings.environ):
        return path
    if programs.only_in_working_folder(name, settings.environ):
        return NotFound("provider.program-by-relative-path", program=name)
    return NotFound("provider.program-not-on-path", program=name)


def _home(settings: AzureSettings, *names: str) -> str:
    return os.path.join(user_folders.home(settings.environ), *names)


def _content(path: str) -> bytes | None:
    """The content of a file; ``None`` where it is absent, a pipe, or cannot be read."""
    try:
        return None if fingerprints.is_pipe(path) else files.read(path, _MAX_FILE_BYTES)
    except OSError:
        return None
