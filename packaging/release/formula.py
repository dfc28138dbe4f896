"""The Homebrew formula of the released files.

Source: https://docs.brew.sh/Formula-Cookbook
"""

from collections.abc import Mapping

from release import names

# Homebrew wants 80 characters at most, and neither an article nor a full stop.
DESCRIPTION = "Credential helper for every container registry"
# In the order that `brew style` wants.
_SYSTEMS = {"darwin": "on_macos", "linux": "on_linux"}
_ARCHITECTURES = {"arm64": "on_arm", "amd64": "on_intel"}


def text(version: str, url: str, sums: Mapping[str, str]) -> str:
    """The formula, for the systems that have a file in ``sums``; ``url`` is the repository's."""

    def download(name: str, indent: str) -> list[str]:
        address = f"{url}/releases/download/v{version}/{name}"
        return [f'{indent}url "{address}"', f'{indent}sha256 "{sums[name]}"']

    lines = [
        "class DockerCredentialMulti < Formula",
        f'  desc "{DESCRIPTION}"',
        f'  homepage "{url}"',
        f'  version "{version}"',
        '  license "Apache-2.0"',
        "",
    ]
    for system, block in _SYSTEMS.items():
        files = {
            architecture: names.file(f"{system}-{architecture}")
            for architecture in _ARCHITECTURES
            if names.file(f"{system}-{architecture}") in sums
        }
        if files:
            lines.append(f"  {block} do")
            for architecture, name in files.items():
                lines += [f"    {_ARCHITECTURES[architecture]} do", *download(name, "      ")]
                lines.append("    end")
            lines += ["  end", ""]
    lines += [
        '  resource "manual" do',
        *download(f"{names.PROGRAM}.1", "    "),
        "  end",
        "",
        "  def install",
        f'    program = Dir["{names.PROGRAM}-*"].first',
        "    chmod 0755, program # a download is not executable, and prints its completions below",
        f'    bin.install program => "{names.PROGRAM}"',
        f'    generate_completions_from_executable(bin/"{names.PROGRAM}", "completion")',
        f'    resource("manual").stage {{ man1.install "{names.PROGRAM}.1" }}',
        "  end",
        "",
        "  test do",
        f'    assert_match version.to_s, shell_output("#{{bin}}/{names.PROGRAM} version")',
        "  end",
        "end",
    ]
    return "\n".join(lines) + "\n"
