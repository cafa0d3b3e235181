"""Health checks: whether the process runs, can store events, and how far it is behind."""

from __future__ import annotations

import hmac
import ipaddress
import threading
import time
from typing import cast
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from werkzeug.exceptions import Forbidden

from bridge.store import figures
from bridge.web.context import now, the_bridge

blueprint = Blueprint("health", __name__)
# More frequent requests get the previous answer, so that strangers cannot make the database write.
LOOK_SECONDS = 1.0
# Headers in which proxies name the client.
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "X-Real-IP", "Via")


class Readiness:
    """The last check's result; one thread checks at a time, and others use the last result."""

    def __init__(self) -> None:
        self._looking = threading.Lock()
        self._found: tuple[dict[str, str], int] | None = None
        self._until = 0.0

    def current(self) -> tuple[dict[str, str], int]:
        """The answer and its status, at most a check and a second old."""
        if self._found and time.monotonic() < self._until:
            return self._found
        if not self._looking.acquire(blocking=self._found is None):
            return cast("tuple[dict[str, str], int]", self._found)
        try:
            if self._found is None or time.monotonic() >= self._until:
                self._found = _look()
                self._until = time.monotonic() + LOOK_SECONDS
            return self._found
        finally:
            self._looking.release()


def _look() -> tuple[dict[str, str], int]:
    database = figures.writing_problem(the_bridge().store)
    redis = the_bridge().hints.ping()
    status = "ready" if redis else "degraded"
    found = {
        "status": "unready" if database else status,
        "database": database or "ok",
        "redis": "ok" if redis else "does not answer; the sweeper finds the work",
    }
    return found, 503 if database else 200


@blueprint.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/readyz")
def ready() -> Response:
    """Whether webhooks can be stored. Without Redis the work is slower, and nothing is lost."""
    found, status = cast("Readiness", current_app.extensions["readiness"]).current()
    answer = jsonify(found)
    answer.status_code = status
    return answer


@blueprint.get("/metrics")
def metrics() -> Response:
    """Figures for Prometheus, counted in SQL now, so that any process can answer."""
    _only_for_us()
    registry = CollectorRegistry()
    with the_bridge().store.read() as connection:
        for name, help_text, value in figures.figures(connection, now()):
            Gauge(name, help_text, registry=registry).set(value)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _only_for_us() -> None:
    """Whether the client has the token or, without a token, is this machine."""
    token = current_app.config["METRICS_TOKEN"]
    if token:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), token.encode()):
            raise Forbidden
        return
    # Behind a proxy on this machine everybody looks local; the proxy's headers or the host tell.
    asked_for = urlsplit(f"//{request.host}").hostname or ""
    is_here = asked_for == "localhost" or _is_loopback(asked_for)
    if any(map(request.headers.get, FORWARDED)) or not _is_loopback(request.remote_addr):
        raise Forbidden
    if not is_here:
        raise Forbidden


def _is_loopback(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False
