"""For machines: does it live, can it store, how far is it behind."""

from __future__ import annotations

import hmac
import ipaddress

from flask import Blueprint, Response, current_app, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from werkzeug.exceptions import Forbidden

from bridge.store import figures
from bridge.web.context import now, the_bridge

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/readyz")
def ready() -> Response:
    """Whether webhooks can be stored. Without Redis the work is slower, and nothing is lost."""
    database = figures.writing_problem(the_bridge().store)
    redis = the_bridge().hints.ping()
    status = "ready" if redis else "degraded"
    answer = jsonify(
        status="unready" if database else status,
        database=database or "ok",
        redis="ok" if redis else "does not answer; the sweeper finds the work",
    )
    answer.status_code = 503 if database else 200
    return answer


@blueprint.get("/metrics")
def metrics() -> Response:
    """Figures for Prometheus, counted in SQL at this moment, so that any process may be asked."""
    _only_for_us()
    registry = CollectorRegistry()
    with the_bridge().store.read() as connection:
        for name, help_text, value in figures.figures(connection, now()):
            Gauge(name, help_text, registry=registry).set(value)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _only_for_us() -> None:
    token = current_app.config["METRICS_TOKEN"]
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and hmac.compare_digest(given.encode(), token.encode()):
        return
    # A proxy on this machine would make everybody local; it says so in these.
    forwarded = request.headers.get("X-Forwarded-For") or request.headers.get("Forwarded")
    if forwarded or not _is_loopback(request.remote_addr):
        raise Forbidden


def _is_loopback(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False
