"""Shared by all tests: seeds and numbers of examples, where files are kept, the order of tests."""

from __future__ import annotations

import gc
import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

# Where PYTHONDONTWRITEBYTECODE is set, as in many containers, each process would rewrite the
# assertions of all tests anew: half of the time that it takes to begin.
sys.dont_write_bytecode = False

# Databases wait for the disk at each commit, which took up to half of a test: where the machine
# has a file system in memory with room for a whole run, files are kept there.
MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes directories in it that are its own
ROOM = 2 * 1024**3
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None

# Each request would look through the whole environment for a proxy.
os.environ.setdefault("NO_PROXY", "127.0.0.1,localhost")

# Slow files begin first, so that nobody waits for them at the end. Those that wait for processes
# and those that compute take turns: together they keep all processors busy.
SLOW = (("faults", "e2e"), ("system", "oracle"))


# A run is quick here, and thorough where CI is set. How fast examples are made and run says how
# busy the machine is, and nothing of the code.
QUIET = [HealthCheck.too_slow]
settings.register_profile("quick", max_examples=25, suppress_health_check=QUIET, deadline=None)
settings.register_profile("thorough", suppress_health_check=QUIET, deadline=None)
settings.load_profile("thorough" if os.environ.get("CI") else "quick")

# A failed test shows what was logged. In colours and columns, that took a tenth of a simulated day.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(key_order=["level", "event"]),
    ]
)


def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed once; the workers that are started afterwards inherit it."""
    del config
    gc.disable()  # nothing that is loaded and collected becomes garbage
    os.environ.setdefault("SEED", str(secrets.randbelow(2**32)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow files, of both kinds in turn; the order within a file stays."""
    tests, turns = Path(__file__).parent, dict[Path, float]()
    for folders in SLOW:
        among = {tests / name: place for place, name in enumerate(folders)}
        files = dict.fromkeys(item.path for item in items if item.path.parent in among)
        ordered = sorted(files, key=lambda file: among[file.parent])
        turns |= {file: (place + 1) / (len(files) + 1) for place, file in enumerate(ordered)}
    items.sort(key=lambda item: turns.get(item.path, 1.0))


def pytest_collection_finish() -> None:
    """Collect garbage less often, and not among existing objects: a sixth of a run's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 20, 20)
    gc.enable()


def pytest_report_header(config: pytest.Config) -> str:
    del config
    seed, histories = os.environ["SEED"], os.environ.get("HISTORIES", "10000")
    return f"histories: {histories} from SEED={seed} (set both to repeat or to change that)"
