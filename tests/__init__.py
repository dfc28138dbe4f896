"""The tests: see each folder's own first lines."""
