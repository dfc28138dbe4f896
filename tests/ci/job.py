"""A job of GitHub Actions on this machine: runs a workflow's steps as they stand in the YAML.

It does what the runner does for the words that our workflow and our action use: expressions in
``env``, ``with`` and ``if``; the shells' command lines; ``GITHUB_ENV`` and ``GITHUB_PATH`` between
steps; a composite action in its own folder. Any other word is an error.

Sources:
  https://docs.github.com/actions/reference/workflow-syntax-for-github-actions
  https://github.com/actions/runner/blob/main/src/Runner.Worker/Handlers/ScriptHandler.cs (shells)
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from cred_helper.commands.configure.ci import REPOSITORY
from tests.support.executable import ROOT

__all__ = ["REPOSITORY"]

ACTION = ROOT / ".github/actions/setup/action.yml"
# Found now: tests run with another PATH. .ci/run installs it.
ACTIONLINT = shutil.which("actionlint", path=f"{ROOT}/build/clients")
TOKEN = "loopback-github-token"
_USES = re.compile(rf"{REPOSITORY}/\.github/actions/setup@v[0-9.]+")
_SHELLS = {
    "sh": ("sh", "-e"),
    "bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail"),
    "": ("bash", "-e"),
}
_FILES = ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH")
_NO_INPUTS: Mapping[str, str] = {}
_HUNG_S = 120


def read_yaml(text: str) -> Any:
    """The document of a YAML file; the key ``on`` is a text, as it is for GitHub."""
    return YAML(typ="safe", pure=True).load(text)


class Failed(Exception):
    """A step ended with another exit status than 0; the text is what it printed."""


class Job:
    """One job: its variables, as the steps so far have left them."""

    def __init__(self, folder: Path, environment: Mapping[str, str], **variables: str) -> None:
        self.temp = folder / "_temp"
        self.temp.mkdir(parents=True)
        self.environment = {
            **environment, "CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "octocat",
            "GITHUB_REPOSITORY": "octo-org/octo-repo", "GITHUB_SERVER_URL": "https://github.com",
            "RUNNER_ARCH": "X64", "RUNNER_ENVIRONMENT": "github-hosted", "RUNNER_OS": "Linux",
            "RUNNER_TEMP": str(self.temp), **variables,
        }  # fmt: skip
        self.github = {
            "token": TOKEN, "action_repository": REPOSITORY,
            "repository": self.environment["GITHUB_REPOSITORY"],
        }  # fmt: skip
        self.outputs: dict[str, str] = {}
        self.printed = ""

    def workflow(self, text: str) -> None:
        [job] = read_yaml(text)["jobs"].values()
        for step in job["steps"]:
            if "uses" in step:
                assert _USES.fullmatch(step["uses"]), step
                self.action(**step.get("with", {}))
            else:
                self.step(step, {})

    def action(self, **given: str) -> None:
        action = read_yaml(ACTION.read_text("utf-8"))
        defaults = {name: row.get("default", "") for name, row in action["inputs"].items()}
        assert not given.keys() - defaults.keys(), given
        inputs = {name: self._evaluated(value, {}) for name, value in {**defaults, **given}.items()}
        assert action["runs"].pop("using") == "composite"
        for step in action["runs"].pop("steps"):
            self.step(step, inputs)

    def step(self, step: dict[str, Any], inputs: Mapping[str, str] = _NO_INPUTS) -> None:
        known = {"name", "id", "if", "shell", "env", "run"}
        assert not step.keys() - known, step
        if not self._wanted(step.get("if", ""), inputs):
            return
        files = {name: self.temp / name for name in _FILES}
        for path in files.values():
            path.write_text("")
        script = self.temp / "step.sh"
        script.write_text(step["run"])
        # The runner evaluates these in the script, where a value would be executed.
        assert "${{" not in step["run"]
        own = {name: self._evaluated(text, inputs) for name, text in step.get("env", {}).items()}
        done = subprocess.run(
            [*_SHELLS[step.get("shell", "")], str(script)],
            env={**self.environment, **own, **{name: str(path) for name, path in files.items()}},
            cwd=self.temp, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, encoding="utf-8", timeout=_HUNG_S, check=False,
        )  # fmt: skip
        self.printed += done.stdout
        if done.returncode:
            raise Failed(done.stdout)
        for file, variables in (("GITHUB_ENV", self.environment), ("GITHUB_OUTPUT", self.outputs)):
            for line in files[file].read_text().splitlines():
                name, _, value = line.partition("=")
                variables[name] = value
        for line in files["GITHUB_PATH"].read_text().splitlines():
            self.environment["PATH"] = f"{line}{os.pathsep}{self.environment['PATH']}"

    def _wanted(self, condition: str, inputs: Mapping[str, str]) -> bool:
        if not condition:
            return True
        found = re.fullmatch(r"inputs\.(\w+) != ''", condition)
        assert found, condition
        return inputs[found[1]] != ""

    def _evaluated(self, text: object, inputs: Mapping[str, str]) -> str:
        contexts = {"inputs": inputs, "github": self.github, "steps.push.outputs": self.outputs}
        return re.sub(
            r"\$\{\{ ([\w.]+)\.(\w+) \}\}", lambda found: contexts[found[1]][found[2]], str(text)
        )
