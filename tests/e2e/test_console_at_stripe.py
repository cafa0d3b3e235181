"""Moderators' acts at Stripe on real pages: refunds, cancelling, pausing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from bridge.store import changes
from tests.e2e.console import buy, customer, user
from tests.e2e.place import Browser, Place, open_place
from tests.e2e.test_moderate import act, confirm

PEOPLE = ("ann", "mia", "ben", "eve", "kim")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Ann is an administrator, mia a moderator; ben, eve and kim pay every month."""
    data = tmp_path_factory.mktemp("at-stripe")
    (data / "bridge.toml").write_text("[console]\nrefunds = true\n")
    with open_place(data) as it:
        for name in PEOPLE:
            it.person(name)
        it.forum.users[user(it, "ann")].admin = True
        it.forum.users[user(it, "mia")].moderator = True
        it.open_group("patrons")
        price = it.sell_at_stripe("Patron", "patrons", 6000, "month")
        (product,) = it.stripe.v1.products.list().data
        it.stripe.v1.products.update(product.id, {"metadata": {"discourse_on_refund": "end"}})
        it.settle()
        for name in ("ben", "eve", "kim"):
            buy(it, name, price)
        yield it


def paid(place: Place, name: str) -> str:
    (one,) = place.stripe.v1.invoices.list({"customer": customer(place, name)}).data
    return str(one.id)


def subscription(place: Place, name: str) -> str:
    (one,) = place.stripe.v1.subscriptions.list({"customer": customer(place, name)}).data
    return str(one.id)


def refunds(place: Place, name: str) -> list[int]:
    charges = {one.id for one in place.stripe.v1.charges.list({"customer": customer(place, name)})}
    return [one.amount for one in place.stripe.v1.refunds.list() if one.charge in charges]


def logged(place: Place, name: str, action: str) -> list[str | None]:
    with place.bridge.store.read() as connection:
        lines = changes.page(connection, user_id=user(place, name), action=action)
    return [line.outcome for line in lines]


def words_to_type(page: requests.Response) -> str:
    (found,) = re.findall("Type “(.*?)” to confirm", page.text)
    return str(found)


def refund_of(place: Place, browser: Browser, name: str, **fields: str) -> requests.Response:
    """Follow the link on the person's page, fill in the form, look at what it brings."""
    address = f"/moderate/person/{user(place, name)}/refund"
    form = browser.get(address, params={"payment": paid(place, name)})
    return browser.submit(form, address, **fields)


def test_a_refund_shows_what_it_ends_wants_words_typed_and_is_made_once(place: Place) -> None:
    ann = place.browser("ann")
    page = ann.get(f"/moderate/person/{user(place, 'ben')}").text
    assert "Renews on" in page
    assert f"refund?payment={paid(place, 'ben')}" in page
    preview = refund_of(place, ann, "ben", reason="Moved away")
    assert "This ends what was paid for: patrons within minutes." in preview.text
    assert words_to_type(preview) == "refund 60.00 EUR and end 1 membership"
    assert confirm(ann, preview, typed="yes").status_code == 400
    assert refunds(place, "ben") == []
    typed = words_to_type(preview)
    with ThreadPoolExecutor() as pool:
        clicks = list(pool.map(lambda _: confirm(ann, preview, typed=typed), range(2)))
    assert 303 in {one.status_code for one in clicks}
    place.settle()
    place.pass_time(61)
    place.settle()
    assert refunds(place, "ben") == [6000]
    assert logged(place, "ben", "refunded") == ["Moved away"]
    assert "ben" not in place.members("patrons")
    again = confirm(ann, preview, typed=typed)
    assert again.status_code == 400
    assert "refunded already" in again.text


def test_two_people_who_refund_the_same_payment_differently_do_not_both_succeed(
    place: Place,
) -> None:
    ann, mia = place.browser("ann"), place.browser("mia")
    address = f"/moderate/person/{user(place, 'eve')}/refund"
    assert mia.get(address, params={"payment": paid(place, "eve")}).status_code == 403
    first = refund_of(place, ann, "eve", amount="10", reason="A part")
    second = refund_of(place, ann, "eve", amount="20", reason="Another part")
    assert confirm(ann, first, typed=words_to_type(first)).status_code == 303
    moved = confirm(ann, second, typed=words_to_type(second))
    assert "Something has changed since you looked" in moved.text
    assert refunds(place, "eve") == [1000]
    place.settle()
    assert "eve" in place.members("patrons")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"reason": ""}, "Please fill in: Reason"),
        ({"reason": "x", "amount": "60.01"}, "more than what is left"),
        ({"reason": "x", "amount": "0"}, "must be more than zero"),
        ({"reason": "x", "amount": "-5"}, "-5"),
        ({"reason": "x", "amount": "lots"}, "lots"),
        ({"reason": "x", "line": "il_made_up"}, "no line il_made_up"),
        ({"reason": "x" * 10_000}, "use 200 at most"),
    ],
)
def test_a_refund_that_cannot_be_is_refused_in_words(
    place: Place, fields: dict[str, str], says: str
) -> None:
    ann = place.browser("ann")
    answer = refund_of(place, ann, "kim", **fields)
    if answer.status_code == 200:
        answer = confirm(ann, answer, typed=words_to_type(answer))
    assert answer.status_code == 400
    assert says in answer.text
    assert refunds(place, "kim") == []


def test_I7_a_form_about_one_member_touches_nothing_that_another_pays_for(place: Place) -> None:
    ann, eve = place.browser("ann"), user(place, "eve")
    given = {"payment": paid(place, "kim"), "subscription": subscription(place, "kim")}
    for name, field in (("refund", "payment"), ("cancel", "subscription")):
        query = {field: given[field]}
        answer = ann.get(f"/moderate/person/{eve}/{name}", params=query)
        assert answer.status_code == 400
        assert "this member" in answer.text
    assert refunds(place, "kim") == []


@pytest.mark.parametrize(
    ("there", "back", "log"),
    [("cancel", "uncancel", ("cancelled", "kept")), ("pause", "resume", ("paused", "resumed"))],
)
def test_a_subscription_is_stopped_and_kept_after_all_with_a_preview(
    place: Place, there: str, back: str, log: tuple[str, str]
) -> None:
    mia, kim = place.browser("mia"), user(place, "kim")
    about = {"subscription": subscription(place, "kim")}
    for name, word in zip((there, back), log, strict=True):
        assert f"{name}?subscription=" in mia.get(f"/moderate/person/{kim}").text
        preview = act(mia, kim, name, **about, reason="They asked for it")
        assert "What follows" in preview.text
        assert "Stays in" in preview.text
        assert confirm(mia, preview).status_code == 303
        place.settle()
        assert logged(place, "kim", word) == ["They asked for it"]
        assert confirm(mia, preview).status_code == 400
    assert "kim" in place.members("patrons")
    past = act(mia, kim, "pause", **about, until="2020-02-29", reason="x")
    assert "in the past" in past.text
    wrong = act(mia, kim, "pause", **about, until="2027-02-29", reason="x")
    assert "calendar has no day 2027-02-29" in wrong.text


def its_row_leads_to_its_own_plans(place: Place, mia: Browser, name: str, price: str) -> None:
    person = f"/moderate/person/{user(place, name)}"
    running = place.stripe.v1.subscriptions.list({"customer": customer(place, name)}).data[0].id
    link = f"{person}/change-plan?subscription={running}"
    assert link in mia.get(person).text
    assert price in mia.get(link).text
    other = mia.get(f"{person}/change-plan?subscription=sub_of_somebody_else")
    assert other.status_code == 400
    assert "Show the effects" not in other.text


def test_A36_a_plan_is_changed_with_stripes_preview_and_only_to_what_its_ladder_sells(
    place: Place,
) -> None:
    mia, kim = place.browser("mia"), user(place, "kim")
    assert f"person/{kim}/change-plan" not in mia.get(f"/moderate/person/{kim}").text
    place.open_group("gold")
    (product,) = place.stripe.v1.products.list().data
    step = {"discourse_ladder": "support", "discourse_rank": "1"}
    place.stripe.v1.products.update(product.id, {"metadata": step})
    gold = place.sell_at_stripe("Gold", "gold", 9000, "month")
    higher = place.stripe.v1.prices.retrieve(gold).product
    place.stripe.v1.products.update(str(higher), {"metadata": {**step, "discourse_rank": "2"}})
    place.settle()
    assert f"person/{kim}/change-plan" in mia.get(f"/moderate/person/{kim}").text
    preview = act(mia, kim, "change-plan", price=gold, reason="They asked for it")
    assert "Due now" in preview.text
    assert "Gold, €90.00 a month" in preview.text
    its_row_leads_to_its_own_plans(place, mia, "kim", gold)
    assert "€30.00" in preview.text
    assert "Gains" in preview.text
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda _: confirm(mia, preview), range(2)))
    place.settle()
    place.pass_time(61)
    place.settle()
    assert "kim" in place.members("gold")
    assert "kim" not in place.members("patrons")
    assert logged(place, "kim", "change_asked") == ["They asked for it"]
    invoices = place.stripe.v1.invoices.list({"customer": customer(place, "kim")}).data
    assert sorted(one.amount_due for one in invoices) == [3000, 6000]
    assert act(mia, kim, "change-plan", price="price_x", reason="x").status_code == 400


def test_A58_a_statement_is_sent_again_as_an_answer_once_a_day(place: Place) -> None:
    mia, eve = place.browser("mia"), user(place, "eve")
    address = f"/moderate/person/{eve}/statement"
    first = mia.get(address)
    assert "once more, as a new answer" in first.text
    assert confirm(mia, first).status_code == 303
    place.settle()
    (topic,) = (
        one for one in place.forum.topics.values() if one.is_message and eve in one.allowed_user_ids
    )
    last = place.forum.posts[topic.post_ids[-1]].raw
    assert last.startswith("A moderator has sent you your statement again.")
    assert "patrons" in last
    assert "already sent again today" in mia.get(address).text
    assert logged(place, "eve", "statement_sent") == ["again"]


def test_a_reply_says_how_somebody_stands_in_the_words_of_their_own_page(place: Place) -> None:
    mia = place.browser("mia")
    well = mia.get(f"/moderate/person/{user(place, 'eve')}/reply").text
    assert "Hello @eve" in well
    assert "Your monthly membership is active." in well
    assert "All is well" in well
    assert f"{place.url}/join/price_" in well
    nothing = mia.get(f"/moderate/person/{user(place, 'mia')}/reply").text
    assert "find a membership for this account" in nothing
    assert mia.get("/moderate/person/999999/reply").status_code == 404
