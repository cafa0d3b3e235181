"""The names of those who did something: people of the forum, and tokens."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from bridge.core.telling.doers import people_in, tokens_in
from bridge.store import tokens, users


def names_of(
    connection: Connection, causes: Collection[str | None], people: Collection[int] = ()
) -> dict[int | str, str | None]:
    """The names that these causes need, and those of more people."""
    found: dict[int | str, str | None] = {}
    found.update(users.names_of(connection, people_in(causes) | set(people)).items())
    found.update(tokens.names_of(connection, tokens_in(causes)).items())
    return found
