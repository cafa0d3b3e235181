"""A bridge in a process of its own, told what to do line by line; answers each with its memory.

python -m tests.bench.reconciler   (settings from the environment)
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from bridge import logs, wiring
from bridge.settings import Settings
from bridge.worker import group_members, reconcile, rule_changes, sweeper


def peak_mib() -> float:
    """The most memory that this process ever held (getrusage would count its parent's too)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def main() -> None:
    settings = Settings.from_env(os.environ)
    logs.configure("ERROR", stream=sys.stderr)
    bridge = wiring.build(settings)
    for line in sys.stdin:
        found = 0
        match line.strip():
            case "learn":
                group_members.read_groups(bridge)
                reconcile.read_catalogue(bridge)
                rule_changes.follow(bridge)
            case "reconcile":
                reconcile.read_all_subscriptions(bridge)
            case "tick":
                found = sweeper.tick(bridge)
        peak = peak_mib()
        print(json.dumps({"found": found, "peak_mib": peak}), flush=True)  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
