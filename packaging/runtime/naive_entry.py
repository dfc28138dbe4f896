"""What the naive freeze freezes, for the bench to compare with: every SDK imported at once."""

import azure.identity  # noqa: F401
import boto3  # noqa: F401
import click  # noqa: F401
import google.auth
import google.auth.transport.requests
import google.oauth2.service_account  # noqa: F401

from cred_helper.cli import main

main()
