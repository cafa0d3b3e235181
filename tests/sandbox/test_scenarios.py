"""The scenario files: each plays through, ends as it says, and always alike."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from bridge.sandbox.control import journal_lines
from bridge.sandbox.run import Sandbox, start
from bridge.sandbox.scenario import (
    BEGIN,
    SCENARIOS,
    ScenarioError,
    play_file,
    play_scenario,
    read,
)

FILES = sorted(SCENARIOS.glob("*.toml"))
# The lives of a subscription that the acceptance tests name.
LIFECYCLE = {14, 17, 19, 20, 21, 24, 25, *range(27, 32), 34, *range(38, 44), 46, 47, 86, 93}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = start(seed=5, frozen_at=1_790_000_000)
    control(sandbox, "/snapshot")
    yield sandbox
    sandbox.close()


@pytest.fixture(autouse=True)
def _as_new(sandbox: Sandbox) -> None:
    control(sandbox, "/restore")


def control(sandbox: Sandbox, address: str) -> None:
    url = sandbox.info["control_url"] + address
    requests.post(url, json={"name": "new"}, timeout=10).raise_for_status()


def played(sandbox: Sandbox, file: Path) -> list[Any]:
    """The journal of a scenario, but for the numbers, which go on from one to the next."""
    before = len(sandbox.world.journal.since())
    play_file(sandbox.world, sandbox.info, file)
    lines = (json.loads(line) for line in journal_lines(sandbox.world, before))
    return [{**line, "number": None} for line in lines]


@pytest.mark.parametrize("file", FILES, ids=[f.stem for f in FILES])
def test_a_life_ends_as_its_file_says_and_always_alike(sandbox: Sandbox, file: Path) -> None:
    told = read(file.read_text())
    assert told.title
    assert told.end
    first = played(sandbox, file)
    assert len(first) > 5
    control(sandbox, "/restore")
    assert first == played(sandbox, file)


@pytest.fixture(scope="module")
def elsewhen() -> Iterator[Sandbox]:
    sandbox = start(frozen_at=BEGIN)
    control(sandbox, "/snapshot")
    yield sandbox
    sandbox.close()


@pytest.mark.parametrize("file", FILES, ids=[f.stem for f in FILES])
def test_a_life_ends_as_its_file_says_when_the_command_line_begins_it(
    elsewhen: Sandbox, file: Path
) -> None:
    control(elsewhen, "/restore")
    play_file(elsewhen.world, elsewhen.info, file)  # raises where the end is another


def test_every_life_of_the_acceptance_tests_has_its_scenario() -> None:
    titles = " ".join(read(file.read_text()).title for file in FILES)
    assert {int(number) for number in re.findall(r"\bA(\d+)", titles)} == LIFECYCLE


CUSTOMER = '[[step]]\npost = "/v1/customers"\nform = { name = "Ada" }\nkeep = "customer"\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[[step]]\nget = "/v1/x"\nserver = "discourse"\nkeep = "x"', "step 1"),
        ("[[step", "this is no TOML"),
        ('title = "nothing"', "at least one"),
        ("step = 5", r"written as \[\[step\]\]"),
        ('begin = ["shop"]', "begin is a name"),
        ("end = 3", "begin is a name"),
        ('[[step]]\npost = "/v1/customers"\nform = 3', "form has names and values"),
        ("stepp = 1", r"unknown keys \['stepp'\]"),
        ('begin = "nowhere"', "there are"),
        ("[[step]]\nkeep = 'x'", "say post, get"),
        ('[[step]]\nadvance = "soon"', "'soon' is no time"),
        (CUSTOMER + '[end]\n"customer.name" = "Bea"', "customer.name is Ada, not Bea"),
        (CUSTOMER + '[end]\n"customer.none" = 5', "customer.none is none, not 5"),
        (CUSTOMER + '[[step]]\nget = "/v1/customers/{other}"', "nothing was kept as 'other'"),
        (CUSTOMER + '[[step]]\nget = "/v1/customers/{customer.x}"', "customer has no x"),
    ],
)
def test_a_scenario_that_makes_no_sense_says_what_is_wrong(
    sandbox: Sandbox, text: str, complaint: str
) -> None:
    with pytest.raises(ScenarioError, match=complaint):
        play_scenario(sandbox.world, sandbox.info, read(text))


def test_a_scenario_that_is_no_text_says_so(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "life.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ScenarioError, match="is no TOML: "):
        play_file(sandbox.world, sandbox.info, file)


def in_a_process(file: Path, ports: tuple[int, int]) -> tuple[dict[str, str], str]:
    """The command's output, and the journal that it offers."""
    options = ["--seed", "7", "--scenario", str(file)]
    options += ["--stripe-port", str(ports[0]), "--discourse-port", str(ports[1])]
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge.sandbox", *options], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        info = json.loads(process.stdout.readline())
        journal = requests.get(info["stripe_url"] + "/_sandbox/journal", timeout=10).text
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        return info, journal
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@pytest.mark.parametrize("name", ["words_in_any_order", "people_on_the_forum"])
def test_two_processes_give_the_same_keys_ids_times_and_journal(name: str) -> None:
    sandbox = start()
    ports = sandbox.stripe.port, sandbox.discourse.port
    sandbox.close()
    file = SCENARIOS / f"{name}.toml"
    first = in_a_process(file, ports)
    assert len(first[1].splitlines()) > 10
    assert first == in_a_process(file, ports)
