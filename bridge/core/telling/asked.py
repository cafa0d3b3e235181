"""A moderator's search text: an address, a Stripe id, a receipt, an amount, or a name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Literal
from urllib.parse import unquote

from bridge.core.ledger.amounts import to_minor

By = Literal["address", "name"]
"""What somebody is looked up by at Stripe and on the forum, which is logged."""
LONGEST = 300
LONGEST_NAME = 100
_STRIPE = re.compile(r"(cus|sub|in|ch|py|pi|cs|re|pyr|dp|du|po|txn)_[A-Za-z0-9_]{1,200}")
_AMOUNT = re.compile(
    r"[€£$]?(?P<number>-?[0-9]{1,9}(?:[.,][0-9]{1,3})?)(?: (?P<currency>[a-z]{3}))?"
    r"(?:(?: on)? (?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2}))?",
    re.IGNORECASE,
)
_ID = re.compile(r"(?:id:)?([0-9]{1,18})")
_CARD = re.compile(r"[0-9]{4}")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
_RECEIPT = re.compile(r"(?:receipt )?(?:no\.? ?)?#?([0-9]{4}-[0-9]{1,9})", re.IGNORECASE)
_LINK = re.compile(r"https?://[^/\s]+/(\S*)", re.IGNORECASE)
_BETWEEN = re.compile(r"[/?#&=]")


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount as typed, with its currency and day if they were given."""

    minor: int
    currency: str | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything that the text may mean.

    Digits may be an id, a name or the end of a card number. What looks like a Stripe id may also be
    a name, such as in_love.
    """

    kind: Literal["nothing", "address", "stripe", "other"]
    text: str = ""
    user_id: int | None = None
    amount: Amount | None = None
    last4: str | None = None
    receipt: str | None = None

    @property
    def may_be_full_name(self) -> bool:
        """Whether the forum can be asked for somebody who is called like this."""
        words = self.kind == "other" and self.amount is None and self.user_id is None
        is_link = _LINK.fullmatch(self.text) is not None
        short = len(self.text) <= LONGEST_NAME
        return words and not is_link and short and any(map(str.isalpha, self.text))


def parse_asked(text: str) -> Asked:
    """The possible meanings of the text."""
    said = " ".join(text.split())[:LONGEST]
    if not said:
        return Asked("nothing")
    if link := _LINK.fullmatch(said):
        said = _named_in(link[1]) or said
    elif _ADDRESS.fullmatch(said):
        return Asked("address", said)
    if _STRIPE.fullmatch(said):
        return Asked("stripe", said)
    number, receipt = _ID.fullmatch(said), _RECEIPT.fullmatch(said)
    return Asked(
        "other",
        said.removeprefix("@"),
        user_id=int(number[1]) if number else None,
        amount=_amount(said),
        last4=said if _CARD.fullmatch(said) else None,
        receipt=receipt[1] if receipt else None,
    )


def _named_in(path: str) -> str | None:
    """What a pasted link is about: an object in Stripe's dashboard, or somebody's forum page."""
    parts = [part for part in map(unquote, _BETWEEN.split(path)) if part.isprintable()]
    names = [f"@{name}" for before, name in pairwise(parts) if before == "u"]
    ids = [part for part in parts if _STRIPE.fullmatch(part)]
    return next(iter([*names, *reversed(ids)]), None)


def _amount(said: str) -> Amount | None:
    found = _AMOUNT.fullmatch(said)
    if found is None:
        return None
    number, currency, day = found["number"], found["currency"], found["day"]
    # A plain whole number is probably an id; with a currency or a day it is an amount.
    if not (currency or day or re.search(r"[.,]", number)):
        return None
    try:
        return Amount(
            to_minor(number.replace(",", "."), (currency or "eur").lower()),
            currency.lower() if currency else None,
            date.fromisoformat(day) if day else None,
        )
    except ValueError:
        return None
