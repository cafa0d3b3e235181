"""The moderators' worklists on real pages: their rows, and each act on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from urllib.parse import urlencode, urlsplit

import pytest
import requests

from bridge.answers.worklists.lists import WORKLISTS, counts, parts
from bridge.core.model.actor import moderator
from bridge.core.model.change import Change
from bridge.core.model.discourse import Group
from bridge.core.model.roles import RIGHTS
from bridge.errors import Permanent
from bridge.operations import grants, held, removals
from bridge.sandbox.discourse.membership import add_member, remove_member
from bridge.store import changes, member
from bridge.web.moderate.list_acts import LIST_ACTS
from tests.e2e.console import (
    MANY,
    dead_event,
    open_console,
    sell_a_share,
    settle_until,
    user,
)
from tests.e2e.place import Browser, Place


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_console(tmp_path_factory.mktemp("worklists")) as it:
        yield it


def group(place: Place, name: str) -> int:
    return int(place.forum.group_id_by_name[name])


def follow(browser: Browser, page: requests.Response, words: str) -> requests.Response:
    """Click on the first link with these words."""
    before = page.text.partition(f">{words}<")[0]
    assert before != page.text, f"no link {words!r}"
    return browser.get(unescape(before.rpartition('href="')[2].partition('"')[0]))


def press(browser: Browser, page: requests.Response, **fields: str) -> requests.Response:
    """Press the button of the act that a page shows."""
    return browser.submit(page, urlsplit(page.url).path, **fields)


def done(browser: Browser, answer: requests.Response) -> str:
    """The page after an act, which says what was done."""
    assert answer.status_code == 303, answer.text
    return browser.get(answer.headers["Location"]).text


def log(place: Place, action: str) -> list[Change]:
    with place.bridge.store.read() as connection:
        return changes.page(connection, action=action)


def messages(place: Place, name: str) -> list[str]:
    theirs = [t for t in place.forum.topics.values() if user(place, name) in t.allowed_user_ids]
    return [place.forum.posts[id_].raw for topic in theirs for id_ in topic.post_ids]


def choose(name: str, *which: tuple[int, int]) -> str:
    return f"/moderate/act/{name}?" + urlencode([("which", f"{u}:{g}") for u, g in which])


def hold_of(place: Place, name: str) -> str | None:
    with place.bridge.store.read() as connection:
        rows = member.memberships_of(connection, user(place, name))
    return rows[group(place, "supporters")].membership.hold


def test_a_list_offers_nothing_about_oneself_where_two_persons_are_needed(place: Place) -> None:
    for name, shown, offers in (
        ("lars", "failed", f"/moderate/person/{user(place, 'lars')}/remind"),
        ("kim", "held", f'value="{user(place, "kim")}:{group(place, "supporters")}"'),
    ):
        place.forum.users[user(place, name)].moderator = True
        themselves, path = place.browser(name), f"/moderate/lists/{shown}"
        assert offers in themselves.get(path).text
        object.__setattr__(place.bridge.policy, "two_persons", True)
        try:
            page = themselves.get(path).text
            assert name in page
            assert offers not in page
            assert offers in place.browser("mia").get(path).text
        finally:
            object.__setattr__(place.bridge.policy, "two_persons", False)
            place.forum.users[user(place, name)].moderator = False


def test_A58_a_failed_payment_shows_reason_attempt_and_next_try_and_is_reminded_of_once(
    place: Place,
) -> None:
    mia = place.browser("mia")
    today = " ".join(mia.get("/moderate").text.split())
    assert re.search(r"Failed payments</a><br><span[^>]*>€5\.00 · next attempt on \d", today)
    page = mia.get("/moderate/lists/failed")
    assert "lars" in page.text
    assert "€5.00" in page.text
    assert "The account has too little money. Attempts so far: 1." in page.text
    person = f"/moderate/person/{user(place, 'lars')}"
    owes = r"€5\.00 unpaid since \d.*The account has too little money\. Attempts so far: 1\. "
    assert re.search(owes + r"Stripe tries again on \d", mia.get(person).text)
    preview = follow(mia, mia.get(person), "Remind them of a failed payment")
    assert "The account has too little money." in preview.text
    assert "/i/in_" in preview.text  # Stripe's page where it can be paid
    assert "The reminder is on its way" in done(mia, press(mia, preview))
    place.settle()
    reminders = [text for text in messages(place, "lars") if "A moderator asked us" in text]
    assert len(reminders) == 1
    assert "Pay now or update your card" in reminders[0]
    assert log(place, "reminded")[0].cause == f"moderator:{user(place, 'mia')} via console"
    again = place.browser("max").get(preview.url)
    assert again.status_code == 400
    assert "already" in again.text
    assert "/i/in_" in again.text, "the link to pay can still be copied"
    reminded = mia.get(person)
    assert "The member was reminded on" in reminded.text
    assert follow(mia, reminded, "Link to pay").url == preview.url
    after = mia.get("/moderate/lists/failed").text
    assert "The member was reminded on" in after
    assert "Remind them of a failed payment" not in after


def test_A58_an_invoice_of_another_member_in_the_form_is_refused(place: Place) -> None:
    mia = place.browser("mia")
    with place.bridge.store.read() as connection:
        owed = member.load(connection, user(place, "lars")).facts.paid_by_user[0].pending[0].id
    answer = mia.get(f"/moderate/person/{user(place, 'ada')}/remind", params={"invoice": owed})
    assert answer.status_code == 400
    assert "is not an invoice of" in unescape(answer.text)


def test_A34_held_changes_are_decided_together_as_reviewed_and_only_by_one(place: Place) -> None:
    supporters = group(place, "supporters")
    both = [(user(place, name), supporters) for name in ("kim", "tina")]
    assert hold_of(place, "kim") == hold_of(place, "tina") == "no_rule"
    mia, max_ = place.browser("mia"), place.browser("max")
    page = mia.get("/moderate/lists/held?all=yes")
    assert page.text.count(" checked") == 2
    address = choose("keep-held", *both)
    previews = {
        who: press(who, who.get(address), reason="They pay for something better")
        for who in (mia, max_)
    }
    assert previews[mia].text.count("Stays in") == 2
    assert "No rule covers what they pay for." in previews[mia].text
    assert "Memberships decided: 2." in done(mia, press(mia, previews[mia]))
    place.settle()
    assert hold_of(place, "kim") is None
    assert {"kim", "tina"} <= place.members("supporters")
    late = press(max_, previews[max_])
    assert late.status_code == 400
    assert "does not wait any more" in late.text
    assert len([one for one in log(place, "granted") if one.group_id == supporters]) == 2


def test_what_moved_between_review_and_decision_is_decided_by_nobody(place: Place) -> None:
    """Two at once: the second one to commit finds a change after the review, so nothing is done."""
    supporters = Group(group(place, "supporters"), "supporters")
    reviewed = [held.Reviewed(user(place, "ada"), supporters, "no_rule", None)]
    before = len(log(place, "lifted"))
    with pytest.raises(Permanent, match="does not wait any more"):
        held.decide_held(
            place.bridge,
            moderator(user(place, "mia"), "console"),
            "let_go",
            reviewed,
            until_at=None,
            reason="Gone",
        )
    assert len(log(place, "lifted")) == before


def test_removals_that_were_stopped_go_on_only_for_those_reviewed_and_after_typing_how_many(
    place: Place,
) -> None:
    actor = moderator(user(place, "mia"), "console")
    given = [
        grants.grant(
            place.bridge, actor, user(place, name), "guests", until_at=None, reason="A visit"
        )
        for name in MANY
    ]
    place.settle()
    assert place.members("guests") == set(MANY)
    for one in given:
        grants.revoke(place.bridge, actor, one.grant.id)
    place.settle()
    place.pass_time(61)
    place.settle()
    stays = place.members("guests")
    assert stays == set(MANY)
    mia = place.browser("mia")
    assert "Stopped removals" in mia.get("/moderate").text  # the alert is about no single person
    page = mia.get("/moderate/lists/stopped")
    assert f"{len(stays)} members would lose it." in page.text
    preview = press(mia, follow(mia, page, "Let removals continue"), reason="The visit is over")
    assert preview.text.count("Loses") == len(stays)
    untyped = press(mia, preview)
    assert untyped.status_code == 400
    assert f"Please type “remove {len(stays)}”" in untyped.text
    with pytest.raises(Permanent, match="since you reviewed"):
        removals.release(place.bridge, actor, "guests", reviewed={1})
    assert place.members("guests") == stays
    answer = press(mia, preview, typed=f"Remove {len(stays)}")
    assert f"Removals that continue: {len(stays)}." in done(mia, answer)
    place.settle()
    assert place.members("guests") == set()
    assert "No removals are stopped" in mia.get("/moderate/lists/stopped").text


def applied(browser: Browser, place: Place, share: str) -> str:
    """Buy a share; the text of the page after paying."""
    offer = browser.get(f"/join/{share}")
    assert "A moderator decides about your application" in offer.text
    paying = browser.submit(offer, f"/join/{share}").headers["Location"]
    place.pay_at_stripe(paying)
    place.settle()
    session_id = urlsplit(paying).path.rpartition("/")[2]
    back = place.stripe.v1.checkout.sessions.retrieve(session_id).success_url
    assert back
    return unescape(browser.get(back).text)


def test_A62_an_application_waits_in_the_list_until_a_moderator_decides(place: Place) -> None:
    share = sell_a_share(place)
    nina, mia, max_ = (place.browser(name) for name in ("nina", "mia", "max"))
    waits = applied(nina, place, share)
    assert "Your application is waiting for approval" in waits
    assert "add you to readers" in waits.lower()
    statement = nina.get("/me").text
    assert "Waiting for approval" in statement
    assert "have a membership at the moment" not in statement
    again = nina.get(f"/join/{share}")
    assert (again.status_code, "there is nothing more to pay" in again.text) == (409, True)
    assert "Waiting for approval" in nina.get("/join").text
    assert any("is waiting for approval" in text for text in messages(place, "nina"))

    page = mia.get("/moderate/lists/applications")
    assert "nina" in page.text
    assert "€150.00" in page.text
    assert "1 application" not in mia.get("/moderate").text
    previews = {
        "mia": press(mia, follow(mia, page, "Approve"), reason="Meeting of 12 March"),
        "max": press(max_, follow(max_, page, "Decline"), reason="Unknown to us"),
    }
    assert "Gains" in previews["mia"].text
    assert "Nothing is refunded or cancelled." in previews["max"].text
    assert "Applications approved: 1." in done(mia, press(mia, previews["mia"]))
    late = press(max_, previews["max"])
    assert (late.status_code, "somebody has decided" in late.text) == (400, True)
    place.settle()
    assert "nina" in place.members("readers")
    settle_until(
        place,
        lambda: any(
            "A moderator approved your application. You have access to" in text
            for text in messages(place, "nina")
        ),
    )
    (line,) = log(place, "member_approval")
    assert line.cause == f"moderator:{user(place, 'mia')} via console"
    assert line.detail is not None
    assert (line.detail["before"], line.detail["after"]) == ("paid", "member")
    assert "Thank you" in nina.get("/me").text


def test_A62_several_are_declined_by_typing_how_many_and_their_money_is_offered_back(
    place: Place,
) -> None:
    object.__setattr__(place.bridge.policy, "refunds", True)
    share = sell_a_share(place)
    mia = place.browser("mia")
    for name in ("tina", "kim"):
        applied(place.browser(name), place, share)
    page = mia.get("/moderate/lists/applications?all=yes")
    assert page.text.count(" checked") == 2
    which = ",".join(re.findall(r'name="which" value="([^"]+)"', unescape(page.text)))
    address = "/moderate/act/decline?" + urlencode({"which": which})
    preview = press(mia, mia.get(address), reason="Not from here")
    untyped = press(mia, preview)
    assert (untyped.status_code, "Please type “decline 2”" in untyped.text) == (400, True)
    assert "Nothing was refunded" in done(mia, press(mia, preview, typed="decline 2"))
    place.settle()
    assert not {"tina", "kim"} & place.members("readers")
    declined_words = "A moderator declined your application. If you have paid, nothing is refunded"
    settle_until(place, lambda: declined_words in " ".join(messages(place, "tina")))
    seen = mia.get("/moderate/lists/applications?kind=declined").text
    assert (seen.count("€150.00"), seen.count("Payment at Stripe")) == (2, 2)
    assert ">Refund<" not in seen, "a moderator may not refund"
    place.forum.users[user(place, "max")].admin = True
    max_ = place.browser("max")
    declined = max_.get("/moderate/lists/applications?kind=declined")
    assert declined.text.count(">Refund<") == 2
    refund = press(max_, follow(max_, declined, "Refund"), reason="Declined")
    typed = unescape(refund.text).partition("Type “")[2].partition("”")[0]
    assert typed == "refund 150.00 EUR"
    done(max_, press(max_, refund, typed=typed))
    place.settle()
    after = max_.get("/moderate/lists/applications?kind=declined")
    assert (after.text.count(">Refund<"), after.text.count("No payment is left")) == (1, 1)


@pytest.mark.parametrize("which", ["x", "1|2|3|", "99999", "9" * 30])
def test_A62_an_application_that_was_made_up_is_refused_in_words(place: Place, which: str) -> None:
    mia = place.browser("mia")
    answer = mia.get("/moderate/act/approve", params={"which": which})
    assert answer.status_code == 400
    assert "Show the effects" not in answer.text, "there is nothing to decide"


def test_an_unreadable_event_says_why_and_is_processed_again(place: Place) -> None:
    dead_event(place)
    mia = place.browser("mia")
    page = mia.get("/moderate/lists/dead")
    assert "is of live mode" in page.text
    preview = follow(mia, page, "Process an event again")
    assert "is being processed again" in done(mia, press(mia, preview))
    assert log(place, "replayed")[0].outcome == "evt_dead_1"
    place.settle()


def test_what_was_changed_by_hand_on_the_forum_is_listed_and_lifted(place: Place) -> None:
    forum = place.forum
    supporters = forum.groups[group(place, "supporters")]
    staff = forum.users[user(place, "mia")]
    now = place.world.clock.now()
    remove_member(forum, supporters, forum.users[user(place, "ada")], staff, now)
    add_member(forum, supporters, forum.users[user(place, "rita")], staff, now)
    place.settle()
    place.pass_time(600)
    place.settle()
    mia = place.browser("mia")
    out = mia.get("/moderate/lists/drift")
    assert "ada" in out.text
    assert f"id:{user(place, 'rita')}" not in out.text
    added = mia.get("/moderate/lists/drift?kind=in")
    # The bridge has never had to do with her: it knows her id only.
    assert f"id:{user(place, 'rita')}" in added.text
    form = follow(mia, out, "Let back in")
    answer = press(mia, press(mia, form, group="supporters", reason="Sorry"))
    assert "follows payments again" in done(mia, answer)
    place.settle()
    assert "ada" in place.members("supporters")
    # The list now opens on the part that has somebody, and says of each part how many.
    rest = mia.get("/moderate/lists/drift").text
    assert f"id:{user(place, 'rita')}" in rest
    tabs = re.sub(r"<[^>]*>", "", rest.partition('aria-label="Changed by hand"')[2])
    assert "Kept out 0" in tabs
    assert "Added by others 1" in tabs
    assert "Nothing under “Kept out”." in mia.get("/moderate/lists/drift?kind=out").text


def test_each_part_of_a_list_is_counted(place: Place) -> None:
    for name, one in WORKLISTS.items():
        counted = parts(place.bridge, name)
        assert list(counted) == list(one.kinds)
        for kind, count in counted.items():
            assert len(one.page(place.bridge, kind, "").rows) == count, (name, kind)


def test_the_next_thirty_days_are_listed_by_kind_and_day(place: Place) -> None:
    mia = place.browser("mia")
    renewals = mia.get("/moderate/lists/ahead?kind=renewals")
    assert "ada" in renewals.text
    assert "€5.00" in renewals.text
    actor = moderator(user(place, "mia"), "console")
    soon = place.bridge.clock.now() + timedelta(days=9)
    grants.grant(
        place.bridge, actor, user(place, "rita"), "readers", until_at=soon, reason="A visit"
    )
    place.settle()
    ends = mia.get("/moderate/lists/ahead")
    assert "rita" in ends.text
    assert f"{soon:%-d %b}" in ends.text
    assert "Nothing under “Trials”" in mia.get("/moderate/lists/ahead?kind=trials").text
    assert mia.get("/moderate/lists/ahead?kind=nothing").status_code == 404
    assert mia.get("/moderate/lists/ahead?after=x").status_code == 400


def test_today_leads_to_each_list_and_counts_what_waits(place: Place) -> None:
    mia = place.browser("mia")
    page = mia.get("/moderate").text
    for name in WORKLISTS:
        assert f'href="/moderate/lists/{name}"' in page
        assert mia.get(f"/moderate/lists/{name}").status_code == 200
    counted = counts(place.bridge)
    assert counted["failed"] == 1
    assert counted == {name: rows_that_need_somebody(place, name) for name in counted}
    added = len(WORKLISTS["drift"].page(place.bridge, "in", "").rows)
    assert (f"{added} added by others, which needs no decision" in page) == (added > 0)
    assert mia.get("/moderate/lists/nothing").status_code == 404


NEED_NOBODY = {"in", "declined", "aside", "tabs"}
"""Parts of lists in which nothing is left to decide."""


def rows_that_need_somebody(place: Place, name: str) -> int:
    """How many rows the pages of a list show."""
    one = WORKLISTS[name]
    kinds = set(one.kinds or {""}) - NEED_NOBODY
    return sum(len(one.page(place.bridge, kind, "").rows) for kind in kinds)


@pytest.mark.parametrize("role", RIGHTS)
def test_acts_about_lists_are_for_whom_the_table_says(role: str) -> None:
    may = {name for name, one in LIST_ACTS.items() if one.right in RIGHTS[role]}  # type: ignore[index]
    decides = role in {"administrator", "moderator"}
    assert may == (set(LIST_ACTS) if decides else {"undo"} if role == "treasurer" else set())


@pytest.mark.parametrize("which", ["x", "1:2:3", "99999:99999"])
def test_a_choice_that_was_made_up_is_refused_in_words(place: Place, which: str) -> None:
    mia = place.browser("mia")
    answer = mia.get("/moderate/act/end-held", params={"which": which})
    assert answer.status_code == 400
    assert "Show the effects" not in answer.text, "there is nothing to decide"
