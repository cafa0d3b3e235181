"""What somebody may type or tamper with in the console: refused in words, and nothing changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from bridge.core.model.actor import operator
from bridge.operations import grants
from bridge.store.schema.forum import changes
from bridge.web import create_app
from bridge.web.moderate.act import Act
from bridge.web.moderate.acts import ACTS
from bridge.web.moderate.list_acts import LIST_ACTS
from tests.harness import POLICY, System, system
from tests.system.acts import confirm, staff

SITE = replace(POLICY, refunds=True)
LONG = "x" * 10_000
HOSTILE = ("<script>alert(1)</script>", "\x00", "'; DROP TABLE users; --", "-1", "9" * 40, LONG)
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
        it.group("guests")
        it.settle()
        for name in ("alice", "bob"):
            grants.grant(
                it.bridge, operator("root"), it.user(name), "guests", until_at=None, reason="Guest"
            )
        confirm(it)
        yield it


@pytest.fixture(scope="module")
def app(world: System) -> Flask:
    made = create_app(world.bridge)
    made.config["WTF_CSRF_ENABLED"] = False
    return made


def moderator(app: Flask, world: System, name: str) -> FlaskClient:
    """A moderator of this name, signed in; each may ask Stripe some times a minute."""
    person = staff(world, name)
    client = app.test_client()
    with client.session_transaction() as session:
        session["user_id"], session["username"] = person.id, name
        session["role"] = "administrator"
        session["signed_in_at"] = world.bridge.clock.now().isoformat()
    return client


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
        ("", "Please fill in"),
        ("   ", "Please fill in"),
        (LONG, "The reason has 10000 characters"),
        ("x" * 201, "The reason has 201 characters: use 200 at most"),
        ("two\nlines", "control characters"),
    ],
    ids=["empty", "blank", "10000", "201", "lines"],
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


def test_whatever_is_typed_into_any_field_of_any_act_is_refused_or_escaped(
    app: Flask, world: System
) -> None:
    before = lines(world)
    every = [
        *(("person", one) for one in ACTS.values()),
        *(("list", o) for o in LIST_ACTS.values()),
    ]
    for number, (kind, act) in enumerate(every):
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


def ids_of(world: System, name: str) -> Mapping[str, str]:
    """What a form about somebody names: their subscription, payment, customer, grant, invoice."""
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
