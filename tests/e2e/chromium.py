"""What the tests with a real browser share."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, ViewportSize

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
_BACKGROUND = "--disable-background-networking --disable-component-update"
LAUNCH: dict[str, Any] = {
    "executable_path": CHROMIUM,
    "args": [*_QUIET.split(), *_BACKGROUND.split()],
}
PICTURES = Path(__file__).parents[2] / "screenshots"
NARROW = ViewportSize(width=320, height=640)
PHONE = ViewportSize(width=390, height=800)
DESK = ViewportSize(width=1200, height=800)


def log_in(page: Page, name: str) -> None:
    """Fill in the forum's own login form, wherever the browser is on it."""
    page.get_by_label("Somebody else").fill(name)
    page.locator("form.named button").click()
