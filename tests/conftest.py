"""What all tests share: the seed from which histories are generated, told at the start."""

from __future__ import annotations

import os
import secrets
import sys

import pytest

# Where PYTHONDONTWRITEBYTECODE is set, as in many containers, each process would rewrite the
# assertions of all tests anew: half of the time that it takes to begin.
sys.dont_write_bytecode = False


def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed once; the workers that are started afterwards inherit it."""
    del config
    os.environ.setdefault("SEED", str(secrets.randbelow(2**32)))


def pytest_report_header(config: pytest.Config) -> str:
    del config
    seed, histories = os.environ["SEED"], os.environ.get("HISTORIES", "10000")
    return f"histories: {histories} from SEED={seed} (set both to repeat or to change that)"
