"""The statement, as data."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from bridge.core.ledger.amounts import Total
from bridge.core.ledger.lines import GiftLine, MoneyLine
from bridge.core.memberships.decision import WantedMembership
from bridge.core.memberships.member import Membership
from bridge.core.memberships.state import State
from bridge.core.model.reasons import Hold, Reason
from bridge.core.model.rights import NO_GROUP, Grant
from bridge.core.model.stripe import PendingPayment, Price, Product
from bridge.core.rules.compiled import Rule, Rules
from bridge.core.telling.places import Cause, GroupName, Place
from bridge.core.telling.statement import (
    Links,
    NextPayment,
    Statement,
    StatementInput,
    build,
    fold,
    name_prices,
)
from tests.unit.core.stored import memberships

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
GROUPS = {
    7: GroupName("Patrons", "https://forum.example/g/patrons"),
    8: GroupName("Supporters", "https://forum.example/g/supporters"),
    9: GroupName("Founders", "https://forum.example/g/founders"),
}


def grant(group_id: int = 7, **fields: Any) -> Grant:
    known: dict[str, Any] = {
        "group_id": group_id,
        "source": "subscription",
        "source_id": "sub_1",
        "rule_id": "price:price_1",
        "holds": True,
        "reason": Reason.ACTIVE,
        "from_at": datetime(2026, 3, 3, tzinfo=UTC),
        "until_at": datetime(2027, 3, 3, tzinfo=UTC),
        "product_id": "prod_1",
        "price_id": "price_1",
    }
    return Grant(**{**known, **fields})


def given_with(*grants: Grant, **fields: Any) -> StatementInput:
    known: dict[str, Any] = {
        "as_of": NOW,
        "links": Links("https://bridge.example/me"),
        "groups": GROUPS,
        "whats": {"price_1": "yearly membership"},
        "memberships": memberships(grants, fields.pop("member_of", None), fields.pop("held", None)),
    }
    return StatementInput(grants=grants, **{**known, **fields})


def rightful(statement: Statement) -> list[Place]:
    return [place for place in statement.places if place.state in {State.IN, State.ARRIVING}]


def notices(statement: Statement) -> list[Place]:
    return [place for place in statement.places if place.state not in {State.IN, State.ARRIVING}]


def cause_of(place: Place) -> Cause:
    assert place.cause
    return place.cause


def paid(key: str, at: datetime, amount_minor: int = 2500, currency: str = "eur") -> MoneyLine:
    return MoneyLine(key, "cus_1", "paid", at, amount_minor, currency, "Membership")


def test_a_group_stands_with_since_until_and_why() -> None:
    (standing,) = rightful(build(given_with(grant())))

    assert [group.name for group in standing.groups] == ["Patrons"]
    assert cause_of(standing).since_at == datetime(2026, 3, 3, tzinfo=UTC)
    assert cause_of(standing).until_at == datetime(2027, 3, 3, tzinfo=UTC)
    assert cause_of(standing).what == "yearly membership"
    assert not cause_of(standing).is_for_now
    assert not cause_of(standing).says_until
    assert standing.state == State.IN


def test_groups_of_one_subscription_stand_together() -> None:
    (standing,) = rightful(build(given_with(grant(8), grant(7))))

    assert [group.name for group in standing.groups] == ["Patrons", "Supporters"]


def test_of_several_grants_the_one_that_lasts_longest_tells_until_when() -> None:
    short = grant(source_id="sub_2", until_at=datetime(2026, 12, 1, tzinfo=UTC))
    for_life = grant(source_id="buy_1", source="purchase", reason=Reason.BOUGHT, until_at=None)

    assert cause_of(build(given_with(short, grant())).places[0]).grant.source_id == "sub_1"
    assert cause_of(build(given_with(for_life, grant())).places[0]).until_at is None


def test_of_a_ladder_only_the_step_that_the_member_stands_on_is_shown() -> None:
    low = grant(8, ladder="level", rank=1)
    high = grant(7, source_id="sub_2", ladder="level", rank=2)
    lost = grant(9, source_id="sub_3", ladder="level", rank=3, holds=False, reason=Reason.CANCELED)

    statement = build(given_with(low, high, lost, member_of={7}))

    assert [standing.groups[0].name for standing in rightful(statement)] == ["Patrons"]
    assert notices(statement) == []


def test_a_group_that_is_due_but_not_yet_so_is_told_apart() -> None:
    statement = build(given_with(grant(7), grant(8), member_of=frozenset({7})))

    assert [(standing.groups[0].name, standing.state) for standing in rightful(statement)] == [
        ("Patrons", State.IN),
        ("Supporters", State.ARRIVING),
    ]


def test_A58_a_failed_payment_comes_first_and_says_that_paying_helps() -> None:
    failing = grant(
        8,
        source_id="sub_9",
        reason=Reason.GRACE,
        from_at=NOW,
        because_at=NOW,
        until_at=NOW + timedelta(days=7),
    )

    first, second = rightful(build(given_with(grant(), failing)))

    assert first.groups[0].name == "Supporters"
    assert (cause_of(first).can_pay, cause_of(first).says_until, cause_of(first).is_for_now) == (
        True,
        True,
        True,
    )
    assert not cause_of(second).can_pay


def test_a_group_that_nothing_gives_any_more_is_named_with_the_latest_reason() -> None:
    older = grant(holds=False, reason=Reason.CANCELED, because_at=NOW - timedelta(days=400))
    newer = grant(holds=False, reason=Reason.UNPAID, because_at=NOW, source_id="sub_2")

    (notice,) = notices(build(given_with(newer, older)))

    assert notice.groups == (GROUPS[7],)
    assert notice.cause is not None
    assert notice.cause.grant.reason == Reason.UNPAID
    assert notice.cause.can_pay


def test_a_group_that_something_else_still_gives_is_not_named_as_lost() -> None:
    ended = grant(holds=False, reason=Reason.CANCELED, because_at=NOW, source_id="sub_2")

    assert notices(build(given_with(ended, grant()))) == []


def test_a_group_that_is_held_as_it_is_is_told_once_with_the_reason() -> None:
    ended = grant(holds=False, reason=Reason.CANCELED, because_at=NOW)

    statement = build(given_with(ended, held={7: Hold.VANISHED, 99: Hold.VANISHED}))

    (held,) = statement.places
    assert (held.groups, held.state) == ((GROUPS[7],), State.HELD_IN)
    assert held.held == "Stripe no longer lists your subscription. A moderator has been asked."
    assert statement.has_place


def test_E59_somebody_whom_staff_took_out_is_not_about_to_be_in() -> None:
    statement = build(given_with(grant(), member_of=frozenset(), held={7: Hold.STAFF}))

    (out,) = statement.places
    assert (out.groups, out.state) == ((GROUPS[7],), State.HELD_OUT)
    assert out.held == "A moderator removed you."
    assert not statement.has_place


def test_somebody_who_is_in_a_group_that_is_held_is_told_so_once() -> None:
    (place,) = build(given_with(grant(), member_of={7}, held={7: Hold.USER_GONE})).places

    assert place.state == State.HELD_IN


def test_A144_somebody_who_was_added_by_others_is_in_whatever_became_of_a_purchase() -> None:
    ended = grant(holds=False, reason=Reason.CANCELED, because_at=NOW)
    there = {7: replace(memberships([], {7})[7], owned="no")}

    (place,) = build(given_with(ended, memberships=there)).places

    assert place.state == State.IN_BY_OTHERS
    assert cause_of(place).grant.reason == Reason.CANCELED


def test_A144_who_gives_way_on_a_ladder_is_in_the_old_step_until_the_new_one_is_there() -> None:
    low, high = grant(8, ladder="l", rank=1), grant(7, source_id="sub_2", ladder="l", rank=2)
    wanted = WantedMembership(8, ladder="l", unwanted_at=NOW, swap_to=7)
    there = {8: Membership(membership=wanted, actual=True, owned="proven")}

    arriving, leaving = build(given_with(low, high, memberships=there)).places

    assert (arriving.state, leaving.state) == (State.ARRIVING, State.LEAVING)
    assert leaving.gives_way_to == GROUPS[7]


def test_A34_something_bought_that_leads_nowhere_is_told_without_a_group() -> None:
    (notice,) = notices(build(given_with(grant(NO_GROUP, holds=False, reason=Reason.NO_RULE))))

    assert notice.groups == ()
    assert notice.cause is not None
    assert notice.cause.grant.reason == Reason.NO_RULE


def test_A34_a_membership_that_is_held_for_want_of_a_rule_says_so_once() -> None:
    unmapped = grant(NO_GROUP, holds=False, reason=Reason.NO_RULE)
    held = WantedMembership(7, wanted=True, sources=("sub_1",), hold=Reason.NO_RULE)
    there = {7: Membership(membership=held, actual=True, owned="proven")}

    (notice,) = notices(build(given_with(unmapped, memberships=there)))

    assert (notice.groups, notice.state) == ((GROUPS[7],), State.HELD_IN)


def test_a_group_without_a_name_is_left_out() -> None:
    statement = build(given_with(grant(99), grant(98, holds=False, reason=Reason.CANCELED)))

    assert statement.places == ()


def test_A31_what_is_pending_comes_in_order_on_the_days_of_the_members_zone() -> None:
    at = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    late = PendingPayment("in_2", "Patron", 1200, "eur", at)
    soon = replace(late, id="in_1", at=at - timedelta(days=1))

    found = build(given_with(pending=(late, soon), zone=ZoneInfo("Europe/Berlin"))).pending

    assert [(one.id, one.at.day) for one in found] == [("in_1", 20), ("in_2", 21)]


def test_E2_a_first_payment_that_is_pending_has_not_failed() -> None:
    waits, failed = (
        build(given_with(grant(holds=False, reason=reason))).places[0].cause
        for reason in (Reason.INCOMPLETE, Reason.UNPAID)
    )

    assert waits
    assert failed
    assert (waits.has_failed, failed.has_failed) == (False, True)


def test_next_payments_come_in_order() -> None:
    late, soon = (NextPayment(f"sub_{days}", NOW + timedelta(days=days)) for days in (30, 3))

    assert build(given_with(next_payments=(late, soon))).next_payments == (soon, late)


def test_A96_years_and_lines_are_newest_first_and_a_refund_is_a_line_of_its_own() -> None:
    first = paid("in_1", datetime(2025, 5, 1, tzinfo=UTC))
    second = paid("in_2", datetime(2026, 5, 1, tzinfo=UTC))
    back = replace(second, id="re_1", kind="refunded", amount_minor=-500, at=NOW)

    statement = build(given_with(money=[first, back, second]))

    assert [(year.year, [line.id for line in year.lines]) for year in statement.years] == [
        (2026, ["re_1", "in_2"]),
        (2025, ["in_1"]),
    ]
    assert statement.years[0].totals == (Total("EUR", 2500, -500),)
    assert statement.totals == (Total("EUR", 5000, -500),)


def test_a_payment_belongs_to_the_day_and_year_of_the_members_zone() -> None:
    new_year = paid("in_1", datetime(2025, 12, 31, 23, 30, tzinfo=UTC))

    (year,) = build(given_with(money=[new_year], zone=ZoneInfo("Europe/Berlin"))).years

    assert (year.year, year.lines[0].at.day) == (2026, 1)


def test_the_end_of_a_right_is_told_as_a_day_of_the_members_zone() -> None:
    ends = grant(until_at=datetime(2027, 3, 2, 23, 30, tzinfo=UTC))

    (standing,) = rightful(build(given_with(ends, zone=ZoneInfo("Europe/Berlin"))))

    until_at = cause_of(standing).until_at
    assert until_at is not None
    assert until_at.day == 3


def test_only_the_as_of_time_depends_on_the_clock() -> None:
    given_now = given_with(grant(), money=[paid("in_1", NOW)])
    later = replace(given_now, as_of=NOW + timedelta(days=500))

    assert replace(build(later), as_of=NOW) == build(given_now)


def test_folding_keeps_the_newest_lines_and_every_total() -> None:
    money = [paid(f"in_{i}", NOW - timedelta(days=30 * i)) for i in range(40)]
    whole = build(given_with(money=money))

    short = fold(whole, 15)

    assert sum(len(year.lines) for year in short.years) == 15
    assert short.years[0].lines == whole.years[0].lines
    assert [year.hidden for year in short.years] == [0, 9, 12, 4]
    assert [year.totals for year in short.years] == [year.totals for year in whole.years]
    assert [year.hidden for year in fold(short, 5).years] == [6, 13, 12, 4]


@given(
    st.permutations([grant(7), grant(8, source_id="sub_2"), grant(9, holds=False, reason="paused")])
)
def test_the_order_in_which_grants_are_read_changes_nothing(grants: list[Grant]) -> None:
    expected = build(
        given_with(grant(7), grant(8, source_id="sub_2"), grant(9, holds=False, reason="paused"))
    )

    assert build(given_with(*grants)) == expected


def test_what_was_bought_is_named_by_its_rule_and_price() -> None:
    price = Price("price_1", "prod_1", "eur", 2500, "year")
    rules = Rules(by_price={"price_1": Rule(id="price:price_1", kind="donation")})
    hand = grant(price_id=None, product_id=None, source="hand")
    unknown = grant(price_id="price_2")
    once = grant(price_id="price_3", product_id="prod_3")
    prices = {"price_1": price, "price_3": Price("price_3", "prod_3", "eur", 900)}

    products = {"prod_3": Product("prod_3", "Three-month pass")}
    assert name_prices([grant(), hand, unknown, once], rules, prices, products) == {
        "price_1": "yearly donation",
        "price_2": "membership",
        "price_3": "Three-month pass",
    }


def test_a_seat_goes_by_its_products_name() -> None:
    seat = grant(share="seat")
    prices = {"price_1": Price("price_1", "prod_1", "eur", 2500, "year")}
    whats = name_prices([seat], Rules(), prices, {"prod_1": Product("prod_1", "Workshop team")})
    assert cause_of(build(given_with(seat, whats=whats)).places[0]).what == "Workshop team"
    assert cause_of(build(given_with(grant(), whats=whats)).places[0]).what == "yearly membership"


def test_E52_gifts_stand_among_the_lines_and_in_no_total_and_fold_with_them() -> None:
    paid = MoneyLine("in_1", "cus_1", "paid", NOW, 1000, "eur", "Gold")
    gave = GiftLine("in_1:gift#1", "gift_given", NOW, 1000, "eur", person="bob", what="Gold")
    got = replace(gave, id="in_2:gift#2", kind="gift_received", at=NOW - timedelta(days=400))
    made = build(given_with(money=(paid,), gifts=(got, gave)))
    assert [line.id for line in made.years[0].lines] == ["in_1:gift#1", "in_1"]
    assert made.totals == made.years[0].totals == (Total("EUR", 1000, 0),)
    assert (made.years[1].lines, made.years[1].totals) == ((got,), ())
    folded = fold(made, 1)
    assert [(len(year.lines), year.hidden) for year in folded.years] == [(1, 1), (0, 1)]
