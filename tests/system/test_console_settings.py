"""The console's page of settings: policy, keys, versions and tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from bridge.core.model.actor import operator
from bridge.core.model.roles import RIGHTS
from bridge.core.rules.effective import TOML, site_values
from bridge.core.rules.origins import BUILT_IN
from bridge.operations.tokens import make_token
from bridge.store.schema.people import tokens
from bridge.web import create_app
from tests.harness import POLICY, System, system
from tests.system.test_console_registers import As, as_role, token_of

__all__ = ["as_role"]
PATH = "/moderate/settings"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    policy = replace(POLICY, two_persons=True, ladders={"level": ("supporters", "patrons")})
    with system(tmp_path_factory.mktemp("settings"), policy=policy, per_minute=500) as it:
        it.subscribe(it.customer("alice"), it.price("supporters"))
        it.settle()
        yield it


def test_the_policy_in_force_says_who_says_each_value() -> None:
    said = {one.key: (one.value, one.said_in) for one in site_values(POLICY)}
    assert said["alerts_to"] == (POLICY.alerts_to, BUILT_IN)
    changed = replace(
        POLICY,
        two_persons=True,
        ladders={"level": ("a", "b")},
        bank={"day": "Date"},
        readers="board",
    )
    said = {one.key: (one.value, one.said_in) for one in site_values(changed)}
    assert said["two_persons"] == ("true", TOML)
    assert said["ladders"] == ("level: a, b", TOML)
    assert said["bank"] == ("1", TOML)
    assert said["readers"] == ("board", TOML)
    assert said["unfollowed_ladders"] == ("none", BUILT_IN)


def test_everybody_in_the_console_sees_what_is_set_and_no_secret(
    world: System, as_role: As
) -> None:
    for role in RIGHTS:
        page = as_role(role).get(PATH).text
        assert "two_persons" in page
        assert "level: supporters, patrons" in page
        assert ("Create a token" in page) == (role == "administrator")
        settings = world.bridge.settings
        for secret in (
            *(settings.stripe_api_key, settings.discourse_api_key, settings.secret_key),
            *(settings.discourse_connect_secret, *settings.stripe_webhook_secrets),
        ):
            assert secret not in page


def test_the_keys_are_tried_on_demand_kept_and_not_again_within_ten_minutes(
    world: System, as_role: As
) -> None:
    browser = as_role("moderator")
    page = browser.get(PATH).text
    assert "Not tried yet" in page
    form = {"csrf_token": token_of(page)}
    assert browser.post(f"{PATH}/check", data=form).status_code == 303
    mark = world.mark()
    page = as_role("reader").get(PATH).text
    assert "Stripe accepts the key" in page
    assert "this bridge" in page
    again = browser.post(f"{PATH}/check", data=form)
    assert again.status_code == 400
    assert "ten minutes ago" in again.text
    assert not [one for one in world.calls("stripe", mark) if "balance" in one.path]
    assert as_role("reader").post(f"{PATH}/check", data=form).status_code in {400, 403}


def test_A63_a_token_is_made_shown_once_works_as_far_as_it_says_and_is_revoked(
    world: System, as_role: As
) -> None:
    browser = as_role("administrator")
    form = {
        "csrf_token": token_of(browser.get(PATH).text),
        "name": "Door <b>",
        "scope": ["standing:read"],
        "until": "2099-12-31",
    }
    made = browser.post(f"{PATH}/tokens", data=form)
    assert made.status_code == 200
    assert made.headers["Cache-Control"] == "no-store"
    secret = made.text.split('id="secret"')[1].split('value="')[1].split('"')[0]
    assert secret.startswith("bt_")
    assert "Door <b>" not in made.text
    later = browser.get(PATH).text
    assert "Door &lt;b&gt;" in later
    assert secret not in later
    with world.bridge.store.read() as connection:
        (row,) = connection.execute(select(tokens)).all()
    assert secret not in str(row)

    api = create_app(world.bridge).test_client()
    headers = {"Authorization": f"Bearer {secret}"}
    alice = world.user("alice")
    assert api.get(f"/api/v1/standing/id:{alice}", headers=headers).status_code == 200
    refused = api.get(f"/api/v1/people/{alice}", headers=headers)
    assert refused.status_code == 403
    assert "people:read" in refused.text

    assert browser.post(f"{PATH}/tokens", data=form).status_code == 400, "sent twice"
    end = {"token": row.id, "reason": "The door is gone"}
    unsaid = browser.post(f"{PATH}/tokens/revoke", data=form | end | {"reason": " "})
    assert unsaid.status_code == 400
    revoked = browser.post(f"{PATH}/tokens/revoke", data=form | end)
    assert revoked.status_code == 303
    assert api.get(f"/api/v1/standing/id:{alice}", headers=headers).status_code == 401
    assert browser.post(f"{PATH}/tokens/revoke", data=form | end).status_code == 400
    assert "Revoked" in browser.get(PATH).text


def test_A48_the_log_a_person_s_page_and_the_file_name_a_token_by_its_name(
    world: System, as_role: As
) -> None:
    until = world.bridge.clock.now() + timedelta(days=30)
    made = make_token(world.bridge, operator("root"), "Shop <b>", ["grants:write"], until)
    alice = world.user("alice")
    given = (
        create_app(world.bridge)
        .test_client()
        .post(
            f"/api/v1/people/{alice}/grants",
            json={"group": "supporters", "reason": "Helps at the door"},
            headers={"Authorization": f"Bearer {made.secret}", "Idempotency-Key": "1"},
        )
    )
    assert given.status_code == 201, given.text
    browser = as_role("administrator")
    shown = "Shop &lt;b&gt; (token, API)"
    log = browser.get("/moderate/log", query_string={"by": "shop <B>", "kind": "granted"}).text
    assert shown in log
    assert made.token.id in log
    assert shown in browser.get(f"/moderate/person/{alice}").text
    asked = {"csrf_token": token_of(log), "by": made.token.id, "reason": "Audit"}
    file = browser.post("/moderate/log.csv", data=asked)
    assert "Shop <b> (token, API)" in file.text, file.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"scope": []},
        {"scope": ["everything"]},
        {"until": "2020-01-01"},
        {"until": "soon"},
        {"until": ""},
        {"name": "two\nlines"},
        {"name": "x" * 61},
    ],
)
def test_a_token_that_cannot_be_is_refused_in_words(as_role: As, wrong: dict[str, object]) -> None:
    browser = as_role("administrator")
    form = {
        "csrf_token": token_of(browser.get(PATH).text),
        "name": "Shop",
        "scope": ["standing:read"],
        "until": "2099-12-31",
    }
    answer = browser.post(f"{PATH}/tokens", data=form | wrong)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    for typed in {"name": "Shop", "until": "2099-12-31"}.keys() - wrong.keys():
        assert f'value="{form[typed]}"' in answer.text, "nothing that was typed is lost"
    assert ("scope" in wrong) or 'value="standing:read" checked' in answer.text


@pytest.mark.parametrize("role", ["moderator", "treasurer", "reader"])
def test_A63_only_administrators_let_other_programs_in(as_role: As, role: str) -> None:
    browser = as_role(role)  # type: ignore[arg-type] # one of the roles
    form = {"csrf_token": token_of(browser.get("/moderate/members").text)}
    made = {"name": "Shop", "scope": ["standing:read"], "until": "2099-12-31"}
    assert browser.post(f"{PATH}/tokens", data=form | made).status_code == 403
    assert browser.post(f"{PATH}/tokens/revoke", data=form | {"token": "x"}).status_code == 403
