"""In a CI job: whether it has an identity token, and what each cloud needs to take it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from cred_helper import clouds
from cred_helper.commands.configure import ci
from cred_helper.commands.doctor.finding import NOTE, Finding, note, ok
from cred_helper.commands.lookup.explanation import Explanation
from cred_helper.commands.ui import this_program
from cred_helper.errors import Misconfigured
from cred_helper.providers.common import ci_job
from cred_helper.server_url import ServerURL

# For hints: each cloud has its own, and its finding names it.
_ANY_AUDIENCE = "AUDIENCE"


def ci_token() -> Iterator[Finding]:
    """Look for the token, and for the clouds that do not use it; ``identities`` has the others."""
    title = ci_job.system(os.environ)
    if not title:
        return
    yield _token(title)
    for system in (row for row in ci.SYSTEMS if row.title == title):
        command = this_program.command("configure", "--ci", system.name)
        for cloud in clouds.CLOUDS:
            if cloud.job is None:
                continue
            if not ci.takes(cloud, system):
                yield note(cloud.name, "doctor.ci-not-trusted", system=title)
            elif not _is_used(cloud.example_host):
                names = [*cloud.job.options, *([] if cloud.ci_option else ["id_token"])]
                values = {"system": title, "options": ", ".join(names)}
                yield note(cloud.name, "doctor.ci-token-unused", command, **values)


def _token(title: str) -> Finding:
    try:
        ci_job.find(os.environ, (_ANY_AUDIENCE,), is_chosen=False)
    except Misconfigured as error:
        # The job has tokens; the finding of each cloud names the audience that it needs.
        if error.code != "oidc.gitlab-audience":
            return Finding(NOTE, "job", error)
    return ok("job", "doctor.ci-token", system=title)


def _is_used(host: str) -> bool:
    try:
        return Explanation(ServerURL.parse(host)).id_token_wanted
    except Misconfigured:
        return True  # a finding of the settings
