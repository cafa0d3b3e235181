"""Running it: the supervisor, the web server, Redis, what has to be so before a start."""
