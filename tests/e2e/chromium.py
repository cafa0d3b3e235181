"""What the tests with a real browser share."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import Page, ViewportSize

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PICTURES = Path(__file__).parents[2] / "screenshots"
NARROW = ViewportSize(width=320, height=640)
PHONE = ViewportSize(width=390, height=800)
DESK = ViewportSize(width=1200, height=800)


def log_in(page: Page, name: str) -> None:
    """Fill in the forum's own login form, wherever the browser is on it."""
    page.get_by_label("Somebody else").fill(name)
    page.locator("form.named button").click()
