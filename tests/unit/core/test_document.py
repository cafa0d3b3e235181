from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from bridge.core.telling.document import OPTIONAL, document

AT = datetime(2027, 3, 1, tzinfo=UTC)


class _Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class _Part:
    from_: datetime
    colour: _Colour
    until: datetime | None = None
    more: tuple[int, ...] | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True, slots=True)
class _Whole:
    parts: tuple[_Part, ...]
    detail: dict[str, object]


def test_a_document_names_everything_an_answer_holds_and_leaves_out_only_what_is_optional() -> None:
    whole = _Whole(
        (_Part(AT, _Colour.RED), _Part(AT, _Colour.RED, AT, ())),
        {"a": (1, None), "b": _Part(AT, _Colour.RED)},
    )
    short = {"from": AT, "colour": "red", "until": None}
    assert document(whole) == {
        "parts": [short, {"from": AT, "colour": "red", "until": AT, "more": []}],
        "detail": {"a": [1, None], "b": short},
    }


def test_a_document_of_plain_data_is_that_data() -> None:
    assert document({"ids": [1, 2], "name": None}) == {"ids": [1, 2], "name": None}
    assert document(_Part) is _Part, "a class is not an answer"
