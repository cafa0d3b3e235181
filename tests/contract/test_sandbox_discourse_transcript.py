"""The simulated Discourse answers as a real 3.5 did: the recorded exchanges, played again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bridge.sandbox.run import start
from tests.contract.discourse_contract import contradictions

TRANSCRIPT = Path(__file__).parents[2].parent / "shared" / "contract" / "discourse" / "transcript"

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not TRANSCRIPT.is_dir(), reason="../shared with the recording is absent"),
]


def replay(limit: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Play; every answer is also compared with the description and the version's schema."""
    sandbox = start(discourse_limit=limit)
    try:
        where = ["--url", sandbox.discourse.url, "--api-key", sandbox.info["discourse_key"]]
        secret = ["--connect-secret", sandbox.info["connect_secret"]]
        program = [sys.executable, "-B", str(TRANSCRIPT / "exchange.py"), "replay"]
        played = subprocess.run(
            [*program, *where, *secret, *arguments],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        entries = sandbox.world.journal.since(server="discourse")
        assert len(entries) > 60
        for e in entries:
            if e.status < 400 or isinstance(e.response, dict):
                assert contradictions(e.method, e.path, e.status, e.response) == [], e.path
        return played
    finally:
        sandbox.close()


def test_258_recorded_exchanges_are_answered_alike() -> None:
    played = replay(0, str(TRANSCRIPT / "discourse-3.5.json"))
    assert played.stdout.splitlines()[-1] == "258 exchanges, 0 differ", played.stdout
    assert played.returncode == 0


def test_the_61st_request_of_a_minute_is_told_to_wait_as_recorded() -> None:
    played = replay(60, "--only", "limits", str(TRANSCRIPT / "limits-3.5.json"))
    assert played.stdout.splitlines()[-1] == "61 exchanges, 0 differ", played.stdout
    assert played.returncode == 0
