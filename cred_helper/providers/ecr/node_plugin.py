"""AWS's plugin for kubelet, which ignores its arguments.

Source: https://github.com/kubernetes/cloud-provider-aws/tree/master/cmd/ecr-credential-provider
"""

from __future__ import annotations

from cred_helper.providers.common.node_plugin import Arguments, NodeSettings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def read(program: str, arguments: Sequence[str], environ: Mapping[str, str]) -> NodeSettings:
    Arguments(program, arguments)
    role = environ.get("AWS_ECR_ROLE_ARN")
    return NodeSettings({"role_arn": role} if role else {}, answers_as_node=not role)
