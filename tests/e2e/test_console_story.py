"""A moderator's morning in real Chromium: every worklist of a community of 200, an act in each.

One world, in which something waits in every list; axe-core finds nothing on any page on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from bridge.answers.worklists.lists import WORKLISTS, counts
from bridge.store import links
from tests.e2e.chromium import DESK, faults, follow, log_in
from tests.e2e.console import MANY, customer, open_console, plant, settle_until
from tests.e2e.place import Place
from tests.e2e.test_accessibility import pytestmark

__all__ = ["pytestmark"]
CROWD = 186
PAYING = 50


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """200 people, of whom a quarter pay; and something in each list."""
    with open_console(tmp_path_factory.mktemp("morning")) as it:
        gather(it)
        plant(it)
        dispute(it, "ada")
        settle_until(it, lambda: all(counts(it.bridge).values()))
        yield it


def gather(place: Place) -> None:
    """Those for whom nothing is the matter, and one who pays without an account."""
    at: Any = place.stripe.v1
    product = at.products.search({"query": "name:'Supporter'"}).data[0].id
    (price,) = at.prices.list({"product": product}).data
    everybody = [place.person(f"member{number}") for number in range(CROWD)]
    for user_id in (*everybody[:PAYING], None):
        payer = at.customers.create({"payment_method": "pm_card_visa"}).id
        (card,) = at.payment_methods.list({"customer": payer}).data
        at.customers.update(payer, {"invoice_settings": {"default_payment_method": card.id}})
        at.subscriptions.create({"customer": payer, "items": [{"price": price.id}]})
        if user_id:
            with place.bridge.store.write() as connection:
                links.link(
                    connection,
                    payer,
                    user_id,
                    proof="operator",
                    actor="operator:root via command",
                    now=place.bridge.clock.now(),
                )
    place.settle()
    place.pass_time(61)  # statements have used this minute's requests


def dispute(place: Place, name: str) -> None:
    """A member's bank wants a payment back."""
    at: Any = place.stripe.v1
    at.payment_intents.create(
        {
            "customer": customer(place, name),
            "amount": 900,
            "currency": "eur",
            "payment_method": "pm_card_createDispute",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )
    place.settle()


def test_A81_a_moderator_goes_through_every_worklist_in_the_browser(
    browser: Browser, place: Place
) -> None:
    assert len(place.forum.users) >= 200
    with browser.new_context(viewport=DESK) as context:
        page = context.new_page()
        page.goto(f"{place.forum_url}/login")
        log_in(page, "mia")
        morning = Morning(place, page)
        morning.sees_everything_on_the_first_page()
        for name in WORKLISTS:
            morning.opens(name)
        morning.reminds_lars()
        morning.lets_kim_keep_it()
        morning.assigns_the_payer()
        morning.lets_removals_go_on()
        morning.lets_ada_in_again()
        morning.processes_the_event_again()
        morning.approves_nina()
        assert not morning.faults, "\n".join(morning.faults)
    left = {name: count for name, count in counts(place.bridge).items() if count}
    assert left == {"failed": 1, "held": 1, "double": 1}


class Morning:
    """Somebody's way through the browser; each page on it is checked."""

    def __init__(self, place: Place, page: Page) -> None:
        self.place, self.page = place, page
        self.faults: list[str] = []

    def look(self) -> None:
        self.faults += [f"{self.page.url}: {fault}" for fault in faults(self.page)]

    def opens(self, name: str) -> None:
        """A list, which has a row about somebody or something."""
        self.page.goto(f"{self.place.url}/moderate/lists/{name}")
        assert self.page.get_by_role("heading", level=1).inner_text() == WORKLISTS[name].title
        if name == "ahead":
            follow(self.page.get_by_role("link", name="Renewals"))
        assert self.page.locator("tbody tr").count() >= 1, name
        self.look()

    def sees_everything_on_the_first_page(self) -> None:
        self.page.goto(f"{self.place.url}/moderate")
        for name, count in counts(self.place.bridge).items():
            assert count, f"nothing waits in {name}"
            link = self.page.locator(f'main a[href="/moderate/lists/{name}"]').first
            assert link.is_visible(), name
        cards, listed = (
            self.page.locator("main li.card"),
            self.page.get_by_role("link", name="Open “"),
        )
        disputes = self.page.get_by_role("link", name="Open “Disputes”")  # Stripe counts them
        beside = cards.filter(has_not=listed).count() + cards.filter(has=disputes).count()
        told = f"{sum(counts(self.place.bridge).values()) + beside} things need a person."
        assert self.page.locator(".lead").inner_text() == told
        self.look()

    def presses(self, words: str) -> None:
        follow(self.page.get_by_role("button", name=words, exact=True))

    def reviews(self, reason: str) -> None:
        """Say why, and look at what it brings."""
        self.look()
        self.page.get_by_label("Reason").fill(reason)
        self.presses("Show the effects")
        self.look()

    def says(self) -> str:
        """The page's message about what was done."""
        self.look()
        return self.page.get_by_role("status").first.inner_text()

    def settles(self) -> None:
        """Everything happens, and the page shows that when it is opened again."""
        self.place.settle()
        self.page.reload()
        self.page.get_by_text("Being applied").wait_for(state="detached")

    def reminds_lars(self) -> None:
        self.opens("failed")
        self.page.get_by_role("row", name="lars").get_by_role("link", name="Remind").click()
        self.look()
        self.presses("Remind lars")
        assert self.says() == "The reminder is on its way, with a link to pay."

    def lets_kim_keep_it(self) -> None:
        self.opens("held")
        self.page.get_by_role("row", name="kim").get_by_role("checkbox").check()
        self.presses("Keep these memberships")
        self.reviews("An old price, until the summer")
        self.presses("Keep supporters for kim")
        assert self.says() == "Memberships decided: 1."
        self.settles()
        assert self.page.get_by_role("row", name="kim").count() == 0

    def assigns_the_payer(self) -> None:
        self.opens("unlinked")
        self.page.get_by_role("link", name="Assign a payer").first.click()
        self.page.get_by_label("Forum account").fill("rita")
        self.reviews("Asked her at the door")
        assert self.page.locator("main").get_by_text("Gains").is_visible()
        self.page.get_by_role("button", name="Assign cus_").click()
        assert self.says().endswith("now belongs to rita.")
        self.settles()
        assert "rita" in self.place.members("supporters")

    def lets_removals_go_on(self) -> None:
        self.opens("stopped")
        self.page.get_by_role("link", name="Let removals continue").click()
        self.reviews("The visit is over")
        self.page.get_by_label("to confirm").fill(f"remove {len(MANY)}")
        self.presses(f"Remove {len(MANY)} people from guests")
        assert self.says() == f"Removals that continue: {len(MANY)}."
        self.settles()
        assert not self.place.members("guests")

    def lets_ada_in_again(self) -> None:
        self.opens("drift")
        self.page.get_by_role("row", name="ada").get_by_role("link", name="Let back in").click()
        self.reviews("Removed by mistake")
        self.presses("Let ada back into supporters")
        assert self.says() == "supporters follows payments again."
        self.settles()
        assert "ada" in self.place.members("supporters")

    def approves_nina(self) -> None:
        self.opens("applications")
        nina = self.page.get_by_role("row", name="nina")
        assert "€150.00" in nina.inner_text()
        nina.get_by_role("link", name="Approve").click()
        self.reviews("Meeting of 12 March")
        self.presses("Approve nina")
        assert self.says() == "Applications approved: 1."
        self.settles()
        assert "nina" in self.place.members("readers")

    def processes_the_event_again(self) -> None:
        self.opens("dead")
        self.page.get_by_role("link", name="Process an event again").click()
        self.look()
        self.page.get_by_role("button", name="Process evt_").click()
        assert self.says() == "The event is being processed again."
        self.settles()
