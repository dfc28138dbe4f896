"""The program of the naive freeze, which the bench compares with: it imports every SDK."""

import azure.identity  # noqa: F401
import boto3  # noqa: F401
import click  # noqa: F401
import google.auth
import google.auth.transport.requests
import google.oauth2.service_account  # noqa: F401

from cred_helper.cli import main

main()
