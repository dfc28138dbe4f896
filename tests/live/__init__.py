"""One ``get`` and one pull from the real clouds, for those who have accounts there."""
