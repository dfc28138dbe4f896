"""botocore's data, pruned to the operations that a credential helper calls.

The rest of botocore's models is 25 MB. A model keeps its metadata, the operations named here and
the shapes that they use, without documentation.
"""

import json
import marshal
from pathlib import Path
from typing import Any

# ecr, ecr-public: tokens. sts: roles, web identity, the caller. sso, sso-oidc, signin: sessions.
OPERATIONS = {
    "ecr": {"GetAuthorizationToken"},
    "ecr-public": {"GetAuthorizationToken"},
    "sts": {"AssumeRole", "AssumeRoleWithWebIdentity", "GetCallerIdentity", "GetSessionToken"},
    "sso": {"GetRoleCredentials"},
    "sso-oidc": {"CreateToken", "RegisterClient", "StartDeviceAuthorization"},
    "signin": {"CreateOAuth2Token"},
}
# endpoints.json has some services under the name of their host.
ENDPOINTS = {"api.ecr", "api.ecr-public", "sts", "portal.sso", "oidc", "signin"}
COMMON = ("_retry.json", "partitions.json", "sdk-default-configuration.json")
KEPT_TYPES = ("service-2.json", "service-2.sdk-extras.json", "endpoint-rule-set-1.json")


def pruned(data: Path) -> dict[str, bytes]:
    """The files of the payload, by their paths in botocore's data folder."""
    files = {name: _load(data / name) for name in COMMON}
    files["endpoints.json"] = _endpoints(_load(data / "endpoints.json"))
    for service, operations in OPERATIONS.items():
        for version in sorted((data / service).iterdir()):
            for kind in KEPT_TYPES:
                for path in version.glob(f"{kind}*"):
                    document = _load(path)
                    if kind == "service-2.json":
                        document = _model(document, operations)
                    files[f"{service}/{version.name}/{kind}"] = document
    return {
        name: marshal.dumps(document, 2)  # the loader reads it in a third of the time of JSON
        for name, document in sorted(files.items())
    }


def _load(path: Path) -> Any:
    if path.suffix == ".gz":
        import gzip

        return json.loads(gzip.decompress(path.read_bytes()))
    return json.loads(path.read_bytes())


def _model(model: dict, operations: set[str]) -> dict:
    kept = {name: model["operations"][name] for name in sorted(operations)}
    shapes: dict = {}
    _reach(kept, model["shapes"], shapes)
    pruned = {**model, "operations": kept, "shapes": dict(sorted(shapes.items()))}
    return _undocumented(pruned)


def _reach(node: Any, shapes: dict, reached: dict) -> None:
    if isinstance(node, list):
        for item in node:
            _reach(item, shapes, reached)
    elif isinstance(node, dict):
        name = node.get("shape")
        if isinstance(name, str) and name not in reached:
            reached[name] = shapes[name]
            _reach(shapes[name], shapes, reached)
        for item in node.values():
            _reach(item, shapes, reached)


def _undocumented(node: Any) -> Any:
    if isinstance(node, list):
        return [_undocumented(item) for item in node]
    if isinstance(node, dict):
        return {
            key: _undocumented(value)
            for key, value in node.items()
            if not (key == "documentation" and isinstance(value, str))
        }
    return node


def _endpoints(document: dict) -> dict:
    partitions = []
    for partition in document["partitions"]:
        services = partition["services"].items()
        kept = {name: service for name, service in services if name in ENDPOINTS}
        partitions.append({**partition, "services": kept})
    return {**document, "partitions": partitions}
