"""Unit tests are for every few minutes of work: quick here, and thorough where CI is set."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("quick", max_examples=25)
settings.register_profile("thorough")
settings.load_profile("thorough" if os.environ.get("CI") else "quick")
