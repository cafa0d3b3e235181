"""The newcomer's two commands: the story alone, and the demo that stays up."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from bridge.demo.rehearsal import rehearsal

pytestmark = pytest.mark.e2e

PATIENCE_SECONDS = 110


@pytest.mark.timeout(PATIENCE_SECONDS + 20)
def test_the_story_ends_well_and_leaves_nothing_behind(tmp_path: Path) -> None:
    env = {**os.environ, "TMPDIR": str(tmp_path), "DATABASE_URL": "postgresql://real/database"}
    told = subprocess.run(
        [sys.executable, "-m", "bridge", "demo", "--story"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    steps = re.findall(r"on the forum ✓ (.+)", told.stdout)
    assert steps == [
        "none of the paid groups",
        "none of the paid groups",
        "supporters",
        "supporters",
        "patrons",
        "patrons",
        "patrons",
        "patrons",
        "patrons",
        "none of the paid groups",
    ]
    assert "payment failed on" in told.stdout
    assert "Paid altogether" in told.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(PATIENCE_SECONDS + 20)
def test_the_demo_stays_up_with_addresses_to_play_with(tmp_path: Path) -> None:
    with (tmp_path / "output").open("w") as output:
        demo = subprocess.Popen(
            [sys.executable, "-m", "bridge", "demo"],
            cwd=tmp_path,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        said = _until_it_stays(demo, tmp_path / "output")
        addresses = re.findall(r"http://\S+", said.partition("It stays up")[2])
        assert len(addresses) == 5
        for address in addresses:
            assert requests.get(address, timeout=10).status_code in (200, 401), address
    finally:
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0
    assert (tmp_path / "demo-data" / "bridge.log").stat().st_size


@pytest.mark.timeout(PATIENCE_SECONDS + 20)
def test_the_links_of_the_rehearsal_lead_to_offers_from_its_first_moment(tmp_path: Path) -> None:
    with rehearsal(tmp_path, os.environ) as running:
        link = f"{running.settings.bridge_url}/join/supporter-monthly"
        assert requests.get(link, timeout=10).status_code == 200


def _until_it_stays(demo: subprocess.Popen[bytes], output: Path) -> str:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "Ctrl-C stops it" not in (said := output.read_text()) or "bridge.log" not in said:
        assert demo.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.2)
    return said
