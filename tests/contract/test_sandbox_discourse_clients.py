"""Programs that others wrote for Discourse drive the simulated one unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydiscourse import DiscourseClient
from pydiscourse.exceptions import DiscourseClientError, DiscourseRateLimitedError

from bridge.sandbox.community import open_community
from bridge.sandbox.run import Sandbox, start

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module", params=["3.5", "3.2"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    sandbox = start(discourse_limit=0, discourse_version=request.param)
    open_community(sandbox)
    yield sandbox
    sandbox.close()


@pytest.fixture
def client(sandbox: Sandbox) -> Any:
    info = sandbox.info
    return DiscourseClient(
        info["discourse_url"],
        api_username=info["discourse_username"],
        api_key=info["discourse_key"],
        timeout=10,
    )


def test_pydiscourse_manages_groups(client: Any) -> None:
    group = client.group("patrons")["group"]
    client.add_group_members(group["id"], ["ada", "bruno"])
    assert {m["username"] for m in client.group_members("patrons")} == {"ada", "bruno"}
    with pytest.raises(DiscourseClientError):
        client.add_group_member(group["id"], "ada")
    client.delete_group_member(group["id"], "ada")
    assert [m["username"] for m in client.group_members("patrons")] == ["bruno"]
    assert "patrons" in [g["name"] for g in client.groups()]
    client.add_group_owner(group["id"], "chiara")
    assert [o["username"] for o in client.group_owners("patrons")] == ["chiara"]


def test_pydiscourse_reads_all_pages_of_members(client: Any, sandbox: Sandbox) -> None:
    made = client.create_group("everyone-else")["basic_group"]
    for n in range(30):
        client.create_user(f"M {n}", f"many{n}", f"many{n}@example.com", "x" * 12, active="true")
    client.add_group_members(made["id"], [f"many{n}" for n in range(30)])
    assert len(client.group_members("everyone-else", limit=7)) == 30
    assert len(sandbox.forum.groups[made["id"]].members) == 30


def test_pydiscourse_knows_people(client: Any) -> None:
    ada = client.user("ada")
    assert client.user_by_id(ada["id"])["username"] == "ada"
    assert client.user_by_email("ada@example.com")[0]["id"] == ada["id"]
    assert client.user_emails("ada")["email"] == "ada@example.com"
    client.suspend(ada["id"], 7, "holiday")
    assert client.user_by_id(ada["id"])["suspended_till"]
    client.unsuspend(ada["id"])


def test_pydiscourse_writes_messages(client: Any) -> None:
    made = client.create_post(
        "As of today you are in.",
        title="Your statement",
        archetype="private_message",
        target_usernames="ada",
    )
    client.update_post(made["id"], "As of tomorrow you are in.")
    assert client.post_by_id(made["id"])["raw"] == "As of tomorrow you are in."
    topic = client.topic(made["topic_slug"], made["topic_id"])
    assert topic["archetype"] == "private_message"


def test_pydiscourse_understands_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("pydiscourse.client.time.sleep", waits.append)
    sandbox = start(discourse_limit=2, frozen_at=1_800_000_000)
    try:
        info = sandbox.info
        client = DiscourseClient(
            info["discourse_url"], api_username="siteadmin", api_key=info["discourse_key"]
        )
        client.group("staff")
        client.group("staff")
        with pytest.raises(DiscourseRateLimitedError):
            client.group("staff")
        assert waits[0] == 61
    finally:
        sandbox.close()
