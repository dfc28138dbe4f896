"""The memo that the frozen file's launcher answers from: Python's side, C's side, and both."""
