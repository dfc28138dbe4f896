"""The hunt: marked secrets in every place, every failure, and a search of every output."""
