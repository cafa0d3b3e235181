"""Who opens a page of offers: a browser or a fetcher of cards, and out of which post."""

from __future__ import annotations

from flask import Response, request

from bridge.web.addresses import forum_address, has_page, with_query
from bridge.web.context import here, the_bridge
from bridge.web.login import STRANGER

# A card in a post is kept by the forum for a day; other caches keep the page for less.
CARD_SECONDS = 3600


def is_browsing() -> bool:
    """A person's browser opens the page, by what browsers say of themselves and fetchers do not.

    Fetchers of cards (the forum's own and any other) get the offer at once. A browser too old to
    say it gets the same page, with a button that signs in.
    """
    return request.headers.get(
        "Sec-Fetch-Dest"
    ) == "document" and "prefetch" not in request.headers.get("Sec-Purpose", "")


def is_asked() -> bool:
    """The forum was asked who this is, and knew nobody."""
    return request.args.get(STRANGER) == "no"


def came_from() -> str | None:
    """The post to return to: said by the link, or by the browser if it tells more than the site."""
    forum_url = the_bridge().settings.discourse_url
    said = forum_address(request.values.get("from"), forum_url)
    if said is not None:
        return said
    referrer = forum_address(request.referrer, forum_url)
    return referrer if referrer and has_page(referrer, forum_url) else None


def with_origin() -> str:
    """This page's path, carrying the post it was opened from through the sign-in."""
    return with_query(here("from", STRANGER), **{"from": came_from()})


def for_strangers(page: str) -> Response:
    """A page that says nothing of its reader; caches may keep it where it names no post either."""
    response = Response(page)
    # A page that leads back to a post is for the one reader who came from there.
    if not is_asked() and came_from() is None:
        response.headers["Cache-Control"] = f"public, max-age={CARD_SECONDS}"
        response.headers["Vary"] = "Cookie, Referer, Sec-Fetch-Dest, Sec-Purpose"
    return response
