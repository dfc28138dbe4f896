"""The differential test of the first invariant: a token is given only to the identity it is for.

Random machines share one cache. Each must answer exactly as it does without a cache.
"""
