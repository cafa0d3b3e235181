"""The web process: a thread gets a request only when it has arrived whole.

One loop reads all connections (waitress), so a slow client costs a connection and no thread. See
docs/decisions/0010-the-web-server.md.
"""

from __future__ import annotations

import json
import logging
import resource
import signal
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import structlog
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask

from bridge import wiring
from bridge.processes.listening import BACKLOG, listen
from bridge.processes.patience import Patience
from bridge.web import create_app
from bridge.web.api.errors import WORDS, is_api
from bridge.web.webhooks import MOST_BYTES

if TYPE_CHECKING:
    from bridge.settings import Settings

log = structlog.get_logger(__name__)

THREADS = 8
GRACEFUL_SECONDS = 30.0
LOOK_SECONDS = 1.0
# Each may hold a whole webhook in memory: 128 MiB at the worst.
MOST_CONNECTIONS = 500
OTHER_FILES = 100  # the database, Redis, Stripe, the forum, templates
# The forum's answer to a sign-in names every group of the member in the address.
MOST_HEADER_BYTES = 32 * 1024


def serve(settings: Settings, host: str, port: int) -> None:
    """Answer requests until told to stop."""
    # One line a request that waits for a thread would be a flood within a flood.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    with listen(host, port) as socket:
        _Server(settings, socket).run()


class _Refusal(ErrorTask):
    """The answer to a request that is too large or cannot be read; no thread of Flask sees it."""

    def execute(self) -> None:
        """Answer machines in JSON, as the API answers whatever else it refuses."""
        request: Any = self.request
        error = request.error
        if not is_api(getattr(request, "path", "")):
            super().execute()
            return
        body = json.dumps({"error": WORDS.get(error.code, WORDS[400])}).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers = [("Content-Type", "application/json")]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):
    error_task_class = _Refusal


class _Server:
    def __init__(self, settings: Settings, socket: Any) -> None:
        app = create_app(
            wiring.build(settings, for_pages=True),
            proxy_hops=settings.web_proxies,
            metrics_token=settings.metrics_token,
        )
        most = _connections()
        self._map: dict[int, Any] = {}
        self._stopping = False
        self._patience = Patience(most)
        server: Any = create_server(
            app,
            map=self._map,
            sockets=[socket],
            threads=THREADS,
            backlog=BACKLOG,
            # Never reached: the slowest connections are closed before that.
            connection_limit=most + OTHER_FILES,
            max_request_header_size=MOST_HEADER_BYTES,
            max_request_body_size=MOST_BYTES + 1,  # it refuses what is as large as this
            inbuf_overflow=2 * MOST_BYTES,  # no temporary files
            # Flask's own middleware believes these, as far as WEB_PROXIES says.
            clear_untrusted_proxy_headers=False,
            ident=None,
        )
        server.channel_class = _Channel
        self._server = server

    def run(self) -> None:
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        log.info("web.listening", port=self._server.effective_port)
        look_at = 0.0
        while not self._stopping:
            self._turn()
            now = time.monotonic()
            if now >= look_at or self._patience.is_crowded(len(self._channels())):
                look_at = now + LOOK_SECONDS
                self._close(self._patience.late(self._channels(), now))
        self._finish()

    def _stop(self, *_: object) -> None:
        self._stopping = True
        self._server.pull_trigger()  # the loop wakes up at once

    def _finish(self) -> None:
        """Take no more requests; answer those that are here whole."""
        log.info("web.stopping")
        wasyncore.dispatcher.close(self._server)  # the listening socket only
        deadline = time.monotonic() + GRACEFUL_SECONDS
        while time.monotonic() < deadline:
            self._close(c for c in self._channels() if not (c.requests or c.total_outbufs_len))
            if not self._channels():
                break
            self._turn()
        self._server.task_dispatcher.shutdown(timeout=1)

    def _turn(self) -> None:
        wasyncore.loop(timeout=LOOK_SECONDS, use_poll=True, map=self._map, count=1)

    def _channels(self) -> list[HTTPChannel]:
        return list(self._server.active_channels.values())

    @staticmethod
    def _close(channels: Iterable[HTTPChannel]) -> None:
        for channel in channels:
            channel.handle_close()


def _connections() -> int:
    """How many connections this process may have; the system's limit on files may be lower."""
    wanted = MOST_CONNECTIONS + 2 * OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return max(soft - 2 * OTHER_FILES, 1)
    return MOST_CONNECTIONS
