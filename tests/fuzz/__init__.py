"""Fuzzers: whatever is thrown at a parser, only our own errors come out, and no secret with them.

``python -m tests.fuzz`` runs them all, bounded, with a printed seed; ``make fuzz`` runs them again
with the coverage-guided engine. Inputs that were worth keeping are under ``seeds``.
"""
