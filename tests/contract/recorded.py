"""A server that plays recorded answers over a real socket, and keeps what it was asked."""

from __future__ import annotations

import http.server
import json
import socket
import struct
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

CONTRACT = Path(__file__).resolve().parents[2].parent / "shared" / "contract"
needs_contract = pytest.mark.skipif(
    not CONTRACT.is_dir(), reason="the recorded originals are kept beside the checkout, not in it"
)


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    connection: int


@dataclass(frozen=True)
class Played:
    """An answer to give. `how`: send it, send half of it, or cut the connection instead."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    how: str = "send"


def answer(
    body: object = None,
    status: int = 200,
    *,
    headers: dict[str, str] | None = None,
    how: str = "send",
) -> Played:
    """An answer of JSON, or of text where the body is a text."""
    if isinstance(body, str):
        kind, raw = "text/plain; charset=utf-8", body.encode()
    else:
        kind, raw = "application/json; charset=utf-8", json.dumps(body).encode()
    return Played(status, {"Content-Type": kind, **(headers or {})}, raw, how)


class Recorded:
    """Answers by method and path: each once, the last one for ever."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._answers: dict[tuple[str, str], deque[Played]] = defaultdict(deque)
        self.url = ""

    def play(self, method: str, path: str, *answers: Played) -> None:
        """Have a request answered."""
        self._answers[method, path].extend(answers)

    def play_step(self, step: dict[str, Any]) -> None:
        """Have a recorded exchange answered as it was."""
        request, response = step["request"], step["response"]
        body = response["json"] if response["json"] is not None else response["text"] or ""
        headers = {k: v for k, v in response["headers"].items() if k != "content-type"}
        headers["Content-Type"] = response["headers"].get("content-type", "text/plain")
        headers = {k: v.replace("http://localhost:3000", self.url) for k, v in headers.items()}
        self.play(
            request["method"],
            request["path"],
            answer(body, response["status"], headers=headers),
        )

    def next_answer(self, asked: Asked) -> Played:
        """What to say now."""
        self.asked.append(asked)
        waiting = self._answers.get((asked.method, asked.path))
        if not waiting:
            return answer({"errors": ["nothing is recorded for this"]}, 404)
        return waiting[0] if len(waiting) == 1 else waiting.popleft()


@contextmanager
def recorded_server(recorded: Recorded | None = None) -> Iterator[Recorded]:
    """Serve recorded answers on a free port of the loopback."""
    playing = recorded or Recorded()

    class Handler(_Handler):
        recorded = playing

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    playing.url = f"http://localhost:{server.server_address[1]}"
    try:
        yield playing
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    recorded: Recorded  # of the server that this answers for

    def handle_one(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        where = urlsplit(self.path)
        kind = self.headers.get("Content-Type", "")
        body: Any = raw.decode()
        if raw and "json" in kind:
            body = json.loads(raw)
        elif raw:
            body = {k: v[0] for k, v in parse_qs(raw.decode(), keep_blank_values=True).items()}
        asked = Asked(
            self.command,
            where.path,
            parse_qs(where.query),
            dict(self.headers),
            body or None,
            self.client_address[1],
        )
        self._say(self.recorded.next_answer(asked))

    def _say(self, played: Played) -> None:
        if played.how == "silence":
            self.rfile.read(1)  # until the client goes away
            self.close_connection = True
            return
        if played.how == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        self.send_response(played.status)
        for name, value in played.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(played.body)))
        self.end_headers()
        half = played.how == "half"
        self.wfile.write(played.body[: len(played.body) // 2] if half else played.body)
        self.close_connection = self.close_connection or half

    do_GET = do_POST = do_PUT = do_DELETE = handle_one  # noqa: N815 - names of http.server

    def log_message(self, *_: object) -> None:
        """Nothing is said."""


def discourse_steps() -> dict[str, dict[str, Any]]:
    """The exchanges with a real Discourse 3.5, by their names; empty where they are not kept."""
    return _steps("discourse-3.5.json")


def discourse_limit_steps() -> dict[str, dict[str, Any]]:
    """The same, of the request limit."""
    return _steps("limits-3.5.json")


def _steps(name: str) -> dict[str, dict[str, Any]]:
    path = CONTRACT / "discourse" / "transcript" / name
    if not path.exists():
        return {}
    return {step["name"]: step for step in json.loads(path.read_text())["steps"]}
