"""The memo of a cached answer: how Python writes it, how the launcher (C) reads it."""
