"""What one would write for oneself: a docker credential helper for one registry, by one SDK.

Each is the shortest that is right; none is made to be slow, and none to be quick.
"""
