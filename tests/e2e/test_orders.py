"""Several things in one order, chosen amounts, quantities and trials, over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from bridge.core.model.alerts import Kind
from bridge.core.telling.alerts import Alert
from bridge.sandbox.discourse.membership import enter
from bridge.sandbox.stripe import account_of, advance
from bridge.store import alerts, countries
from bridge.store.findings import findings
from tests.e2e.place import Browser, Place, link, open_place

pytestmark = pytest.mark.e2e
POST = "/t/join-us/12/3"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with open_place(tmp_path) as opened:
        for group in ("members", "patrons", "owners"):
            opened.open_group(group, group.capitalize())
        for name in ("ada", "eve"):
            opened.person(name)
        yield opened


def sell(
    place: Place, name: str, amount: int | None, interval: str | None = None, **said: Any
) -> str:
    """A product with one price at Stripe, by its lookup key; metadata without the prefix."""
    open_amount = said.pop("open_amount", None)
    currency = said.pop("currency", "eur")
    metadata = {f"discourse_{key}": str(value) for key, value in said.items()}
    product = place.stripe.v1.products.create({"name": name, "metadata": metadata})
    what: Any = {
        "product": product.id,
        "currency": currency,
        "lookup_key": name.lower().replace(" ", "-"),
    }
    if amount is not None:
        what["unit_amount"] = amount
    else:
        what["custom_unit_amount"] = {"enabled": True, **(open_amount or {})}
    if interval:
        what["recurring"] = {"interval": interval}
    place.stripe.v1.prices.create(what)
    return str(what["lookup_key"])


def shop(place: Place) -> str:
    """A cooperative's order: a share, the yearly fee, a supporter share, a donation."""
    keys = [
        sell(place, "Share", 10000, groups="owners", kind="share"),
        sell(place, "Membership", 2500, "year", groups="members"),
        sell(place, "Supporter share", 5000, kind="supporter_share", groups="none"),
        sell(place, "Donation", None, kind="donation", groups="none", amounts="5, 10, 25"),
    ]
    place.settle()
    return "+".join(keys)


def sessions(place: Place, status: str | None = None) -> list[Any]:
    found = place.stripe.v1.checkout.sessions.list({"expand": ["data.line_items"]}).data
    return [one for one in found if status in (None, one.status)]


def pass_days(place: Place, days: int) -> None:
    """Time passes at Stripe, and with it the time that a removal is confirmed in."""
    advance(place.world, days * 86_400)
    place.settle()
    place.pass_time(61)
    place.settle()


def open_page(browser: Browser, keys: str, **query: str) -> requests.Response:
    return browser.get(f"/join/{keys}", params={"from": POST, **query})


def form_of(page: requests.Response) -> str:
    """The address of the order's form."""
    return page.text.partition('<form method="post" action="/join')[2].partition('"')[0]


def press(browser: Browser, page: requests.Response, **fields: str) -> requests.Response:
    return browser.submit(page, f"/join{form_of(page)}", **fields)


def test_A50_A53_several_things_are_one_payment_and_each_has_its_own_effect(place: Place) -> None:
    keys = shop(place)
    browser = place.browser("ada")
    page = open_page(browser, keys)
    assert "€180.00" in page.text, "a share, a year, a supporter share and the first amount"
    assert "€25.00 a year" in page.text
    gone = press(browser, page, amount_4="30")
    assert gone.status_code == 303
    (session,) = sessions(place)
    assert session.mode == "subscription"
    assert session.amount_total == 10000 + 2500 + 5000 + 3000
    assert session.metadata["purpose"] == "share+membership+supporter_share+donation"
    assert [line.metadata["purpose"] for line in session.line_items.data] == [
        "share",
        "membership",
        "supporter_share",
        "donation",
    ]
    place.pay_at_stripe(session.url)
    (subscription,) = place.stripe.v1.subscriptions.list().data
    assert subscription.metadata["purpose"] == "membership"
    back = browser.get(session.success_url)
    assert back.status_code == 200
    place.settle()
    assert place.members("owners") == place.members("members") == {"ada"}
    assert "You are in" in browser.get(session.success_url).text
    mine = browser.get("/me").text
    assert "€205.00" in mine


# --- what cannot be one order --------------------------------------------------------------------


def test_A50_parts_that_do_not_go_together_are_each_explained_with_a_way_on(place: Place) -> None:
    sell(place, "Low", 500, "month", groups="members", ladder="level", rank=1)
    sell(place, "High", 900, "month", groups="patrons", ladder="level", rank=2)
    sell(place, "Yearly", 2500, "year", groups="owners")
    sell(place, "Dollars", 900, groups="none", currency="usd")
    sell(place, "Coffee", 300, groups="none")
    place.settle()
    browser = place.browser("ada")
    for keys, told, way, leads_to in (
        ("low+high", "You can have Low or High, not both", "Order with Low", "low"),
        ("low+yearly", "renew at different intervals", "Order without Yearly", "low"),
        ("low+dollars", "paid in different currencies", "Order without Dollars", "low"),
        ("coffee+low+coffee", "Coffee is in this order twice", "Order it once", "coffee+low"),
        ("coffee+teapot", "“teapot” is not on offer", "Continue without it", "coffee"),
    ):
        page = open_page(browser, keys)
        assert page.status_code == 409, keys
        assert told in page.text, keys
        on = browser.get(link(page, way))
        assert on.status_code == 200, keys
        assert all(name in on.text for name in leads_to.title().split("+")), keys
        assert "Back to the post" in on.text, "the post is not forgotten"
    assert sessions(place) == []


def test_A50_more_than_stripe_takes_is_said_before_anybody_goes_there(place: Place) -> None:
    sell(place, "Low", 500, "month", groups="members")
    things = [sell(place, f"Thing {number}", 100, groups="none") for number in range(21)]
    place.settle()
    browser = place.browser("ada")
    assert open_page(browser, "+".join(["low", *things[:20]])).status_code == 200
    page = open_page(browser, "+".join(["low", *things]))
    assert page.status_code == 409
    assert "This order is too long" in page.text
    many = open_page(browser, "+".join(["low"] * 101))
    assert "This order is too long" in many.text


def test_A50_what_one_has_already_is_not_sold_again_nor_a_second_step(place: Place) -> None:
    sell(place, "Low", 500, "month", groups="members", ladder="level", rank=1)
    sell(place, "High", 900, "month", groups="patrons", ladder="level", rank=2)
    sell(place, "Coffee", 300, groups="none")
    place.settle()
    browser = place.browser("ada")
    place.pay_at_stripe(press(browser, open_page(browser, "low")).headers["Location"])
    place.settle()
    held = open_page(browser, "coffee+low")
    assert held.status_code == 409
    assert "You already have Low" in held.text
    assert "Today" in browser.get(link(held, "Continue without Low")).text
    other = open_page(browser, "coffee+high")
    assert "High replaces what you have" in other.text
    assert "Change to High" in browser.get(link(other, "Change to High")).text
    stranger = place.browser("eve")
    assert open_page(stranger, "coffee+high").status_code == 200


def test_A50_a_part_with_several_prices_is_chosen_and_the_rest_stays(place: Place) -> None:
    sell(place, "Coffee", 300, groups="none")
    sell(place, "Patron", 500, "month", groups="patrons")
    price = place.stripe.v1.prices.list({"lookup_keys": ["patron"]}).data[0]
    what: Any = {"product": price.product, "currency": "eur", "unit_amount": 5000}
    what |= {"recurring": {"interval": "year"}, "nickname": "Yearly"}
    place.stripe.v1.prices.create(what)
    place.settle()
    browser = place.browser("ada")
    page = open_page(browser, f"coffee+{price.product}")
    assert "Choose how to pay for Patron" in page.text
    assert "Yearly" in page.text
    way = page.text.partition('class="button main" href="')[2].partition('"')[0]
    order = browser.get(way.replace("&amp;", "&"))
    assert "Coffee" in order.text
    assert "€5.00 a month" in order.text


def test_a_stranger_sees_the_order_and_comes_back_to_it_signed_in(place: Place) -> None:
    keys = shop(place)
    stranger = requests.get(f"{place.url}/join/{keys}", timeout=20)
    assert stranger.status_code == 200
    assert "€180.00" in stranger.text
    assert "Continue to payment" not in stranger.text
    assert "Continue with your" in stranger.text
    member = open_page(place.browser("ada"), keys)
    assert "Continue to payment" in member.text
    assert urlsplit(member.url).path == f"/join/{keys}"


def test_going_back_and_choosing_another_amount_closes_the_first_page(place: Place) -> None:
    keys = shop(place)
    browser = place.browser("ada")
    page = open_page(browser, keys)
    first = press(browser, page, amount_4="30").headers["Location"]
    again = press(browser, page, amount_4="30").headers["Location"]
    assert first == again, "the same button is the same order"
    second = press(browser, page, amount_4="50").headers["Location"]
    assert second != first
    assert [one.url for one in sessions(place, "open")] == [second]
    assert [one.url for one in sessions(place, "expired")] == [None]


def test_the_total_is_updated_without_a_script_and_going_back_from_stripe_keeps_it(
    place: Place,
) -> None:
    keys = shop(place)
    browser = place.browser("ada")
    page = open_page(browser, keys)
    shown = press(browser, page, amount_4="12,50", update="yes")
    assert shown.status_code == 303
    assert parse_qs(urlsplit(shown.headers["Location"]).query)["amount_4"] == ["12.50"]
    assert "€187.50" in browser.get(shown.headers["Location"]).text
    press(browser, page, amount_4="12,50")
    (session,) = sessions(place)
    back = browser.get(session.cancel_url)
    assert "You have not been charged" in back.text
    assert "€187.50" in back.text


# --- an amount of one's own ----------------------------------------------------------------------


def donation(place: Place, **limits: int) -> str:
    return sell(
        place, "Donation", None, kind="donation", groups="none", amounts="5, 10, 25",
        open_amount=limits,
    )  # fmt: skip


def test_A94_A80_a_proposed_amount_is_two_clicks_from_the_post_and_only_a_payment(
    place: Place,
) -> None:
    key = donation(place)
    place.settle()
    browser = place.browser("ada")
    page = open_page(browser, key)  # the first click, in the post
    assert all(f">{amount}</button>" in page.text for amount in ("€5.00", "€10.00", "€25.00"))
    gone = press(browser, page, amount_1="10.00")  # the second, on an amount
    (session,) = sessions(place)
    assert gone.headers["Location"] == session.url
    assert (session.mode, session.amount_total) == ("payment", 1000)
    (line,) = session.line_items.data
    price = place.stripe.v1.prices.list({"lookup_keys": [key]}).data[0].id
    assert line.metadata.to_dict() == {"purpose": "donation", "bridge_price": price}
    place.pay_at_stripe(session.url)
    assert place.stripe.v1.payment_intents.list().data[0].metadata["purpose"] == "donation"
    place.settle()
    assert "Thank you for Donation" in browser.get(session.success_url).text
    mine = browser.get("/me").text
    assert "€10.00" in mine
    assert place.members("members") == place.members("patrons") == set()


def test_an_amount_that_is_typed_is_read_as_people_write_it_and_refused_with_a_reason(
    place: Place,
) -> None:
    key = donation(place, minimum=200, maximum=50_000)
    place.settle()
    browser = place.browser("ada")
    page = open_page(browser, key)
    for typed, told in (
        ("1", "the smallest amount is €2.00"),
        ("501", "the largest amount is €500.00"),
        ("12,345", "enter an amount such as 10.00"),
        ("ten", "enter an amount such as 10.00"),
        ("-5", "enter an amount such as 10.00"),
        ("0", "enter an amount such as 10.00"),
        ("1e3", "enter an amount such as 10.00"),
    ):
        again = press(browser, page, other_1=typed)
        assert again.status_code == 400, typed
        assert told in again.text, typed
        assert f'value="{typed}"' in again.text, "what was typed is not lost"
    assert sessions(place) == []
    press(browser, page, other_1="12,50")
    assert [one.amount_total for one in sessions(place)] == [1250]


def test_without_an_amount_stripes_own_page_asks_for_it(place: Place) -> None:
    key = donation(place)
    place.settle()
    browser = place.browser("ada")
    gone = press(browser, open_page(browser, key)).headers["Location"]
    assert 'name="amount"' in requests.get(gone, timeout=20).text
    requests.post(gone, data={"amount": "7", "token": "pm_card_visa"}, timeout=20)
    place.settle()
    assert "€7.00" in browser.get("/me").text


def test_what_was_given_counts_by_the_rule_of_its_price_though_stripe_made_another(
    place: Place,
) -> None:
    key = donation(place)
    price = place.stripe.v1.prices.list({"lookup_keys": [key]}).data[0]
    place.stripe.v1.prices.update(price.id, {"metadata": {"discourse_groups": "patrons"}})
    place.settle()
    browser = place.browser("ada")
    place.pay_at_stripe(
        press(browser, open_page(browser, key), amount_1="25.00").headers["Location"]
    )
    place.settle()
    assert place.members("patrons") == {"ada"}


# --- a quantity ----------------------------------------------------------------------------------


def test_a_quantity_is_asked_for_within_limits_and_its_seats_are_there(place: Place) -> None:
    key = sell(place, "Seats", 1000, "month", groups="members", quantity="2-20")
    place.settle()
    browser = place.browser("ada")
    page = open_page(browser, key)
    assert "€20.00" in page.text, "the fewest"
    assert "€50.00" in open_page(browser, key, quantity="5").text, "a link may say how many"
    for number in ("1", "21", "0", "-1", "many", "2.5"):
        again = press(browser, page, quantity_1=number)
        assert again.status_code == 400, number
        assert "Seats: choose a number from 2 to 20." in again.text
    place.pay_at_stripe(press(browser, page, quantity_1="5").headers["Location"])
    (subscription,) = place.stripe.v1.subscriptions.list().data
    assert subscription["items"].data[0].quantity == 5
    place.settle()
    assert place.members("members") == {"ada"}
    single = sell(place, "Single", 100, groups="none")
    place.settle()
    assert press(browser, open_page(browser, single), quantity_1="2").status_code == 400


# --- trials --------------------------------------------------------------------------------------


def trial(place: Place, name: str = "Club", rank: int = 1, **said: Any) -> str:
    ladder = {"ladder": "level", "rank": rank}
    more = {"trial_days": 14, **ladder, **said}
    return sell(place, name, 900 * rank, "month", groups="members", **more)


def test_a_trial_says_beforehand_what_happens_and_costs_nothing_today(place: Place) -> None:
    key = trial(place, promotion_codes="yes")
    place.settle()
    browser = place.browser("ada")
    page = open_page(browser, key)
    assert "free for 14 days" in page.text
    assert "Stripe asks for your card now and charges it on" in page.text
    assert "be combined with the free trial" in page.text
    place.pay_at_stripe(press(browser, page).headers["Location"])
    (session,) = sessions(place)
    assert (session.amount_total, session.payment_method_collection) == (0, "always")
    assert not session.allow_promotion_codes
    (subscription,) = place.stripe.v1.subscriptions.list().data
    assert subscription.status == "trialing"
    place.settle()
    assert place.members("members") == {"ada"}


@pytest.mark.parametrize(("end", "told"), [("cancel", "ends"), ("pause", "is paused")])
def test_a_trial_without_a_card_ends_as_the_page_said(place: Place, end: str, told: str) -> None:
    key = trial(place, trial_card="no", trial_end=end)
    place.settle()
    browser = place.browser("ada")
    page = open_page(browser, key)
    assert "need a card. If you" in page.text
    assert f"your membership {told} and nothing is charged" in page.text
    place.pay_at_stripe(press(browser, page).headers["Location"])
    place.settle()
    assert place.members("members") == {"ada"}
    pass_days(place, 15)
    (subscription,) = place.stripe.v1.subscriptions.list({"status": "all"}).data
    assert subscription.status == {"cancel": "canceled", "pause": "paused"}[end]
    assert place.members("members") == set()


def test_one_person_has_one_trial_of_a_ladder_however_many_customers_they_are(
    place: Place,
) -> None:
    low = trial(place)
    trial(place, "Great club", 2)
    place.settle()
    browser = place.browser("ada")
    place.pay_at_stripe(press(browser, open_page(browser, low)).headers["Location"])
    place.settle()
    (subscription,) = place.stripe.v1.subscriptions.list().data
    place.stripe.v1.subscriptions.cancel(subscription.id)
    place.settle()
    place.stripe.v1.customers.delete(str(subscription.customer))
    place.settle()
    for key in ("great-club", "club"):
        page = open_page(browser, key)
        assert "free for" not in page.text
        assert "Continue to payment" in page.text
    press(browser, open_page(browser, "great-club"))
    (session,) = sessions(place, "open")
    assert session.amount_total == 1800
    assert "free for 14 days" in open_page(place.browser("eve"), low).text


def test_a_trial_holds_for_an_order_only_if_all_that_renews_in_it_has_the_same(
    place: Place,
) -> None:
    low = trial(place)
    sell(place, "Plain", 500, "month", groups="patrons")
    sell(place, "Coffee", 300, groups="none")
    place.settle()
    browser = place.browser("ada")
    with_coffee = open_page(browser, f"{low}+coffee")
    assert "free for 14 days" in with_coffee.text
    press(browser, with_coffee)
    (session,) = sessions(place, "open")
    assert session.amount_total == 300, "what is bought once is paid today"
    assert "free for" not in open_page(browser, f"{low}+plain").text


# --- what Stripe's page asks for -----------------------------------------------------------------


def test_stripes_page_asks_for_what_the_product_wants_and_a_refusal_is_explained(
    place: Place,
) -> None:
    key = sell(
        place, "Club", 900, "month", groups="members", promotion_codes="yes", automatic_tax="yes",
        tax_ids="yes", billing_address="required", terms="yes", phone="yes", text="See you there.",
        locale="de",
    )  # fmt: skip
    place.settle()
    browser = place.browser("ada")
    page = open_page(browser, key)
    assert "Stripe works out the tax for your address" in page.text
    assert "If you have one, enter it on Stripe" in page.text
    press(browser, page)
    (session,) = sessions(place)
    assert session.allow_promotion_codes
    assert session.automatic_tax.enabled
    assert session.tax_id_collection.enabled
    assert session.billing_address_collection == "required"
    assert session.consent_collection.terms_of_service == "required"
    assert session.phone_number_collection.enabled
    assert session.custom_text.submit.message == "See you there."
    assert session.locale == "de"
    assert session.saved_payment_method_options.payment_method_save == "enabled"
    account_of(place.world).settings.terms_url = None
    other = place.browser("eve")
    refused = press(other, open_page(other, key))
    assert refused.status_code == 503
    assert "Stripe is not set up for this offer yet" in refused.text
    assert "You have not been charged" in refused.text


# --- who may buy ---------------------------------------------------------------------------------


def join_group(place: Place, name: str, group: str) -> None:
    user, found = place.forum.user_named(name), place.forum.group_id_by_name[group]
    assert user
    enter(place.forum, place.forum.groups[found], user, place.world.clock.now())


def test_what_is_for_members_of_a_group_is_refused_to_others_before_they_pay(place: Place) -> None:
    place.open_group("apprentices", "Apprentices")
    key = sell(place, "Half price", 500, "month", groups="members", buyers="apprentices")
    sell(place, "Coffee", 300, groups="none")
    place.settle()
    browser = place.browser("eve")
    for keys in (key, f"coffee+{key}"):
        page = open_page(browser, keys)
        assert page.status_code == 409
        assert "Half price is only for members of Apprentices" in page.text
    closed, way_in = "Only for members of Apprentices.", f'href="/join/{key}'
    on_list = browser.get("/join").text
    assert closed in on_list
    assert on_list.count(way_in) == 1, "its name leads to the page that says more, no button"
    stranger = requests.get(f"{place.url}/join/{key}", timeout=20)
    assert "Members of Apprentices." in stranger.text
    join_group(place, "eve", "apprentices")
    again = browser.get(link(page, "Check again"))
    assert again.status_code == 200
    assert "Continue to payment" in again.text
    now_open = browser.get("/join").text
    assert (closed in now_open, now_open.count(way_in)) == (False, 2)
    assert press(browser, again).status_code == 303
    assert len(sessions(place)) == 1


def test_A95_what_is_not_sold_to_a_country_is_refused_before_payment_and_says_why(
    place: Place,
) -> None:
    key = sell(place, "Share", 10_000, groups="owners", countries="AT, DE")
    place.settle()
    browser = place.browser("ada")
    page = open_page(browser, key)
    assert "Sold to people in Austria and Germany." in page.text
    assert "Which country do you live in?" in page.text
    assert press(browser, page).status_code == 400, "it has to be said"
    for said in ("elsewhere", "FR"):
        refused = press(browser, page, country=said)
        assert refused.status_code == 409
        assert "t buy Share in your country" in refused.text
        assert "It is sold to people in Austria and Germany." in refused.text
    assert sessions(place) == []
    gone = press(browser, page, country="AT")
    (session,) = sessions(place)
    assert gone.headers["Location"] == session.url
    assert session.billing_address_collection == "required"


def test_A95_a_country_known_from_the_last_sale_or_the_sites_proxy_is_not_asked_again(
    place: Place,
) -> None:
    sell(place, "Coffee", 300, groups="none")
    key = sell(place, "Share", 10_000, groups="owners", countries="AT, DE")
    other = sell(place, "Swiss share", 10_000, groups="owners", countries="CH")
    place.settle()
    browser = place.browser("ada")
    place.pay_at_stripe(press(browser, open_page(browser, "coffee")).headers["Location"])
    browser.get(sessions(place)[0].success_url)
    page = open_page(browser, key)
    assert "Which country" not in page.text
    assert "Continue to payment" in page.text
    refused = open_page(browser, other)
    assert refused.status_code == 409
    assert "Your last payment was from Germany." in refused.text


def test_A95_a_sale_that_turns_out_to_be_from_elsewhere_is_told_to_moderators(
    place: Place,
) -> None:
    key = sell(place, "Local", 500, "month", groups="members", countries="AT")
    sell(place, "Tote bag", 900, groups="none", countries="AT")
    place.settle()
    browser = place.browser("eve")
    gone = press(browser, open_page(browser, key), country="AT")
    place.pay_at_stripe(gone.headers["Location"])  # with a German address
    (session,) = sessions(place)
    browser.get(str(session.success_url))
    place.settle()
    told = abroad(place)
    assert [(one.facts["country"], one.facts["what"]) for one in told] == [("DE", "Local")]
    assert "billing address: DE" in told[0].what
    assert "their word: AT" in told[0].what
    assert "eve" in told[0].what
    assert place.members("members") == {"eve"}, "nothing is taken away"
    place.stripe.v1.subscriptions.cancel(str(session.subscription))
    place.settle()
    assert abroad(place) == []


def abroad(place: Place) -> list[Alert]:
    """The alerts about sales to other countries, as of a look at everything."""
    now = place.bridge.clock.now()
    with place.bridge.store.write() as connection:
        rules = place.bridge.rulebook.rules(connection)
        alerts.save(connection, findings(connection, rules, place.bridge.policy, now), now)
        return [one for one in alerts.open_ones(connection, now) if one.kind == Kind.SOLD_ABROAD]


def test_A72_a_sale_is_recorded_with_its_country_and_what_says_so(place: Place) -> None:
    coffee = sell(place, "Coffee", 300, groups="none")
    club = sell(place, "Club", 900, "month", groups="members", countries="AT, DE")
    place.settle()
    browser, other = place.browser("ada"), place.browser("eve")
    place.pay_at_stripe(press(browser, open_page(browser, club), country="AT").headers["Location"])
    browser.get(sessions(place)[0].success_url)
    place.pay_at_stripe(press(other, open_page(other, coffee)).headers["Location"])
    place.settle()
    pass_days(place, 1)  # Eve closes the page: the nightly look finds hers
    with place.bridge.store.read() as connection:
        found = list(countries.read(connection, None, None))
    rows = {(one.country, one.billing, one.card, one.ip, one.said) for one in found}
    assert rows == {("DE", "DE", "US", None, "AT"), ("DE", "DE", "US", None, None)}


# --- what it costs -------------------------------------------------------------------------------


def test_A131_an_order_of_several_lines_costs_stripe_as_much_as_one_line(place: Place) -> None:
    keys = shop(place)
    costs = {}
    for name, what in (("ada", keys), ("eve", "membership")):
        browser = place.browser(name)
        page = open_page(browser, what)
        before = place.world.journal.since()[-1].number
        press(browser, page)
        sent = place.world.journal.since(before, "stripe")
        costs[name] = [f"{entry.method} {entry.path}" for entry in sent]
    assert costs["ada"] == costs["eve"] == ["POST /v1/customers", "POST /v1/checkout/sessions"]


def test_looking_at_an_order_asks_nobody(place: Place) -> None:
    keys = shop(place)
    browser = place.browser("ada")
    open_page(browser, keys)
    before = place.world.journal.since()[-1].number
    open_page(browser, keys, amount_4="20")
    asked = [entry.path for entry in place.world.journal.since(before)]
    assert not [path for path in asked if path.startswith(("/v1", "/admin", "/groups"))]


def test_a_step_for_members_of_a_group_is_refused_also_to_who_would_change_to_it(
    place: Place,
) -> None:
    place.open_group("apprentices", "Apprentices")
    low = sell(place, "Low", 500, "month", groups="members", ladder="level", rank=1)
    high = sell(
        place, "High", 900, "month", groups="patrons", ladder="level", rank=2, buyers="apprentices"
    )
    place.settle()
    browser = place.browser("ada")
    page = open_page(browser, low)
    place.pay_at_stripe(press(browser, page).headers["Location"])
    place.settle()
    assert open_page(browser, high).status_code == 409
    price = place.stripe.v1.prices.list({"lookup_keys": [high]}).data[0].id
    token = {"csrf_token": page.text.partition('csrf_token" value="')[2].partition('"')[0]}
    sent = browser.post(f"/join/{price}", data={**token, "order": "a" * 24})
    assert sent.status_code == 409
    assert "High is only for members of Apprentices" in sent.text
