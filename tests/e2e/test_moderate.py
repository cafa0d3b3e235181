"""The console through real pages: who may see it, finding people, deciding after a preview."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests

from bridge.store import changes, links
from tests.e2e.place import Browser, Place, open_place

PEOPLE = ("mia", "ada", "ben", "tom")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A forum with a moderator (mia), a member who pays (ada) and two who do not."""
    with open_place(tmp_path_factory.mktemp("console")) as it:
        for name in PEOPLE:
            it.person(name)
        it.forum.users[user(it, "mia")].moderator = True
        it.open_group("supporters")
        it.open_group("guests")
        price = it.sell_at_stripe("Supporter", "supporters", 500, "month")
        it.settle()
        ada = it.browser("ada")
        page = ada.get(f"/join/{price}")
        paid = ada.submit(page, f"/join/{price}")
        it.pay_at_stripe(paid.headers["Location"])
        it.settle()
        yield it


def user(place: Place, name: str) -> int:
    return next(one.id for one in place.forum.users.values() if one.username == name)


def act(browser: Browser, user_id: int, name: str, **fields: str) -> requests.Response:
    """Fill in the form of an act and look at what it brings."""
    address = f"/moderate/person/{user_id}/{name}"
    form = browser.get(address)
    return browser.submit(form, address, **fields)


def confirm(browser: Browser, page: requests.Response, **fields: str) -> requests.Response:
    """Press the button below the preview."""
    return browser.submit(page, urlsplit(page.url).path, **fields)


def test_A81_a_moderator_finds_somebody_by_name_id_customer_and_amount(place: Place) -> None:
    mia, ada = place.browser("mia"), user(place, "ada")
    with place.bridge.store.read() as connection:
        (customer,) = links.customers_of(connection, ada)
    place.stripe.v1.customers.update(customer, {"email": "ada@example.com"})
    invoice = place.stripe.v1.invoices.list({"customer": customer}).data[0].id
    for text in ("ada", "ADA", f"id:{ada}", customer, invoice, "5.00", "ada@example.com"):
        found = mia.get("/moderate/find", params={"q": text})
        assert found.url.endswith(f"/moderate/person/{ada}"), text
        assert "supporters" in found.text
    nobody = mia.get("/moderate/find", params={"q": "no-such-person"})
    assert "Nobody found" in nobody.text


def test_A48_a_persons_page_says_in_what_they_are_and_why(place: Place) -> None:
    page = place.browser("mia").get(f"/moderate/person/{user(place, 'ada')}").text
    assert "supporters" in page
    assert ">In<" in page
    assert "Your monthly membership is active." in page


def test_A61_members_are_shown_as_they_are_and_as_they_were_on_a_day(place: Place) -> None:
    mia = place.browser("mia")
    group = int(place.forum.group_id_by_name["supporters"])
    now = mia.get("/moderate/members", params={"group": str(group)}).text
    assert f'person/{user(place, "ada")}"' in now
    before = mia.get("/moderate/members", params={"group": str(group), "day": "2020-02-29"}).text
    assert '<p class="quiet">Nobody.</p>' in before
    wrong = mia.get("/moderate/members", params={"group": str(group), "day": "2021-02-29"})
    assert wrong.status_code == 400


def test_A33_the_mapping_says_what_each_price_gives_and_who_says_so(place: Place) -> None:
    page = place.browser("mia").get("/moderate/mapping").text
    assert "<strong>supporters</strong>" in page
    assert f"{place.url}/join/price_" in page
    assert "product" in page


def test_A60_a_grant_is_previewed_done_and_logged_with_who_decided_it(place: Place) -> None:
    mia, ben = place.browser("mia"), user(place, "ben")
    preview = act(mia, ben, "grant", group="guests", reason="Speaker at the meeting")
    assert "Gains" in preview.text
    assert place.members("guests") == set()
    done = confirm(mia, preview)
    assert done.status_code == 303
    place.settle()
    assert place.members("guests") == {"ben"}
    with place.bridge.store.read() as connection:
        lines = changes.page(connection, user_id=ben, action="granted")
    assert lines[0].cause == f"moderator:{user(place, 'mia')} via console"
    page = mia.get(f"/moderate/person/{ben}")
    assert "Speaker at the meeting" in page.text
    grant = page.text.split("grant=")[1].split('"')[0]
    taken = confirm(mia, act(mia, ben, "revoke", grant=grant, reason="The meeting is over"))
    assert taken.status_code == 303


def test_a_decision_is_undone_from_its_line_in_the_log_after_a_preview(place: Place) -> None:
    mia, tom = place.browser("mia"), user(place, "tom")
    confirm(mia, act(mia, tom, "grant", group="guests", reason="By mistake"))
    place.settle()
    with place.bridge.store.read() as connection:
        (line,) = changes.page(connection, user_id=tom, action="granted")
    address = f"/moderate/act/undo?change={line.id}"
    assert f'href="{address}"' in mia.get(f"/moderate/log?user={tom}").text
    form = mia.get(address)
    said = ("By mistake", "Given by hand", "mia (moderator, console)")
    assert [words for words in said if words not in form.text] == []
    assert confirm(mia, form, reason=" ").status_code == 400
    preview = confirm(mia, form, reason="Somebody else was meant")
    assert "Loses" in preview.text
    assert "By mistake" in preview.text
    assert confirm(mia, preview).status_code == 303
    place.settle()
    place.pass_time(61)
    place.settle()
    assert "tom" not in place.members("guests")
    assert confirm(mia, preview).status_code == 400
    for made_up in ("x", "0", "9" * 18, "9" * 30, "-1"):
        assert mia.get(f"/moderate/act/undo?change={made_up}").status_code == 400


def test_I7_a_form_about_one_member_takes_back_nothing_of_another(place: Place) -> None:
    mia, ben, ada = place.browser("mia"), user(place, "ben"), user(place, "ada")
    confirm(mia, act(mia, ben, "grant", group="guests", reason="Helps at the door"))
    page = mia.get(f"/moderate/person/{ben}").text
    grant = page.split("grant=")[1].split('"')[0]
    with place.bridge.store.read() as connection:
        (customer,) = links.customers_of(connection, ada)
    of_others = (ada, "revoke", {"grant": grant}), (ben, "unlink", {"customer": customer})
    for about, name, fields in of_others:
        answer = act(mia, about, name, **fields, reason="Not theirs")
        assert answer.status_code == 400
        assert "Please fill in" not in answer.text
        assert "reviewed" not in answer.text, "there is nothing to confirm"
    place.settle()
    assert "ben" in place.members("guests")
    assert "ada" in place.members("supporters")
    confirm(mia, act(mia, ben, "revoke", grant=grant, reason="Done helping"))


def test_what_changed_since_it_was_reviewed_is_not_done_but_shown_again(place: Place) -> None:
    mia, tom = place.browser("mia"), user(place, "tom")
    preview = act(mia, tom, "grant", group="guests", reason="Guest")
    again = confirm(mia, preview, reviewed="0123456789abcdef")
    assert "Something has changed since you looked" in again.text
    assert place.members("guests") <= {"ben"}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"group": "guests", "reason": ""}, "Please fill in: Reason"),
        ({"group": "guests", "reason": "x", "until": "2020-01-01"}, "in the past"),
        ({"group": "guests", "reason": "x", "until": "soon"}, "not a day"),
        ({"group": "admins", "reason": "x"}, "admins"),
        ({"group": "guests", "reason": "<script>" + "x" * 5000}, "reason"),
    ],
)
def test_bad_input_is_refused_in_words_and_changes_nothing(
    place: Place, fields: dict[str, str], says: str
) -> None:
    mia, tom = place.browser("mia"), user(place, "tom")
    answer = act(mia, tom, "grant", **fields)
    if answer.status_code == 200:  # only the deed itself finds it
        answer = confirm(mia, answer)
    assert answer.status_code == 400
    assert says in answer.text
    assert "<script>" not in answer.text


def test_A59_A81_a_payment_is_recorded_in_the_browser_and_asked_about_when_doubled(
    place: Place,
) -> None:
    mia, ben = place.browser("mia"), user(place, "ben")
    paid = {"amount": "12.00", "currency": "eur", "method": "cash", "what": "Summer party"}
    done = confirm(mia, act(mia, ben, "record-payment", **paid))
    assert done.status_code == 303
    twice = act(mia, ben, "record-payment", **paid)
    assert twice.status_code == 400
    assert "already recorded" in twice.text


def test_a_role_is_asked_of_the_forum_again_within_the_hour(place: Place) -> None:
    place.forum.users[user(place, "tom")].moderator = True
    tom = place.browser("tom")
    assert tom.get("/moderate").status_code == 200
    place.forum.users[user(place, "tom")].moderator = False
    place.pass_time(3700)
    assert tom.get("/moderate").status_code == 403


def test_two_persons_are_needed_for_ones_own_account_where_the_site_says_so(place: Place) -> None:
    mia, own = place.browser("mia"), f"/moderate/person/{user(place, 'mia')}"
    assert f"{own}/grant" in mia.get(own).text
    policy = place.bridge.policy
    object.__setattr__(policy, "two_persons", True)
    try:
        answer = mia.get(f"{own}/grant")
        assert answer.status_code == 403
        assert "second person" in answer.text
        page = mia.get(own).text
        assert "Ask a second person" in page
        assert f"{own}/grant" not in page, "nothing is offered that is then refused"
        assert f"{own}/reply" in page
        other = f"/moderate/person/{user(place, 'ada')}"
        assert f"{other}/grant" in mia.get(other).text
    finally:
        object.__setattr__(policy, "two_persons", False)
