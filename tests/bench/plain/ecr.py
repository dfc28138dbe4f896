"""A credential for an Amazon ECR registry, with boto3."""

import base64
import json
import sys

import boto3

host = sys.stdin.read().strip()
region = host.split(".")[3]
client = boto3.client("ecr", region_name=region)
[data] = client.get_authorization_token()["authorizationData"]
username, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
print(json.dumps({"ServerURL": host, "Username": username, "Secret": password}))
