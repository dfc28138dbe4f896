"""The settings and rules that README shows are ones that are understood."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cred_helper import clouds
from cred_helper.settings.settings import Settings
from tests.support.executable import ROOT

if TYPE_CHECKING:
    from pathlib import Path

_TOML = re.compile(r"^```toml\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def _options_of(provider: str) -> tuple[str, ...]:
    return clouds.find(provider).option_names


def test_every_settings_example_is_understood(tmp_path: Path) -> None:
    examples = _TOML.findall((ROOT / "README.md").read_text("utf-8"))
    ours = [example for example in examples if "credential-helpers" not in example]
    assert len(ours) >= 2
    for number, example in enumerate(ours):
        path = tmp_path / f"{number}.toml"
        path.write_text(example, "utf-8")
        settings = Settings.load({"DOCKER_CREDENTIAL_MULTI_CONFIG": str(path)})
        settings.check_options(_options_of)
        assert settings.rules or settings.option_tables


def test_the_table_of_options_is_what_the_providers_have() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for name in clouds.NAMES:
        options = ", ".join(f"`{option}`" for option in _options_of(name))
        assert f"| `{name}` | {options} |" in readme
