"""Wrong and forged input in the console is refused in words and changes nothing."""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import func, select

from bridge.answers.worklists.lists import WORKLISTS
from bridge.core.model.people import LARGEST_ID
from bridge.store import catalogue
from bridge.store.schema.forum import changes
from bridge.web.moderate.act import Act
from bridge.web.moderate.acts import ACTS
from bridge.web.moderate.list_acts import LIST_ACTS
from tests.harness import POLICY, System, system
from tests.system.acts import give_guests, moderator, words

SITE = replace(POLICY, refunds=True)
TEMPLATES = Path(__file__).parents[2] / "templates" / "html" / "moderate"
LONG = "x" * 10_000
TOO_LARGE = str(LARGEST_ID + 1)
HOSTILE = (
    "<script>alert(1)</script>",
    "\x00",
    "'; DROP TABLE users; --",
    "-1",
    "9" * 40,
    TOO_LARGE,
    f"{TOO_LARGE}:{TOO_LARGE}",
    f"1:{TOO_LARGE}",
    f"2027-01-01|{TOO_LARGE}",
    LONG,
)
WITH_REASON = [
    *(("person", one) for one in ACTS.values() if "reason" in one.fields),
    *(("list", one) for one in LIST_ACTS.values() if "reason" in one.fields),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Alice and bob pay and have been given something; mia is the first of many moderators."""
    with system(tmp_path_factory.mktemp("bad"), policy=SITE, per_minute=5000) as it:
        price = it.price("supporters")
        for name in ("alice", "bob"):
            it.subscribe(it.customer(name), price)
        give_guests(it, "alice", "bob")
        yield it


def path_of(world: System, kind: str, act: Act) -> str:
    if kind == "person":
        return f"/moderate/person/{world.user('alice')}/{act.name}"
    return f"/moderate/act/{act.name}"


def lines(world: System) -> int:
    with world.bridge.store.read() as connection:
        return connection.scalar(select(func.count()).select_from(changes)) or 0


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("", "Please fill in: Reason."),
        ("   ", "Please fill in: Reason."),
        (LONG, "The reason has 10000 characters"),
        ("x" * 201, "The reason has 201 characters: use 200 at most"),
        ("a\x07bell", "control characters"),
    ],
    ids=["empty", "blank", "10000", "201", "bell"],
)
def test_a_reason_that_is_empty_or_too_long_is_refused_on_every_act_that_takes_one(
    app: Flask, world: System, reason: str, says: str
) -> None:
    client, before = moderator(app, world, "mia"), lines(world)
    assert len(WITH_REASON) >= 9
    for kind, act in WITH_REASON:
        fields = dict.fromkeys(act.fields, "1") | {"reason": reason}
        answer = client.post(path_of(world, kind, act), data=fields)
        assert answer.status_code == 400, act.name
        assert says in answer.text, act.name
        assert "reviewed" not in answer.text, "there is nothing to confirm"
    assert lines(world) == before


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"what": ""}, "Please fill in: What it was for."),
        ({"what": "x" * 201}, "The purpose has 201 characters: use 200 at most."),
        ({"amount": "0"}, "The amount is zero: give the group without a payment instead."),
        ({"amount": "-5", "group": "supporters"}, "take the grant back instead."),
        ({"method": "x" * 2001}, "“How it was paid” has 2001 characters"),
    ],
    ids=["no purpose", "long purpose", "nothing", "refund", "long field"],
)
def test_a_payment_that_cannot_be_is_refused_without_a_word_of_the_command_line(
    app: Flask, world: System, wrong: dict[str, str], says: str
) -> None:
    fields = {"amount": "5", "currency": "eur", "method": "cash", "what": "A fee"} | wrong
    path = f"/moderate/person/{world.user('alice')}/record-payment"
    answer = moderator(app, world, "mia").post(path, data=fields)
    assert (answer.status_code, says in answer.text) == (400, True), answer.text
    assert "bridge " not in answer.text.partition('role="alert"')[2].partition("</p>")[0]


def test_a_payment_by_hand_is_taken_as_people_type_it_and_shown_as_they_read_it(
    app: Flask, world: System
) -> None:
    client = moderator(app, world, "mia")
    path = f"/moderate/person/{world.user('alice')}/record-payment"
    assert 'name="currency" value="EUR"' in client.get(path).text
    said = {"amount": "12,50 €", "currency": "EUR", "method": "cash", "what": "A fee"}
    preview = client.post(path, data=said).text
    assert "<dt>Paid</dt><dd>€12.50 in cash</dd>" in preview
    assert "<dt>Amount</dt>" not in preview


def test_a_reason_in_several_lines_is_kept_on_one(app: Flask, world: System) -> None:
    form = {"group": "guests", "until": "", "reason": "Guest of the board,\r\n until spring"}
    path = f"/moderate/person/{world.user('alice')}/grant"
    page = moderator(app, world, "mia").post(path, data=form)
    assert "Guest of the board, until spring" in page.text


def test_whatever_is_typed_into_any_field_of_any_act_is_refused_or_escaped(
    app: Flask, world: System
) -> None:
    before = lines(world)
    every = [
        *(("person", one) for one in ACTS.values()),
        *(("list", o) for o in LIST_ACTS.values()),
    ]
    for number, (kind, act) in enumerate(every):
        world.advance(61)  # the forum counts its requests by the minute
        client = moderator(app, world, f"moderator{number}")
        for hostile in HOSTILE:
            fields = dict.fromkeys(act.fields, hostile)
            for answer in (
                client.post(path_of(world, kind, act), data=fields),
                client.get(path_of(world, kind, act), query_string=fields),
            ):
                assert answer.status_code in {200, 400, 413}, (act.name, hostile[:20])
                assert "<script>" not in answer.text
    assert lines(world) == before


def test_an_address_with_an_id_that_no_database_can_hold_is_no_page_of_a_list(
    app: Flask, world: System
) -> None:
    client, moment = moderator(app, world, "mia"), quote("2027-02-28T05:08:39+00:00")
    places = (
        TOO_LARGE,
        f"{TOO_LARGE}:152",
        f"152:{TOO_LARGE}",
        f"{moment}|{TOO_LARGE}",
        f"{moment}|{TOO_LARGE}|1",
        f"{moment}|1|{TOO_LARGE}",
    )
    addresses = [
        *(
            f"lists/{n}?kind={kind}&after="
            for n, o in WORKLISTS.items()
            for kind in o.kinds or [""]
        ),
        *("members?after=", "members?group=", "log?before=", "log?line=", "log?group="),
        *("shares?after=", "steps?after="),
    ]
    for address in addresses:
        for place in places:
            answer = client.get(f"/moderate/{address}{place}")
            assert answer.status_code in {200, 400, 404}, (address, place)
    refused = client.get(f"/moderate/lists/applications?after={moment}|{TOO_LARGE}")
    assert (refused.status_code, "This page does not exist" in refused.text) == (400, True)


# --- days ---------------------------------------------------------------------------------------

DAYS = ("until", "date", "since")
WITH_DAYS = [
    *(("person", one) for one in ACTS.values() if set(DAYS) & set(one.fields)),
    *(("list", one) for one in LIST_ACTS.values() if set(DAYS) & set(one.fields)),
]


def leap_year(world: System) -> int:
    """A leap year to come, followed by a common year."""
    now = world.bridge.clock.now()
    return next(year for year in range(now.year + 1, now.year + 9) if isleap(year))


def filled_in(world: System, act: Act, day: str, of: str = "alice") -> dict[str, str]:
    """A form that could be done, but for its days."""
    with world.bridge.store.read() as connection:
        _, (price, *_) = catalogue.load(connection)
    known = {
        **ids_of(world, of),
        "group": "guests",
        "reason": "A visit",
        "which": f"{world.user(of)}:{world.group('supporters')}",
        "amount": "25.00",
        "currency": "eur",
        "method": "cash",
        "what": "A year",
        "price": price.id,
        "thing": price.id,
        "key": "grace",
        "value": "30d",
        **dict.fromkeys(DAYS, day),
    }
    return {name: known.get(name, "") for name in act.fields}


def test_a_day_that_the_calendar_does_not_have_is_refused_by_every_act_with_a_day(
    app: Flask, world: System
) -> None:
    before = lines(world)
    assert {"grant", "keep", "record-payment", "pause"} <= {one.name for _, one in WITH_DAYS}
    assert {"keep-held", "map"} <= {one.name for _, one in WITH_DAYS}
    wrong = {f"{leap_year(world) + 1}-02-29": "calendar has no day", "31.12.2099": "not a day"}
    for number, (kind, act) in enumerate(WITH_DAYS):
        client = moderator(app, world, f"day{number}")
        for day, says in wrong.items():
            form = filled_in(world, act, day)
            answer = client.post(path_of(world, kind, act), data=form)
            assert answer.status_code == 400, act.name
            assert says in answer.text, (act.name, words(answer.text))
    assert lines(world) == before


@pytest.mark.parametrize(
    "path",
    [
        "members?day=",
        "log?since=",
        "log?until=",
        "shares?day=",
        "steps?known=",
        "person/{alice}/then?day=",
    ],
)
def test_a_day_that_the_calendar_does_not_have_is_refused_by_every_filter(
    app: Flask, world: System, path: str
) -> None:
    client = moderator(app, world, "lena")
    path = path.format(alice=world.user("alice"))
    for day in (f"{leap_year(world) + 1}-02-29", "yesterday", "2027-03-31T00:00:00+05:00"):
        answer = client.get(f"/moderate/{path}{quote(day)}")
        assert answer.status_code == 400, day
        assert "This is not a day" in answer.text
    assert client.get(f"/moderate/{path}{leap_year(world)}-02-29").status_code == 200


def test_days_that_are_over_or_to_come_are_refused_where_they_make_no_sense(
    app: Flask, world: System
) -> None:
    client, now = moderator(app, world, "dana"), world.bridge.clock.now()
    before, alice = lines(world), world.user("alice")
    today, yesterday, tomorrow = (f"{now + timedelta(days=n):%Y-%m-%d}" for n in (0, -1, 1))
    for name, day, says in (
        ("grant", yesterday, "is in the past"),
        ("pause", yesterday, "past"),
        ("record-payment", tomorrow, "is in the future"),
        ("record-payment", "1900-01-01", "more than fifty years ago"),
    ):
        form = filled_in(world, ACTS[name], day) | (
            {"until": ""} if name == "record-payment" else {}
        )
        answer = client.post(f"/moderate/person/{alice}/{name}", data=form)
        assert (answer.status_code, says in answer.text) == (400, True), (name, words(answer.text))
    for name, day in (
        ("grant", today),
        ("grant", f"{leap_year(world)}-02-29"),
        ("grant", "9999-12-31"),
        ("record-payment", today),
        ("record-payment", yesterday),
    ):
        form = filled_in(world, ACTS[name], day) | (
            {"until": ""} if name == "record-payment" else {}
        )
        answer = client.post(f"/moderate/person/{alice}/{name}", data=form)
        assert answer.status_code == 200, (name, day, words(answer.text))
        assert "reviewed" in answer.text
    assert lines(world) == before


def test_a_payment_with_an_end_and_no_group_is_refused_with_what_to_choose(
    app: Flask, world: System
) -> None:
    client, before = moderator(app, world, "olga"), lines(world)
    day = f"{world.bridge.clock.now():%Y-%m-%d}"
    form = filled_in(world, ACTS["record-payment"], day) | {"until": "2099-12-31", "group": ""}
    answer = client.post(f"/moderate/person/{world.user('alice')}/record-payment", data=form)
    assert answer.status_code == 400
    assert "Choose the group that is paid for until that day." in answer.text
    assert lines(world) == before


def test_each_field_for_a_day_says_that_days_are_counted_in_utc() -> None:
    """Labels that a page makes; those of acts are checked below."""
    for file in sorted(TEMPLATES.glob("*.jinja")):
        for field in re.findall(r"<label[^<]*(?:<input[^<]*)?type=\"date\"", file.read_text()):
            assert "UTC" in field, (file.name, field)


def test_each_act_with_a_day_says_that_days_are_counted_in_utc(app: Flask, world: System) -> None:
    client = moderator(app, world, "uta")
    for kind, act in WITH_DAYS:
        form = filled_in(world, act, "")
        given = {name: form[name] for name in act.given}
        page = client.post(path_of(world, kind, act), data=given)
        fields = re.findall(
            r'<label for="f-(\w+)">([^<]*)</label>\s*<input[^>]*type="date"', page.text
        )
        assert {name for name, _ in fields} == set(DAYS) & set(act.fields), act.name
        assert all("UTC" in label for _, label in fields), act.name


# --- whose --------------------------------------------------------------------------------------


def ids_of(world: System, name: str) -> Mapping[str, str]:
    """Ids in a form about somebody: their subscription, payment, customer, grant, invoice."""
    with world.bridge.store.read() as connection:
        given = next(
            row.detail["grant"]
            for row in connection.execute(select(changes).where(changes.c.action == "granted"))
            if row.user_id == world.user(name)
        )
        customer = connection.scalar(
            select(changes.c.customer_id).where(
                changes.c.action == "linked", changes.c.user_id == world.user(name)
            )
        )
    assert customer
    (subscription,) = world.sdk.v1.subscriptions.list({"customer": customer}).data
    (invoice,) = world.sdk.v1.invoices.list({"customer": customer}).data
    return {
        "grant": str(given),
        "customer": customer,
        "subscription": subscription.id,
        "payment": str(invoice.id),
        "invoice": str(invoice.id),
        "booked": str(invoice.id),
    }


def test_I7_the_id_of_another_member_in_a_form_is_refused_by_every_act(
    app: Flask, world: System
) -> None:
    of_bob, before = ids_of(world, "bob"), lines(world)
    acts = [one for one in ACTS.values() if any(name in of_bob for name in one.fields)]
    assert {"revoke", "unlink", "refund", "cancel", "pause", "remind"} <= {o.name for o in acts}
    for number, act in enumerate(acts):
        client = moderator(app, world, f"other{number}")
        more = {"reason": "By mistake", "note": "A note", "until": "", "amount": "", "line": ""}
        fields = {name: of_bob.get(name, more.get(name, "1")) for name in act.fields}
        answer = client.post(path_of(world, "person", act), data=fields)
        assert answer.status_code in {400, 403}, (act.name, answer.text[-1500:])
        assert "reviewed" not in answer.text, act.name
    assert lines(world) == before
    assert world.members("guests") == world.members("supporters") == {"alice", "bob"}
