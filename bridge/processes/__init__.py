"""Runs the bridge: the supervisor, the web server, Redis, and the checks before a start."""
