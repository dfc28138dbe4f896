"""A cloud that is one folder, one row and one zone, and what the program makes of it."""
