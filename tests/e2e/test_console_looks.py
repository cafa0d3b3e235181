"""Every page of the console, in light and dark, wide and narrow: axe-core finds nothing.

A picture of each is left in screenshots/, to be looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser

from bridge.answers.worklists.lists import WORKLISTS
from bridge.core.events.outcome import Outcome
from bridge.core.events.stripe import Event
from bridge.core.ledger.register_acts import Issue, Numbers
from bridge.core.model.actor import moderator
from bridge.core.rights.switching import Ending
from bridge.operations import grants, registers
from bridge.sandbox.discourse.membership import remove_member
from bridge.store import inbox, member, money, paid_twice
from tests.e2e.chromium import PICTURES, faults, log_in
from tests.e2e.console import MANY, open_console, user
from tests.e2e.place import Place
from tests.e2e.test_accessibility import LOOKS, look_at, pytestmark

__all__ = ["pytestmark"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_console(tmp_path_factory.mktemp("looks")) as it:
        actor = moderator(user(it, "mia"), "console")
        it.forum.users[user(it, "mia")].admin = True
        object.__setattr__(it.bridge.policy, "refunds", True)
        given = [
            grants.grant(
                it.bridge, actor, user(it, name), "guests", until_at=None, reason="A visit"
            )
            for name in MANY
        ]
        forum, now = it.forum, it.bridge.clock.now()
        shares = Issue("share", user(it, "rita"), 3, 15_000, "eur")
        registers.issue(it.bridge, actor, shares, at=now, reason="The old book")
        moved = Numbers("share", 2, 3)
        registers.transfer(it.bridge, actor, moved, user(it, "tina"), at=now, reason="Sold")
        for step in ("application", "approval"):
            registers.record_step(it.bridge, actor, user(it, "rita"), step, at=now, reason="Form")
        supporters = forum.groups[forum.group_id_by_name["supporters"]]
        ada, mia = (forum.users[user(it, name)] for name in ("ada", "mia"))
        remove_member(forum, supporters, ada, mia, it.world.clock.now())
        event = Event("evt_dead_1", "invoice.paid", "in_1", "invoice", None, now, livemode=True)
        with it.bridge.store.write() as connection:
            inbox.record(
                connection,
                event,
                source="stripe",
                payload_sha256="0" * 64,
                now=now,
                due_at=now,
                ended=Outcome("dead", "it is of live mode, and this bridge is of test mode"),
            )
            paid_twice.note(
                connection,
                user(it, "ada"),
                Ending("sub_1", "sub_2", "now", (), is_credited=True),
                now,
            )
        it.settle()
        for one in given:
            grants.revoke(it.bridge, actor, one.grant.id)
        it.settle()
        it.pass_time(61)
        it.settle()
        yield it


def pages(place: Place) -> dict[str, str]:
    """What is looked at -> where it is."""
    lars, kim = user(place, "lars"), user(place, "kim")
    with place.bridge.store.read() as connection:
        owed = member.load(connection, lars).facts.paid_by_user[0].pending[0].id
        ada = member.load(connection, user(place, "ada")).facts.paid_by_user[0]
        paid = money.last_paid(connection, user(place, "ada"), 1)[0].id
    pays = f"/person/{user(place, 'ada')}"
    held = urlencode({"which": f"{kim}:{place.forum.group_id_by_name['supporters']}"})
    return {
        "today": "",
        "find": "/find?q=nobody-of-that-name",
        "person": f"/person/{lars}",
        "person-who-pays": pays,
        "reply": f"/person/{lars}/reply",
        "act-refund": f"{pays}/refund?payment={paid}",
        "act-cancel": f"{pays}/cancel?subscription={ada.id}",
        "act-pause": f"{pays}/pause?subscription={ada.id}",
        "act-change-plan": f"{pays}/change-plan",
        "act-statement": f"{pays}/statement",
        "members": "/members",
        "mapping": "/mapping",
        "shares": "/shares",
        "steps": "/steps",
        "files": "/files",
        "money": f"/person/{user(place, 'ada')}/money",
        "log": "/log",
        "members-of-a-day": "/members?day=2024-02-29",
        "log-of-people": "/log?decided=yes",
        "settings": "/settings",
        "person-then": f"/person/{lars}/then",
        "act-grant": f"/person/{lars}/grant",
        "act-record-payment": f"/person/{lars}/record-payment",
        "act-remind": f"/person/{lars}/remind?invoice={owed}",
        "act-keep-held": f"/act/keep-held?{held}",
        "act-release": "/act/release?group=guests",
        "act-replay": "/act/replay?event=evt_dead_1",
        **{f"work-{name}": f"/lists/{name}" for name in WORKLISTS},
        "work-renewals": "/lists/ahead?kind=renewals",
    }


@pytest.mark.parametrize("way", LOOKS)
def test_axe_finds_nothing_on_any_page_of_the_console(
    browser: Browser, place: Place, way: str
) -> None:
    scheme, size = LOOKS[way]
    with browser.new_context(color_scheme=scheme, viewport=size) as context:
        page = context.new_page()
        page.goto(f"{place.forum_url}/login")
        log_in(page, "mia")
        found = [
            fault
            for name, path in pages(place).items()
            for fault in look_at(page, place, f"console-{name}", f"/moderate{path}", way)
        ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("way", LOOKS)
def test_axe_finds_nothing_where_a_refund_is_confirmed(
    browser: Browser, place: Place, way: str
) -> None:
    scheme, size = LOOKS[way]
    with browser.new_context(color_scheme=scheme, viewport=size) as context:
        page = context.new_page()
        page.goto(f"{place.forum_url}/login")
        log_in(page, "mia")
        page.goto(f"{place.url}/moderate{pages(place)['act-refund']}")
        page.get_by_label("Reason").fill("Paid by mistake")
        page.get_by_role("button", name="See what it brings").click()
        page.get_by_label("to confirm").wait_for()
        page.screenshot(path=PICTURES / f"console-act-refund-preview-{way}.png", full_page=True)
        assert not list(faults(page))
