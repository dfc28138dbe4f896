"""What `make demo` shows: the main job, end to end, on clouds of our own on loopback."""
