"""The shortest correct credential helpers for one registry with one SDK each."""
