"""Reads Stripe's objects into the project's words, in every shape from API version 2018 to today's.

New places first, then the old ones. Only needed keys are read; KeyError, TypeError or
ValueError says that one of them is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from bridge.core.model.stripe import (
    ComingChange,
    ComingCharge,
    Customer,
    Feature,
    Means,
    OpenAmount,
    PeriodPayment,
    Price,
    Product,
    Subscription,
    SubscriptionItem,
)

Json = Mapping[str, Any]
Interval = Literal["day", "week", "month", "year"]
PauseBehaviour = Literal["keep_as_draft", "mark_uncollectible", "void"]

REFERENCE = "bridge_reference"  # metadata key of our signed reference
BENEFICIARY = "bridge_beneficiary"  # the same for somebody else, for whom it was bought
CAMPAIGN = "bridge_campaign"  # the campaign's link that the member followed
REPLACES = "bridge_replaces"  # our signed reference to the subscription that this one replaces
PURPOSE = "purpose"  # metadata key, for people who read exports
PRICE = "bridge_price"  # metadata key of a line: the price whose amount the buyer decided
USER_ID = "discourse_user_id"  # metadata key, for people who read exports; it proves nothing


def moment(seconds: float) -> datetime:
    """Stripe's seconds since 1970, aware."""
    return datetime.fromtimestamp(seconds, UTC)


def moment_or_none(seconds: float | None) -> datetime | None:
    """The same, where Stripe may say null."""
    return None if seconds is None else moment(seconds)


def id_of(value: object) -> str | None:
    """The id, from an id or an expanded object."""
    if isinstance(value, Mapping):
        return str(value["id"])
    return str(value) if value else None


def within(value: object, *keys: str) -> Any:
    """A value inside of nested objects, or None where any of them is missing or not expanded."""
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def rows(value: object) -> Sequence[Json]:
    """The rows of an embedded list, if it is there."""
    data = within(value, "data")
    return data if isinstance(data, list) else ()


def metadata(raw: Json) -> dict[str, str]:
    """Metadata, which some old objects lack."""
    return {str(k): str(v) for k, v in (raw.get("metadata") or {}).items()}


# --- The catalogue -------------------------------------------------------------------------------


def read_product(raw: Json) -> Product:
    """A product; a deleted one (id only) is inactive."""
    # Cards in posts show it, so it must be an https address.
    images = [url for url in raw.get("images") or () if str(url).startswith("https://")]
    return Product(
        id=raw["id"],
        name=str(raw.get("name") or raw["id"]),
        active=bool(raw.get("active", not raw.get("deleted"))),
        description=raw.get("description") or None,
        image=images[0] if images else None,
        metadata=metadata(raw),
        benefits=tuple(
            name for row in raw.get("marketing_features") or () if (name := row.get("name"))
        ),
    )


def read_price(raw: Json) -> Price:
    """A price, or the plan that old versions give in its place."""
    recurring = raw.get("recurring") or {}
    interval = recurring.get("interval") or raw.get("interval")
    if raw.get("type") == "one_time" or interval not in get_args(Interval):
        interval = None
    amount = raw.get("unit_amount", raw.get("amount"))
    taxed = raw.get("tax_behavior")
    return Price(
        id=raw["id"],
        product_id=id_of(raw["product"]) or "",
        currency=str(raw["currency"]).lower(),
        amount_minor=None if amount is None else int(amount),
        interval=interval,
        interval_count=int(recurring.get("interval_count") or raw.get("interval_count") or 1),
        lookup_key=raw.get("lookup_key") or None,
        nickname=raw.get("nickname") or None,
        active=bool(raw.get("active", True)),
        metadata=metadata(raw),
        open_amount=_open_amount(raw.get("custom_unit_amount")),
        tax_behavior=taxed if taxed in ("inclusive", "exclusive") else None,
        currency_options=_currency_options(raw),
    )


def _open_amount(raw: Json | None) -> OpenAmount | None:
    if not raw:
        return None
    limits = (raw.get(name) for name in ("minimum", "maximum", "preset"))
    return OpenAmount(*(None if limit is None else int(limit) for limit in limits))


def _currency_options(raw: Json) -> dict[str, int] | None:
    """Amounts in other currencies; None where they were not asked for: no word about them."""
    options = raw.get("currency_options")
    if options is None:
        return None
    return {
        str(currency).lower(): int(option["unit_amount"])
        for currency, option in sorted(options.items())
        if option.get("unit_amount") is not None and currency != raw["currency"]
    }


def read_feature(raw: Json) -> Feature:
    """A feature of Stripe's Entitlements."""
    return Feature(
        id=raw["id"],
        lookup_key=str(raw["lookup_key"]),
        name=str(raw.get("name") or raw["lookup_key"]),
        active=bool(raw.get("active", True)),
        metadata=metadata(raw),
    )


def carried_feature(raw: Json) -> str:
    """The lookup key of what a product carries, from the row that attaches it."""
    return str(raw["entitlement_feature"]["lookup_key"])


def read_customer(raw: Json) -> Customer:
    """A customer; nothing of the person is taken."""
    deleted, created_at = bool(raw.get("deleted")), moment_or_none(raw.get("created"))
    return Customer(raw["id"], deleted=deleted, metadata=metadata(raw), created_at=created_at)


# --- Subscriptions -------------------------------------------------------------------------------


def item_price(raw_item: Json) -> Json:
    """The price of an item, whole; a plan where there was no price yet."""
    price = raw_item.get("price") or raw_item["plan"]
    if not isinstance(price, Mapping):
        raise TypeError(f"the price {price} of item {raw_item.get('id')} is not whole")
    return price


def item_rows(raw: Json) -> Sequence[Json]:
    """A subscription's items; the oldest versions have one plan and no items.

    A subscription that came without either would look as if it granted nothing: an error.
    """
    if "items" not in raw and raw.get("plan"):
        return ({"id": raw["id"], "plan": raw["plan"], "quantity": raw.get("quantity")},)
    found: Sequence[Json] = raw["items"]["data"]
    return found


def read_subscription(
    raw: Json,
    items: Sequence[Json] | None = None,
    past_due_since_at: datetime | None = None,
    last_payment: PeriodPayment | None = None,
) -> Subscription:
    """A subscription. `items`: all of them, where more were read than stand inside."""
    found = item_rows(raw) if items is None else items
    pause = raw.get("pause_collection") or {}
    behaviour = pause.get("behavior", "keep_as_draft") if pause else None
    if behaviour is not None and behaviour not in get_args(PauseBehaviour):
        behaviour = "keep_as_draft"  # an unknown one: nothing is charged either
    return Subscription(
        id=raw["id"],
        customer_id=id_of(raw["customer"]) or "",
        status=str(raw["status"]),
        items=tuple(_read_item(item, raw) for item in found),
        created_at=moment(_created(raw)),
        started_at=moment(raw.get("start_date") or raw.get("start") or _created(raw)),
        trial_end_at=moment_or_none(raw.get("trial_end")),
        cancel_at=moment_or_none(raw.get("cancel_at")),
        cancel_at_period_end=bool(raw.get("cancel_at_period_end")),
        canceled_at=moment_or_none(raw.get("canceled_at")),
        ended_at=moment_or_none(raw.get("ended_at")),
        pause_collection=behaviour,
        pause_resumes_at=moment_or_none(pause.get("resumes_at")),
        past_due_since_at=past_due_since_at,
        last_payment=last_payment,
        metadata=metadata(raw),
        is_scheduled=bool(raw.get("schedule")),
        next_change=read_next_change(raw),
        currency=_other_currency(raw, found),
    )


def _other_currency(raw: Json, items: Sequence[Json]) -> str | None:
    """A subscription's currency, if its prices have it only as an option."""
    billed = str(raw.get("currency") or "").lower()
    own = {str(item_price(item)["currency"]).lower() for item in items}
    return billed if billed and own and billed not in own else None


def read_means(raw: Json) -> Means | None:
    """The means of payment of a subscription, or else of its customer. None if not shown."""
    default = within(raw, "customer", "invoice_settings", "default_payment_method")
    method = raw.get("default_payment_method") or default
    if not isinstance(method, Mapping):
        return None
    kind = str(method["type"])
    about = method.get(kind) or {}
    return Means(
        kind,
        about.get("brand"),
        about.get("last4"),
        about.get("exp_month"),
        about.get("exp_year"),
    )


def read_next_change(raw: Json) -> ComingChange | None:
    """The next change of an expanded schedule: its next phase, or its end if that cancels.

    Only the items in force give anything now (E16); this is only shown.
    """
    schedule, ends_at = raw.get("schedule"), within(raw, "schedule", "current_phase", "end_date")
    if not isinstance(schedule, Mapping) or not ends_at:
        return None
    following = [p for p in schedule.get("phases") or () if p["start_date"] >= ends_at]
    if following:
        phase = min(following, key=lambda one: int(one["start_date"]))
        price_ids = (id_of(item.get("price") or item.get("plan")) for item in phase["items"])
        return ComingChange(moment(phase["start_date"]), tuple(filter(None, price_ids)))
    return ComingChange(moment(ends_at)) if schedule.get("end_behavior") == "cancel" else None


def _read_item(item: Json, subscription: Json) -> SubscriptionItem:
    price = item_price(item)
    start = item.get("current_period_start") or subscription.get("current_period_start")
    end = item.get("current_period_end") or subscription.get("current_period_end")
    started = start or _created(subscription)
    return SubscriptionItem(
        id=item["id"],
        price_id=price["id"],
        product_id=id_of(price["product"]) or "",
        quantity=1 if item.get("quantity") is None else int(item["quantity"]),
        period_start_at=moment(started),
        period_end_at=moment(end or started),
    )


def _created(subscription: Json) -> float:
    """When it was made; the oldest say only when it started."""
    found = subscription.get("created") or subscription.get("start_date") or subscription["start"]
    return float(found)


def past_due_since(raw: Json, oldest_open: Mapping[str, datetime]) -> datetime | None:
    """Since when a subscription is past due: the due date of its oldest unpaid invoice.

    `oldest_open` comes from a list of open invoices. If that is empty (settled in between, or
    not collectible), the latest invoice or the period's start is the best guess.
    """
    if raw["status"] != "past_due":
        return None
    if raw["id"] in oldest_open:
        return oldest_open[raw["id"]]
    latest = raw.get("latest_invoice")
    if isinstance(latest, Mapping) and latest.get("status") != "paid":
        return invoice_due_at(latest)
    return max((_read_item(i, raw).period_start_at for i in item_rows(raw)), default=None)


def read_next_charge(
    subscription: Subscription, raw: Json, items: Sequence[Json]
) -> ComingCharge | None:
    """The next charge, if there will be one."""
    going_on = subscription.status in ("active", "trialing") and not subscription.pause_collection
    if not going_on or subscription.cancel_at_period_end or not items:
        return None
    at = min(item.period_end_at for item in subscription.items)
    change = subscription.next_change
    ends_at = change.at if change and not change.price_ids else subscription.cancel_at
    if ends_at and ends_at <= at:
        return None
    due = {item.id for item in subscription.items if item.period_end_at == at}
    charged = [(read_price(item_price(i)), i) for i in items if i["id"] in due]
    amounts = [_amount_of(price, item, raw) for price, item in charged]
    amount = None if None in amounts else sum(one or 0 for one in amounts)
    if amount == 0:
        return None
    currency = raw.get("currency") or charged[0][0].currency
    return ComingCharge(at, currency, None if _is_changed(raw) else amount)


def _amount_of(price: Price, item: Json, subscription: Json) -> int | None:
    """An item's cost for a period; None if usage, tiers, taxes or packages decide (A140)."""
    raw = item_price(item)
    metered = within(raw, "recurring", "usage_type") or raw.get("usage_type")
    by_stripe = (
        metered == "metered"
        or raw.get("billing_scheme") == "tiered"
        or (raw.get("transform_quantity") or raw.get("transform_usage"))
        or item.get("tax_rates")
        or item.get("discounts")
    )
    # A subscription in another currency than its price is billed by the price's currency option.
    own = str(subscription.get("currency") or price.currency).lower()
    if by_stripe or price.amount_minor is None or own != price.currency:
        return None
    quantity = item.get("quantity")
    return price.amount_minor * (1 if quantity is None else int(quantity))


def _is_changed(raw: Json) -> bool:
    """Whether something else than the prices decides the next charge."""
    keys = ("discounts", "discount", "default_tax_rates", "tax_percent", "schedule")
    credit = within(raw, "customer", "balance") or within(raw, "latest_invoice", "ending_balance")
    return any(raw.get(key) for key in (*keys, "pending_update")) or bool(
        credit or within(raw, "automatic_tax", "enabled")
    )


# --- What invoices say about others ---------------------------------------------------------------


def invoice_subscription_id(raw: Json) -> str | None:
    """The subscription that an invoice is for."""
    parent = within(raw, "parent", "subscription_details", "subscription")
    if within(raw, "parent", "type") not in (None, "subscription_details"):
        return None
    return id_of(parent or raw.get("subscription"))


def invoice_due_at(raw: Json) -> datetime:
    """When an invoice is due: at once, unless it was sent with a due date."""
    return moment(raw.get("due_date") or raw["created"])


def oldest_due(invoices: Sequence[Json], known: Mapping[str, datetime]) -> dict[str, datetime]:
    """For each subscription the due date of its oldest invoice among these and those known."""
    oldest = dict(known)
    for invoice in invoices:
        subscription_id = invoice_subscription_id(invoice)
        if subscription_id:
            due = invoice_due_at(invoice)
            oldest[subscription_id] = min(due, oldest.get(subscription_id, due))
    return oldest
