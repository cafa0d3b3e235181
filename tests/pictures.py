"""Take the pictures of pages that the docs show, into docs/pictures: `make pictures`.

To show a page, add a line to PICTURES: a name, an address, and who looks at it; `furnish` makes
what there is to see. To take only some: `make pictures PICTURES="join offer"`. Each page is kept
as one small sheet of its four views, and in the size that the docs show. Sharp pictures of all
views, to be looked at, lie in screenshots/.
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
from urllib.parse import urlsplit

import requests
import structlog
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from bridge.core.ledger.register_acts import Issue
from bridge.core.memberships.campaign import Candidate
from bridge.core.model.actor import moderator
from bridge.core.model.steps import StepKind
from bridge.operations import campaigns, grants, registers
from bridge.operations import links as linking
from bridge.sandbox.community import open_community
from bridge.sandbox.discourse.people import add_user
from bridge.sandbox.stripe import advance, fail_payments
from bridge.store import changes, links
from bridge.worker import sweeper
from tests.e2e.chromium import LAUNCH, follow, log_in
from tests.e2e.chromium import PICTURES as SHARP
from tests.e2e.place import Place, open_place

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
BEGINS = datetime(2027, 1, 11, 9, 30, tzinfo=UTC).timestamp()
PASSWORD = "correct-horse-battery-staple"
ORDER = "the-order-that-chiara-made"
SIZES = {
    "desktop": ViewportSize(width=1100, height=720),
    "phone": ViewportSize(width=390, height=760),
}
QUALITY = 30
TALLEST = 2000
SHEET_QUALITY = 18
SHEET_SCALE = 0.45
SHEET_TALLEST = 1150
View = tuple[Literal["desktop", "phone"], Literal["light", "dark"]]
DESK: View = ("desktop", "light")
POCKET: View = ("phone", "dark")
VIEWS: tuple[View, ...] = (DESK, ("desktop", "dark"), ("phone", "light"), POCKET)
GOAL: tuple[View, ...] = (("phone", "light"), POCKET)


@dataclass(frozen=True, slots=True)
class Picture:
    """A page of the bridge as somebody sees it. Without `who`, a visitor who is not signed in.

    Within `path`, `{dmitri}` stands for a person's id, `{dmitri.subscription}` for the one they
    pay for, and other names for what `furnish` made. `press`: the button to press on the page
    before the picture is taken. `shown`: the views that the docs show in full size.
    """

    name: str
    path: str
    who: str = ""
    press: str = ""
    shown: tuple[View, ...] = ()

    @property
    def is_page(self) -> bool:
        """Whether it has a sheet of views; a picture for posts has none."""
        return not self.path.endswith(".svg")

    def named(self, view: View) -> str:
        """The name of a view's file, without its ending."""
        return "-".join((self.name, *view))

    @property
    def files(self) -> set[str]:
        """The files that are kept, without endings."""
        return {self.named(view) for view in self.shown} | ({self.name} if self.is_page else set())


LOOK = "Show the effects"

PICTURES = (
    Picture("join", "/join", "ada", shown=(DESK,)),
    Picture("join-stranger", "/join?signed_in=no"),
    Picture("offer", "/join/patron-yearly?from=/t/become-a-member/12/1", "bruno"),
    Picture("offer-trial", "/join/night-owls", "bruno"),
    Picture("order", "/join/patron-yearly+lab-pass+coffee", "bruno"),
    Picture("goal", "/goal/patron-yearly.svg", shown=GOAL),
    Picture("owned", "/join/patron-yearly", "chiara"),
    Picture("refused", "/join/patron-monthly+supporter-monthly", "bruno"),
    Picture("unknown", "/join/no-such-offer", "bruno"),
    Picture("campaign", "{campaign}", "bruno"),
    Picture("payment-link", "/join/link/{link}?signed_in=no"),
    Picture("claim", "{claim}", "bruno"),
    Picture("done", "/join/done?order={order}", "chiara"),
    Picture("give", "/give/lab-pass", "bruno"),
    Picture("present", "{present}", "bruno"),
    Picture("change", "/join/patron-monthly", "ada"),
    Picture("me", "/me", "ada"),
    Picture("me-failed", "/me", "dmitri"),
    Picture("me-trial", "/me", "greta"),
    Picture("me-ending", "/me", "jonas"),
    Picture("me-newcomer", "/me", "bruno"),
    Picture("me-paused", "/me", "esther"),
    Picture("me-resume", "/me/resume/{esther.subscription}", "esther"),
    Picture("me-presents", "/me/presents", "ada"),
    Picture("me-seats", "/me/seats", "felix"),
    Picture("me-cancel", "/me/cancel/{ada.subscription}", "ada"),
    Picture("today", "/moderate", "mona"),
    Picture("find", "/moderate/find?q=a", "mona"),
    Picture("person", "/moderate/person/{dmitri}", "mona", shown=(DESK,)),
    Picture("person-then", "/moderate/person/{dmitri}/then?day=2027-01-20", "mona"),
    Picture("money", "/moderate/person/{ada}/money", "mona"),
    Picture("reply", "/moderate/person/{dmitri}/reply", "mona"),
    Picture("act", "/moderate/person/{bruno}/grant", "mona", shown=(POCKET,)),
    Picture("worklist", "/moderate/lists/failed", "mona", shown=(DESK,)),
    Picture("ahead", "/moderate/lists/ahead", "mona"),
    Picture("members", "/moderate/members", "mona", shown=(DESK,)),
    Picture("mapping", "/moderate/mapping", "mona", shown=(DESK,)),
    Picture("unlinked", "/moderate/lists/unlinked", "mona", shown=(DESK,)),
    Picture("held", "/moderate/lists/held", "mona", shown=(DESK,)),
    Picture("campaigns", "/moderate/campaigns", "mona"),
    Picture("shares", "/moderate/shares", "mona"),
    Picture("steps", "/moderate/steps", "mona"),
    Picture("files", "/moderate/files", "mona"),
    Picture("log", "/moderate/log", "mona"),
    Picture("settings", "/moderate/settings", "mona"),
    Picture(
        "undo",
        "/moderate/act/undo?change={given}&reason=The+course+was+cancelled",
        "mona",
        LOOK,
        (DESK,),
    ),
    Picture(
        "record-payment",
        "/moderate/person/{bruno}/record-payment?amount=60.00&currency=eur&method=cash"
        "&what=Lab+pass+for+a+year&group=lab-access&until=2028-02-10",
        "mona",
        LOOK,
        (DESK,),
    ),
    Picture(
        "cancel",
        "/moderate/person/{ada}/cancel?subscription={ada.subscription}&reason=Moves+away",
        "mona",
        LOOK,
        (DESK,),
    ),
    Picture(
        "map",
        "/moderate/act/map?price={monthly}&key=grace&thing={monthly}&value=14d"
        "&reason=Decided+at+the+meeting",
        "mona",
        LOOK,
        (DESK,),
    ),
)


def main(names: list[str]) -> None:
    """Take these pictures, or all of them."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    wanted = [one for one in PICTURES if one.name in names or not names]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, open_place(Path(data), frozen_at=BEGINS) as place:
        place.world.clock.go_on()
        made = furnish(place)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(**LAUNCH)
            for who in dict.fromkeys(one.who for one in wanted):
                take(browser, place, who, [one for one in wanted if one.who == who], made)
            browser.close()


def furnish(place: Place) -> dict[str, str]:
    """A makerspace with members in every state; the addresses of what was made, by name."""
    open_community(place.sandbox, place.url)
    tell_more(place)
    sweeper.tick(place.bridge)
    place.settle()
    buy(place, "ada", "supporter-monthly")
    buy(place, "dmitri", "supporter-monthly")
    buy(place, "chiara", "patron-yearly", order=ORDER)
    buy(place, "esther", "supporter-yearly")
    now = place.world.clock.now()
    add_user(place.forum, "jonas", "jonas@example.com", now, password=PASSWORD, trust_level=1)
    buy(place, "jonas", "supporter-monthly")
    fail_payments(place.world, customer_of(place, "dmitri"), times=9)
    advance(place.world, 31 * 86_400 + 2 * 3600)
    pause(place, "esther")
    stop_renewing(place, "jonas")
    share_seats(place)
    keep_registers(place)
    buy(place, "greta", "night-owls")
    place.settle()
    return {
        "order": ORDER,
        "campaign": ask_to_renew(place, "bruno"),
        "present": give_presents(place),
        **pay_as_stranger(place),
        **give_moderators_work(place),
    }


def give_moderators_work(place: Place) -> dict[str, str]:
    """Somebody's price has no rule any more, and a guest was let in."""
    at: Any = place.stripe.v1
    mona, greta = (place.forum.user_named(name) for name in ("mona", "greta"))
    assert mona
    assert greta
    actor = moderator(mona.id, "console")
    (monthly,) = at.prices.list({"lookup_keys": ["supporter-monthly"]}).data
    payer = at.customers.create({"payment_method": "pm_card_visa"}).id
    (card,) = at.payment_methods.list({"customer": payer}).data
    at.customers.update(payer, {"invoice_settings": {"default_payment_method": card.id}})
    theirs = at.subscriptions.create({"customer": payer, "items": [{"price": monthly.id}]})
    linking.link(place.bridge, actor, payer, place.person("iris"))
    place.settle()
    old = at.products.create({"name": "Supporter until 2026"})
    price = {"product": old.id, "currency": "eur", "unit_amount": 500}
    moved = at.prices.create(price | {"recurring": {"interval": "month"}}).id
    item = theirs["items"].data[0].id
    at.subscriptions.update(theirs.id, {"items": [{"id": item, "price": moved}]})
    until_at = datetime(2027, 3, 31, 23, 59, 59, tzinfo=UTC)
    why = "Teaches the lathe course in March"
    grants.grant(place.bridge, actor, greta.id, "lab-access", until_at=until_at, reason=why)
    place.settle()
    advance(place.world, 600)
    place.settle()
    with place.bridge.store.read() as connection:
        given = changes.page(connection, action="granted")[0].id
    return {"given": str(given), "monthly": monthly.id}


def keep_registers(place: Place) -> None:
    """Shares of two members, issued by hand, and steps of their memberships."""
    mona, ada, chiara = (place.forum.user_named(name) for name in ("mona", "ada", "chiara"))
    assert mona
    actor, now = moderator(mona.id, "console"), place.bridge.clock.now()
    for holder, count in ((ada, 2), (chiara, 5)):
        assert holder
        what = Issue("share", holder.id, count, count * 5000, "eur")
        registers.issue(place.bridge, actor, what, at=now, reason="Paid at the founding meeting")
        kinds: tuple[StepKind, ...] = ("application", "approval", "payment")
        for kind in kinds if holder is ada else kinds[:1]:
            why = "Founding meeting"
            registers.record_step(place.bridge, actor, holder.id, kind, at=now, reason=why)
    place.settle()


def pause(place: Place, name: str) -> None:
    """Take no money from a member for some weeks."""
    (own,) = place.stripe.v1.subscriptions.list({"customer": customer_of(place, name)}).data
    until = int(place.bridge.clock.now().timestamp()) + 40 * 86_400
    paused: Any = {"pause_collection": {"behavior": "void", "resumes_at": until}}
    place.stripe.v1.subscriptions.update(own.id, paused)


def stop_renewing(place: Place, name: str) -> None:
    """Let a member's subscription end with the period that is paid."""
    (own,) = place.stripe.v1.subscriptions.list({"customer": customer_of(place, name)}).data
    place.stripe.v1.subscriptions.update(own.id, {"cancel_at_period_end": True})


def ask_to_renew(place: Place, name: str) -> str:
    """A campaign for the lab pass; the path of this member's link."""
    mona = place.forum.user_named("mona")
    assert mona
    actor = moderator(mona.id, "console")
    offer = campaigns.offer_of(place.bridge, "lab-pass")
    named = campaigns.named_in_file(place.bridge, offer, [Candidate(name), Candidate("ada")])
    made = campaigns.new_campaign(place.bridge, actor, "Lab passes for 2027", offer, named)
    (path,) = (urlsplit(one.address).path for one in made.sent if one.user.username == name)
    return path


def share_seats(place: Place) -> None:
    """A workshop that pays for four."""
    buy(place, "felix", "workshop-team", quantity_1="4")
    felix = place.browser()
    felix.log_in("felix", PASSWORD)
    for name in ("greta", "hugo"):
        felix.submit(felix.get("/me/seats"), "/me/seats/give", name=name)
    place.settle()


def give_presents(place: Place) -> str:
    """One by name and one by a link to hand over; the path of the link."""
    ada = place.browser()
    ada.log_in("ada", PASSWORD)
    (price,) = place.stripe.v1.prices.list({"lookup_keys": ["lab-pass"]}).data
    path = f"/give/{price.id}"
    note = "For all the clamps that you lent me. Mind the laser!"
    for fields in ({"to": "name", "name": "hugo"}, {"to": "link", "note": note}):
        given = ada.submit(ada.get(path), path, **{"anonymous": "", **fields})
        place.pay_at_stripe(given.headers["Location"])
    place.settle()
    page = ada.get("/me/presents").text
    return urlsplit(page.partition('readonly value="')[2].partition('"')[0]).path


def pay_as_stranger(place: Place) -> dict[str, str]:
    """A payment link of Stripe's dashboard, and the claim of somebody who paid by it."""
    (price,) = place.stripe.v1.prices.list({"lookup_keys": ["supporter-yearly"]}).data
    back = {"url": f"{place.url}/claim/{{CHECKOUT_SESSION_ID}}"}
    what: Any = {
        "line_items": [{"price": price.id, "quantity": 1}],
        "after_completion": {"type": "redirect", "redirect": back},
    }
    link = place.stripe.v1.payment_links.create(what)
    page = requests.get(link.url, allow_redirects=False, timeout=20).headers["Location"]
    form = {"token": "pm_card_visa", "email": "someone@example.com"}
    paid = requests.post(page, data=form, allow_redirects=False, timeout=20)
    place.settle()
    return {"link": link.id, "claim": urlsplit(paid.headers["Location"]).path}


def tell_more(place: Place) -> None:
    """Add texts and settings to the community's products."""
    benefits = {
        "Supporter": ("Your name on the thank-you page", "The supporters' corner"),
        "Patron": ("First pick of kiln slots", "Your name on the wall", "The patrons' corner"),
        "Lab pass": ("Laser cutter and lathe", "A safety course before you start"),
    }
    about = {
        "Patron": {"discourse_highlight": "yes", "discourse_goal": "20 members"},
        "Lab pass": {"discourse_gift": "yes"},
    }
    for product in place.stripe.v1.products.list({"limit": 100}).data:
        more: Any = {"marketing_features": [{"name": name} for name in benefits[product.name]]}
        more["metadata"] = about.get(product.name, {})
        place.stripe.v1.products.update(product.id, more)
    coffee: Any = {
        "name": "Coffee for the crew",
        "description": "A round for the people who sweep up on Saturday.",
        "metadata": {"discourse_kind": "donation", "discourse_offer": "yes"},
    }
    product_id = place.stripe.v1.products.create(coffee).id
    price: Any = {"product": product_id, "currency": "eur", "unit_amount": 500}
    place.stripe.v1.prices.create(price | {"lookup_key": "coffee"})
    team: Any = {
        "name": "Workshop team",
        "description": "One payment for everybody at your bench.",
        "metadata": {"discourse_groups": "supporters", "discourse_quantity": "2-10"},
    }
    product_id = place.stripe.v1.products.create(team).id
    owls: Any = {
        "name": "Night owls",
        "description": "The workshop until two in the morning.",
        "metadata": {"discourse_groups": "lab-access", "discourse_trial_days": "14"},
    }
    monthly: Any = {"product": place.stripe.v1.products.create(owls).id, "currency": "eur"}
    monthly |= {"unit_amount": 800, "recurring": {"interval": "month"}, "lookup_key": "night-owls"}
    place.stripe.v1.prices.create(monthly)
    yearly: Any = {"product": product_id, "currency": "eur", "unit_amount": 4000}
    yearly |= {"recurring": {"interval": "year"}, "lookup_key": "workshop-team"}
    place.stripe.v1.prices.create(yearly)


def buy(place: Place, name: str, key: str, **fields: str) -> None:
    """Let a member buy something, through the bridge's own pages."""
    browser = place.browser()
    browser.log_in(name, PASSWORD)
    (price,) = place.stripe.v1.prices.list({"lookup_keys": [key]}).data
    offer = browser.get(f"/join/{price.id}")
    gone = browser.submit(offer, f"/join/{price.id}", **fields)
    place.pay_at_stripe(gone.headers["Location"])
    place.settle()


def customer_of(place: Place, name: str) -> str:
    """A member's customer at Stripe."""
    user = place.forum.user_named(name)
    assert user
    with place.bridge.store.read() as connection:
        return next(iter(links.customers_of(connection, user.id)))


def take(
    browser: Browser, place: Place, who: str, pictures: list[Picture], made: dict[str, str]
) -> None:
    """All views of the pages that one person sees."""
    with browser.new_context() as context:
        page = context.new_page()
        if who:
            page.goto(f"{place.forum_url}/login")
            log_in(page, who)
        for picture in pictures:
            for view in VIEWS if picture.is_page else picture.shown:
                take_view(page, place, picture, view, made)
            if picture.is_page:
                keep(picture.name, sheet(browser, picture))


def take_view(page: Page, place: Place, picture: Picture, view: View, made: dict[str, str]) -> None:
    """A sharp picture, and the one for the docs."""
    size, scheme = view
    page.set_viewport_size(SIZES[size])
    page.emulate_media(color_scheme=scheme)
    show(page, place, address(place, picture, made))
    if picture.press:
        follow(page.get_by_role("button", name=picture.press))
    page.screenshot(path=SHARP / f"{picture.named(view)}.png", full_page=True)
    if view in picture.shown:
        keep(picture.named(view), webp(page, QUALITY, TALLEST))


def keep(name: str, picture: bytes) -> None:
    """Write it for the docs."""
    (FOLDER / f"{name}.webp").write_bytes(picture)
    print(f"{name} {len(picture) // 1024} KB")  # noqa: T201 - a script's output


def sheet(browser: Browser, picture: Picture) -> bytes:
    """The four views of a page side by side, each as high as its beginning."""
    views = []
    for size, scheme in VIEWS:
        sharp = (SHARP / f"{picture.named((size, scheme))}.png").read_bytes()
        width = int(SIZES[size]["width"] * SHEET_SCALE)
        source = base64.b64encode(sharp).decode()
        views.append(f'<img alt="" style="width: {width}px" src="data:image/png;base64,{source}">')
    tallest = int(SHEET_TALLEST * SHEET_SCALE)
    row = f"display: flex; gap: 8px; align-items: start; max-height: {tallest}px; overflow: hidden"
    page = browser.new_page()
    page.set_content(
        f'<body style="margin: 0; width: max-content; background: #888">'
        f'<div style="{row}">{"".join(views)}</div>'
    )
    taken = webp(page, SHEET_QUALITY, tallest)
    page.close()
    return taken


# A picture for posts, on a page as light or dark as the forum's.
ALONE = """url => {
  const picture = new Image();
  picture.src = url;
  picture.alt = "";
  document.body.replaceChildren(picture);
  return picture.decode();
}"""


def show(page: Page, place: Place, path: str) -> None:
    """Open a page, or a page with nothing but this picture."""
    if not path.endswith(".svg"):
        page.goto(place.url + path, wait_until="load")
        return
    page.goto(f"{place.url}/logout", wait_until="load")
    page.set_viewport_size({"width": 480, "height": 84})
    page.evaluate(ALONE, path)


def address(place: Place, picture: Picture, made: dict[str, str]) -> str:
    """Its path, with the ids of this world."""

    def id_of(found: re.Match[str]) -> str:
        if found[1] in made:
            return made[found[1]]
        if not found[2]:
            user = place.forum.user_named(found[1])
            return str(user.id) if user else ""
        theirs: Any = {"customer": customer_of(place, found[1])}
        return place.stripe.v1.subscriptions.list(theirs).data[0].id

    return re.sub(r"{(\w+)(\.subscription)?}", id_of, picture.path)


def webp(page: Page, quality: int, tallest: int) -> bytes:
    """The page, as small as it stays readable; only the beginning of a long one."""
    asked = {"format": "webp", "quality": quality, "captureBeyondViewport": True}
    width, height = page.evaluate(
        "[document.body.scrollWidth, document.documentElement.scrollHeight]"
    )
    clip = {"x": 0, "y": 0, "width": width, "height": min(tallest, height), "scale": 1}
    session = page.context.new_cdp_session(page)
    shot = session.send("Page.captureScreenshot", {**asked, "clip": clip})
    return base64.b64decode(shot["data"])


if __name__ == "__main__":
    main(sys.argv[1:])
