"""The digest has words for each worklist that is counted."""

from __future__ import annotations

from sqlalchemy import create_engine

from bridge.core.telling.digest import _WAITING
from bridge.store import worklist_counts
from bridge.store.schema.columns import metadata


def test_each_worklist_that_is_counted_has_its_words() -> None:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.connect() as connection:
        assert worklist_counts.counts(connection).keys() == _WAITING.keys()
    for words in _WAITING.values():
        assert words(1) != words(2)
