"""What people copy into their CI: the setup action, and the recipes of packaging/docs/ci.md."""
