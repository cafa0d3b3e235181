"""A community's goal for something it sells, as written in metadata."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

NOTHING = "none"
_MEMBERS = re.compile(r"([1-9][0-9]{0,8}) members?")
_MONEY = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?([a-z]{3})(?: ?/ ?(month|year))?")

Per = Literal["month", "year"]
_PER: Mapping[str | None, Per | None] = {"month": "month", "year": "year", None: None}


@dataclass(frozen=True, slots=True)
class Goal:
    """So many members, or so much money: in all, or each month or year.

    `amount`: members, or whole units of the currency. `currency` None: members.
    """

    amount: Decimal
    currency: str | None = None
    per: Per | None = None


def read_goal(text: str) -> Goal | None:
    """`200 members`, `5000 eur/month`, `12000 eur` or `none`. Raises: ValueError for other text."""
    if text == NOTHING:
        return None
    if members := _MEMBERS.fullmatch(text):
        return Goal(Decimal(members[1]))
    money = _MONEY.fullmatch(text)
    if not money or not Decimal(money[1]):
        raise ValueError(text)
    return Goal(Decimal(money[1]), money[2], _PER[money[3]])
