"""A moderator's search text: an e-mail address, a Stripe id, a receipt, an amount, or a name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal
from urllib.parse import unquote

from bridge.core.ledger.amounts import to_minor
from bridge.core.telling.visible import dropped

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
_RECEIPT = re.compile(
    r"(?:receipt:? )?(?:number |no\.? ?)?#?([0-9]{4}[-\N{EN DASH}][0-9]{1,9})", re.IGNORECASE
)
_LINK = re.compile(r"https?://[^/\s]*", re.IGNORECASE)
_BETWEEN = re.compile(r"[/?#&=]")
# Somebody's page, and the one that staff see.
_PERSON = re.compile(
    r"/(?:u/@?(?P<name>[^/?#]+?)(?:\.json)?|admin/users/(?P<id>[0-9]{1,18})/[^/?#]*)(?:[/?#]|$)"
)


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

    kind: Literal["nothing", "address", "stripe", "link", "other"]
    text: str = ""
    user_id: int | None = None
    amount: Amount | None = None
    last4: str | None = None
    receipt: str | None = None

    @property
    def may_be_full_name(self) -> bool:
        """Whether the forum can be asked for somebody who is called like this."""
        words = self.kind == "other" and self.amount is None and self.user_id is None
        return words and len(self.text) <= LONGEST_NAME and any(map(str.isalpha, self.text))


def parse_asked(text: str, forum: str) -> Asked:
    """The possible meanings of the text. `forum`: its address, for links to people's pages."""
    said = _typed(text)[:LONGEST].removeprefix("mailto:")
    if _LINK.match(said):
        named = _named_in(said, forum)
        if not named:
            return Asked("link", said)
        said = named
    if not said:
        return Asked("nothing")
    if _ADDRESS.fullmatch(said):
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
        receipt=receipt[1].replace("\N{EN DASH}", "-") if receipt else None,
    )


def _typed(text: str) -> str:
    """What somebody sees of it: control characters come along when something is pasted."""
    return " ".join(dropped(text).split())


def _named_in(link: str, forum: str) -> str:
    """Whom or what a link is about: an id of Stripe, an address, somebody's page on the forum."""
    person = _PERSON.match(link.removeprefix(forum)) if link.startswith(forum) else None
    if person and person["id"]:
        return f"id:{person['id']}"
    if person:
        return f"@{_typed(unquote(person['name']))}"
    parts = [_typed(unquote(part)) for part in _BETWEEN.split(_LINK.sub("", link))]
    found = [one for one in parts if _STRIPE.fullmatch(one) or _ADDRESS.fullmatch(one)]
    return found[-1] if found else ""


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
