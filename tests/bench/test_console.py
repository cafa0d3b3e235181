"""The console's pages with a large community, on both databases, from the store alone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from bridge.answers.worklists.lists import WORKLISTS
from bridge.web import create_app
from bridge.worker import charts
from tests.bench import community
from tests.bench.report import at_most, percentile, show
from tests.databases import fresh_database, server
from tests.harness import System, system
from tests.system.acts import staff

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]
MEMBERS = int(os.environ.get("BENCH_MEMBERS", "50000"))
LINES = int(os.environ.get("BENCH_LINES", "500000"))
LOGGED = int(os.environ.get("BENCH_LOGGED", "2000000"))
TIMES = 7
ONE = community.FIRST_USER + 77


def pages(world: System, group_id: int) -> Mapping[str, str]:
    """Name -> address of each measured page."""
    now = world.bridge.clock.now()
    day, long_ago = (
        f"{now - 400 * community.DAY:%Y-%m-%d}",
        f"{now - 1400 * community.DAY:%Y-%m-%d}",
    )
    rarely = f"since={day}&until={day}&decided=yes"
    return {
        "Today": "",
        "Find: a name": f"/find?q=member{ONE}",
        "Find: the beginning of a name": "/find?q=member10",
        "Find: an id": f"/find?q=id:{ONE}",
        "Find: a customer": f"/find?q=cus_{ONE}",
        "Find: a subscription": f"/find?q=sub_{ONE}",
        "Find: an invoice": "/find?q=in_4711",
        "Find: a payment": "/find?q=pi_4711",
        "Find: a dispute": f"/find?q=dp_{community.DISPUTE_EVERY}",
        "Find: a payout": "/find?q=po_7",
        "Find: a refund": f"/find?q=re_{community.REFUND_EVERY}",
        "Find: an order": f"/find?q=cs_{ONE}",
        "Find: an id that nobody has": "/find?q=re_4711",
        "Find: an amount": "/find?q=5.55",
        "Find: the end of a card": "/find?q=0000",
        "Find: an amount on a day": f"/find?q=5.55 eur {day}",
        "Person": f"/person/{ONE}",
        "Person as it was a year ago": f"/person/{ONE}/then?day={day}",
        "Settings": "/settings",
        **{
            f"List: {one.title}": f"/lists/{name}"
            for name, one in WORKLISTS.items()
            if name != "disputes"
        },
        "List: Renewals": "/lists/ahead?kind=renewals",
        "List: Trials": "/lists/ahead?kind=trials",
        "List: Gifts": "/lists/ahead?kind=gifts",
        "Members": "/members",
        "Members: a group, by end": f"/members?group={group_id}&sort=until",
        "Members: payment failed": "/members?standing=unpaid",
        "Members: given by hand (none)": "/members?source=hand",
        "Members: a year ago": f"/members?day={day}",
        "Members: long ago, a group": f"/members?day={long_ago}&group={group_id}",
        "Log": "/log",
        "Log: a person": f"/log?person=member{ONE}",
        "Log: a moderator": "/log?by=12",
        "Log: nobody's": "/log?by=999",
        "Log: a group": f"/log?group={group_id}",
        "Log: a kind": "/log?kind=granted",
        "Log: a day": f"/log?since={day}&until={day}",
        "Log: what people did": "/log?decided=yes",
        "Log: what people did on a day": f"/log?{rarely}",
        "Log: before a day, the last page": f"/log?until={long_ago}&kind=reminded",
        "Mapping": "/mapping",
    }


def stores() -> Iterator[tuple[str, str | None]]:
    """The name of each kind of database, and where an empty one is."""
    yield "SQLite", None
    with server() as url, fresh_database(url) as database:
        yield "PostgreSQL", database


def browser_of(world: System) -> FlaskClient:
    """Of a moderator who is signed in."""
    client = create_app(world.bridge).test_client()
    mia = staff(world)
    with client.session_transaction() as session:
        session["user_id"], session["username"] = mia.id, mia.username
        session["role"] = "moderator"
        session["signed_in_at"] = world.bridge.clock.now().isoformat()
    return client


def measured(world: System) -> dict[str, list[float]]:
    """Milliseconds of each page."""
    found: dict[str, list[float]] = {}
    for name, path in pages(world, world.group("group1")).items():
        browser = browser_of(world)
        for _ in range(TIMES):
            began = time.perf_counter()
            answer = browser.get(f"/moderate{path}")
            found.setdefault(name, []).append(1000 * (time.perf_counter() - began))
            assert answer.status_code in {200, 303}, (name, answer.text[:300])
    return found


def test_the_console_of_a_large_community(tmp_path: Path) -> None:
    took: dict[str, dict[str, list[float]]] = {}
    filled: dict[str, float] = {}
    drawn: dict[str, float] = {}
    for kind, url in stores():
        with ExitStack() as open_:
            folder = tmp_path / kind
            folder.mkdir()
            world = open_.enter_context(system(folder, database_url=url, per_minute=5000))
            names = [f"group{number}" for number in range(10)]
            prices = [world.price(name) for name in names]
            product = str(world.sdk.v1.prices.retrieve(prices[0]).product)
            world.settle()
            began = time.perf_counter()
            community.fill(
                world.bridge.store,
                (prices[0], product),
                [world.group(name) for name in names],
                world.bridge.clock.now(),
                members=MEMBERS,
                lines=LINES,
                logged=LOGGED,
            )
            filled[kind] = time.perf_counter() - began
            began = time.perf_counter()
            charts.count(world.bridge)
            drawn[kind] = time.perf_counter() - began
            took[kind] = measured(world)
    show(
        f"The console: {MEMBERS:,} members, {LINES:,} money lines, {LOGGED:,} of the log; ms",
        ("page", *(f"{kind}, {what}" for kind in took for what in ("p50", "worst"))),
        [
            (name, *(number for one in took.values() for number in _figures(one[name])))
            for name in took["SQLite"]
        ],
    )
    show(
        "In the background, seconds",
        ("database", "filling the store", "counting the charts for the first time"),
        [(kind, filled[kind], drawn[kind]) for kind in filled],
    )
    for kind, pages_ in took.items():
        finds = max(percentile(one, 50) for name, one in pages_.items() if name.startswith("Find"))
        at_most(f"console's search, {kind}, p50 of the slowest", finds, 300, "ms")
        all_ = max(percentile(one, 50) for one in pages_.values())
        at_most(f"console's pages, {kind}, p50 of the slowest", all_, 300, "ms")


def _figures(some: list[float]) -> tuple[str, str]:
    return f"{percentile(some, 50):.0f}", f"{max(some):.0f}"
