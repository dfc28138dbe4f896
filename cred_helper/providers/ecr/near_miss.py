"""Usual mistakes in the name of a registry of Amazon ECR. Pure."""

from __future__ import annotations

_ACCOUNT_DIGITS = 12


def near_miss(labels: list[str]) -> str | None:
    """The code for a host that is meant to be a registry, by its labels."""
    if "vpce" in labels and {"ecr", "dkr"} & set(labels):
        return "ecr.near-vpc-endpoint"
    if labels[:2] == ["api", "ecr"]:
        return "ecr.near-api"
    account, *service = labels[:3]
    if service[:1] not in (["dkr-ecr"], ["dkr-ecr-fips"]) and service not in (
        ["dkr", "ecr"],
        ["dkr", "ecr-fips"],
    ):
        return None
    if not account.isdigit() or len(account) != _ACCOUNT_DIGITS:
        return "ecr.near-account-id"
    if any(label.startswith("cn-") for label in labels) and labels[-1] != "cn":
        return "ecr.near-china"
    return None
