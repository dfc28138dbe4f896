"""The fault matrix: every fault at every step upstream, and the outcome of each.

``python -m tests.faults`` runs every row and prints its class, code, requests, time and memory;
``--write`` replaces the lines of ``outcomes.tsv`` in the cloud's folder in ``tests/clouds``, with
which the tests compare.
"""
