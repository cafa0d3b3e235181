"""Finds out who opens a page of offers: a browser or a link preview, and from which post."""

from __future__ import annotations

from typing import cast

from flask import Response, g, request

from bridge.web.addresses import forum_address, has_page, with_query
from bridge.web.buying.posts import the_posts
from bridge.web.context import here, reader, the_bridge
from bridge.web.login import STRANGER

# The forum keeps a card in a post for a day; other caches keep the page for less.
CARD_SECONDS = 3600


def is_browsing() -> bool:
    """Whether a person's browser opens the page, by headers that only browsers send.

    Fetchers of cards (the forum's own and any other) get the offer at once. A browser too old to
    say it gets the same page, with a button that signs in.
    """
    return request.headers.get(
        "Sec-Fetch-Dest"
    ) == "document" and "prefetch" not in request.headers.get("Sec-Purpose", "")


def is_asked() -> bool:
    """Whether the forum was asked and nobody is signed in."""
    return request.args.get(STRANGER) == "no"


def came_from() -> str | None:
    """The post to return to: from the link, from the browser, or the only post with this link.

    Most browsers tell another site only the forum's address, so for a plain link the
    forum's own search is asked. A fetcher of cards needs no way back.
    """
    if "came_from" not in g:
        g.came_from = _came_from()
    return cast("str | None", g.came_from)


def _came_from() -> str | None:
    forum_url = the_bridge().settings.discourse_url
    said = forum_address(request.values.get("from"), forum_url)
    if said is not None:
        return said
    referrer = forum_address(request.referrer, forum_url)
    if referrer and has_page(referrer, forum_url):
        return referrer
    if not is_browsing() and reader() is None:
        return None
    place = the_posts().of(f"{the_bridge().settings.bridge_url}{request.path}")
    return f"{forum_url}{place.path}" if place else None


def with_origin() -> str:
    """This page's path, carrying the post it was opened from through the sign-in."""
    return with_query(here("from", STRANGER), **{"from": came_from()})


def for_strangers(page: str) -> Response:
    """A page without anything about its reader; caches may keep it if it names no post."""
    response = Response(page)
    # A page that leads back to a post is only for the reader who came from there.
    if not is_asked() and came_from() is None:
        response.headers["Cache-Control"] = f"public, max-age={CARD_SECONDS}"
        response.headers["Vary"] = "Cookie, Referer, Accept-Language, Sec-Fetch-Dest, Sec-Purpose"
    return response
