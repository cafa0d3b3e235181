"""Doctor against a whole forum and a whole Stripe, with good and with bad keys."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner
from stripe import StripeClient

from bridge.cli import main
from bridge.doctor import proofs
from bridge.doctor.checks import examine
from bridge.doctor.findings import Finding
from bridge.sandbox.community import open_community
from bridge.sandbox.discourse.keys import make_key
from bridge.sandbox.discourse.membership import make_owner
from bridge.sandbox.discourse.people import add_user
from bridge.sandbox.run import Sandbox, start
from bridge.sandbox.stripe import account_of, delivery, restrict
from tests.harness import system

BRIDGE_URL = "http://127.0.0.1:8000"
LEAST_SCOPES = ("global:read", "groups:manage_groups", "topics:write", "posts:edit")
Doctor = Callable[..., list[Finding]]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    running = start(webhook_url=(f"{BRIDGE_URL}/webhooks/stripe",))
    open_community(running, BRIDGE_URL)
    yield running
    running.close()


@pytest.fixture
def doctor(sandbox: Sandbox, tmp_path: Path) -> Doctor:
    env = {
        **sandbox.settings(),
        "BRIDGE_URL": BRIDGE_URL,
        "SECRET_KEY": "k" * 40,
        "BRIDGE_DATA": str(tmp_path),
    }

    def run(**changes: str) -> list[Finding]:
        return list(examine(env | changes))

    return run


def scopes_of(*names: str) -> list[dict[str, Any]]:
    return [{"scope_id": name, "allowed_parameters": None} for name in names]


def problems(findings: list[Finding]) -> dict[str, str]:
    return {one.code: one.message for one in findings if one.level == "problem"}


def test_doctor_is_content_with_an_installation_that_works(doctor: Doctor) -> None:
    findings = doctor()
    assert problems(findings) == {}
    subjects = {one.subject for one in findings if one.level == "ok"}
    assert subjects >= {"Settings", "Discourse", "Stripe", "Webhooks", "Mapping"}


def test_doctor_changes_nothing_on_the_forum_or_at_stripe(doctor: Doctor, sandbox: Sandbox) -> None:
    def memberships() -> Any:
        return requests.get(f"{sandbox.info['control_url']}/memberships", timeout=10).json()

    before, began = memberships(), len(sandbox.world.journal.since())
    doctor()
    assert memberships() == before
    made = [one for one in sandbox.world.journal.since(began) if one.method != "GET"]
    assert not [one for one in made if one.server == "stripe" and one.status < 300]
    assert {one.path for one in made if one.method == "POST" and one.status < 300} == set()


def test_A103_the_least_scopes_are_enough(doctor: Doctor, sandbox: Sandbox) -> None:
    key = make_key(sandbox.world, sandbox.forum, "least", scopes=scopes_of(*LEAST_SCOPES))
    assert problems(doctor(DISCOURSE_API_KEY=key.key)) == {}


@pytest.mark.parametrize("missing", LEAST_SCOPES)
def test_A103_a_missing_scope_is_named(doctor: Doctor, sandbox: Sandbox, missing: str) -> None:
    scopes = scopes_of(*(scope for scope in LEAST_SCOPES if scope != missing))
    key = make_key(sandbox.world, sandbox.forum, "less", scopes=scopes)
    findings = doctor(DISCOURSE_API_KEY=key.key)
    told = [one for one in findings if one.code == "B130"]
    assert told
    assert all(missing in one.hint for one in told)


def test_A103_a_wrong_key_is_told_from_a_missing_scope(doctor: Doctor) -> None:
    told = problems(doctor(DISCOURSE_API_KEY="0" * 64))
    assert "DISCOURSE_API_KEY is wrong" in told["B130"]


def test_a_right_that_stripes_key_lacks_is_named(doctor: Doctor, sandbox: Sandbox) -> None:
    key = restrict(sandbox.world, {"customers:read"})
    told = problems(doctor(STRIPE_API_KEY=key))
    assert "B160" in told


def test_A36_prices_that_members_cannot_change_to_are_named_and_stop_nothing(
    doctor: Doctor, sandbox: Sandbox
) -> None:
    sdk = StripeClient(
        sandbox.info["stripe_key"], base_addresses={"api": sandbox.info["stripe_url"]}
    )
    about = {"discourse_groups": "supporters", "discourse_ladder": "level", "discourse_rank": "1"}
    product = sdk.v1.products.create({"name": "Supporter", "metadata": about}).id
    price = sdk.v1.prices.create(
        {
            "product": product,
            "currency": "eur",
            "unit_amount": 1000,
            "recurring": {"interval": "month"},
        }
    ).id
    assert not [one for one in doctor() if "cannot change to" in one.message]
    (default,) = sdk.v1.billing_portal.configurations.list({"is_default": True}).data
    off: Any = {"features": {"subscription_update": {"enabled": False}}}
    sdk.v1.billing_portal.configurations.update(default.id, off)
    (told,) = [one for one in doctor() if "cannot change to" in one.message]
    assert (told.level, price in told.message) == ("note", True)


def test_a_forum_that_is_out_of_reach_is_named(doctor: Doctor) -> None:
    assert "B131" in problems(doctor(DISCOURSE_URL="http://127.0.0.1:9"))


def test_a_webhook_that_leads_elsewhere_is_named(doctor: Doctor) -> None:
    told = problems(doctor(BRIDGE_URL="http://127.0.0.1:8001"))
    assert "http://127.0.0.1:8001/webhooks/stripe does not exist" in told["B162"]


def test_F24_wrong_groups_in_the_mapping_are_named_with_their_product(
    doctor: Doctor, sandbox: Sandbox
) -> None:
    answer = requests.post(
        f"{sandbox.info['stripe_url']}/v1/products",
        data={"name": "Broken", "metadata[discourse_groups]": "suporters,admins"},
        headers={"Authorization": f"Bearer {sandbox.info['stripe_key']}"},
        timeout=10,
    )
    told = [one for one in doctor() if one.subject == "Mapping" and one.level == "problem"]
    assert {one.code for one in told} == {"M101", "M102"}
    assert all(answer.json()["id"] in one.message or "Broken" in one.message for one in told)


def test_bridge_toml_that_is_wrong_is_told_before_anything_is_asked(
    doctor: Doctor, tmp_path: Path
) -> None:
    config = tmp_path / "bridge.toml"
    config.write_text("[defaults\n")
    assert list(problems(doctor(BRIDGE_CONFIG=str(config)))) == ["B141"]
    config.write_text("[site]\nremoval_confirm_seconds = -1\n[sites]\n")
    assert set(problems(doctor(BRIDGE_CONFIG=str(config)))) == {"M151", "M153"}
    config.write_bytes(b"\xff\xfe")
    assert list(problems(doctor(BRIDGE_CONFIG=str(config)))) == ["B141"]


def test_bridge_toml_of_an_editor_that_begins_files_with_a_mark_is_read(
    doctor: Doctor, tmp_path: Path
) -> None:
    config = tmp_path / "bridge.toml"
    config.write_text("[defaults]\n", encoding="utf-8-sig")
    assert problems(doctor(BRIDGE_CONFIG=str(config))) == {}


def test_a_database_that_cannot_be_is_named(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("this is a file, and no database; it is longer than a header")
    for path in ("file", "file/in/it"):
        told = problems(doctor(DATABASE_URL=f"sqlite:///{tmp_path / path}"))
        assert str(tmp_path / path) in told["B120"]


# --- What only a trial shows (A126, A147) ---------------------------------------------------------


def hints(findings: list[Finding]) -> dict[str, str]:
    return {one.code: one.hint for one in findings if one.level == "problem"}


def test_A126_a_wrong_connect_secret_is_found(doctor: Doctor) -> None:
    told = problems(doctor(DISCOURSE_CONNECT_SECRET="another-secret-that-is-long"))
    assert told == {"B132": "the forum refuses DISCOURSE_CONNECT_SECRET"}


def test_A126_a_forum_that_signs_nobody_in_is_named(doctor: Doctor, sandbox: Sandbox) -> None:
    sandbox.forum.settings["enable_discourse_connect_provider"] = False
    assert "enable_discourse_connect_provider" in hints(doctor())["B132"]


def test_A126_a_host_without_a_secret_on_the_forum_is_named(
    doctor: Doctor, sandbox: Sandbox
) -> None:
    sandbox.forum.settings["discourse_connect_provider_secrets"] = "elsewhere.example|a-secret"
    assert "discourse_connect_provider_secrets" in hints(doctor())["B132"]


def test_A126_a_port_that_another_program_uses_is_found(doctor: Doctor) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        number = other.getsockname()[1]
        assert problems(doctor(WEB_PORT=str(number))) == {
            "B124": f"another program listens on {number}"
        }


def a_ladder(sandbox: Sandbox) -> StripeClient:
    sdk = StripeClient(
        sandbox.info["stripe_key"], base_addresses={"api": sandbox.info["stripe_url"]}
    )
    about = {"discourse_groups": "supporters", "discourse_ladder": "level", "discourse_rank": "1"}
    product = sdk.v1.products.create({"name": "Supporter", "metadata": about}).id
    recurring: Any = {"interval": "month"}
    sdk.v1.prices.create(
        {"product": product, "currency": "eur", "unit_amount": 1000, "recurring": recurring}
    )
    return sdk


def test_A126_a_portal_that_does_not_bill_changes_at_once_is_found(
    doctor: Doctor, sandbox: Sandbox
) -> None:
    sdk = a_ladder(sandbox)
    assert "B166" not in problems(doctor())
    (default,) = sdk.v1.billing_portal.configurations.list({"is_default": True}).data
    update: Any = {"features": {"subscription_update": {"proration_behavior": "none"}}}
    sdk.v1.billing_portal.configurations.update(default.id, update)
    assert "not billed until the next period" in problems(doctor())["B166"]
    at_once: Any = {"features": {"subscription_update": {"proration_behavior": "always_invoice"}}}
    sdk.v1.billing_portal.configurations.update(default.id, at_once)
    assert [one for one in doctor() if one.subject == "Portal"] == []


@pytest.mark.parametrize("status", [403, 429])
def test_A126_a_page_of_cloudflare_is_told_from_a_wrong_key(
    doctor: Doctor, sandbox: Sandbox, status: int
) -> None:
    page = "<!DOCTYPE html><title>Just a moment...</title>"
    sandbox.world.faults.add(
        "discourse",
        "*/groups.json",
        "status",
        times=None,
        status=status,
        body=page,
        headers={"Content-Type": "text/html"},
    )
    told = [one for one in doctor() if one.subject == "Discourse" and one.level == "problem"]
    assert len(told) == 1
    assert "Cloudflare" in told[0].hint


def test_A126_a_restricted_key_and_an_unreachable_stripe_have_their_own_hints(
    doctor: Doctor,
) -> None:
    assert "cannot be reached" in hints(doctor(STRIPE_API_BASE="http://127.0.0.1:9"))["B161"]


def test_A147_each_mapped_group_is_tried_and_those_out_of_reach_are_named(
    doctor: Doctor, sandbox: Sandbox
) -> None:
    sdk = a_ladder(sandbox)
    sdk.v1.products.create({"name": "Choir", "metadata": {"discourse_groups": "patrons"}})
    forum = sandbox.forum
    bot = add_user(forum, "bot", "bot@example.com", sandbox.world.clock.now())
    bot.moderator = True
    mine = forum.groups[forum.group_id_by_name["supporters"]]
    make_owner(forum, mine, bot, bot, sandbox.world.clock.now())
    key = make_key(sandbox.world, forum, "of a moderator", user_id=bot.id)
    told = [
        one.message
        for one in doctor(DISCOURSE_API_KEY=key.key, DISCOURSE_API_USERNAME="bot")
        if one.subject == "Groups"
    ]
    assert any("group patrons" in one for one in told)
    assert not any("group supporters" in one for one in told)


def test_A126_json_is_always_json_whatever_is_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("STRIPE_API_KEY", "DISCOURSE_URL", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    for command in (["doctor", "--json"], ["explain", "alice", "--json"]):
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 3
        assert json.loads(result.stdout)


def test_A126_the_webhook_secret_is_proven_by_an_event_that_arrived(tmp_path: Path) -> None:
    with system(tmp_path) as world:
        world.subscribe(world.customer("alice"), world.price("supporters"))
        world.settle()
        (told,) = proofs.webhook_secret(world.bridge)
        assert (told.level, "arrived, signed" in told.message) == ("ok", True)


def test_A126_a_wrong_webhook_secret_is_found(tmp_path: Path) -> None:
    with system(tmp_path) as world:
        account = account_of(world.sandbox.world)
        for endpoint in account.rows("webhook_endpoint"):
            endpoint["_secret"] = endpoint["secret"] = "whsec_another"
        world.subscribe(world.customer("alice"), world.price("supporters"))
        delivery.wait_until_idle(world.sandbox.world)
        world.advance(900)
        (told,) = proofs.webhook_secret(world.bridge)
        assert (told.level, told.code) == ("problem", "B165")
        assert "STRIPE_WEBHOOK_SECRET" in told.hint
