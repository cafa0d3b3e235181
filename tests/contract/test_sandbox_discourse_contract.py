"""The simulated Discourse against its contract: the description, both versions, the recording.

A story requests everything once. The simulated forum of the tests (`Site`) compares each answer
with the contract, so every other test checks it, too.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.contract.discourse_contract import (
    FOLDERS,
    IS_HERE,
    OVERRULED,
    SCHEMAS,
    Problem,
    contradictions,
    operation_of,
    operations,
    recorded,
    recorded_problems,
)
from tests.contract.discourse_endpoints import endpoint_of, endpoints
from tests.contract.discourse_recording import recorded_schemas, unlike_recorded
from tests.contract.discourse_story import tell
from tests.sandbox.discourse_world import Site

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not IS_HERE, reason="../shared with the contract is absent"),
]

# Nothing links an account of another service to a simulated user.
NEVER_SUCCEEDS = {"GET /u/by-external/:provider/:external_id"}


@pytest.mark.parametrize("version", FOLDERS)
def test_everything_is_asked_for_and_each_answer_keeps_the_contract(version: str) -> None:
    site = Site(version=version)
    try:
        tell(site)
        routes = site.app.url_map.bind("localhost")
        answered = {endpoint_of(routes, method, path) for method, path, status in site.asked}
        assert set(endpoints(site.app)) - answered == NEVER_SUCCEEDS
    finally:
        site.close()


def test_where_the_real_server_contradicts_its_description_the_reason_is_known() -> None:
    known = {re.compile(pattern): reason for reason, pattern in OVERRULED.items()}
    reasons = {
        problem: [reason for pattern, reason in known.items() if pattern.fullmatch(problem.line)]
        for problem in recorded_problems()
    }
    assert {p: r for p, r in reasons.items() if len(r) != 1} == {}
    assert {reason for found in reasons.values() for reason in found} == set(OVERRULED)


def test_every_schema_goes_with_an_operation_that_the_description_has() -> None:
    assert {o.name for o in operations()} >= SCHEMAS.keys()


def answered(method: str, path: str) -> Any:
    """The real server's answers, before anything else."""
    steps = (s for s in recorded() if s["response"]["status"] == 200)
    asked = ((s["request"], s["response"]["json"]) for s in steps)
    return next(body for r, body in asked if r["method"] == method and r["path"] == path)


def test_a_missing_key_another_kind_and_a_strange_error_are_noticed() -> None:
    path = "/site/basic-info.json"
    whole = answered("GET", path)
    assert contradictions("GET", path, 200, whole) == []
    less = {k: v for k, v in whole.items() if k != "title"}
    name = "GET /site/basic-info.json"
    assert Problem(name, "$", "without title") in contradictions("GET", path, 200, less)
    number = contradictions("GET", path, 200, {**whole, "title": 5})
    assert Problem(name, "$.title", "type: int") in number
    more = contradictions("GET", path, 200, {**whole, "extra": 1})
    assert more == [Problem("site_basic_info_response", "$", "with extra")]
    assert contradictions("GET", path, 404, {"message": "gone"}) != []
    assert contradictions("GET", path, 201, whole) == [Problem(name, "$", "status 201")]


def test_an_operation_is_found_by_the_path_that_was_asked() -> None:
    def name(method: str, path: str) -> str | None:
        found = operation_of(method, path)
        return found.name if found else None

    assert name("GET", "/groups/by-id/7.json") == "GET /groups/by-id/{id}.json"
    assert name("GET", "/u/ada.json?x=1") == "GET /u/{username}.json"
    assert name("GET", "/groups/patrons/logs.json") is None


def test_where_nothing_is_described_an_answer_is_held_to_the_recorded_ones() -> None:
    assert len(recorded_schemas()) > 20
    csrf = {"csrf": "a-token"}
    assert unlike_recorded("GET /session/csrf", csrf) == set()
    assert unlike_recorded("GET /session/csrf", {}) == {"GET /session/csrf $ without csrf"}
    more = unlike_recorded("GET /session/csrf", {**csrf, "x": 1})
    assert more == {"GET /session/csrf $ with x"}
