"""The API as another machine uses it: rights, keys that do a write once, its own description."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance

from bridge.core.model.actor import operator
from bridge.operations.tokens import SCOPES, make_token, revoke_token
from bridge.store import Store, changes
from bridge.web import create_app
from bridge.web.api.calls import RIGHTS
from tests.e2e.place import Place, open_place

ME = operator("root")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_place(tmp_path_factory.mktemp("api")) as it:
        it.person("ada")
        it.open_group("guests")
        it.sell_at_stripe("Guest", "guests", 500, "month")
        it.settle()
        yield it


def ada(place: Place) -> int:
    return next(one.id for one in place.forum.users.values() if one.username == "ada")


def guests(place: Place) -> int:
    return int(place.forum.group_id_by_name["guests"])


def token(place: Place, *scopes: str, days: int = 30) -> str:
    until = place.bridge.clock.now() + timedelta(days=days)
    return make_token(place.bridge, ME, "a test", scopes, until).secret


def call(
    place: Place, method: str, path: str, secret: str, key: str | None = None, **more: Any
) -> requests.Response:
    headers = {"Authorization": f"Bearer {secret}"} | ({"Idempotency-Key": key} if key else {})
    address = f"{place.url}/api/v1{path}"
    return requests.request(method, address, headers=headers, timeout=20, **more)


def test_each_address_of_the_api_takes_a_right_and_each_right_is_taken(place: Place) -> None:
    rules = create_app(place.bridge).url_map.iter_rules()
    served = {rule.endpoint for rule in rules if rule.rule.startswith("/api/v1")}
    assert served - {"api.openapi"} == set(RIGHTS)
    assert set(RIGHTS.values()) == set(SCOPES)


@pytest.mark.parametrize("how", ["none", "wrong", "revoked", "over"])
def test_A63_a_token_that_does_not_hold_opens_nothing(place: Place, how: str) -> None:
    until = place.bridge.clock.now() + timedelta(seconds=60)
    made = make_token(place.bridge, ME, "short", ["people:read"], until)
    secret = {"none": "", "wrong": "bt_wrong"}.get(how, made.secret)
    if how == "revoked":
        revoke_token(place.bridge, ME, made.token.id, reason="Lost")
    if how == "over":
        place.pass_time(61)
    answer = call(place, "GET", f"/people/{ada(place)}", secret)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_A60_a_grant_through_the_api_is_done_once_logged_and_taken_back(place: Place) -> None:
    secret = token(place, "grants:write", "people:read", "members:read")
    path, said = f"/people/{ada(place)}/grants", {"group": "guests", "reason": "Door list"}
    first = call(place, "POST", path, secret, key="one", json=said)
    again = call(place, "POST", path, secret, key="one", json=said)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    place.settle()
    members = call(place, "GET", f"/groups/{guests(place)}/members", secret).json()
    assert [one["username"] for one in members["members"]] == ["ada"]
    person = call(place, "GET", f"/people/{ada(place)}", secret).json()
    assert [one["id"] for one in person["grants"]] == [first.json()["id"]]
    with place.bridge.store.read() as connection:
        (line,) = changes.page(connection, user_id=ada(place), action="granted")
    assert (line.cause or "").startswith("token:token_")
    other = call(place, "POST", path, secret, key="one", json=said | {"reason": "Other"})
    assert other.status_code == 409
    path = f"/grants/{first.json()['id']}"
    assert call(place, "DELETE", path, secret).status_code == 400, "no reason"
    taken = call(place, "DELETE", f"{path}?reason=Left+the+team", secret)
    assert taken.status_code == 200
    assert call(place, "DELETE", f"{path}?reason=again", secret).status_code == 404
    place.settle()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"group": "guests"}, "reason"),
        ({"group": "nowhere", "reason": "x"}, "nowhere"),
        ({"group": "guests", "reason": "x", "until": "2020-01-01T00:00:00Z"}, "in the past"),
        ({"group": "guests", "reason": "x", "until": "tomorrow"}, "not a time"),
        ({"group": "guests", "reason": "x", "until": "2099-01-01T00:00:00"}, "time zone"),
        ({"group": 7, "reason": "x"}, "group"),
    ],
)
def test_bad_input_is_refused_in_words_and_its_key_stays_free(
    place: Place, said: dict[str, Any], why: str
) -> None:
    secret = token(place, "grants:write")
    path = f"/people/{ada(place)}/grants"
    answer = call(place, "POST", path, secret, key="bad", json=said)
    assert answer.status_code in (400, 404)
    assert why in answer.json()["error"]
    put_right = {"group": "guests", "reason": "right"}
    done = call(place, "POST", path, secret, key="bad", json=put_right)
    assert done.status_code in (200, 201)


def test_A59_a_payment_is_recorded_once_for_its_key_and_twice_for_two(place: Place) -> None:
    secret = token(place, "payments:write")
    path = f"/people/{ada(place)}/payments"
    said = {"amount_minor": 1200, "currency": "eur", "method": "cash", "what": "Summer party"}
    sent = [call(place, "POST", path, secret, key=key, json=said) for key in ("a", "a", "b")]
    ids = [answer.json()["id"] for answer in sent]
    assert ids[0] == ids[1] != ids[2]
    nothing = call(place, "POST", path, secret, json=said)
    assert nothing.status_code == 400
    assert "Idempotency-Key" in nothing.json()["error"]


def test_A18_standing_is_asked_through_the_api(place: Place) -> None:
    answer = call(place, "GET", "/standing/ada", token(place, "standing:read"))
    assert answer.json()["user_id"] == ada(place)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "", 404),
        ("GET", "/api/", 404),
        ("GET", "/api/v1", 404),
        ("GET", "/api/v1/nothing", 404),
        ("POST", "/api/v2/people/1/grants", 404),
        ("GET", "/api/v1/people/0", 404),
        ("PUT", "/api/v1/people/1", 405),
        ("DELETE", "/api/v1/openapi.json", 405),
        ("POST", "/api/v1/people/1/grants", 413),
    ],
)
def test_an_address_or_method_that_the_api_does_not_have_is_refused_in_json(
    place: Place, method: str, path: str, status: int
) -> None:
    headers = {"Authorization": f"Bearer {token(place, *SCOPES)}", "Idempotency-Key": "much"}
    body = {"reason": "x" * 40_000} if status == 413 else None
    address = f"{place.url}{path or '/api'}"
    answer = requests.request(method, address, headers=headers, json=body, timeout=20)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json"
    assert set(answer.json()) == {"error"}
    assert ("Allow" in answer.headers) == (status == 405)


def test_a_fault_of_the_bridge_is_answered_in_json_without_its_details(place: Place) -> None:
    class Broken:
        def read(self) -> Any:
            raise RuntimeError("a secret detail")

    app = create_app(replace(place.bridge, store=cast("Store", Broken())))
    headers = {"Authorization": "Bearer x"}
    answer = app.test_client().get("/api/v1/people/1", headers=headers, base_url=place.url)
    assert (answer.status_code, set(answer.json or ())) == (500, {"error"})
    assert "secret" not in answer.text
    assert answer.headers["X-Request-Id"]


def test_whatever_is_sent_the_answers_are_as_the_description_says(place: Place) -> None:
    secret = token(place, *SCOPES, days=400)
    schema = schemathesis.openapi.from_url(f"{place.url}/api/v1/openapi.json")
    seen = set()

    def check(case: Any) -> None:
        answer = case.call(headers={"Authorization": f"Bearer {secret}"})
        seen.add((case.method, case.path))
        assert answer.status_code < 500, (case.method, case.path, answer.text)
        case.validate_response(answer, checks=[response_schema_conformance])

    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        # Fewer calls than the limiter lets through: what it answers is described as well.
        few = settings(
            max_examples=15,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        few(given(case=found.ok().as_strategy())(check))()
    assert len(seen) == len(RIGHTS)
