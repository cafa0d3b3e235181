"""How many SQL statements the console's pages take, whatever a person has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from bridge.answers.worklists.lists import WORKLISTS
from tests.harness import System
from tests.system.acts import console_of
from tests.system.test_sql_counted import counted, world

__all__ = ["world"]
MOST = 10


@pytest.fixture
def browser(world: System) -> Iterator[FlaskClient]:
    """A moderator's, signed in."""
    with console_of(world) as client:
        client.get("/moderate")  # the law is compiled by whoever comes first
        yield client


@pytest.mark.parametrize("text", ["alice", "id:1", "cus_unknown", "sub_unknown", "5.00"])
def test_finding_somebody_takes_ten_statements_at_most(
    world: System, browser: FlaskClient, text: str
) -> None:
    with counted(world) as found:
        assert browser.get("/moderate/find", query_string={"q": text}).status_code in {200, 303}
    assert len(found) <= MOST, "\n".join(found)


def test_a_persons_page_takes_seventeen_statements_whatever_they_have(
    world: System, browser: FlaskClient
) -> None:
    for name, has in {"alice": "supporters", "bob": "readers"}.items():
        with counted(world) as found:
            page = browser.get(f"/moderate/person/{world.user(name)}")
        assert has in page.text
        assert len(found) <= 17, "\n".join(found)


def test_a_person_on_a_past_day_takes_twenty_nine_statements_whatever_they_have(
    world: System, browser: FlaskClient
) -> None:
    day = f"{world.bridge.clock.now():%Y-%m-%d}"
    for name in ("alice", "bob"):
        path = f"/moderate/person/{world.user(name)}/then?day={day}"
        browser.get(path)  # the law of the day is compiled by whoever comes first
        with counted(world) as found:
            assert browser.get(path).status_code == 200
        assert len(found) <= 29, "\n".join(found)


@pytest.mark.parametrize("name", [name for name in WORKLISTS if name != "disputes"])
def test_a_worklist_takes_ten_statements_at_most(
    world: System, browser: FlaskClient, name: str
) -> None:
    with counted(world) as found:
        assert browser.get(f"/moderate/lists/{name}").status_code == 200
    assert len(found) <= MOST, "\n".join(found)
