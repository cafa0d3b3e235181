"""Reads the forum's look as any visitor sees it."""

from __future__ import annotations

import requests

from bridge.discourse_api.front_page import Site, read_front_page, read_info, site_of
from bridge.discourse_api.visitor import read_page
from bridge.errors import Transient


def read_site(url: str) -> Site:
    """Read the forum's look; missing parts stay empty.

    Raises Transient only when the forum cannot be reached at all.
    """
    with requests.Session() as visitor:
        front = read_page(visitor, f"{url}/")
        info = read_info(read_page(visitor, f"{url}/site/basic-info.json"))
        if front is None and not info:
            raise Transient(f"GET {url}/: the forum was not reached; its look stays as it was")
        page = read_front_page(url, front or "")
        light = read_page(visitor, page.light) if page.light else None
        dark = read_page(visitor, page.dark) if page.dark else None
    return site_of(url, page, info, light, dark)
