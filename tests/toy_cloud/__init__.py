"""A cloud that is one folder, one row and one zone, and the tests of the program with it."""
