"""The hunt: marked secrets everywhere, every failure provoked, and everything looked through."""
