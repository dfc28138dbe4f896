"""Wire formats: bytes in, a request out; an answer in, bytes out. No sources, no settings."""
