"""A key of the vocabulary: its name, the field it sets, the words it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

METADATA_PREFIX = "discourse_"
NOTHING = "none"


def key_name(written: str) -> str:
    """A key without the prefix, which metadata needs and bridge.toml may have."""
    return written.removeprefix(METADATA_PREFIX)


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its name, the field it sets, the words it takes.

    `of_checkout`: it is about paying, its site-wide default stands in [checkout].
    """

    name: str
    field: str
    read: Callable[[str], object]
    values: str
    default: str
    may_be_default: bool = True
    keeps_case: bool = False
    of_checkout: bool = False
    write: Callable[[Any], str] | None = None

    @property
    def metadata_key(self) -> str:
        """Its key in Stripe's metadata."""
        return METADATA_PREFIX + self.name


def one_of(*words: str) -> Callable[[str], str]:
    """Reads one of these words."""

    def read(text: str) -> str:
        if text not in words:
            raise ValueError(text)
        return text

    return read


def yes_or_no(text: str) -> bool:
    """`yes` or `no`; bridge.toml may also write true or false."""
    if text not in ("yes", "no", "true", "false"):
        raise ValueError(text)
    return text in ("yes", "true")


def names(text: str) -> tuple[str, ...]:
    """Group names or ids; each once, in the order given."""
    if text == NOTHING:
        return ()
    found = [name.strip() for name in text.split(",")]
    if not all(found):
        raise ValueError(text)
    return tuple(dict.fromkeys(found))
