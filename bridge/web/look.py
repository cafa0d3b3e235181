"""The forum's look, so that the bridge's pages look like pages of the forum.

It is read from the forum's public front page and kept for some minutes. While the forum cannot be
read, a plain default replaces it, so pages never wait long and never fail.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from bridge.discourse_api.front_page import Site
from bridge.errors import BridgeError
from bridge.web.contrast import legible

log = structlog.get_logger(__name__)

FRESH = timedelta(minutes=10)
RETRY = timedelta(minutes=1)
FIRST_WAIT_SECONDS = 2.0
STYLE = Path(__file__).parent / "static" / "style.css"

# Discourse's own default colours (its "Light" and "Dark" schemes).
LIGHT = {
    "primary": "#222222",
    "secondary": "#ffffff",
    "tertiary": "#0088cc",
    "quaternary": "#e45735",
    "header_background": "#ffffff",
    "header_primary": "#333333",
    "highlight": "#ffff4d",
    "danger": "#c80001",
    "success": "#009900",
}
DARK = {
    "primary": "#dddddd",
    "secondary": "#222222",
    "tertiary": "#099dd7",
    "quaternary": "#c14924",
    "header_background": "#111111",
    "header_primary": "#dddddd",
    "highlight": "#a87137",
    "danger": "#e45735",
    "success": "#1ca551",
}
# The forum computes this from the ones above. If it names the colour, its own is used.
SHADES = ("primary-low",)
TEXT = {"primary", "secondary", "tertiary"}
HEADER = {"header_background", "header_primary"}


@dataclass(frozen=True, slots=True)
class Look:
    """How the forum looks now, ready for a page. `palette`: its colours alone, for a picture."""

    title: str
    logo_url: str | None
    version: str | None
    css: str
    palette: str

    @property
    def digest(self) -> str:
        """The stylesheet's hash, so that browsers may cache it forever."""
        return hashlib.sha256(self.css.encode()).hexdigest()[:16]


def palette(light: Mapping[str, str], dark: Mapping[str, str]) -> str:
    """The colours as custom properties, for light and, by the reader's preference, for dark."""
    return (
        f":root{{{_properties(LIGHT, light)}}}\n"
        f"@media (prefers-color-scheme: dark){{:root{{{_properties(DARK, dark)}}}}}\n"
    )


def _properties(defaults: Mapping[str, str], forum: Mapping[str, str]) -> str:
    # Halves of two palettes are unreadable together, so colours that belong together come together.
    if forum.keys() >= TEXT:
        wanted = {*defaults, *SHADES}
    else:
        wanted = HEADER if forum.keys() >= HEADER else set()
    chosen = {name: value for name, value in forum.items() if name in wanted}
    colours = {**defaults, **chosen}
    colours |= legible(colours)
    return "".join(f"--{name}:{value};" for name, value in colours.items())


def make_look(site: Site | None, forum_url: str) -> Look:
    """The look of a forum as read, or the plain one if nothing could be read."""
    style = STYLE.read_text(encoding="utf-8")
    host = urlsplit(forum_url).hostname or forum_url
    if site is None:
        colours = palette({}, {})
        return Look(host, None, None, colours + style, colours)
    colours = palette(site.light, site.dark)
    return Look(site.title, site.logo_url, site.version, colours + style, colours)


class LookCache:
    """Caches the look, and reads it again in the background, one reader at a time."""

    def __init__(
        self, read: Callable[[], Site], forum_url: str, now: Callable[[], datetime]
    ) -> None:
        self._read = read
        self._forum_url = forum_url
        self._now = now
        self._look = make_look(None, forum_url)
        self._due_at: datetime | None = None
        self._reader: threading.Thread | None = None
        self._lock = threading.Lock()

    def current(self) -> Look:
        """The newest cached look. Only the very first page waits, and not for long."""
        with self._lock:
            first = self._due_at is None
            if self._due_at is None or self._now() >= self._due_at:
                self._due_at = self._now() + RETRY
                self._reader = threading.Thread(target=self._refresh, daemon=True, name="look")
                self._reader.start()
        if first:
            self.wait()
        return self._look

    def wait(self) -> None:
        """Wait briefly for a reading that is under way."""
        if self._reader is not None:
            self._reader.join(FIRST_WAIT_SECONDS)

    def _refresh(self) -> None:
        try:
            self._look = make_look(self._read(), self._forum_url)
            self._due_at = self._now() + FRESH
        except BridgeError as error:
            log.info("look.unread", why=str(error))
