"""Operators' commands, against a whole forum and a whole Stripe."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result

from bridge.cli import main
from bridge.sandbox.community import open_community
from bridge.sandbox.run import Sandbox, start
from tests.system.typing_commands import with_reason

Run = Callable[..., Result]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    running = start(discourse_limit=0)
    open_community(running)
    yield running
    running.close()


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    env = {
        **sandbox.settings(),
        "BRIDGE_URL": "http://127.0.0.1:8000",
        "SECRET_KEY": "k" * 40,
        "BRIDGE_DATA": str(tmp_path / "data"),
    }

    def invoke(*words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, with_reason(words), env=env)
        assert result.exit_code == code, result.output
        return result

    return invoke


def asked(run: Run, *words: str, code: int = 0) -> Any:
    return json.loads(run(*words, "--json", code=code).stdout)


@pytest.fixture
def customer(sandbox: Sandbox) -> str:
    """Somebody who subscribed at Stripe without the bridge."""
    headers = {"Authorization": f"Bearer {sandbox.info['stripe_key']}"}
    url = sandbox.info["stripe_url"]

    def post(path: str, form: dict[str, str]) -> Any:
        answer = requests.post(url + path, data=form, headers=headers, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    made = post("/v1/customers", {"payment_method": "pm_card_visa", "name": "Bruno"})
    card = post("/v1/payment_methods/pm_card_visa/attach", {"customer": made["id"]})
    query = {"lookup_keys[]": "supporter-monthly"}
    prices = requests.get(url + "/v1/prices", params=query, headers=headers, timeout=10).json()
    post(
        "/v1/subscriptions",
        {
            "customer": made["id"],
            "items[0][price]": prices["data"][0]["id"],
            "default_payment_method": card["id"],
        },
    )
    return str(made["id"])


def members(sandbox: Sandbox, group: str) -> list[str]:
    found = sandbox.forum.group_named(group)
    assert found
    return [sandbox.forum.users[user_id].username for user_id in found.members]


def test_a_plan_before_the_first_start_reads_everything_and_changes_nothing(
    run: Run, sandbox: Sandbox, customer: str
) -> None:
    told = asked(run, "plan")
    assert told["changes"] == []
    assert customer
    assert members(sandbox, "supporters") == []


def test_an_orphan_is_listed_linked_planned_and_let_in(
    run: Run, sandbox: Sandbox, customer: str
) -> None:
    run("migrate")
    run("sync", "--all")
    assert [one["customer_id"] for one in asked(run, "link")] == [customer]
    run("link", customer, "bruno")
    assert asked(run, "link") == []
    [planned] = asked(run, "plan", code=1)["changes"]
    assert (planned["action"], planned["group"], planned["username"]) == (
        "add",
        "supporters",
        "bruno",
    )
    assert members(sandbox, "supporters") == []
    run("sweep", "--once")
    assert members(sandbox, "supporters") == ["bruno"]
    assert asked(run, "plan")["changes"] == []
    told = asked(run, "explain", "bruno")
    [group] = told["groups"]
    assert (group["group"], group["member"], group["owned"]) == ("supporters", True, "proven")
    assert [verdict["reason"] for verdict in group["verdicts"]] == ["active"]
    assert "is in supporters" in run("explain", "bruno").output


def test_unlinking_is_planned_as_a_removal_with_its_reason(
    run: Run, sandbox: Sandbox, customer: str
) -> None:
    run("migrate")
    run("sync", "--all")
    run("link", customer, "bruno")
    run("sweep", "--once")
    assert asked(run, "unlink", customer)["was_user_id"] > 0
    assert members(sandbox, "supporters") == ["bruno"]
    assert [one["customer_id"] for one in asked(run, "link")] == [customer]


def test_one_customer_is_never_linked_to_two_users(run: Run, customer: str) -> None:
    run("migrate")
    run("link", customer, "bruno")
    assert "is linked to id:" in run("link", customer, "ada", code=1).output
    run("link", "cus_unknown", "ada", code=1)
    run("link", customer, "nobody-of-that-name", code=1)
    run("link", customer, code=2)


def test_statements_for_all_says_how_many_and_asks(run: Run, customer: str) -> None:
    run("migrate")
    run("sync", "--all")
    run("link", customer, "bruno")
    told = asked(run, "statements", "--all")
    assert told["will_be_written"] is False
    assert asked(run, "statements", "--all", "--yes")["members"] == told["members"]


def test_what_does_not_exist_is_said_with_exit_code_1(run: Run) -> None:
    run("migrate")
    assert "evt_unknown" in run("replay", "evt_unknown", code=1).output
    assert "no-such-group" in run("release", "no-such-group", code=1).output
    run("explain", "nobody-of-that-name", code=1)
    run("sync", "--user", "ada", "--all", code=2)
    run("sync", code=2)


def test_commands_for_people_need_a_database_of_this_version(run: Run) -> None:
    assert "B121" in run("explain", "ada", code=3).output


@pytest.mark.parametrize("name", ["nobody-here", "9" * 30, "name:9"])
def test_a_person_whom_the_forum_does_not_know_is_named(run: Run, name: str) -> None:
    run("migrate")
    called = name.removeprefix("name:")
    assert f"nobody on the forum is called {called}" in run("explain", name, code=1).output


@pytest.mark.parametrize("name", ["²", "", "x" * 300, "a\tb", "id:twelve"])
def test_A113_a_name_that_is_none_is_refused_in_words_by_each_command(run: Run, name: str) -> None:
    run("migrate")
    for words in (
        ("explain", name),
        ("sync", "--user", name),
        ("grant", name, "supporters", "--reason", "x", "--by", "ada"),
        ("grant", "ada", name, "--reason", "x", "--by", "ada"),
        ("grant", "ada", "supporters", "--reason", "x", "--by", name or " "),
        ("lift", name, "supporters", "--by", "ada"),
        ("relink", name, "ada", "--by", "ada"),
        ("reference", name),
        ("release", name),
    ):
        refused = run(*words, code=1).output
        assert "write" in refused or "names have" in refused
        assert "Traceback" not in refused
