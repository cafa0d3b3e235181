"""The system's Chromium, for the tests with a real browser."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.chromium import CHROMIUM


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    quiet = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
    background = "--disable-background-networking --disable-component-update"
    return {"executable_path": CHROMIUM, "args": [*quiet.split(), *background.split()]}
