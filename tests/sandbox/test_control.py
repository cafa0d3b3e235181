"""The controls of the sandbox: clock, faults, webhooks, payments, snapshots, the journal."""

from __future__ import annotations

import http.server
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from dotenv import dotenv_values

from bridge.sandbox.community import open_community
from bridge.sandbox.run import Sandbox, start
from bridge.sandbox.scenario import ScenarioError, in_seconds, play
from bridge.settings import Settings
from bridge.stripe_api.client import StripeApi

TIMEOUT = 10


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    sandbox = start(seed=3, discourse_limit=0)
    yield sandbox
    sandbox.close()


def control(sandbox: Sandbox, address: str, **params: Any) -> Any:
    url = f"{sandbox.discourse.url}/_sandbox{address}"
    return requests.post(url, json=params, timeout=TIMEOUT).json()


def look(sandbox: Sandbox, address: str, **params: Any) -> Any:
    url = f"{sandbox.discourse.url}/_sandbox{address}"
    return requests.get(url, params=params, timeout=TIMEOUT).json()


def forum(sandbox: Sandbox, method: str, path: str, **options: Any) -> requests.Response:
    info = sandbox.info
    keys = {"Api-Key": info["discourse_key"], "Api-Username": info["discourse_username"]}
    url = info["discourse_url"] + path
    return requests.request(method, url, headers=keys, timeout=TIMEOUT, **options)


def stripe(sandbox: Sandbox, method: str, path: str, **form: Any) -> Any:
    key = {"Authorization": f"Bearer {sandbox.info['stripe_key']}"}
    url = sandbox.stripe.url + path
    return requests.request(method, url, data=form, headers=key, timeout=TIMEOUT).json()


def make_group(sandbox: Sandbox, name: str = "patrons") -> int:
    made = forum(sandbox, "POST", "/admin/groups.json", json={"group": {"name": name}})
    found: int = made.json()["basic_group"]["id"]
    return found


class Listener:
    """A receiver of webhooks on loopback."""

    def __init__(self) -> None:
        got: list[dict[str, Any]] = []
        self.got = got

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                got.append({"headers": dict(self.headers), "body": json.loads(raw)})
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def test_the_clock_goes_forward_and_is_published_to_a_file(tmp_path: Path) -> None:
    sandbox = start(clock_file=tmp_path / "clock")
    try:
        before = look(sandbox, "/state")["now"]
        assert control(sandbox, "/clock/advance", seconds=86400)["now"] >= before + 86400
        assert float((tmp_path / "clock").read_text()) == 86400
        assert "only goes forward" in control(sandbox, "/clock/advance", seconds=-1)["error"]
        assert "forward" in control(sandbox, "/clock/advance", to="2001-01-01")["error"]
    finally:
        sandbox.close()


def test_advancing_makes_stripe_do_what_falls_due(sandbox: Sandbox) -> None:
    prices = open_community(sandbox)
    customer = stripe(
        sandbox,
        "POST",
        "/v1/customers",
        payment_method="pm_card_visa",
        **{"invoice_settings[default_payment_method]": "pm_card_visa"},
    )
    stripe(
        sandbox,
        "POST",
        "/v1/subscriptions",
        customer=customer["id"],
        **{"items[0][price]": prices["supporter-monthly"]["id"]},
    )
    assert len(stripe(sandbox, "GET", "/v1/invoices")["data"]) == 1
    control(sandbox, "/clock/advance", seconds=32 * 86400)
    assert len(stripe(sandbox, "GET", "/v1/invoices")["data"]) == 2


def test_payments_of_a_customer_can_be_made_to_fail(sandbox: Sandbox) -> None:
    customer = stripe(sandbox, "POST", "/v1/customers")
    said = control(sandbox, "/payments", customer=customer["id"], outcome="fail", times=2)
    assert said["failing"] == ["generic_decline"] * 2
    assert (
        control(sandbox, "/payments", customer=customer["id"], outcome="succeed")["failing"] == []
    )
    assert "no customer" in control(sandbox, "/payments", customer="cus_none")["error"]


def test_faults_are_set_listed_and_cleared(sandbox: Sandbox) -> None:
    control(sandbox, "/faults", server="discourse", match="GET /g*", kind="status", status=502)
    assert [f["kind"] for f in look(sandbox, "/faults")] == ["status"]
    assert forum(sandbox, "GET", "/groups.json").status_code == 502
    control(sandbox, "/faults", server="discourse", match="GET /g*", kind="status", times="always")
    control(sandbox, "/faults/clear")
    assert forum(sandbox, "GET", "/groups.json").status_code == 200


def test_the_journal_is_downloaded_as_lines_of_json(sandbox: Sandbox) -> None:
    forum(sandbox, "GET", "/groups/staff.json")
    stripe(sandbox, "GET", "/v1/customers")
    url = f"{sandbox.stripe.url}/_sandbox/journal"
    answer = requests.get(url, params={"server": "discourse"}, timeout=TIMEOUT)
    (entry,) = [json.loads(line) for line in answer.text.splitlines()]
    assert (entry["path"], entry["caller"]) == ("/groups/staff.json", "siteadmin")
    assert entry["response"]["group"]["name"] == "staff"
    assert "attachment" in answer.headers["Content-Disposition"]


def test_a_snapshot_restores_both_servers_and_the_time(sandbox: Sandbox) -> None:
    make_group(sandbox)
    control(sandbox, "/snapshot", name="before")
    then = look(sandbox, "/state")["now"]
    first = make_group(sandbox, "supporters")
    customer = stripe(sandbox, "POST", "/v1/customers")
    control(sandbox, "/clock/advance", seconds=86400)
    control(sandbox, "/restore", name="before")
    assert look(sandbox, "/state")["now"] < then + 60
    assert forum(sandbox, "GET", "/groups/supporters.json").status_code == 404
    assert stripe(sandbox, "GET", f"/v1/customers/{customer['id']}")["error"]
    assert make_group(sandbox, "supporters") == first


def test_the_forums_webhooks_are_lost_doubled_held_and_shuffled(
    sandbox: Sandbox, listener: Listener
) -> None:
    kinds = [1401, 1402]
    hook = {
        "payload_url": listener.url,
        "content_type": 1,
        "active": True,
        "web_hook_event_type_ids": kinds,
    }
    forum(sandbox, "POST", "/admin/api/web_hooks.json", json={"web_hook": hook})
    group = make_group(sandbox)
    control(sandbox, "/load", users=4)
    where = f"/groups/{group}/members.json"

    def add(name: str) -> None:
        forum(sandbox, "PUT", where, json={"usernames": name})

    control(sandbox, "/webhooks", server="discourse", action="lose")
    add("member1")
    control(sandbox, "/webhooks", server="discourse", action="duplicate")
    add("member2")
    assert control(sandbox, "/flush")["idle"]
    assert len(listener.got) == 2
    ids = [h["headers"]["X-Discourse-Event-Id"] for h in listener.got]
    assert len(set(ids)) == 2
    control(sandbox, "/webhooks", server="discourse", action="hold", times="always")
    add("member3")
    add("member4")
    control(sandbox, "/flush")
    assert len(listener.got) == 2
    said = control(sandbox, "/webhooks", server="discourse", action="release", order="reversed")
    assert said == {"released": 2}
    control(sandbox, "/flush")
    users = [h["body"]["group_user"]["user_id"] for h in listener.got[2:]]
    assert users == sorted(users, reverse=True)


def test_a_delayed_webhook_waits_for_simulated_time(sandbox: Sandbox, listener: Listener) -> None:
    control(sandbox, "/webhooks", server="discourse", action="delay", seconds=3600)
    hook = {"payload_url": listener.url, "active": True, "web_hook_event_type_ids": [401]}
    forum(sandbox, "POST", "/admin/api/web_hooks.json", json={"web_hook": hook})
    make_group(sandbox)
    assert control(sandbox, "/flush")["idle"]
    assert listener.got == []
    control(sandbox, "/clock/advance", seconds=3601)
    assert control(sandbox, "/flush")["idle"]
    assert listener.got[0]["headers"]["X-Discourse-Event"] == "group_created"


def test_both_servers_tell_where_they_are_told_to(listener: Listener) -> None:
    sandbox = start(webhook_url=(listener.url,), discourse_webhook_url=listener.url)
    try:
        stripe(sandbox, "POST", "/v1/customers")
        make_group(sandbox)
        assert control(sandbox, "/flush")["idle"]
        heads = [set(h["headers"]) for h in listener.got]
        assert any("Stripe-Signature" in h for h in heads)
        assert any("X-Discourse-Event-Signature" in h for h in heads)
    finally:
        sandbox.close()


def test_an_address_for_events_can_be_named_later(sandbox: Sandbox, listener: Listener) -> None:
    for server in ("stripe", "discourse"):
        said = control(sandbox, "/endpoints", server=server, url=listener.url)
        assert said["secret"] == sandbox.info[f"{server}_webhook_secret"]
    stripe(sandbox, "POST", "/v1/customers")
    make_group(sandbox)
    assert control(sandbox, "/flush")["idle"]
    assert {"Stripe-Signature", "X-Discourse-Event"} <= {
        h for g in listener.got for h in g["headers"]
    }
    assert "error" in control(sandbox, "/endpoints", url="https://example.com/hook")


def test_slow_writes_are_cut_off_with_a_part_done(sandbox: Sandbox) -> None:
    group = make_group(sandbox)
    control(sandbox, "/load", users=400)
    control(sandbox, "/timing", on=True, scale=0.001, limit_seconds=6)
    names = ",".join(f"member{n}" for n in range(1, 401))
    with pytest.raises(requests.ConnectionError):
        forum(sandbox, "PUT", f"/groups/{group}/members.json", json={"usernames": names})
    done = forum(sandbox, "GET", "/groups/patrons/members.json").json()["meta"]["total"]
    assert done == 300


def test_read_only_and_limits_are_switches(sandbox: Sandbox) -> None:
    control(sandbox, "/read-only", on=True)
    answer = forum(sandbox, "POST", "/admin/groups.json", json={"group": {"name": "patrons"}})
    assert (answer.status_code, answer.json()["error_type"]) == (503, "read_only")
    control(sandbox, "/read-only", on=False)
    control(sandbox, "/limits", requests_per_minute=1)
    assert forum(sandbox, "GET", "/groups.json").status_code == 200
    assert forum(sandbox, "GET", "/groups.json").status_code == 429


def test_who_was_in_a_group_can_be_asked_for_any_moment(sandbox: Sandbox) -> None:
    group = make_group(sandbox)
    control(sandbox, "/load", users=1)
    before = look(sandbox, "/state")["now"]
    forum(sandbox, "PUT", f"/groups/{group}/members.json", json={"usernames": "member1"})
    control(sandbox, "/clock/advance", seconds=60)
    forum(sandbox, "DELETE", f"/groups/{group}/members.json", json={"usernames": "member1"})
    (came, left) = look(sandbox, "/memberships")
    assert (came["added"], left["added"], came["actor_id"]) == (True, False, 1)
    assert look(sandbox, "/memberships", group="patrons", at=before) == []
    assert look(sandbox, "/memberships", group="patrons", at=came["at"] + 1) == [came["user_id"]]
    assert look(sandbox, "/memberships", group="patrons", at=left["at"]) == []


def test_a_foreign_page_cannot_turn_the_switches(sandbox: Sandbox) -> None:
    url = f"{sandbox.discourse.url}/_sandbox/read-only"
    answer = requests.post(
        url, json={"on": True}, headers={"Origin": "https://evil.example"}, timeout=TIMEOUT
    )
    assert answer.status_code == 403
    answer = requests.post(
        url, json={"on": True}, headers={"Host": "rebound.example"}, timeout=TIMEOUT
    )
    assert answer.status_code == 403
    assert not sandbox.forum.read_only


def test_the_page_shows_and_its_forms_lead_back_to_it(sandbox: Sandbox) -> None:
    url = f"{sandbox.stripe.url}/_sandbox"
    assert "Sandbox controls" in requests.get(url, timeout=TIMEOUT).text
    answer = requests.post(
        f"{url}/clock/advance",
        data={"seconds": "60"},
        headers={"Accept": "text/html"},
        timeout=TIMEOUT,
        allow_redirects=False,
    )
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        "/_sandbox?done=/clock/advance",
    )


def test_a_scenario_gives_the_same_ids_times_and_journal_each_time() -> None:
    steps: list[dict[str, Any]] = [
        {"post": "/v1/customers", "form": {"email": "a@example.com"}, "keep": "customer"},
        {"get": "/v1/customers/{customer}"},
        {"post": "/admin/groups.json", "server": "discourse", "json": {"group": {"name": "abc"}}},
        {"advance": "2d"},
        {"flush": True},
    ]

    def played() -> list[tuple[Any, ...]]:
        sandbox = start(seed=7, frozen_at=1_800_000_000)
        try:
            play(sandbox.world, sandbox.info, steps)
            entries = sandbox.world.journal.since()
            return [(e.at, e.method, e.path, e.status, e.response) for e in entries]
        finally:
            sandbox.close()

    first = played()
    assert len(first) == 3
    assert first == played()


def test_a_scenario_stops_at_a_step_that_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ScenarioError, match="step 1"):
        play(sandbox.world, sandbox.info, [{"get": "/v1/customers/cus_none"}])
    assert in_seconds("1.5h") == 5400
    assert in_seconds(7) == 7


def test_a_scenario_is_played_by_its_name_or_its_text(sandbox: Sandbox) -> None:
    kept = control(sandbox, "/scenario", name="introductory_code")
    assert kept["subscription"].startswith("sub_")
    text = '[[step]]\npost = "/v1/customers"\nkeep = "customer"\n'
    assert control(sandbox, "/scenario", toml=text)["customer"].startswith("cus_")
    assert "there is no scenario" in control(sandbox, "/scenario", name="none")["error"]
    assert "step 1" in control(sandbox, "/scenario", toml='[[step]]\nget = "/v1/none"')["error"]


def test_the_command_prints_one_line_when_ready_and_stops_on_a_signal() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge.sandbox", "--seed", "2", "--community"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        started = time.monotonic()
        info = json.loads(process.stdout.readline())
        wanted = {
            "stripe_url", "stripe_key", "stripe_webhook_secret", "discourse_url",
            "discourse_key", "discourse_username", "connect_secret",
        }  # fmt: skip
        assert wanted == set(info)
        assert info["discourse_url"].startswith("http://localhost:")
        assert time.monotonic() - started < 30
        assert requests.get(info["discourse_url"], timeout=TIMEOUT).ok
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=TIMEOUT) == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_A129_settings_for_a_bridge_are_written_and_are_complete(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge.sandbox", "--env-file", str(file)], stdout=subprocess.PIPE
    )
    with process:
        try:
            assert process.stdout is not None
            info = json.loads(process.stdout.readline())
            written = {name: value or "" for name, value in dotenv_values(file).items()}
            settings = Settings.from_env(written)
            assert settings.stripe_api_key == info["stripe_key"]
            assert settings.discourse_url == info["discourse_url"]
            assert file.stat().st_mode & 0o077 == 0
            (endpoint,) = StripeApi(info["stripe_key"], info["stripe_url"]).webhook_endpoints()
            assert endpoint.url == f"{settings.bridge_url}/webhooks/stripe"
        finally:
            process.terminate()


def test_others_are_served_while_a_slow_write_runs(sandbox: Sandbox) -> None:
    group = make_group(sandbox)
    control(sandbox, "/load", users=60)
    control(sandbox, "/timing", on=True)
    statuses: list[int] = []

    def write(first: int) -> None:
        names = ",".join(f"member{n}" for n in range(first, first + 30))
        answer = forum(sandbox, "PUT", f"/groups/{group}/members.json", json={"usernames": names})
        statuses.append(answer.status_code)

    writers = [threading.Thread(target=write, args=(first,)) for first in (1, 31)]
    for writer in writers:
        writer.start()
    seen = set()
    while any(w.is_alive() for w in writers):
        page = forum(sandbox, "GET", "/groups/patrons/members.json").json()
        seen.add(page["meta"]["total"])
    for writer in writers:
        writer.join()
    assert statuses == [200, 200]
    assert len(sandbox.forum.groups[group].members) == 60
    assert len(seen) > 3


def test_a_restricted_key_is_made_and_shown(sandbox: Sandbox) -> None:
    made = control(sandbox, "/keys", rights="customers:read, checkout:write")
    assert made["key"] in requests.get(sandbox.stripe.url + "/_sandbox", timeout=TIMEOUT).text
    held = {"Authorization": f"Bearer {made['key']}"}
    for method, status in (("GET", 200), ("POST", 403)):
        url = sandbox.stripe.url + "/v1/customers"
        assert requests.request(method, url, headers=held, timeout=TIMEOUT).status_code == status


def test_stripes_own_words_are_said_when_it_has_had_enough(sandbox: Sandbox) -> None:
    fault = {"server": "stripe", "match": "GET /v1/*", "kind": "status", "status": 429}
    for more, code in (({}, "rate_limit"), ({"lock_timeout": True}, "lock_timeout")):
        control(sandbox, "/faults", **fault, **more)
        assert stripe(sandbox, "GET", "/v1/customers")["error"]["code"] == code


def _customers(sandbox: Sandbox, key: str) -> int:
    url = f"{sandbox.stripe.url}/v1/customers"
    return requests.get(url, auth=(key, ""), timeout=5).status_code


def test_A129_a_key_that_nobody_made_or_gave_is_refused(sandbox: Sandbox) -> None:
    assert _customers(sandbox, sandbox.info["stripe_key"]) == 200
    assert _customers(sandbox, "sk_test_wrong") == 401
    made = control(sandbox, "/keys", rights="all")["key"]
    given = control(sandbox, "/keys", rights="all", key="sk_test_mine")["key"]
    assert [_customers(sandbox, key) for key in (made, given)] == [200, 200]


def test_A129_a_key_that_is_given_may_have_few_rights(sandbox: Sandbox) -> None:
    control(sandbox, "/keys", rights="prices:read", key="rk_test_narrow")
    assert _customers(sandbox, "rk_test_narrow") == 403


def test_A129_keys_can_be_given_at_the_start() -> None:
    started = start(stripe_key=("sk_test_ours",))
    try:
        assert _customers(started, "sk_test_ours") == 200
        assert _customers(started, "sk_test_theirs") == 401
    finally:
        started.close()
