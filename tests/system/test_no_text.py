"""Characters that no text has, and that PostgreSQL cannot look for, in whatever is sent."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from bridge.errors import Transient
from bridge.store import Store
from tests.harness import System
from tests.system.acts import app_of, moderator
from tests.system.test_api_dies import GRANT, Machine, world

__all__ = ["world"]
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


def test_a_character_that_no_text_has_is_refused_and_never_our_fault(
    world: System, subtests: pytest.Subtests
) -> None:
    client = moderator(app_of(world), world, "mia")
    for path in ASKED:
        with subtests.test(path):
            assert client.get(path).status_code < 500
    grant = {**GRANT, "until": "", "reason": "a\x00b"}
    path = f"/moderate/person/{world.user('alice')}/grant"
    assert client.post(path, data=grant).status_code == 400


def test_json_with_characters_that_no_text_has_is_refused(
    world: System, subtests: pytest.Subtests
) -> None:
    shop = Machine(world)
    for number, wrong in enumerate(("\x00", "\\\x00", "\ud800", "a\udc00b")):
        for field in GRANT:
            with subtests.test(repr(wrong), field=field):
                answer = shop.send("grants", f"{number}{field}", {**GRANT, field: wrong})
                assert (answer.status_code, "NUL" in answer.text) == (400, True), answer.text
    for number, right in enumerate((r"\u0000", r"\\u0000", "\U0001f600")):
        with subtests.test(right):
            answer = shop.send("grants", f"right {number}", {**GRANT, "reason": right})
            assert answer.status_code in {200, 201}, answer.text


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
