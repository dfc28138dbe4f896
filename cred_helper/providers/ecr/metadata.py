"""The metadata service of EC2: whether it answers. Asks it for no credential.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
"""

from __future__ import annotations

from cred_helper.providers.common import metadata_probe

_ADDRESS = ("169.254.169.254", 80)
_PROBE = b"GET /latest/meta-data/ HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\n\r\n"
# EC2's own server names itself so, also where it refuses a request without a session token. A
# request for that token would say less: its reply does not reach a container one hop away.
_SERVER = b"\r\nserver: ec2ws"


def answers() -> bool:
    return metadata_probe.answers(_ADDRESS, _PROBE, lambda reply: _SERVER in reply.lower())
