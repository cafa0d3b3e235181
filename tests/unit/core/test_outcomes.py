"""The log in words: no code, no id of an actor and no type of an event is shown as it is kept."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

import handlers
from bridge import errors
from bridge.core.memberships.decision import WantedMembership
from bridge.core.memberships.why import why
from bridge.core.model import discourse
from bridge.core.model.actor import BRIDGE, Actor, Role, Through, member, moderator
from bridge.core.model.change import Change
from bridge.core.model.reasons import Hold, Reason
from bridge.core.rights import judge
from bridge.core.telling import doers, outcomes
from bridge.core.telling.declines import _DISPUTES, dispute_words
from bridge.core.telling.doers import Doer, doer
from bridge.core.telling.events import EVENTS, event_words
from bridge.core.telling.log import ACTIONS, line_words
from bridge.core.telling.outcomes import ids_of, reason_words, said
from bridge.core.telling.payer_facts import STATUSES, status_words

AT = datetime(2028, 2, 29, tzinfo=UTC)
NAMES: doers.Names = {12: "ben", 7: "alice", 9: None}


def line(action: str, outcome: str | None = None, **detail: Any) -> Change:
    return Change(1, AT, action, 7, 3, outcome=outcome, detail=detail or None)


def is_plain(words: str) -> bool:
    """Whether these are words, and not a code or a name of the program's."""
    return " " in words and not re.search(r"[a-z]_[a-z]|[a-z][A-Z]", words)


def test_each_reason_of_a_decision_has_words() -> None:
    for action in outcomes.DECIDED:
        for code in [*Reason, *Hold, *outcomes.ENDINGS]:
            assert is_plain(said(line(action, str(code))).words), (action, code)


def test_each_error_that_stops_a_write_has_words() -> None:
    kinds = {
        one.__name__
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, (errors.Transient, errors.Permanent))
    }
    assert kinds <= set(outcomes.NOT_DONE)
    assert all(is_plain(said(line("not_done", one)).words) for one in outcomes.NOT_DONE)


@pytest.mark.parametrize(
    ("actions", "codes"),
    [
        (("added", "observed_done", "seen", "was_member"), ("no", "claimed", "proven")),
        (("linked",), outcomes.PROOFS),
        (("removed",), outcomes.REMOVED),
        (("override", "lifted", "kept_out", "held_again"), ("staff", "left", "no_rule")),
    ],
)
def test_each_other_code_has_words(actions: tuple[str, ...], codes: tuple[str, ...]) -> None:
    for action in actions:
        for code in codes:
            assert is_plain(said(line(action, code)).words), (action, code)


def test_each_state_of_an_account_has_words() -> None:
    assert set(outcomes.STATES) == set(get_args(discourse.State))
    for state in outcomes.STATES:
        assert {"account_back" if state == "active" else f"account_{state}"} <= set(ACTIONS)
        assert "_" not in said(line("account_suspended", f"was {state}")).words


def test_a_removal_says_the_decision_that_led_to_it() -> None:
    words = said(line("removed", None, why="canceled", decision=4)).words
    assert words == "The subscription has ended"


def test_what_somebody_typed_is_their_reason_and_is_left_as_they_wrote_it() -> None:
    assert said(line("granted", "no_rule", grant="g1")).reason == "no_rule"
    assert said(line("lifted", "staff", reason="a mix-up")).reason == "a mix-up"
    assert said(line("adopted", "proven")) == outcomes.Said()
    assert said(line("adopted", "after the backup")).reason == "after the backup"
    failed = said(line("refunded_refused", "double", why="the charge is refunded already"))
    assert failed == outcomes.Said("the charge is refunded already", "double")


def test_an_id_is_one_click_away_and_no_words() -> None:
    one = line("replayed", "evt_9")
    assert said(one).words == ""
    assert ("Outcome", "evt_9") in ids_of(one)


def test_before_and_after_are_among_what_is_one_click_away() -> None:
    one = line("mapping_changed", "dearer", thing="price_1", key="rank", before="1", after="2")
    assert said(one) == outcomes.Said("rank of price_1: 1, now 2", "dearer")
    assert {("before", "1"), ("after", "2")} <= set(ids_of(one))


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (line("refunded", "half", refund={"amount_minor": 2500}, currency="eur"), "€25.00"),
        (
            line("refunded_refused", "half", refund={"amount_minor": 9}, currency="jpy", why="no"),
            "¥9: no",
        ),
        (line("refunded", "half"), ""),
        (line("reminded", "in_1", amount_minor=4200, currency="usd"), "$42.00"),
        (line("payment_recorded", "Party", amount_minor=900, currency="eur"), "Party, €9.00"),
        (line("payment_recorded", "Party", line="hand_1"), "Party"),
        (
            line("mapping_changed", "", thing="prod_1", name="Lab pass", key="grace", after="2d"),
            "grace of Lab pass: nothing, now 2d",
        ),
        (
            line("mapping_changed_refused", "", thing="prod_1", name="Lab", key="grace", why="no"),
            "grace of Lab: nothing, now nothing: no",
        ),
    ],
)
def test_A33_a_line_says_what_it_is_about_how_much_and_which_product(
    one: Change, words: str
) -> None:
    assert said(one).words == words


def test_a_code_of_another_version_is_said_by_itself() -> None:
    assert reason_words("moon_phase") == "moon phase"
    assert said(line("linked", "by_pigeon")).words == "By pigeon"


def test_each_role_and_way_to_act_has_words() -> None:
    assert set(doers.ROLES) == set(get_args(Role))
    assert set(doers.THROUGH) == set(get_args(Through))


def test_an_actor_is_a_name_with_role_and_way() -> None:
    for role in [one for one in get_args(Role) if one != "bridge"]:
        for through in get_args(Through):
            words = doer(str(Actor(role, "12", through)), NAMES).words
            name = "12" if role in ("operator", "token") else "ben"
            assert words == f"{name} ({doers.ROLES[role]}, {doers.THROUGH[through]})"


def test_A48_a_token_is_told_by_its_name_also_in_what_follows_from_it() -> None:
    one = str(Actor("token", "token_e9", "token"))
    names: doers.Names = {"token_e9": "front door", 9: "maria"}
    assert doer(one, names) == Doer("front door (token, API)")
    assert doer(f"lift by {one}", names).words == "after an action of front door (token, API)"
    assert doer(one, {}).words == "token_e9 (token, API)"
    assert doers.tokens_in(
        [one, f"lift by {one}", "token_e8", str(moderator(9, "page")), None]
    ) == {"token_e9"}


@pytest.mark.parametrize(
    ("cause", "said_as"),
    [
        (str(moderator(12, "console")), Doer("ben (moderator, console)", 12)),
        (str(moderator(9, "console")), Doer("id:9 (moderator, console)", 9)),
        (str(BRIDGE), Doer("the bridge")),
        (f"granted by {member(7)}", Doer("after an action of alice (member, own page)", 7)),
        ("reconcile: vanished", Doer("found when everything was read from Stripe")),
        ("join", Doer("the join page")),
        ("evt_1", Doer("Invoice paid")),
        ("evt_2", Doer("news")),
        ("unknown", Doer("")),
        (None, Doer("")),
    ],
)
def test_what_a_line_follows_from_is_said_in_words(cause: str | None, said_as: Doer) -> None:
    assert doer(cause, NAMES, {"evt_1": "invoice.paid"}) == said_as


def test_staff_of_the_forum_are_named_as_the_forum_named_them() -> None:
    assert doer("carl", {}, action="removed_by_others").words == "carl (on the forum)"


def test_each_type_of_event_that_is_routed_has_words() -> None:
    types = [*handlers.ROUTES, *(f"discourse.{one}" for one in handlers.FORUM_ROUTES)]
    missing = {one for one in types if one.removeprefix("v1.") not in EVENTS}
    assert missing == set()
    assert event_words("v1.moon.full_seen") == "V1: moon: full seen"


def test_each_status_of_something_bought_has_words() -> None:
    assert set(judge.STATUSES) <= set(STATUSES)
    assert not any("_" in words for words in STATUSES.values())
    assert status_words("moon_phase") == "moon phase"


def test_each_reason_of_a_dispute_is_a_sentence() -> None:
    assert all(words.endswith(".") for words in _DISPUTES.values())
    assert dispute_words("fraudulent") == "The member says that it was not them."
    assert dispute_words("moon_phase") == "The bank’s reason: moon phase."


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("staff", "Let back in"),
        ("left", "Let back in"),
        ("no_rule", "Let a held membership end"),
        ("rule_halted", "Let a held membership end"),
    ],
)
def test_A48_letting_a_held_membership_end_is_not_letting_somebody_back_in(
    outcome: str, words: str
) -> None:
    assert line_words(Change(id=1, at=AT, action="lifted", outcome=outcome)) == words


@pytest.mark.parametrize("action", ["unwanted", "confirmed", "removed", "intent_remove"])
def test_A48_a_removal_that_a_moderator_decided_says_so(action: str) -> None:
    let_go = WantedMembership(3, wanted=False, reason="active")
    code = why(let_go, ())
    line = Change(id=1, at=AT, action=action, outcome=code, detail={"why": code})
    assert said(line).words == "A moderator let it end"
    assert why(WantedMembership(3, wanted=False), ()) is None
