"""Prints what docker-py would pull from a registry with, as a credential helper does."""

from __future__ import annotations

import json
import sys

from docker import auth

found = auth.resolve_authconfig(auth.load_config(), sys.argv[1]) or {}
login = {"Username": found.get("Username"), "Secret": found.get("Password")}
sys.stdout.write(f"{json.dumps(login if found else {})}\n")
