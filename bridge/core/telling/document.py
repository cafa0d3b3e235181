"""Turns typed answers into plain documents for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

OPTIONAL = {"optional": True}
"""Metadata of a field that a document leaves out when it is None."""


def document(answer: Any) -> Any:
    """The answer with dictionaries for dataclasses and lists for tuples.

    A field whose name Python reserves ends with an underscore; its document's key does not.
    """
    if is_dataclass(answer) and not isinstance(answer, type):
        return {
            one.name.removesuffix("_"): document(value)
            for one in fields(answer)
            if (value := getattr(answer, one.name)) is not None or "optional" not in one.metadata
        }
    if isinstance(answer, Mapping):
        return {key: document(value) for key, value in answer.items()}
    if isinstance(answer, tuple | list):
        return [document(one) for one in answer]
    return answer
