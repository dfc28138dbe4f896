"""Container engines and their clients: the commands for login, pull, build and push."""
