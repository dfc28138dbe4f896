"""Fuzzers: whatever is thrown at a parser, only our own errors come out, and no host is mistaken.

``python -m tests.fuzz`` runs them all, bounded, with a printed seed; ``make fuzz`` does it with the
coverage-guided engine where that is installed.
"""
