"""The newcomer's two commands: the story alone, and the demo that stays up."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from bridge.demo.rehearsal import rehearsal

pytestmark = pytest.mark.e2e

PATIENCE_SECONDS = 110


@dataclass(frozen=True)
class Demo:
    process: subprocess.Popen[bytes]
    folder: Path

    def until_it_stays(self) -> str:
        """Wait until the story ends; its whole output."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        output = self.folder / "output"
        while "Ctrl-C stops it" not in (said := output.read_text()) or "bridge.log" not in said:
            assert self.process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.2)
        return said


@pytest.fixture(scope="module", autouse=True)
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo that stays up; it starts first and plays its story meanwhile."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "bridge", "demo"]
    env = os.environ | {"BRIDGE_DATA": "real"}
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=env, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield Demo(process, folder)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(60)


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
    assert "failed on" in told.stdout
    assert "Paid in total" in told.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(PATIENCE_SECONDS + 20)
def test_A149_every_command_works_in_a_shell_that_read_the_demos_file(demo: Demo) -> None:
    typed = re.search(r"source \S+ && bridge doctor", demo.until_it_stays())
    assert typed is not None
    assert [one.name for one in (demo.folder / "real").iterdir()] == ["demo-data"]
    bare = {"PATH": "/usr/bin:/bin", "DATABASE_URL": "postgresql://real/database"}

    def shell(line: str) -> str:
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=demo.folder,
            env=bare,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    findings = json.loads(shell(f"{typed[0]} --json"))["findings"]
    remarks = [one for one in findings if one["level"] != "ok"]
    assert [(one["subject"], one["level"]) for one in remarks] == [("Clock", "note")]
    source = typed[0].partition(" && ")[0]
    assert "ada" in shell(f"{source} && bridge explain ada")
    assert "STRIPE_API_KEY" in (demo.folder / "real" / "demo-data" / "bridge.env").read_text()


@pytest.mark.timeout(PATIENCE_SECONDS + 20)
def test_A149_the_ports_stay_where_they_are_free(tmp_path: Path) -> None:
    with rehearsal(tmp_path, os.environ) as first:
        before = first.addresses
    with rehearsal(tmp_path, os.environ) as again:
        assert again.addresses == before
    taken = int(before["Stripe's dashboard"].split(":")[2].split("/")[0])
    with socket.create_server(("127.0.0.1", taken)), rehearsal(tmp_path, os.environ) as moved:
        differing = {what for what, address in moved.addresses.items() if address != before[what]}
        assert differing == {"Stripe's dashboard"}


@pytest.mark.timeout(PATIENCE_SECONDS + 20)
def test_the_links_of_the_rehearsal_lead_to_offers_from_its_first_moment(tmp_path: Path) -> None:
    with rehearsal(tmp_path, os.environ) as running:
        link = f"{running.settings.bridge_url}/join/supporter-monthly"
        assert requests.get(link, timeout=10).status_code == 200


@pytest.mark.timeout(PATIENCE_SECONDS + 20)
def test_the_demo_stays_up_with_addresses_to_play_with(demo: Demo) -> None:
    said = demo.until_it_stays()
    addresses = re.findall(r"http://\S+", said.partition("The demo keeps running")[2])
    assert len(addresses) == 7
    for address in addresses:
        assert requests.get(address, timeout=10).status_code in (200, 401), address
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(60) == 0
    assert (demo.folder / "real" / "demo-data" / "bridge.log").stat().st_size
