"""The identity with which each cloud would be asked, and whether local files let it work."""

from __future__ import annotations

import os
from collections.abc import Iterator

from cred_helper import clouds, files, providers
from cred_helper.clouds import Cloud
from cred_helper.commands.doctor.finding import ERROR, NOTE, OK, WARNING, Finding, note, warning
from cred_helper.commands.doctor.unread_variables import misspelt
from cred_helper.commands.lookup.explanation import Explanation, identity_words
from cred_helper.commands.ui import this_program
from cred_helper.errors import CredentialError, Misconfigured
from cred_helper.files.recording import Recording
from cred_helper.server_url import ServerURL


def identities() -> Iterator[Finding]:
    """Each cloud's identity, and the variables that are named almost like one that is looked up."""
    recording = Recording(os.environ)
    for cloud in clouds.CLOUDS:
        yield from recorded(cloud, recording)
    for name, meant in misspelt(os.environ, recording.looked_up()):
        yield warning("variables", "doctor.cloud-variable-misspelt", name=name, meant=meant)


def recorded(cloud: Cloud, recording: Recording) -> list[Finding]:
    """The findings of one cloud; the recording has what they depend on."""
    before, files.record = files.record, recording
    try:
        return list(_of_cloud(cloud))
    finally:
        files.record = before


def _of_cloud(cloud: Cloud) -> Iterator[Finding]:
    if providers.load(cloud.name) is None:
        yield note(cloud.name, "doctor.provider-left-out")
        return
    try:
        explained = Explanation(ServerURL.parse(cloud.example_host))
    except Misconfigured:
        return  # a finding of the settings
    if cloud.only_with and explained.resolution.own_route is None:
        return  # the cloud is not set up
    for finding in of_explained(cloud.name, explained):
        if finding.severity == ERROR and explained.id_token_wanted:
            # A CI job lacks the same for every cloud.
            notice = finding.notice.within("file.at", place=cloud.title)
            yield finding._replace(notice=notice)
        else:
            yield finding


def of_explained(subject: str, explained: Explanation) -> Iterator[Finding]:
    command = this_program.command("explain", explained.server_url.redacted)
    identity = explained.identity
    problems = list(explained.problems())
    for problem in problems:
        # Without an identity in use, the problem is about one that the user may have meant to use.
        yield Finding(WARNING if explained.is_idle else ERROR, subject, problem, command)
    if problems:
        return
    if identity is None:
        yield note(subject, "doctor.provider-not-asked", command, reason=explained.why_provider())
    elif explained.is_idle:
        yield note(subject, "doctor.no-identity", command)
    else:
        severity = OK if identity.certain else NOTE
        notice = CredentialError("doctor.identity", identity=identity_words(identity))
        yield Finding(severity, subject, notice, command)
