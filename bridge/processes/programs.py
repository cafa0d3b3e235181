"""The processes of one machine: a Redis where none is given, sweeper, worker, web server."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import requests

from bridge.processes.embedded import redis_binary, redis_program
from bridge.processes.listening import listen
from bridge.processes.supervisor import Program
from bridge.settings import Settings

BRIDGE = (sys.executable, "-m", "bridge")


def programs(settings: Settings, env: Mapping[str, str], host: str, port: int) -> list[Program]:
    """The programs in the order in which they stop. Without any Redis the sweeper works alone."""
    redis: list[Program] = []
    address = settings.redis_url
    if address is None and (binary := redis_binary(env.get("PATH", ""))):
        program, address = redis_program(binary, settings.bridge_data)
        redis = [program]
    extra = {"REDIS_URL": address} if address else {}
    web = Program(
        "web",
        (*BRIDGE, "web", "--host", host, "--port", str(port)),
        extra,
        ready=lambda: _is_up(host, port),
    )
    worker = [Program("worker", (*BRIDGE, "worker"), extra)] if address else []
    sweeper = Program("sweeper", (*BRIDGE, "sweep"), extra)
    return [web, *worker, sweeper, *redis]


def require_free(host: str, port: int) -> None:
    """Raise Config when something else listens there: the web server would die again and again."""
    listen(host, port).close()


def _is_up(host: str, port: int) -> bool:
    near = "127.0.0.1" if host in ("", "0.0.0.0") else host  # noqa: S104 - asked on this machine
    try:
        address = f"http://[{near}]:{port}" if ":" in near else f"http://{near}:{port}"
        return requests.get(f"{address}/healthz", timeout=2).ok
    except requests.RequestException:
        return False
