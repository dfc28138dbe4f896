"""Container engines and their clients, each with its own words for login, pull, build and push."""
