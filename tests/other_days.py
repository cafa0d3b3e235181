"""Run tests on other days: the end of a month, a leap day, the turn of the year, clock changes.

For `make days` and `make whole-day`: `python tests/other_days.py [--all | --day "DATE TIME ZONE"]
[--world | --whole] [pytest's arguments]`. Without --all or --day the three days run that find the
most. libfaketime moves the clock of every process that a test starts by the same distance; the
monotonic clock stays as it is, because faked waits never end.

libfaketime 0.9.10 makes Python's time.sleep fail with EINVAL. Tests that wait run with --world:
only the simulated clock of Stripe, the forum and the bridge starts on that day (tests/harness.py).
With --whole any test runs: a few lines of C take libfaketime's place, so a compiler is needed.
"""

from __future__ import annotations

import argparse
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
        shift = f"{int(wanted.timestamp() - time.time()):+d}s"
        command = ["faketime", "--exclude-monotonic", "-f", shift, *command]
    sys.stdout.write(f"=== {wanted.isoformat()} {zone}\n")
    sys.stdout.flush()
    return subprocess.run(command, env=environment, check=False).returncode


def _day(told: str) -> tuple[str, str]:
    """A day as in DAYS, from one argument: "2027-01-31 12:00 Pacific/Auckland"."""
    day, _, zone = told.rpartition(" ")
    try:
        datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone))
    except (ValueError, KeyError) as error:
        like = f"{DAYS[0][0]} {DAYS[0][1]}"
        raise argparse.ArgumentTypeError(f"{told!r} is no day like {like!r}") from error
    return day, zone


def _shifted_clock() -> Path:
    """The library that moves the clock, compiled."""
    source = Path(__file__).with_name("shifted_clock.c")
    library = source.parent.parent / "build" / "shifted_clock.so"
    library.parent.mkdir(exist_ok=True)
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def main(arguments: list[str]) -> int:
    """Run all of the days, whatever each finds."""
    read = argparse.ArgumentParser(prog="other_days", add_help=False, allow_abbrev=False)
    which = read.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_const", dest="days", const=DAYS)
    which.add_argument("--day", type=_day, action="append", dest="days")
    how = read.add_mutually_exclusive_group()
    how.add_argument("--world", action="store_const", dest="way", const="--world", default="")
    how.add_argument("--whole", action="store_const", dest="way", const="--whole")
    told, rest = read.parse_known_args(arguments)
    if not told.way and not shutil.which("faketime"):
        sys.stdout.write("faketime is missing: apt-get install faketime\n")
        return 1
    days = told.days or DAYS[:OFTEN]
    failed = [f"{day} {zone}" for day, zone in days if run(day, zone, rest, told.way)]
    if failed:
        sys.stdout.write("Failed on: " + ", ".join(failed) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
