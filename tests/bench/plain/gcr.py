"""A credential for a Google registry, with a service account's key and google-auth."""

import json
import os
import sys

from google.auth.transport.requests import Request
from google.oauth2 import service_account

host = sys.stdin.read().strip()
credentials = service_account.Credentials.from_service_account_file(
    os.environ["GOOGLE_APPLICATION_CREDENTIALS"],
    scopes=["https://www.googleapis.com/auth/devstorage.read_write"],
)
credentials.refresh(Request())
print(json.dumps({"ServerURL": host, "Username": "oauth2accesstoken", "Secret": credentials.token}))
