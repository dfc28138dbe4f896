"""docker-credential-multi: one credential helper for every registry."""

__version__ = "0.1.0"
