"""Characters that no text has, and that PostgreSQL cannot look for, in whatever is sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from structlog.testing import capture_logs

from bridge.core.model.actor import operator
from bridge.errors import Transient
from bridge.operations.tokens import SCOPES, make_token
from bridge.store import Store
from bridge.web import create_app
from tests.harness import System, system
from tests.system.acts import app_of, moderator

ASKED = (
    "/moderate/find?q=%00",
    "/moderate/find?q=12.00%00",
    "/moderate/find?q=alice@example.com%00",
    "/moderate/find?q=https://x.example/?email=alice@example.com%2500",
    "/moderate/log?person=%00",
    "/moderate/log?kind=%00",
    "/moderate/log?%00=1",
    "/moderate/lists/failed?after=%00",
    "/moderate/lists/%00",
    "/moderate/members?name=%00",
    "/join/%00",
    "/join/price_1?from=%00",
    "/claim/%00",
    "/standing/%00",
    "/api/v1/people/%00",
)


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[System]:
    with system(tmp_path, database_url=database_url) as it:
        it.group("guests")
        it.user("alice")
        it.settle()
        yield it


def test_I7_a_character_that_no_text_has_is_refused_and_never_our_fault(
    world: System, subtests: pytest.Subtests
) -> None:
    client = moderator(app_of(world), world, "mia")
    alice = f"/moderate/person/{world.user('alice')}"
    grant = {"group": "guests", "until": "", "reason": "a\x00b"}
    with capture_logs() as logged:
        for path in ASKED:
            with subtests.test(path):
                assert client.get(path).status_code < 500
        assert client.post(f"{alice}/grant", data=grant).status_code == 400
    assert "example.com" not in str(logged)
    assert world.groups_of("alice") == set()


def test_I7_json_with_characters_that_no_text_has_is_refused(
    world: System, subtests: pytest.Subtests
) -> None:
    until = world.bridge.clock.now() + timedelta(days=30)
    secret = make_token(world.bridge, operator("root"), "shop", SCOPES, until).secret
    client, path = create_app(world.bridge).test_client(), f"/api/v1/people/{world.user('alice')}"
    for number, wrong in enumerate((r"\u0000", r"\ud800", r"a\udc00b")):
        for field in ("group", "reason"):
            said = {"group": "guests", "reason": "Helps"} | {field: "#"}
            body = str(said).replace("'", '"').replace("#", wrong)
            headers = {
                "Authorization": f"Bearer {secret}",
                "Idempotency-Key": f"{number}{field}",
                "Content-Type": "application/json",
            }
            with subtests.test(body):
                answer = client.post(f"{path}/grants", data=body, headers=headers)
                assert (answer.status_code, "NUL" in answer.text) == (400, True), answer.text


def test_an_error_of_the_database_never_tells_what_was_asked_for(database_url: str) -> None:
    store, asked = Store(database_url), text("SELECT :said FROM nowhere")
    try:
        with pytest.raises((Transient, DatabaseError)) as raised, store.read() as connection:
            connection.execute(asked, {"said": "alice@example.com"})
    finally:
        store.close()
    told = f"{raised.value} {raised.value.__cause__}"
    assert "nowhere" in told
    assert "example.com" not in told
