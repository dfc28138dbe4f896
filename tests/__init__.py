"""The tests of docker-credential-multi, and the loopback clouds that they run against."""
