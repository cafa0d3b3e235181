"""Take the pictures of pages that the docs show, into docs/pictures: `make pictures`.

To show a page, add a line to PICTURES: a name, an address, and who looks at it; `furnish` makes
what there is to see. To take only some: `make pictures PICTURES="join offer"`. Each small picture
for the docs has a sharp one beside it in screenshots/, to be looked at.
"""

from __future__ import annotations

import base64
import logging
import re
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import structlog
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from bridge.sandbox.community import open_community
from bridge.sandbox.stripe import advance, fail_payments
from bridge.store import links
from bridge.worker import sweeper
from tests.e2e.chromium import LAUNCH, log_in
from tests.e2e.chromium import PICTURES as SHARP
from tests.e2e.place import Place, open_place

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
BEGINS = datetime(2027, 1, 11, 9, 30, tzinfo=UTC).timestamp()
PASSWORD = "correct-horse-battery-staple"
QUALITY = 30
SIZES = {
    "desktop": ViewportSize(width=1100, height=720),
    "phone": ViewportSize(width=390, height=760),
}
Scheme = Literal["light", "dark"]
View = tuple[Literal["desktop", "phone"], Scheme]
USUAL: tuple[View, ...] = (("desktop", "light"), ("phone", "dark"))
WIDE: tuple[View, ...] = (("desktop", "light"),)
NARROW: tuple[View, ...] = (("phone", "dark"),)
ALL: tuple[View, ...] = (*USUAL, ("desktop", "dark"), ("phone", "light"))


@dataclass(frozen=True, slots=True)
class Picture:
    """A page of the bridge as somebody sees it. Without `who`, a visitor who is not signed in.

    Within `path`, `{dmitri}` stands for a person's id, `{dmitri.subscription}` for the one they
    pay for.
    """

    name: str
    path: str
    who: str = ""
    views: tuple[View, ...] = USUAL

    @property
    def files(self) -> dict[str, View]:
        """Name of each file, without its ending."""
        return {f"{self.name}-{size}-{scheme}": (size, scheme) for size, scheme in self.views}


PICTURES = (
    Picture("join", "/join", "ada", ALL),
    Picture("join-stranger", "/join?signed_in=no"),
    Picture("offer", "/join/patron-yearly?from=/t/become-a-member/12/1", "bruno"),
    Picture("change", "/join/patron-monthly", "ada"),
    Picture("me", "/me", "ada"),
    Picture("me-failed", "/me", "dmitri"),
    Picture("me-newcomer", "/me", "bruno", NARROW),
    Picture("me-cancel", "/me/cancel/{ada.subscription}", "ada", NARROW),
    Picture("today", "/moderate", "mona"),
    Picture("find", "/moderate/find?q=a", "mona", WIDE),
    Picture("person", "/moderate/person/{dmitri}", "mona"),
    Picture("act", "/moderate/person/{bruno}/grant", "mona", NARROW),
    Picture("worklist", "/moderate/lists/failed", "mona", WIDE),
    Picture("members", "/moderate/members", "mona", WIDE),
    Picture("mapping", "/moderate/mapping", "mona", WIDE),
    Picture("log", "/moderate/log", "mona", WIDE),
)


def main(names: list[str]) -> None:
    """Take these pictures, or all of them."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    wanted = [one for one in PICTURES if one.name in names or not names]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, open_place(Path(data), frozen_at=BEGINS) as place:
        place.world.clock.go_on()
        furnish(place)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(**LAUNCH)
            for who in dict.fromkeys(one.who for one in wanted):
                take(browser, place, who, [one for one in wanted if one.who == who])
            browser.close()


def furnish(place: Place) -> None:
    """A makerspace with members in every state."""
    open_community(place.sandbox, place.url)
    tell_more(place)
    sweeper.tick(place.bridge)
    place.settle()
    buy(place, "ada", "supporter-monthly")
    buy(place, "dmitri", "supporter-monthly")
    buy(place, "chiara", "patron-yearly")
    fail_payments(place.world, customer_of(place, "dmitri"), times=9)
    advance(place.world, 31 * 86_400 + 2 * 3600)
    place.settle()


def tell_more(place: Place) -> None:
    """What the community's products say beside their names."""
    benefits = {
        "Supporter": ("Your name on the thank-you page", "The supporters' corner"),
        "Patron": ("First pick of kiln slots", "Your name on the wall", "The patrons' corner"),
        "Lab pass": ("Laser cutter and lathe", "A safety course before you start"),
    }
    for product in place.stripe.v1.products.list({"limit": 100}).data:
        more: Any = {"marketing_features": [{"name": name} for name in benefits[product.name]]}
        if product.name == "Patron":
            more["metadata"] = {"discourse_highlight": "yes", "discourse_goal": "20 members"}
        place.stripe.v1.products.update(product.id, more)
    coffee: Any = {
        "name": "Coffee for the crew",
        "description": "A round for whoever sweeps up on Saturday.",
        "metadata": {"discourse_kind": "donation", "discourse_offer": "yes"},
    }
    product_id = place.stripe.v1.products.create(coffee).id
    price: Any = {"product": product_id, "currency": "eur", "unit_amount": 500}
    place.stripe.v1.prices.create(price | {"lookup_key": "coffee"})


def buy(place: Place, name: str, key: str) -> None:
    """Let a member buy something, through the bridge's own pages."""
    browser = place.browser()
    browser.log_in(name, PASSWORD)
    (price,) = place.stripe.v1.prices.list({"lookup_keys": [key]}).data
    offer = browser.get(f"/join/{price.id}")
    place.pay_at_stripe(browser.submit(offer, f"/join/{price.id}").headers["Location"])
    place.settle()


def customer_of(place: Place, name: str) -> str:
    """A member's customer at Stripe."""
    user = place.forum.user_named(name)
    assert user
    with place.bridge.store.read() as connection:
        return next(iter(links.customers_of(connection, user.id)))


def take(browser: Browser, place: Place, who: str, pictures: list[Picture]) -> None:
    """All views of the pages that one person sees."""
    with browser.new_context() as context:
        page = context.new_page()
        if who:
            page.goto(f"{place.forum_url}/login")
            log_in(page, who)
        for picture in pictures:
            for name, (size, scheme) in picture.files.items():
                page.set_viewport_size(SIZES[size])
                page.emulate_media(color_scheme=scheme)
                page.goto(place.url + address(place, picture), wait_until="load")
                page.screenshot(path=SHARP / f"{name}.png", full_page=True)
                taken = webp(page)
                (FOLDER / f"{name}.webp").write_bytes(taken)
                print(f"{name} {len(taken) // 1024} KB")  # noqa: T201 - a script's output


def address(place: Place, picture: Picture) -> str:
    """Its path, with the ids of this world."""

    def id_of(found: re.Match[str]) -> str:
        if not found[2]:
            user = place.forum.user_named(found[1])
            return str(user.id) if user else ""
        theirs: Any = {"customer": customer_of(place, found[1])}
        return place.stripe.v1.subscriptions.list(theirs).data[0].id

    return re.sub(r"{(\w+)(\.subscription)?}", id_of, picture.path)


def webp(page: Page) -> bytes:
    """The whole page, as small as it can be told from the original."""
    asked = {"format": "webp", "quality": QUALITY, "captureBeyondViewport": True}
    height = page.evaluate("document.documentElement.scrollHeight")
    width = page.evaluate("document.documentElement.clientWidth")
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    session = page.context.new_cdp_session(page)
    shot = session.send("Page.captureScreenshot", {**asked, "clip": clip})
    return base64.b64decode(shot["data"])


if __name__ == "__main__":
    main(sys.argv[1:])
