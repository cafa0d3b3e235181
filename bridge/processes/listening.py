"""The socket of the web process."""

from __future__ import annotations

import socket

from bridge.errors import Config

BACKLOG = 1024


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises Config when something else does."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        raise Config(
            "B116",
            f"cannot listen on {host} port {port}: {error.strerror}.",
            "Stop the program that uses it, or choose another WEB_PORT.",
        ) from error
    return found
