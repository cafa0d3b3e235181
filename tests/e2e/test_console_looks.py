"""Every page of the console, in light and dark, wide and narrow: axe-core finds nothing.

A picture of each is left in screenshots/, where that folder is.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page

from bridge.answers.worklists.lists import WORKLISTS
from bridge.store import member, money
from tests.e2e.chromium import faults, log_in, look_wide_and_narrow, looks
from tests.e2e.console import open_console, plant, user
from tests.e2e.place import Place
from tests.e2e.test_accessibility import pytestmark

__all__ = ["pytestmark"]

# Plain words of which a line ends within: a table has squeezed its column. Ids may be broken.
BROKEN = r"""() => {
  const found = [], range = document.createRange()
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const words = /(?<![\p{L}\p{N}_])\p{L}?\p{Ll}{2,20}(?![\p{L}\p{N}_])/gu
  for (let node; node = texts.nextNode();) for (const word of node.data.matchAll(words)) {
    range.setStart(node, word.index)
    range.setEnd(node, word.index + word[0].length)
    const seen = [...range.getClientRects()].filter(one => one.width)
    if (new Set(seen.map(one => Math.round(one.top))).size > 1) found.push(word[0])
  }
  return found
}"""


def broken(page: Page) -> list[str]:
    """Words that are broken, also within what is folded away at first."""
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    return [f"broken: {word}" for word in page.evaluate(BROKEN)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_console(tmp_path_factory.mktemp("looks")) as it:
        it.forum.users[user(it, "mia")].admin = True
        object.__setattr__(it.bridge.policy, "refunds", True)
        plant(it)
        yield it


def pages(place: Place) -> dict[str, str]:
    """Name -> address of each page."""
    lars, kim = user(place, "lars"), user(place, "kim")
    with place.bridge.store.read() as connection:
        owed = member.load(connection, lars).facts.paid_by_user[0].pending[0].id
        ada = member.load(connection, user(place, "ada")).facts.paid_by_user[0]
        paid = money.of_user(connection, user(place, "ada"))[-1].id
    pays = f"/person/{user(place, 'ada')}"
    held = urlencode({"which": f"{kim}:{place.forum.group_id_by_name['supporters']}"})
    return {
        "today": "",
        "find": "/find?q=nobody-of-that-name",
        "person": f"/person/{lars}",
        "person-who-pays": pays,
        "person-money": f"{pays}?kind=money",
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


@pytest.fixture
def page(browser: Browser, place: Place) -> Iterator[Page]:
    """A page of somebody who may do everything."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{place.forum_url}/login")
        log_in(page, "mia")
        yield page


def test_axe_finds_nothing_on_any_page_of_the_console(page: Page, place: Place) -> None:
    found: list[str] = []
    for name, path in pages(place).items():
        page.goto(f"{place.url}/moderate{path}")
        for look in looks(page, f"console-{name}"):
            found += [f"{look}: {fault}" for fault in (*faults(page), *broken(page))]
    assert not found, "\n".join(found)


def test_axe_finds_nothing_where_a_refund_is_confirmed(page: Page, place: Place) -> None:
    page.goto(f"{place.url}/moderate{pages(place)['act-refund']}")
    page.get_by_label("Reason").fill("Paid by mistake")
    page.get_by_role("button", name="Show the effects").click()
    page.get_by_label("to confirm").wait_for()
    look_wide_and_narrow(page, "console-act-refund-preview")
