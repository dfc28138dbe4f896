"""One server URL in several commands: its sources, a real ``get``, the registry's answer."""
