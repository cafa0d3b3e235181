"""Controls used wrongly: a clear word, and nothing is changed or lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from bridge.sandbox.__main__ import main
from bridge.sandbox.community import open_community
from bridge.sandbox.run import Sandbox, start

FAULT = {"server": "stripe", "match": "GET /v1/*", "kind": "slow"}
# Address, what is sent, and a part of what is said to it.
WRONG: list[tuple[str, Any, str]] = [
    ("/clock/advance", {}, "say by how many"),
    ("/clock/advance", {"seconds": "x"}, "seconds='x' is no number"),
    ("/clock/advance", {"seconds": -5}, "only goes forward"),
    ("/clock/advance", {"seconds": "nan"}, "no number"),
    ("/clock/advance", {"seconds": "inf"}, "too much"),
    ("/clock/advance", {"to": "yesterday"}, "2027-03-01T12:00"),
    ("/clock/advance", {"to": "2020-01-01"}, "only goes forward"),
    ("/clock/advance", [1, 2], "no JSON object"),
    ("/faults", {**FAULT, "server": "mars"}, "say stripe, discourse"),
    ("/faults", {**FAULT, "kind": "explode"}, "say status, slow, hang"),
    ("/faults", {**FAULT, "match": "/v1/*"}, "a method and a path"),
    ("/faults", {**FAULT, "kind": "short_page"}, "only the forum"),
    ("/faults", {**FAULT, "times": 0}, "at least 1"),
    ("/faults", {**FAULT, "times": "1.5"}, "no whole number"),
    ("/faults", {**FAULT, "seconds": "long"}, "seconds='long'"),
    ("/faults", {**FAULT, "kind": "status", "status": 9999}, "from 200 to 599"),
    ("/faults", {**FAULT, "headers": "x"}, "names and values"),
    ("/webhooks", {"server": "mars", "action": "lose"}, "say stripe, discourse"),
    ("/webhooks", {"action": "eat"}, "say lose, duplicate"),
    ("/webhooks", {"action": "delay", "seconds": -3}, "at least 0"),
    ("/webhooks", {"action": "release", "order": "sideways"}, "given, reversed, shuffled"),
    ("/endpoints", {"url": "http://example.com/"}, "of this machine"),
    ("/endpoints", {"server": "mars", "url": "http://127.0.0.1:9/"}, "say stripe, discourse"),
    ("/payments", {"customer": "cus_none"}, "no customer"),
    ("/payments", {"outcome": "explode"}, "fail or succeed"),
    ("/timing", {"on": True, "scale": -1}, "at least 0"),
    ("/timing", {"on": "maybe"}, "true or false"),
    ("/read-only", {"on": "maybe"}, "true or false"),
    ("/limits", {"requests_per_minute": 5, "ip_requests_per_10_seconds": -1}, "at least 0"),
    ("/settings", {"title": "Another", "nope": 1}, "no site setting 'nope'"),
    ("/settings", {"version": "4"}, "3.2 or 3.5"),
    ("/settings", {"server": "stripe", "dunning_end": "unpaid", "nope": 1}, "dunning_days"),
    ("/settings", {"server": "stripe", "dunning_end": "x"}, "cancel, unpaid"),
    ("/settings", {"server": "stripe", "dunning_days": "-3"}, "at least 0"),
    ("/settings", {"server": "stripe", "search_lag_seconds": -1}, "at least 0"),
    ("/settings", {"server": "stripe", "async_payment_days": None}, "async_payment_days"),
    ("/keys", {}, "a family and read or write"),
    ("/keys", {"rights": "all", "key": "sk_live_x"}, "say a test key"),
    ("/keys", {"rights": "customers:eat"}, "a family and read or write"),
    ("/restore", {"name": "never kept"}, "no snapshot 'never kept'"),
    ("/load", {"users": 3, "group": "nope"}, "make it first"),
    ("/load", {"users": -3}, "at least 1"),
    ("/load", {"users": 3, "prefix": "a b!"}, "a prefix of letters"),
    ("/scenario", {"name": "nope"}, "there are ["),
    ("/scenario", {"toml": "[["}, "no TOML"),
    ("/scenario", {"toml": "step = 5"}, "[[step]]"),
    ("/scenario", {}, "at least one"),
]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = start(seed=3, discourse_limit=0, frozen_at=1_800_000_000)
    open_community(sandbox)
    yield sandbox
    sandbox.close()


def kept(sandbox: Sandbox) -> Any:
    state = requests.get(sandbox.info["control_url"] + "/state", timeout=10).json()
    account = sandbox.world.parts["stripe"].settings
    return state, sandbox.forum.settings, sandbox.forum.hooks, account


@pytest.mark.parametrize(("address", "sent", "said"), WRONG)
def test_what_makes_no_sense_is_refused_in_words_and_changes_nothing(
    sandbox: Sandbox, address: str, sent: Any, said: str
) -> None:
    before = repr(kept(sandbox))
    answer = requests.post(sandbox.info["control_url"] + address, json=sent, timeout=10)
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert repr(kept(sandbox)) == before


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/journal?since=x", "number of an entry"),
        ("/journal?server=mars", "stripe or discourse"),
        ("/webhooks?server=mars", "say stripe, discourse"),
        ("/memberships?group=nope&at=1", "no group 'nope'"),
        ("/memberships?group=patrons&at=then", "is no time"),
        ("/nowhere", "there are GET /state"),
    ],
)
def test_what_is_not_there_to_read_is_said(sandbox: Sandbox, address: str, said: str) -> None:
    answer = requests.get(sandbox.info["control_url"] + address, timeout=10)
    assert answer.status_code in (400, 404)
    assert said in answer.json()["error"]


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--discourse-limit", "-1", "not in the range"),
        ("--stripe-port", "70000", "not in the range"),
        ("--webhook-url", "http://example.com/", "only addresses of this machine"),
        ("--scenario", "nowhere.toml", "does not exist"),
        ("--scenario", __file__, "this is no TOML"),
    ],
)
def test_the_command_says_what_it_cannot_do_and_does_not_start(
    option: str, value: str, said: str
) -> None:
    result = CliRunner().invoke(main, [option, value])
    assert result.exit_code in (1, 2)
    assert said in result.output


def test_a_port_in_use_is_said(sandbox: Sandbox) -> None:
    result = CliRunner().invoke(main, ["--stripe-port", str(sandbox.stripe.port)])
    assert (result.exit_code, "in use" in result.output) == (1, True)


def test_on_the_page_a_wrong_word_is_told_above_the_controls(sandbox: Sandbox) -> None:
    page = {"Accept": "text/html"}
    url = sandbox.info["control_url"]
    wrong = requests.post(url + "/clock/advance", {"to": "soon"}, headers=page, timeout=10)
    assert wrong.status_code == 400
    assert "Nothing was changed: &#39;soon&#39; is no time" in wrong.text
    right = requests.post(url + "/clock/advance", {"seconds": 60}, headers=page, timeout=10)
    assert right.status_code == 200
    assert "Done: clock/advance" in right.text


def test_a_port_in_use_is_named_with_what_to_do() -> None:
    sandbox = start()
    try:
        for option, port in (
            ("--stripe-port", sandbox.stripe.port),
            ("--discourse-port", sandbox.discourse.port),
        ):
            said = CliRunner().invoke(main, [option, str(port)])
            assert said.exit_code == 1
            assert f"port {port}: Address already in use; say another port" in said.output
    finally:
        sandbox.close()
