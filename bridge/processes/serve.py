"""The web process: gunicorn with threads, sized for the database behind it."""

from __future__ import annotations

import logging
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from bridge import wiring
from bridge.settings import Settings
from bridge.web import create_app

# Measured: SQLite has one writer, so one process that lets its threads take turns answers fastest
# and most evenly; PostgreSQL gains from a second process.
SQLITE_SIZE = {"workers": 1, "threads": 8}
POSTGRESQL_SIZE = {"workers": 2, "threads": 4}
GRACEFUL_SECONDS = 30
# The forum's answer to a sign-in names every group of the member in the address: the most that
# gunicorn takes, for those who are in hundreds.
LONGEST_ADDRESS = 8190


class _OwnLines(Logger):  # type: ignore[misc] # gunicorn has no types
    """Gunicorn's messages in the form of all our logs."""

    def setup(self, cfg: Any) -> None:
        del cfg
        for log in (self.error_log, self.access_log):
            log.handlers, log.propagate = [], True
        self.access_log.setLevel(logging.WARNING)


class _Server(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    def __init__(self, settings: Settings, address: str) -> None:
        self._settings = settings
        self._address = address
        super().__init__()

    def load_config(self) -> None:
        size = SQLITE_SIZE if self._settings.uses_sqlite else POSTGRESQL_SIZE
        options = {
            "bind": self._address,
            "worker_class": "gthread",
            "graceful_timeout": GRACEFUL_SECONDS,
            "logger_class": _OwnLines,
            "limit_request_line": LONGEST_ADDRESS,
            "control_socket_disable": True,
            **size,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        # In the worker process: connections must not be shared across a fork.
        return create_app(
            wiring.build(self._settings),
            proxy_hops=self._settings.web_proxies,
            metrics_token=self._settings.metrics_token,
        )


def serve(settings: Settings, host: str, port: int) -> None:
    """Answer requests until told to stop."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    _Server(settings, address).run()
