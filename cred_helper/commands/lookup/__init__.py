"""What several commands find out about one server URL: by looking, by asking, at the registry."""
