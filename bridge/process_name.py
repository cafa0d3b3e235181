"""A name for this process by which others can find out whether it still runs."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

PROC = Path("/proc")
ENDED = ("Z", "X")  # proc(5): a zombie has ended


def own_name() -> str:
    """Host, process id, its start, where that id counts, and something no other name has."""
    pid = os.getpid()
    parts = (os.uname().nodename[:40], pid, _started(pid), _place(), secrets.token_hex(4))
    return ":".join(str(part) for part in parts)


def has_ended(name: str) -> bool:
    """Whether the process of this name has ended, for certain; False for one of another machine."""
    try:
        _, pid, started, place, _ = name.split(":")
        if not place or place != _place():
            return False
        os.kill(int(pid), 0)
        return started != _started(int(pid))
    except ProcessLookupError:
        return True
    except (OSError, ValueError):  # another user's, or no name of ours
        return False


def _started(pid: int) -> str:
    """When it started, in ticks since this machine did: process ids come again."""
    try:
        # The second field is its command in brackets, and may hold anything.
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "ended" if fields[0] in ENDED else fields[19]


def _place() -> str:
    """Where process ids mean the same: this start of this machine, and this container."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        container = (PROC / "self/ns/pid").stat().st_ino
    except OSError:
        return ""
    return hashlib.sha256(f"{boot} {container}".encode()).hexdigest()[:12]
