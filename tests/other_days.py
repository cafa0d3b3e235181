"""Run tests on other days: the end of a month, a leap day, the turn of the year, clock changes.

`python tests/other_days.py [--all] [--world | --whole] [pytest's arguments]`. libfaketime moves the
clock of every process that a test starts by the same distance; the monotonic clock stays as it is,
because faked waits never end. Without --all the three days run that find the most.

libfaketime 0.9.10 makes Python's time.sleep fail with EINVAL. Tests that wait run with --world:
only the simulated clock of Stripe, the forum and the bridge starts on that day (tests/harness.py).
With --whole any test runs: a few lines of C take libfaketime's place, so a compiler is needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

# Local time and zone. The first three are the ones that every run of CI pays for.
DAYS = [
    ("2027-01-31 12:00", "Pacific/Auckland"),
    ("2028-02-29 23:30", "UTC"),
    ("2027-12-31 23:50", "America/New_York"),
    ("2027-02-28 12:00", "Europe/Berlin"),
    ("2027-03-28 01:55", "Europe/Berlin"),
    ("2027-10-31 02:55", "Europe/Berlin"),
    ("2027-03-14 01:55", "America/New_York"),
    ("2027-04-04 02:55", "Pacific/Auckland"),
]
OFTEN = 3


def run(day: str, zone: str, arguments: list[str], way: str) -> int:
    """Run pytest with the clock at the local time of the zone; answers its exit code."""
    wanted = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone))
    environment = {**os.environ, "TZ": zone}
    command = [sys.executable, "-m", "pytest", *arguments]
    if way == "--world":
        environment["WORLD_BEGINS"] = wanted.isoformat()
    elif way == "--whole":
        environment["LD_PRELOAD"] = str(_shifted_clock())
        environment["CLOCK_SHIFT"] = str(int(wanted.timestamp() - time.time()))
    else:
        environment["NO_FAKE_STAT"] = "1"  # else every module is compiled anew
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        shift = f"{int(wanted.timestamp() - time.time()):+d}s"
        command = ["faketime", "--exclude-monotonic", "-f", shift, *command]
    sys.stdout.write(f"=== {wanted.isoformat()} {zone}\n")
    sys.stdout.flush()
    return subprocess.run(command, env=environment, check=False).returncode


def _shifted_clock() -> Path:
    """The library that moves the clock, compiled."""
    source = Path(__file__).with_name("shifted_clock.c")
    library = source.parent.parent / "build" / "shifted_clock.so"
    library.parent.mkdir(exist_ok=True)
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def main(arguments: list[str]) -> int:
    """Run all of the days, whatever each finds."""
    way = next((a for a in arguments if a in ("--world", "--whole")), "")
    if not way and not shutil.which("faketime"):
        sys.stdout.write("faketime is missing: apt-get install faketime\n")
        return 1
    days = DAYS if "--all" in arguments else DAYS[:OFTEN]
    rest = [a for a in arguments if a not in ("--all", way)]
    failed = [f"{day} {zone}" for day, zone in days if run(day, zone, rest, way)]
    if failed:
        sys.stdout.write("Failed on: " + ", ".join(failed) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
