"""Payers whom the forum invites: accepting proves who they are ([claims] invite)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from bridge.core.model.alerts import Kind
from bridge.sandbox.discourse.pages_more import BY_MAIL
from bridge.store import archive, claims, links
from bridge.store.findings import findings
from tests.e2e.place import Place, open_patrons, open_place

pytestmark = pytest.mark.e2e
EMAIL = "new.payer@example.com"
INVITING = "[claims]\ninvite = true\n"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "bridge.toml").write_text(INVITING)
    with open_patrons(tmp_path, "ada") as opened:
        yield opened


def pay(place: Place, interval: str | None = "year", email: str = EMAIL) -> str:
    """Pay by a plain payment link, known to nobody; the order's id at Stripe."""
    price = place.sell_at_stripe("Patron", "patrons", 2500, interval)
    place.settle()
    return pay_for(place, price, email)


def pay_for(place: Place, price: str, email: str = EMAIL) -> str:
    link = place.stripe.v1.payment_links.create({"line_items": [{"price": price, "quantity": 1}]})
    gone = requests.get(link.url, allow_redirects=False, timeout=20).headers["Location"]
    form = {"token": "pm_card_visa", "email": email}
    requests.post(gone, data=form, allow_redirects=False, timeout=20)
    place.settle()
    return urlsplit(gone).path.rpartition("/")[2]


def later(place: Place, minutes: int = 6) -> None:
    place.pass_time(minutes * 60)
    place.settle()
    place.settle()  # what the minute's work has found


def invited(place: Place) -> list[Any]:
    return list(place.forum.invites.values())


def accept(place: Place, name: str) -> None:
    """Open the mailed link and make an account by it."""
    (invite,) = invited(place)
    address = f"{place.forum_url}/invites/{invite.key}"
    form = {"username": name, "email": invite.email, "t": BY_MAIL}
    assert requests.post(address, data=form, timeout=20).status_code == 200


def kept(place: Place) -> str:
    """Everything that the bridge keeps."""
    with place.bridge.store.read() as connection:
        return "\n".join(
            str(row) for name in archive.tables() for row in archive.rows(connection, name)
        )


@pytest.mark.parametrize("interval", ["year", None], ids=["a customer", "a guest"])
def test_A12_E42_somebody_who_accepts_the_invitation_has_what_was_paid_and_no_address_is_kept(
    place: Place,
    interval: str | None,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    order = pay(place, interval)
    assert invited(place) == [], "who has an account claims it first"
    later(place)
    (invite,) = invited(place)
    assert (invite.email, invite.emailed, invite.group_ids) == (EMAIL, True, [])
    assert "Thank you for your payment for Patron." in invite.custom_message
    later(place)
    assert len(invited(place)) == 1, "once for each order"
    assert place.members("patrons") == set()

    accept(place, "newcomer")
    later(place, 2)
    assert place.members("patrons") == {"newcomer"}
    shown = capsys.readouterr()
    # A command that another test ran in this process leads all lines of the log elsewhere.
    said = shown.out + shown.err + caplog.text
    assert EMAIL not in kept(place) + said
    assert order in said
    user = place.forum.user_named("newcomer")
    assert user
    with place.bridge.store.read() as connection:
        theirs = links.live_customers_of(connection, user.id)
    assert not any(theirs.values()), "the address may be mistyped: nothing of Stripe's opens"


def test_A95_nobody_is_invited_to_what_is_not_sold_to_newcomers(place: Place) -> None:
    place.open_group("crew", "Crew")
    price = place.sell_at_stripe("Patron", "patrons", 2500, None)
    product = str(place.stripe.v1.prices.retrieve(price).product)
    place.stripe.v1.products.update(product, {"metadata": {"discourse_buyers": "crew"}})
    place.settle()
    pay_for(place, price)
    later(place)
    assert invited(place) == [], "it would promise what they would not get"


def test_A95_what_is_not_sold_to_newcomers_any_more_waits_for_a_moderator(place: Place) -> None:
    pay(place)
    later(place)
    place.open_group("crew", "Crew")
    (product,) = place.stripe.v1.products.list().data
    place.stripe.v1.products.update(product.id, {"metadata": {"discourse_buyers": "crew"}})
    place.settle()
    accept(place, "newcomer")
    later(place, 2)
    assert place.members("patrons") == set()
    with place.bridge.store.read() as connection:
        ((asked,),) = claims.asked(connection).values()
    user = place.forum.user_named("newcomer")
    assert user
    assert asked.user_id == user.id


def test_A103_a_key_that_may_not_invite_is_an_alert_until_it_may_and_nobody_is_skipped(
    place: Place,
) -> None:
    forum, used = place.forum, place.bridge.settings.discourse_api_key
    key = forum.keys[forum.key_id_by_key[used]]
    key.scopes = [{"scope_id": name} for name in ("global:read", "groups:manage_groups")]
    pay(place)
    later(place)
    assert invited(place) == []
    assert told(place, Kind.INVITES_REFUSED)
    key.scopes = []
    later(place, 11)
    assert len(invited(place)) == 1
    assert not told(place, Kind.INVITES_REFUSED)


def told(place: Place, kind: Kind) -> bool:
    """Whether there is such an alert, as of a look at everything."""
    with place.bridge.store.read() as connection:
        rules, now = place.bridge.rulebook.rules(connection), place.bridge.clock.now()
        found = findings(connection, rules, place.bridge.policy, now)
        return any(one.kind == kind for one in found)


def test_A12_an_address_that_has_an_account_is_not_guessed_and_claims_by_the_link(
    place: Place,
) -> None:
    order = pay(place, email="ada@example.com")
    later(place)
    assert invited(place) == []
    later(place)
    assert place.members("patrons") == set()
    ada = place.browser("ada")
    page = ada.get(f"/claim/{order}")
    ada.submit(page, f"/claim/{order}")
    place.settle()
    assert place.members("patrons") == {"ada"}


def test_an_order_that_was_claimed_meanwhile_gives_somebody_who_accepts_later_nothing(
    place: Place,
) -> None:
    order = pay(place)
    later(place)
    ada = place.browser("ada")
    ada.submit(ada.get(f"/claim/{order}"), f"/claim/{order}")
    place.settle()
    accept(place, "newcomer")
    later(place, 2)
    assert place.members("patrons") == {"ada"}


def test_a_refunded_order_invites_nobody_and_an_old_one_neither(place: Place) -> None:
    pay(place, None)
    (charge,) = place.stripe.v1.charges.list().data
    place.stripe.v1.refunds.create({"charge": charge.id})
    later(place)
    assert invited(place) == []


def test_the_forum_is_asked_once_a_minute_while_an_invitation_waits_and_else_never(
    place: Place,
) -> None:
    def asked() -> int:
        found = place.world.journal.since(0, "discourse")
        return sum("/invited/redeemed" in entry.path for entry in found)

    later(place)
    assert asked() == 0
    pay(place)
    later(place)
    before = asked()
    later(place, 1)
    assert asked() - before <= 2
    accept(place, "newcomer")
    later(place, 2)
    before = asked()
    later(place, 5)
    assert asked() == before, "nothing waits any more"


def test_nobody_is_invited_where_the_site_does_not_say_so(tmp_path: Path) -> None:
    with open_place(tmp_path) as place:
        place.open_group("patrons", "Patrons")
        pay(place)
        later(place)
        assert invited(place) == []
