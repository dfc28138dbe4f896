"""Libraries that ask a credential helper, each in a small program that prints the answer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from tests.outside.client import FOLDER, Client
from tests.outside.engines.docker import dockerd

HERE = Path(__file__).parent
JAVA, NODE, PYTHON = FOLDER / "java", FOLDER / "node", FOLDER / "python"
_ASK_JAVA = f"java -Duser.home={{folder}} -cp {JAVA}/classes:{JAVA}/* Ask"
_ASK_PYTHON = f"{sys.executable} {HERE}/python/ask.py"
_ASK_NODE = f"node {HERE}/node/ask.cjs {{key}}"


@contextmanager
def _trusted_by_java(folder: Path, variables: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """Java reads neither the variables of a proxy nor a PEM file of authorities."""
    store = folder / "trusted.jks"
    words = "-importcert -noprompt -alias loopback -storetype JKS -storepass changeit"
    files = ("-file", variables["SSL_CERT_FILE"], "-keystore", str(store))
    command = ["keytool", *words.split(), *files]
    subprocess.run(command, env=dict(variables), check=True, capture_output=True)
    host, _, port = variables["HTTPS_PROXY"].removeprefix("http://").partition(":")
    options = {"https.proxyHost": host, "https.proxyPort": port, "javax.net.ssl.trustStore": store}
    yield {"JAVA_TOOL_OPTIONS": " ".join(f"-D{name}={value}" for name, value in options.items())}


def _java(name: str, version: str, word: str, **operations: str) -> Client:
    commands = {"get": f"{_ASK_JAVA} {word} {{image}}", **operations}
    return Client(
        {name: version},
        {operation: (command,) for operation, command in commands.items()},
        service=_trusted_by_java,
        files=(JAVA / "classes/Ask.class",),
    )


def _go(library: str, version: str, title: str = "") -> Client:
    commands = (f"ask-go {library} {{key}} {{image}}",)
    return Client({title or library: version}, {"get": commands}, files=(FOLDER / "bin/ask-go",))


CLIENTS = (
    _java("testcontainers (Java)", "2.0.5", "testcontainers"),
    _java("spring-boot-buildpack-platform", "4.1.2", "spring"),
    _java("jib-core", "0.28.1", "jib", push=f"{_ASK_JAVA} jib-push {{image}} {{built}}"),
    _java("oras-java-sdk", "0.7.0", "oras"),
    Client(
        {"testcontainers (Node)": "12.2.0", "dockerode": "5.0.1"},
        {"get": (_ASK_NODE,), "pull": (f"{_ASK_NODE} {{image}}",)},
        variables={"NODE_PATH": f"{NODE}/node_modules"},
        service=dockerd,
        files=(NODE / "node_modules/testcontainers", Path("/usr/sbin/dockerd")),
    ),
    Client(
        {"docker_credential (Rust)": "1.3.2"},
        {"get": ("ask-rust {key}",)},
        files=(FOLDER / "bin/ask-rust",),
    ),
    _go("testcontainers", "0.45.0", "testcontainers (Go)"),
    _go("dockercfg", "0.3.2"),
    _go("docker-cli", "29.7.2"),
    _go("go-containerregistry", "0.22.1"),
    _go("oras-go", "2.6.0"),
    Client({"docker-py": version("docker")}, {"get": (f"{_ASK_PYTHON} docker-py {{key}}",)}),
    Client(
        {"oras (Python)": "0.2.43"},
        {"get": (f"{_ASK_PYTHON} oras {{image}}",)},
        variables={"PYTHONPATH": str(PYTHON)},
        files=(PYTHON / "oras",),
    ),
)
