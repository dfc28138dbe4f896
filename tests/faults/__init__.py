"""The fault matrix: every step upstream, misbehaving in every way, and what the user is told.

``python -m tests.faults`` runs all of it and prints what came of each row; ``--write`` keeps that
as ``outcomes.tsv``, which the tests compare with.
"""
