"""The forum's name, logo and colours, from what it shows any visitor.

Nothing here is trusted: only plain colours pass, because they go into our own pages.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

_PALETTE = (
    "primary|secondary|tertiary|quaternary|header_background|header_primary|highlight|danger"
    "|success|love|hover|selected"
)
_PROPERTY = re.compile(rf"--((?:{_PALETTE})(?:-[a-z0-9-]{{1,24}})?)\s*:\s*([^;{{}}]{{1,60}})[;}}]")
_COLOUR = re.compile(
    r"#[0-9a-fA-F]{3,8}|(?:rgb|rgba|hsl|hsla)\([0-9.,%/ deg]{1,40}\)|oklch\([0-9.,%/ ]{1,40}\)"
)
_HEX_IN_MANIFEST = re.compile(r"[0-9a-fA-F]{3}|[0-9a-fA-F]{6}")


@dataclass(frozen=True, slots=True)
class Site:
    """The forum's face. `light` and `dark`: custom properties without their dashes, to colours.

    `version` is Discourse's (`3.5.0.beta9-dev`); `dark` is empty where the forum has none.
    """

    title: str
    logo_url: str | None = None
    light: dict[str, str] = field(default_factory=dict)
    dark: dict[str, str] = field(default_factory=dict)
    version: str | None = None
    login_required: bool = False


def read_front_page(url: str, text: str) -> _FrontPage:
    """The data of the forum's front page at `url`; empty where it has none."""
    page = _FrontPage(url)
    page.feed(text)
    return page


def site_of(
    url: str, page: _FrontPage, info: dict[str, Any], light: str | None, dark: str | None
) -> Site:
    """The forum's face, from its front page, its basic information and its two stylesheets."""
    colours = read_palette(light)
    header = _hex(info.get("header_background_color")), _hex(info.get("header_primary_color"))
    if not colours and all(header):
        colours = {"header_background": header[0] or "", "header_primary": header[1] or ""}
    logo = info.get("logo_url") or page.logo
    return Site(
        title=str(info.get("title") or page.title or urlsplit(url).netloc),
        logo_url=_address(url, logo) if isinstance(logo, str) and logo else None,
        light=colours,
        dark=read_palette(dark),
        version=page.version,
        login_required=info.get("login_required") is True,
    )


def read_palette(css: str | None) -> dict[str, str]:
    """The colours of the palette among a stylesheet's custom properties; the last one wins."""
    found = ((name, value.strip()) for name, value in _PROPERTY.findall(css or ""))
    return {name: value for name, value in found if _COLOUR.fullmatch(value)}


class _FrontPage(HTMLParser):
    """Takes from the front page's head what names the version, the logo and the stylesheets."""

    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self._url = url
        self._in_title = False
        self.title = ""
        self.version: str | None = None
        self.logo: str | None = None
        self.light: str | None = None
        self.dark: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        self._in_title = tag == "title"
        if tag == "meta":
            self._read_meta(has.get("name") or has.get("property", ""), has.get("content", ""))
        elif tag == "link" and "color_definitions" in has.get("href", ""):
            address = _address(self._url, has["href"])
            is_dark = "dark-scheme" in has.get("class", "") or "dark" in has.get("media", "")
            if is_dark:
                self.dark = self.dark or address
            else:
                self.light = self.light or address

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title = (self.title + data).strip()

    def handle_endtag(self, tag: str) -> None:
        self._in_title = self._in_title and tag != "title"

    def _read_meta(self, name: str, content: str) -> None:
        if name == "generator":
            found = re.match(r"Discourse (\d[\w.+-]*)", content)
            self.version = found.group(1) if found else None
        elif name == "og:image":
            self.logo = content


def _address(url: str, link: str) -> str | None:
    """A link of the forum as a whole address; only of the web."""
    whole = urljoin(f"{url}/", link)
    return whole if urlsplit(whole).scheme in ("http", "https") else None


def read_info(text: str | None) -> dict[str, Any]:
    """The forum's basic-info.json; empty if it is missing or not JSON."""
    try:
        info = json.loads(text or "")
    except ValueError:
        return {}
    return info if isinstance(info, dict) else {}


def _hex(value: object) -> str | None:
    """The three or six letters that basic-info gives for a colour."""
    text = str(value or "")
    return f"#{text}" if _HEX_IN_MANIFEST.fullmatch(text) else None
