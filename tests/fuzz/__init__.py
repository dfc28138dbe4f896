"""Fuzzers: for any input, a parser raises only our own errors, and they contain no secret.

``python -m tests.fuzz`` runs them all, bounded, with a printed seed; ``make fuzz`` runs them again
with the coverage-guided engine. Inputs that were worth keeping are under ``seeds``.
"""
