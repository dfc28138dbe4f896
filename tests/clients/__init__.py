"""Real registry clients, each through a config.json (or registries.conf) that names `multi`."""
