"""Serves a WSGI application on loopback, injects faults, and journals the answers.

This is no ready-made server, because faults need the socket: closing a
connection before, after, or in the middle of an answer.
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import io
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from bridge.sandbox.kernel import Fault, World

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]

# Keys that a WSGI application may read and write in its environ.
FAULT = "sandbox.fault"  # read: the Fault to play within the work (`short_page`, `partial`)
CALLER = "sandbox.caller"  # write: the caller, if the headers do not say it
CUT_OFF = "sandbox.cut_off"  # write True: close the connection instead of answering

CONTROL_PATH = "/_sandbox"
LOOKED_AT = ("text/html", "text/css", "image/svg+xml", "image/png")
KEPT_BYTES = 262_144  # longer bodies are journaled by their size only
SILENCE_SECONDS = 60.0
HTML = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(slots=True)
class Answer:
    """The answer as it goes over the socket."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def content_type(self) -> str:
        """The kind of content, without its charset."""
        found = (v for k, v in self.headers if k.lower() == "content-type")
        return next(found, "").partition(";")[0].strip().lower()


class Server:
    """A running server; `close` ends it with all of its connections."""

    def __init__(self, listener: _Listener) -> None:
        self._listener = listener
        self.port: int = listener.server_address[1]
        self.url = f"http://{listener.host}:{self.port}"
        self._thread = threading.Thread(
            target=listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening, break open connections, and wait for the thread."""
        self._listener.stopping.set()
        self._listener.shutdown()
        self._listener.server_close()
        self._listener.break_connections()
        self._thread.join()


def serve(
    world: World,
    name: str,
    app: Wsgi,
    port: int = 0,
    *,
    host: str = "127.0.0.1",
    control: Callable[[], Wsgi] | None = None,
) -> Server:
    """Serve `app` on loopback in threads.

    `control` is called when somebody first asks for something below /_sandbox: what it makes
    answers that, free of faults. `host` only names the server in its `url`; the socket is always
    bound to 127.0.0.1.
    """
    return Server(_Listener(world, name, app, control, port, host))


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self,
        world: World,
        name: str,
        app: Wsgi,
        control: Callable[[], Wsgi] | None,
        port: int,
        host: str,
    ) -> None:
        self.world, self.name, self.app, self.control, self.host = world, name, app, control, host
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as problem:
            said = f"{problem.strerror}; say another port, or 0 for any that is free"
            raise OSError(problem.errno, f"{name}: port {port}: {said}") from problem

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def break_connections(self) -> None:
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that went away; show other errors."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Listener

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Silent, because there is the journal."""

    def _answer(self) -> None:
        body = self._read_body()
        environ = self._environ(body)
        if self.server.control and environ["PATH_INFO"].startswith(CONTROL_PATH):
            self._send(run_app(self.server.control(), environ))
            return
        started, at = time.time(), self.server.world.clock.now()
        fault = self.server.world.faults.take(self.server.name, self.command, environ["PATH_INFO"])
        answer = self._play(fault, environ)
        if environ.get(CUT_OFF):
            answer = None
        if answer is None or not _is_page(environ, answer):
            self._journal(environ, body, answer, fault, started, at)
        self._deliver(fault, answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _answer  # noqa: N815

    def _read_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().partition(b";")[0].strip() or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _environ(self, body: bytes) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "RAW_URI": self.path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": self.server.host,
            "SERVER_PORT": str(self.server.server_address[1]),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for key, value in self.headers.items():
            name = "HTTP_" + key.upper().replace("-", "_")
            if name not in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"):
                environ[name] = f"{environ[name]},{value}" if name in environ else value
        return environ

    def _play(self, fault: Fault | None, environ: dict[str, Any]) -> Answer | None:
        """The answer, or None when the work is not done at all."""
        kind = fault.kind if fault else None
        if fault is None:
            return run_app(self.server.app, environ)
        if kind in ("hang", "reset_before"):
            return None
        if kind == "status":
            return _prepared(fault)
        if kind == "slow":
            self.server.stopping.wait(float(fault.args.get("seconds", 1)))
        environ[FAULT] = fault
        answer = run_app(self.server.app, environ)
        if kind == "html":
            return Answer(200, [("Content-Type", "text/html; charset=utf-8")], HTML)
        return answer

    def _deliver(self, fault: Fault | None, answer: Answer | None) -> None:
        kind = fault.kind if fault else None
        if fault and kind in ("hang", "timeout_after"):
            self.server.stopping.wait(float(fault.args.get("seconds", SILENCE_SECONDS)))
            self._break()
        elif answer is None or kind in ("reset_before", "reset_after"):
            self._break()
        elif kind == "half_body":
            self._send(answer, answer.body[: len(answer.body) // 2])
            self._break(reset=False)
        else:
            self._send(answer)

    def _send(self, answer: Answer, part: bytes | None = None) -> None:
        self.send_response_only(answer.status)
        for key, value in answer.headers:
            if key.lower() not in ("content-length", "connection"):
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(answer.body)))
        if self.server.stopping.is_set():
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body if part is None else part)
        self.wfile.flush()

    def _break(self, *, reset: bool = True) -> None:
        """Close the connection; with a reset the client sees no orderly end."""
        self.close_connection = True
        if reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()

    def _journal(
        self,
        environ: dict[str, Any],
        body: bytes,
        answer: Answer | None,
        fault: Fault | None,
        started: float,
        at: float,
    ) -> None:
        self.server.world.journal.add(
            server=self.server.name,
            at=at,
            wall=started,
            method=self.command,
            path=self.path.partition("?")[0],  # the application may have rewritten PATH_INFO
            query=environ["QUERY_STRING"],
            caller=environ.get(CALLER) or caller_of(environ),
            request=read_request(environ["CONTENT_TYPE"], body),
            status=answer.status if answer else 0,
            response=_read_answer(answer) if answer else None,
            fault=fault.kind if fault else None,
            seconds=time.time() - started,
        )


def run_app(app: Wsgi, environ: dict[str, Any]) -> Answer:
    """Call a WSGI application and gather its answer."""
    answer = Answer(500, [], b"")

    def start_response(status: str, headers: list[tuple[str, str]], _info: Any = None) -> None:
        answer.status, answer.headers = int(status.split(" ", 1)[0]), headers

    parts = app(environ, start_response)
    try:
        answer.body = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    return answer


def caller_of(environ: dict[str, Any]) -> str:
    """Discourse's Api-Username, the type of a Stripe key, or an empty string."""
    if environ.get("HTTP_API_KEY"):
        return str(environ.get("HTTP_API_USERNAME", ""))
    kind, _, value = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
    if kind.lower() == "basic":
        with contextlib.suppress(ValueError):
            value = base64.b64decode(value).decode("utf-8", "replace")
    return "_".join(value.split("_")[:2]) if value.count("_") > 1 else kind.lower()


def read_request(content_type: str, body: bytes) -> Any:
    """The body as the journal shows it: JSON parsed, a form as a dict, files by their size."""
    if not body:
        return None
    if len(body) > KEPT_BYTES or "multipart" in content_type:
        return {"bytes": len(body)}
    text = body.decode("utf-8", "replace")
    if "json" in content_type:
        with contextlib.suppress(ValueError):
            return json.loads(text)
    if "form" in content_type:
        form = parse_qs(text, keep_blank_values=True)
        return {k: v[0] if len(v) == 1 else v for k, v in form.items()}
    return text


def _read_answer(answer: Answer) -> Any:
    if len(answer.body) > KEPT_BYTES:
        return {"bytes": len(answer.body)}
    text = answer.body.decode("utf-8", "replace")
    if "json" in answer.content_type:
        with contextlib.suppress(ValueError):
            return json.loads(text)
    return text or None


def _is_page(environ: dict[str, Any], answer: Answer) -> bool:
    """Whether a person looks at a page or a picture, which is not a call of the bridge."""
    by_program = environ.get("HTTP_API_KEY") or environ.get("HTTP_AUTHORIZATION")
    return (
        environ["REQUEST_METHOD"] == "GET"
        and answer.content_type in LOOKED_AT
        and answer.status < 300  # noqa: PLR2004 - redirects are part of a sign-in
        and not by_program
    )


def _prepared(fault: Fault) -> Answer:
    body = fault.args.get("body", {"error": {"type": "api_error", "message": "sandbox fault"}})
    if isinstance(body, str):
        raw, kind = body.encode(), "text/html; charset=utf-8"
    else:
        raw, kind = json.dumps(body).encode(), "application/json; charset=utf-8"
    headers = {"Content-Type": kind, **fault.args.get("headers", {})}
    return Answer(int(fault.args.get("status", 500)), list(headers.items()), raw)
