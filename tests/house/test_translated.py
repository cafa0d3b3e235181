"""What the core tells, in a language whose letters are all dots: no English is left over."""

from __future__ import annotations

import importlib
import re
import sys
from calendar import month_abbr, month_name
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from gettext import NullTranslations
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from jinja2 import Environment

from bridge import texts
from bridge.core.ledger.lines import MoneyLine, MoneyPart
from bridge.core.ledger.references import BankTransfer
from bridge.core.memberships.decision import WantedMembership
from bridge.core.memberships.effects import Effect
from bridge.core.memberships.member import Membership
from bridge.core.memberships.record import Line, Recorded, Stay
from bridge.core.memberships.state import State
from bridge.core.model.alerts import Kind
from bridge.core.model.reasons import Hold, Reason
from bridge.core.model.rights import Grant
from bridge.core.model.stripe import PendingPayment, Price
from bridge.core.rules.law import Catalogue, Law
from bridge.core.telling.contributions import Contributions, Donated, Shares
from bridge.core.telling.places import GroupName
from bridge.core.telling.reasons import FOR_NOW
from bridge.core.telling.statement import Links, NextChange, NextPayment, StatementInput
from bridge.filters import TEMPLATES
from tests.unit.core.shop import DAY, MEMBERS, NOW, POLICY, hand, only, rules_of

TELLING = Path(importlib.import_module("bridge.core.telling").__path__[0])
NAMES = (
    *(f"bridge.core.telling.{path.stem}" for path in sorted(TELLING.glob("[!_]*.py"))),
    *("bridge.filters", "bridge.render", "bridge.web.pages"),
)
"""Modules whose tables take their texts from the catalogue while they are loaded."""
LETTERS = re.compile(r"%\(\w+\)s|%s|<[^>]*>|[A-Za-z]")
MONTHS = "|".join((*month_name[1:], *month_abbr[1:]))
NO_TEXT = re.compile(
    rf"%\(\w+\)s|\w+_\w+|\d+ ({MONTHS})\b|(?<=[\d·*]) and (?=[\d·*])|<[^>]*>|\]\([^)]*\)"
    r"|\[\W?(date|details)[^]]*\]"
)
"""Ids, days and lists (which Babel writes), and marks of HTML and of the forum."""


def dotted(text: str) -> str:
    """The translation of a text: its places and tags stay."""
    return LETTERS.sub(lambda found: found[0] if len(found[0]) > 1 else "·", text)


class Dots(NullTranslations):
    """A catalogue that translates everything."""

    def gettext(self, message: str) -> str:
        return dotted(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return dotted(msgid1 if n == 1 else msgid2)


def english(text: str) -> list[str]:
    """The words of a text that were not translated."""
    return re.findall(r"[A-Za-z]{2,}", NO_TEXT.sub("", text))


@pytest.fixture(scope="module")
def told() -> Iterator[Mapping[str, ModuleType]]:
    """The modules that tell, loaded anew with this catalogue; whoever knows them keeps the old."""
    before = {name: importlib.import_module(name) for name in NAMES}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts._SOURCE, "_fallback", Dots())
        for name in NAMES:
            del sys.modules[name]
        yield {name.rpartition(".")[2]: importlib.import_module(name) for name in NAMES}
    sys.modules.update(before)
    for name, module in before.items():
        package, _, own = name.rpartition(".")
        setattr(sys.modules[package], own, module)


def tables(value: object) -> Iterator[str]:
    """The texts in a table, at whatever depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from tables(one)
    elif isinstance(value, tuple | list):
        for one in value:
            yield from tables(one)


def test_words_that_are_not_translated_are_found() -> None:
    assert english("···· sub_1, 3 March 2027 <b>·</b>") == []
    assert english("···· the rest of sub_1") == ["the", "rest", "of"]
    assert dotted("Your %(what)s is <b>active</b>.") == "···· %(what)s ·· <b>······</b>."


def test_each_table_of_texts_is_translated(told: Mapping[str, ModuleType]) -> None:
    known = set(told["words"]._BRANDS.values())
    left = {
        f"{name}.{own}: {text}"
        for name, module in told.items()
        for own, value in vars(module).items()
        if not own.startswith("__")
        for text in tables(value)
        if " " in text and text not in known and english(text)
    }
    assert left == set()


# --- what is made of them -------------------------------------------------------------------------

YEARLY = Price("price_1", "prod_1", "eur", 5000, "year")
BI_WEEKLY = replace(YEARLY, interval="week", interval_count=2)
GRANT = replace(only(hand(NOW + DAY)), because_at=NOW, price_id="price_1", source_id="sub_1")


def grants() -> list[Grant]:
    """One for each reason, and for each way to have a share in it."""
    own = [replace(GRANT, reason=reason, holds=reason in FOR_NOW) for reason in Reason]
    return [
        *own,
        *(replace(one, share="gift") for one in own),
        *(replace(one, share="seat") for one in own),
    ]


@pytest.mark.parametrize("price", [YEARLY, BI_WEEKLY, None])
def test_each_reason_is_translated_with_what_was_bought(
    told: Mapping[str, ModuleType], price: Price | None
) -> None:
    reasons = told["reasons"]
    what = reasons.what_was_bought("share", price)
    assert {word for one in grants() for word in english(reasons.sentence(one, what))} == set()
    undated = replace(GRANT, because_at=None, reason=Reason.CANCELED)
    assert english(reasons.sentence(undated, what)) == []


def member_of(membership: Membership, *found: Grant) -> StatementInput:
    return StatementInput(
        as_of=NOW,
        links=Links("/"),
        grants=found,
        groups={MEMBERS: GroupName("43")},
        whats={"price_1": "8"},
        memberships={MEMBERS: membership},
    )


OUT = Membership(membership=WantedMembership(MEMBERS))
IN = replace(OUT, actual=True)


@pytest.mark.parametrize("membership", [IN, OUT, replace(IN, override="left")])
def test_what_doors_are_told_is_translated(
    told: Mapping[str, ModuleType], membership: Membership
) -> None:
    standing = told["standing"]
    known = [member_of(membership, one) for one in grants()]
    for one in (member_of(membership), *known):
        (found,) = standing.group_standings(one, [MEMBERS])
        assert english(found.reason) == []
    nobody = standing.Standing(7, None, NOW, (), {})
    assert english(nobody.as_json()["reason"]) == []


def explained(told: Mapping[str, ModuleType], membership: Membership) -> Any:
    """A group with every verdict, and what everybody and everything has done about it."""
    law = Law(POLICY, rules_of(), Catalogue())
    case = told["proof"].Case(tuple(grants()), tuple(grants()), law, {MEMBERS: "43"})
    line = Line(1, NOW, "wanted", 7, MEMBERS, "clock", "r_1", "active")
    recorded = Recorded(user_id=7, membership=membership, decided=line, moved=line)
    explanation = told["explanation"]
    stays = [Stay(MEMBERS, NOW - DAY, None, line, None)]
    return explanation.explain_group(
        case, recorded, stays, explanation.Behind({}, {}), NOW - timedelta(days=30)
    )


def test_what_will_come_is_translated(told: Mapping[str, ModuleType]) -> None:
    group = explained(told, IN)
    ends = replace(group.verdicts[0], holds=True, counts=True, changes_at=NOW, until=NOW)
    last = replace(ends, until=None, renews_at=NOW)
    only_ends = replace(ends, changes_at=None)
    waits = replace(ends, holds=False, reason=Reason.HAND_WAITS)
    found = told["explanation"].coming([ends, last, only_ends, waits], NOW - DAY)
    assert len(found) == 5
    assert [english(one.words) for one in found] == [[]] * 5


@pytest.mark.parametrize("hold", [*Hold, "of another version"])
def test_each_hold_in_a_preview_is_translated(told: Mapping[str, ModuleType], hold: str) -> None:
    effect = Effect(1, 2, "43", "stays in", hold, hold=hold)
    assert english(told["holds"].to_come(effect)) == []


@pytest.mark.parametrize("account", ["suspended", "staged", "gone"])
def test_an_account_that_nothing_is_sent_for_is_translated(
    told: Mapping[str, ModuleType], account: str
) -> None:
    effect = Effect(1, 2, "43", "stays out", "active", account=account)
    assert english(told["holds"].to_come(effect)) == []


@pytest.mark.parametrize("hold", [*Hold, "of another version"])
def test_each_hold_and_what_resolves_it_is_translated(
    told: Mapping[str, ModuleType], hold: str
) -> None:
    holds = told["holds"]
    for words in (holds.for_member, holds.for_moderator, holds.remedy):
        assert english(re.sub("`[^`]*`", "", words(hold))) == [], "commands are as they are"


def test_what_a_change_waits_for_is_translated(told: Mapping[str, ModuleType]) -> None:
    waits = told["waits"]
    stopped = {"removals_stopped_at": NOW, "removals_next_at": NOW + DAY}
    group = replace(waits.Group("43", is_missing=False), error="503", next_at=NOW, **stopped)
    calm = waits.Surroundings("active", 60, None, None, waits.Group("43", is_missing=False), None)
    busy = waits.Surroundings("suspended", 60, NOW, "503", group, NOW)
    slow = replace(busy, failed=None, group=replace(group, removals_stopped_at=None))
    gone = replace(calm, group=replace(group, is_missing=True))
    leaves = replace(IN, owned="claimed", intent="remove", intent_at=NOW)
    unwanted = replace(leaves.membership, unwanted_at=NOW)
    arrives = replace(OUT, membership=replace(OUT.membership, wanted=True))
    rows = (
        arrives,
        replace(leaves, membership=unwanted),
        replace(leaves, membership=replace(unwanted, swap_to=44)),
        replace(arrives, override="left", membership=replace(arrives.membership, hold="vanished")),
        IN,
        replace(IN, added_by="bridge"),
    )
    found = [
        one
        for row in rows
        for one in (
            *waits.kept_back(row),
            *(
                one
                for around in (calm, busy, slow, gone)
                for one in waits.on_the_way(row, around, NOW)
            ),
        )
    ]
    assert {one.for_ for one in found} == {
        *("account", "alert", "confirm", "forum", "group", "hold", "limit", "not_ours"),
        *("not_recorded", "override", "pace", "reading", "request", "sent", "swap", "whose"),
    }
    assert {one.words for one in found if english(re.sub("`[^`]*`", "", one.words))} == set()


@pytest.mark.parametrize("kind", Kind)
def test_each_alert_is_translated(told: Mapping[str, ModuleType], kind: Kind) -> None:
    facts = {"count": 3, "seconds": 90, "user_id": 7}
    alert = told["alerts"].Alert(kind, "9", NOW, NOW, facts)
    shown = (alert.what, alert.todo, alert.place.words if alert.place else "")
    assert [english(one) for one in shown] == [[]] * 3


@pytest.fixture(scope="module")
def pages(told: Mapping[str, ModuleType]) -> Environment:
    app = Flask(__name__, template_folder=str(TEMPLATES / "html"))
    told["pages"].teach(app)
    app.jinja_env.globals["url_for"] = lambda *_args, **_named: "/"
    return app.jinja_env


@pytest.mark.parametrize("membership", [IN, OUT, replace(IN, override="left")])
def test_the_page_of_why_is_translated(
    told: Mapping[str, ModuleType], pages: Environment, membership: Membership
) -> None:
    explanation = told["explanation"].Explanation(
        user_id=7,
        username="5",
        at=NOW,
        is_now=False,
        as_known_then=True,
        read_at=NOW,
        customers=(told["explanation"].Linked("cus_1", None, NOW, None, None),),
        without_group=(),
        happened=(),
        groups=(explained(told, membership),),
    )
    page = pages.get_template("moderate/then.jinja")
    context = page.new_context(
        {
            "told": explanation,
            "name": "5",
            "day": "2026-03-20",
            "turns": (NOW.date(),),
            "states": told["places"].STATE_WORDS,
            "locale": "en-GB",
        }
    )
    shown = "".join(page.blocks["page"](context))
    assert shown.count("<li") == 2
    assert english(shown) == []


@pytest.mark.parametrize("state", State)
def test_each_sentence_on_a_place_is_translated(
    told: Mapping[str, ModuleType], pages: Environment, state: State
) -> None:
    places, name = told["places"], told["places"].GroupName("43")
    causes = [None] if state.is_held else [places.Cause(one, "8") for one in grants()]
    shown = pages.from_string("{{ place | place }}")
    for cause in causes:
        place = places.Place(groups=(name,), state=state, cause=cause, held="9")
        assert english(shown.render(place=place)) == []


def everything() -> StatementInput:
    """All that a statement can have; names are digits."""
    kinds: list[dict[str, Any]] = [
        {"method": "cash", "receipt_number": "9", "parts": (MoneyPart("8", 2), MoneyPart("9", 3))},
        {"kind": "refunded", "discount_minor": 5, "from_credit_minor": 2},
        {"kind": "disputed", "method": "bank", "from_credit_minor": 500},
        {"kind": "credited"},
    ]
    lines = [
        replace(MoneyLine(f"in_{n}", "cus_1", "paid", NOW - 300 * n * DAY, 500, "eur", "8"), **kind)
        for n, kind in enumerate(kinds)
    ]
    payments = [(minor, what) for minor in (5, None) for what in ("8", "")]
    return replace(
        member_of(IN, *grants()),
        links=Links("https://9/", "https://9/", "https://9/", "https://9/"),
        next_payments=tuple(NextPayment("sub_1", NOW, one, "eur", what) for one, what in payments),
        next_changes=(NextChange("sub_1", NOW, "8", "9"),),
        pending=(PendingPayment("in_1", "8", 500, "eur", NOW),),
        unpaid=(PendingPayment("in_2", "", 500, "eur", NOW, next_try_at=NOW),),
        contributions=Contributions(
            (Shares(2, "share"), Shares(1, "supporter_share")), (Donated(500, "eur", "9"),)
        ),
        money=lines,
        funds={"in_0": ("9", "8")},
        ledger_code="9",
        transfer=BankTransfer("9", "9"),
    )


def test_each_message_to_a_member_is_translated(told: Mapping[str, ModuleType]) -> None:
    render, build, given = told["render"], told["statement"].build, everything()
    nothing = replace(member_of(OUT), links=given.links)
    seated = member_of(IN, replace(GRANT, share="seat", reason=Reason.ACTIVE))
    keys = [f"receipt:{line.id}" for line in given.money]
    keys += ["unpaid:in_2", "reminder:in_2", "statement", "grace_over:sub_1"]
    keys += ["declined", "approved"]
    messages = [
        *render.statement_markdown(build(given)),
        *render.statement_markdown(told["statement"].fold(build(given), 2)),
        *render.statement_markdown(build(nothing)),
        *render.answers_markdown(keys, given).values(),
        *(render.present_markdown("sub_1", giver, "9", given) for giver in ("8", None)),
        *(render.seat_markdown("sub_1", giver, seated) for giver in ("8", None)),
    ]
    assert len(messages) > 15
    for one in messages:
        assert english(one) == [], one
