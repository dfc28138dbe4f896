"""An Entra token from the login of a program of Azure's: az, PowerShell or azd. Loads no SDK.

Runs the command that azure-identity runs, with a limit on the output.

Sources:
  https://learn.microsoft.com/cli/azure/account#az-account-get-access-token
  https://learn.microsoft.com/azure/developer/azure-developer-cli/reference#azd-auth-token
  https://learn.microsoft.com/powershell/module/az.accounts/get-azaccesstoken
"""

from __future__ import annotations

import os
from base64 import b64encode
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cred_helper.errors import Misconfigured, Unreachable
from cred_helper.files.json_file import first_value
from cred_helper.providers.acr import sources
from cred_helper.providers.acr.program_login import az_folder
from cred_helper.providers.common.run_program import run

if TYPE_CHECKING:
    from cred_helper.programs.running import ProgramResult
    from cred_helper.providers.acr.sources import AzureSettings, Candidate

# The part of the time left that a program may take: az needs up to twenty seconds to start where a
# virus scanner or a network drive slows it.
_SHARE = 2 / 3
# The working folder of a program: a folder of the operating system, not the client's.
_FOLDER = os.environ.get("SYSTEMROOT", "\\") if os.name == "nt" else "/bin"
# The module's versions from 2.17 on give out a secure string, those before 5 only if asked to.
_POWERSHELL = """\
$ErrorActionPreference = 'Stop'
$module = Import-Module Az.Accounts -MinimumVersion 2.2.0 -PassThru
$wanted = @{ ResourceUrl = '%(audience)s'; WarningAction = 'Ignore' }
if ('%(tenant)s') { $wanted.TenantId = '%(tenant)s' }
if ($module.Version -ge [version]'2.17.0' -and $module.Version -lt [version]'5.0.0') {
    $wanted.AsSecureString = $true
}
$found = Get-AzAccessToken @wanted
$token = $found.Token
if ($token -is [securestring]) { $token = [Net.NetworkCredential]::new('', $token).Password }
Write-Output "`nazsdk%%$token%%$($found.ExpiresOn.ToUnixTimeSeconds())`n"
"""
# Without the module, the error names it; without a login, the command that logs in.
_MODULE, _LOGIN = b"Az.Accounts", b"Connect-AzAccount"

# az's name of a cloud → the suffix of that cloud's registries.
_AZ_CLOUDS = {
    "AzureCloud": "azurecr.io",
    "AzureChinaCloud": "azurecr.cn",
    "AzureUSGovernment": "azurecr.us",
    "AzureGermanCloud": "azurecr.de",
}


def token(settings: AzureSettings, candidate: Candidate) -> tuple[str, float | None]:
    """The token, and when it ends, if that is known.

    Raises:
        ProviderError: the program gave no token.
    """
    tenant = settings.tenant_id if settings.option("tenant_id") else ""
    audience = settings.audience
    match candidate.source:
        case sources.AZURE_CLI:
            _expect_az_in_same_cloud(settings)
            command = ["account", "get-access-token", "--output", "json", "--resource", audience]
            command += ["--tenant", tenant] if tenant else []
            member = "accessToken"
        case sources.AZURE_DEVELOPER_CLI:
            command = ["auth", "token", "--output", "json", "--no-prompt"]
            command += ["--scope", f"{audience}/.default"]
            command += ["--tenant-id", tenant] if tenant else []
            member = "token"
        case _:
            script = _POWERSHELL % {"audience": audience, "tenant": tenant}
            encoded = b64encode(script.encode("utf-16-le")).decode()
            command = ["-NoProfile", "-NonInteractive", "-EncodedCommand", encoded]
            member = ""
    done = _run(settings, candidate, command)
    found = None
    if done.status == 0:
        found = _in_json(done.output, member) if member else _of_powershell(done.output)
    if found is None:
        from cred_helper.providers.acr.errors import program_error

        is_powershell = candidate.source == sources.AZURE_POWERSHELL
        if is_powershell and _MODULE in done.errors and _LOGIN not in done.errors:
            raise Misconfigured("acr.no-powershell-module")
        raise program_error(settings, candidate, done)
    return found


def _run(settings: AzureSettings, candidate: Candidate, arguments: list[str]) -> ProgramResult:
    deadline = settings.request.deadline
    name = os.path.basename(candidate.program).partition(".")[0]
    try:
        return run(
            [candidate.program, *arguments],
            {**os.environ, "AZURE_CORE_NO_COLOR": "true", "NO_COLOR": "true"},
            deadline.step_s(deadline.remaining_s() * _SHARE),
            f"the program {name}",
            folder=_FOLDER,
        )
    except Unreachable as error:
        from cred_helper.messages import DEADLINE

        raise error.with_hint(DEADLINE) from None


def _in_json(output: bytes, name: str) -> tuple[str, float | None] | None:
    document = _printed_object(output)
    token = document.get(name)
    return (token, _expiry_s(document)) if isinstance(token, str) and token else None


def _expiry_s(document: dict[str, Any]) -> float | None:
    """When a token ends, if its document says so: azd and old versions of az have a text only.

    The text of az has no time zone: it is in local time.
    """
    try:
        if document.get("expires_on"):
            return int(document["expires_on"])
        return datetime.fromisoformat(document["expiresOn"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


def _of_powershell(output: bytes) -> tuple[str, float | None] | None:
    for word in output.decode("utf-8", "replace").split():
        mark, _, rest = word.partition("%")
        token, _, expires_at_s = rest.partition("%")
        if mark == "azsdk" and token:
            return token, float(expires_at_s) if expires_at_s.isdecimal() else None
    return None


def _printed_object(output: bytes) -> dict[str, Any]:
    """The JSON object in a program's output; an empty one where there is none.

    Some versions of az print a warning before it, or codes for colours after it.
    """
    text = output.decode("utf-8", "replace")
    start = text.find("{")
    while start >= 0:
        try:
            value, _ = first_value(text, start)
        except Misconfigured:
            value = None
        if isinstance(value, dict) and value:
            return value
        line_end = text.find("\n", start)
        start = text.find("{", line_end) if line_end >= 0 else -1
    return {}


def _expect_az_in_same_cloud(settings: AzureSettings) -> None:
    """Refuse a login of az to another cloud than the host's: az asks its own cloud's authority."""
    from configparser import ConfigParser, Error

    config = ConfigParser(interpolation=None)
    try:
        config.read(os.path.join(az_folder(settings), "config"), encoding="utf-8")
    except (Error, UnicodeDecodeError):
        return  # az itself will say so
    name = settings.variable("AZURE_CLOUD_NAME")
    name = name or config.get("cloud", "name", fallback="AzureCloud")
    suffix = settings.cloud.suffix
    if _AZ_CLOUDS.get(name, suffix) != suffix:
        right = next((n for n, known in _AZ_CLOUDS.items() if known == suffix), "")
        hint = f"az cloud set --name {right}, then az login" if right else "see az cloud list"
        raise Misconfigured("acr.az-in-another-cloud", name=name, suffix=suffix, hint=hint)
