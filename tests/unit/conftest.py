"""Unit tests are for every few minutes of work: quick here, and thorough where CI is set."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# How fast examples are made and run says how busy the machine is, and nothing of the code.
QUIET = [HealthCheck.too_slow]
settings.register_profile("quick", max_examples=25, suppress_health_check=QUIET, deadline=None)
settings.register_profile("thorough", suppress_health_check=QUIET, deadline=None)
settings.load_profile("thorough" if os.environ.get("CI") else "quick")
