"""The system's Chromium, for the tests with a real browser."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.chromium import LAUNCH


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return LAUNCH
