"""The login of a program of Azure's: az, PowerShell or azd, by the files that it keeps.

Source: https://learn.microsoft.com/python/api/overview/azure/identity-readme
"""

from __future__ import annotations

import os

from cred_helper import files, programs
from cred_helper.errors import NotFound
from cred_helper.files import fingerprints, user_folders
from cred_helper.providers.acr.identity import AZURE_CLI, Candidate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.acr.azure_settings import AzureSettings
    from cred_helper.providers.acr.identity import Source

# The users that az writes into its profile after "az login --identity": on every machine the same.
_MACHINE_USERS = (b'"systemAssignedIdentity"', b'"userAssignedIdentity"')
_MAX_FILE_BYTES = 1 << 20


def azure_cli(settings: AzureSettings, source: Source) -> Candidate | NotFound:
    """The login of az."""
    program = _program(settings, "az")
    if isinstance(program, NotFound):
        return program
    folder = az_folder(settings)
    profile = _content(os.path.join(folder, "azureProfile.json"))
    if profile is None and not files.is_folder(folder):
        # Every az that ever ran here left its folder behind. This one keeps it elsewhere, or has
        # never run: only az itself knows whose the login is, if there is one.
        return Candidate(
            AZURE_CLI,
            "if az is logged in",
            cache_key=None,
            settled=settings.requires(source.sdk_class),
            certain=False,
            program=program,
        )
    # After a logout, the list of subscriptions is empty; each of them would name its user.
    if b'"user"' not in (profile or b"") and not settings.requires(source.sdk_class):
        return NotFound("acr.az-logged-out")
    profile = profile or b""
    # The login of a managed identity is the machine's, which the profile does not name.
    of_machine = any(user in profile for user in _MACHINE_USERS)
    key = (
        program,
        folder,
        fingerprints.digest([profile]),
        fingerprints.file_digest(os.path.join(folder, "config")),
        settings.variable("AZURE_CLOUD_NAME"),
    )
    return Candidate(
        AZURE_CLI,
        lambda: _az_detail(profile),
        cache_key=None if of_machine else key,
        program=program,
    )


def az_folder(settings: AzureSettings) -> str:
    """The folder where az keeps its logins."""
    return settings.variable("AZURE_CONFIG_DIR") or _home(settings, ".azure")


def _az_detail(profile: bytes) -> str:
    """Name the account and tenant of the default subscription."""
    import json

    try:
        subscriptions = json.loads(profile.decode("utf-8-sig"))["subscriptions"]
        default = next(s for s in subscriptions if s.get("isDefault"))
        return f"the login of {default['user']['name']} to tenant {default['tenantId']}"
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration, RecursionError):
        return "the login of az"


def azure_powershell(settings: AzureSettings, source: Source) -> Candidate | NotFound:
    """The login of Azure PowerShell."""
    context = _home(settings, ".Azure", "AzureRmContext.json")
    return _tool(settings, source, "pwsh", (context,), "Connect-AzAccount")


def azure_developer_cli(settings: AzureSettings, source: Source) -> Candidate | NotFound:
    """The login of azd."""
    folder = settings.variable("AZD_CONFIG_DIR") or _home(settings, ".azd")
    state = (os.path.join(folder, "auth.json"), os.path.join(folder, "config.json"))
    config = _content(state[1]) or b""
    # azd then signs in as az, or asks the program that started it.
    borrowed = b"useAzCliAuth" in config or settings.variable("AZD_AUTH_ENDPOINT")
    return _tool(settings, source, "azd", state, "azd auth login", borrowed=bool(borrowed))


def _program(settings: AzureSettings, name: str) -> str | NotFound:
    """The path of a program, or why there is none."""
    path = programs.find(name, settings.environ)
    if path:
        return path
    if programs.only_in_working_folder(name, settings.environ):
        return NotFound("provider.program-by-relative-path", program=name)
    return NotFound("provider.program-not-on-path", program=name)


def _tool(
    settings: AzureSettings,
    source: Source,
    name: str,
    state: tuple[str, ...],
    login: str,
    *,
    borrowed: bool = False,
) -> Candidate | NotFound:
    """A program that signs a user in, and the files in which it keeps the login."""
    program = _program(settings, name)
    if isinstance(program, NotFound):
        return program
    if not files.exists(state[0]) and not settings.requires(source.sdk_class) and not borrowed:
        return NotFound("acr.tool-logged-out", program=name, command=login)
    digests = [fingerprints.file_digest(path) for path in state]
    return Candidate(
        source.word,
        f"the login of {name}",
        cache_key=None if borrowed else (program, *state, *digests),
        program=program,
    )


def _home(settings: AzureSettings, *names: str) -> str:
    """A path below the user's home folder."""
    return os.path.join(user_folders.home(settings.environ), *names)


def _content(path: str) -> bytes | None:
    """The content of a file; ``None`` where it is absent, a pipe, or cannot be read."""
    try:
        if fingerprints.is_pipe(path):
            return None
        return files.read(path, _MAX_FILE_BYTES)
    except OSError:
        return None
