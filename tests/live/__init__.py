"""One ``get`` and one pull from the real clouds, with the accounts of the person who runs it."""
