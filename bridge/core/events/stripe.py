"""Reading a webhook of Stripe, of any API version from 2018-02-06 on, snapshot or thin.

The bridge takes only what says *whom to read again*: type, ids, mode and time. It ignores dates
and amounts in a payload, because they may be old or have the shape of another API version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bridge.core.model.carried import Carried

OLDEST_VERSION = "2018-02-06"
# A customer's id becomes a key of work and part of requests, so it is checked first.
_CUSTOMER_ID = re.compile(r"g?cus_[A-Za-z0-9_]+")
# Stripe's own limit for ids. The owner may choose any text as the id of a product or plan.
_LONGEST_ID = 255
# The inbox holds this many characters; Stripe's longest ids have a third of it.
_LONGEST_TYPE, _LONGEST_KIND, _LONGEST_VERSION = 120, 80, 60

# Where an object names another one, from the newest shape to the oldest. An invoice's
# subscription moved under `parent` in API version 2025-03-31 (basil), which also took
# `charge.invoice` and `invoice.charge` away. An invoice payment names its charge under `payment`.
_RELATED_PATHS: dict[str, tuple[tuple[str, ...], ...]] = {
    "subscription": (
        ("parent", "subscription_details", "subscription"),
        ("subscription",),
        ("released_subscription",),
    ),
    "invoice": (("invoice",),),
    "charge": (("payment", "charge"), ("charge",)),
    "payment_intent": (("payment", "payment_intent"), ("payment_intent",)),
    "setup_intent": (("setup_intent",),),
    "product": (("product",),),
    "price": (("price",),),
    "payment_link": (("payment_link",),),
}

# Metadata come first: only the account's keys write them. Anybody who opens a payment link can
# type `client_reference_id`, so that counts only if there is no metadata.
_REFERENCE_PATHS: tuple[tuple[str, ...], ...] = (
    ("metadata", "bridge_reference"),
    ("metadata", "discourse_user_id"),
    ("parent", "subscription_details", "metadata", "bridge_reference"),
    ("subscription_details", "metadata", "bridge_reference"),
)


@dataclass(frozen=True, slots=True)
class Event:
    """What is taken from a webhook: a hint, never a fact.

    `related` names other Stripe objects that the event mentions, by kind (subscription, invoice,
    charge, payment_intent, price, product, payment_link; `invoice_item`: the first item of an
    invoice that is sold once). `reference` is a `client_reference_id` (`is_typed`) or our metadata,
    still unverified. `balance_moved`: the customer's credit has changed. `begins`: a
    subscription leaves the status incomplete, with its first payment. `country`: the country of
    the address that was given with an order; it is final.
    """

    id: str
    type: str
    object_id: str | None
    object_kind: str | None
    customer_id: str | None
    created_at: datetime
    livemode: bool
    account: str | None = None
    api_version: str | None = None
    thin: bool = False
    reference: str | None = None
    is_typed: bool = False
    related: Mapping[str, str] = field(default_factory=dict)
    balance_moved: bool = False
    begins: bool = False
    country: str | None = None

    @property
    def carried(self) -> Carried | None:
        """The reference, with all that says whether it counts."""
        if self.reference is None:
            return None
        link_id = self.related.get("payment_link")
        return Carried(self.reference, self.created_at, self.is_typed, link_id)


class MalformedEvent(ValueError):
    """This is not an event from Stripe; the message names the part that is missing or wrong."""


def read_event(payload: Mapping[str, object]) -> Event:
    """Take the hint out of a verified payload; nothing is copied, nothing is checked twice.

    Raises: MalformedEvent, and nothing else whatever the JSON holds.
    """
    if not isinstance(payload, Mapping):
        raise MalformedEvent(f"the body is {_kind_of(payload)}, not a JSON object")
    if "object" not in payload and isinstance(payload.get("detail"), Mapping):
        # Amazon EventBridge wraps the event.
        payload = _at(payload, ("detail",))  # type: ignore[assignment] # a mapping, as just seen
    match payload.get("object"):
        case "event":
            return _read_snapshot(payload)
        case "v2.core.event":
            return _read_thin(payload)
    raise MalformedEvent(
        f"`object` is {_shown(payload.get('object'))}, not 'event' or 'v2.core.event'"
    )


def _read_snapshot(payload: Mapping[str, object]) -> Event:
    subject = _at(payload, ("data", "object"))
    if not isinstance(subject, Mapping):
        raise MalformedEvent("`data.object` is missing, so the event is about nothing")
    object_id, kind = _text(subject.get("id")), _text(subject.get("object"), _LONGEST_KIND)
    written = _first_text(subject, _REFERENCE_PATHS)
    typed = None if written else _text(subject.get("client_reference_id"))
    return Event(
        id=_required_text(payload, "id"),
        type=_required_text(payload, "type", _LONGEST_TYPE),
        object_id=object_id,
        object_kind=kind,
        customer_id=_customer_id(subject if kind == "customer" else subject.get("customer")),
        created_at=_from_unix(payload.get("created")),
        livemode=_required_bool(payload, "livemode"),
        account=_text(payload.get("account")),
        api_version=_text(payload.get("api_version"), _LONGEST_VERSION),
        reference=written or typed,
        is_typed=typed is not None,
        related=dict(_related(subject)),
        balance_moved=kind == "customer" and _moves_balance(payload, subject),
        begins=kind == "subscription" and _was_incomplete(payload),
        country=_text(_at(subject, ("customer_details", "address", "country"))),
    )


def _moves_balance(payload: Mapping[str, object], customer: Mapping[str, object]) -> bool:
    before = _at(payload, ("data", "previous_attributes"))
    if payload.get("type") == "customer.created":
        return bool(customer.get("balance"))
    return isinstance(before, Mapping) and ("balance" in before or "account_balance" in before)


def _was_incomplete(payload: Mapping[str, object]) -> bool:
    return _at(payload, ("data", "previous_attributes", "status")) == "incomplete"


def _read_thin(payload: Mapping[str, object]) -> Event:
    """A thin event names one object and nothing about it; entitlements' name not even that."""
    subject = payload.get("related_object")
    if not isinstance(subject, Mapping):
        subject = {}
    object_id, kind = _text(subject.get("id")), _text(subject.get("type"), _LONGEST_KIND)
    return Event(
        id=_required_text(payload, "id"),
        type=_required_text(payload, "type", _LONGEST_TYPE),
        object_id=object_id,
        object_kind=kind,
        customer_id=_customer_id(object_id) if kind == "customer" else None,
        created_at=_from_iso(payload.get("created")),
        livemode=_required_bool(payload, "livemode"),
        account=_text(payload.get("context")),
        thin=True,
    )


def _related(subject: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for kind, paths in _RELATED_PATHS.items():
        for path in paths:
            if found := _id(_at(subject, path)):
                yield kind, found
                break
    if found := next(filter(None, map(_item_bought_once, _lines(subject))), None):
        yield "invoice_item", found


def _lines(subject: Mapping[str, object]) -> list[object]:
    lines = _at(subject, ("lines", "data"))
    return lines if isinstance(lines, list) else []


def _item_bought_once(line: object) -> str | None:
    """The invoice item behind a line of an invoice, but not that of a subscription's proration."""
    details = ("parent", "invoice_item_details")
    if _at(line, (*details, "proration")) or _at(line, ("proration",)):
        return None
    return _id(_at(line, (*details, "invoice_item"))) or _id(_at(line, ("invoice_item",)))


def _first_text(subject: Mapping[str, object], paths: tuple[tuple[str, ...], ...]) -> str | None:
    return next((text for path in paths if (text := _text(_at(subject, path)))), None)


def _at(value: object, path: tuple[str, ...]) -> object:
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _id(value: object) -> str | None:
    """An id, or the id of the object that was expanded in its place."""
    return _text(value.get("id")) if isinstance(value, Mapping) else _text(value)


def _customer_id(value: object) -> str | None:
    """The id of a customer or expanded customer; None if it is not a valid id."""
    found = _id(value)
    return found if found and _CUSTOMER_ID.fullmatch(found) else None


def _text(value: object, longest: int = _LONGEST_ID) -> str | None:
    """Text that every store and log can keep: no NUL, no line break, no lone surrogate."""
    if isinstance(value, str) and 0 < len(value) <= longest and value.isprintable():
        return value
    return None


def _required_text(payload: Mapping[str, object], key: str, longest: int = _LONGEST_ID) -> str:
    text = _text(payload.get(key), longest)
    if text is None:
        raise MalformedEvent(f"`{key}` is {_shown(payload.get(key))}, not a short text")
    return text


def _required_bool(payload: Mapping[str, object], key: str) -> bool:
    value = payload.get(key)
    if not isinstance(value, bool):
        raise MalformedEvent(f"`{key}` is {_shown(value)}, not true or false")
    return value


def _from_unix(value: object) -> datetime:
    if type(value) is int:
        try:
            return datetime.fromtimestamp(value, UTC)
        except (OverflowError, OSError, ValueError):
            pass
    raise MalformedEvent(f"`created` is {_shown(value)}, not unix seconds")


def _from_iso(value: object) -> datetime:
    if isinstance(value, str):
        try:
            at = datetime.fromisoformat(value)
            return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        except (OverflowError, ValueError):
            pass
    raise MalformedEvent(f"`created` is {_shown(value)}, not a time in ISO 8601")


def _shown(value: object) -> str:
    """A foreign value for a message: short, on one line, and never the contents of an object."""
    if value is None:
        return "missing"
    return ascii(value)[:60] if isinstance(value, str | bool | float) else _kind_of(value)


def _kind_of(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", int: "a number", float: "a number"}
    return kinds.get(type(value), "no object")
