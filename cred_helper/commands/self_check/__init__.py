"""``self-check``: whether this file is what was built, and works, without any identity of yours."""
