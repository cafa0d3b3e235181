"""Shared by the tests with a real browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Locator, Page, ViewportSize

# The shell has no windows to draw: it takes two thirds of the time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
_QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
_BACKGROUND = "--disable-background-networking --disable-component-update"
LAUNCH: dict[str, Any] = {
    "executable_path": CHROMIUM,
    "args": [*_QUIET.split(), *_BACKGROUND.split()],
}
PICTURES = Path(__file__).parents[2] / "screenshots"
AXE = Path(__file__).parents[2] / "build" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# A page that waits for Stripe looks again every second or few, without scripts, for five minutes at
# most, and says so: the exception for what happens in real time (WCAG 2.2.1).
# Only what is wrong is gathered and sent: a fifth of the time that a report on all nodes takes.
RUN = """rules => axe.run(document, {
    runOnly: rules,
    resultTypes: ['violations'],
    rules: {'meta-refresh': {enabled: false}},
}).then(found => found.violations)"""
NARROW = ViewportSize(width=320, height=640)
PHONE = ViewportSize(width=390, height=800)
DESK = ViewportSize(width=1200, height=800)


def keep(page: Page, name: str, *, whole: bool = True) -> None:
    """Take a picture to be looked at, if there is the folder screenshots/ (`mkdir screenshots`).

    A picture takes a quarter of the time of a look at a page.
    """
    if PICTURES.is_dir():
        page.screenshot(path=PICTURES / f"{name}.png", full_page=whole)


def looks(page: Page, name: str) -> Iterator[str]:
    """Show the page in each scheme once, as wide and as narrow as it gets; what each look is."""
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme, size in zip(schemes, (NARROW, DESK), strict=True):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        look = f"{name}-{scheme}-{size['width']}"
        keep(page, look)
        yield look


def look_wide_and_narrow(page: Page, name: str) -> None:
    """Axe finds nothing on the page as it is, in any look."""
    assert [f"{look}: {fault}" for look in looks(page, name) for fault in faults(page)] == []
    page.emulate_media(color_scheme="light")


def follow(link: Locator) -> None:
    """Click, and wait for the whole page: a click alone waits until the new page begins."""
    link.click()
    link.page.wait_for_load_state()


def log_in(page: Page, name: str) -> None:
    """Fill in the forum's own login form, wherever the browser is on it."""
    page.get_by_label("Somebody else").fill(name)
    page.locator("form.named button").click()


def faults(page: Page) -> Iterator[str]:
    """The findings of axe-core on the present page, and whether it is too wide."""
    page.wait_for_load_state()  # a click may have led elsewhere
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        yield "too wide"
    for glued in re.findall(r".*[a-z]{2}[.!?][A-Z][a-z].*", page.inner_text("body")):
        yield f"no space between two sentences: {glued}"
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    for fault in page.evaluate(RUN, RULES):
        for node in fault["nodes"]:
            yield f"{fault['id']}: {node['html'][:200]}: {node['failureSummary'][:300]}"
