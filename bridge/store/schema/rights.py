"""What gives rights: what Stripe said when it was last read, and what people granted by hand."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Index, String, Table, Text

from bridge.store.schema.columns import Number, UtcTime, metadata, of_account

# The last complete reading of each customer; a statement or an answer needs no call to Stripe.
# `beneficiary_id`: the user who has it instead of the payer, by a reference that the bridge signed.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", String(255), primary_key=True),
    *of_account(),
    Column("customer_id", String(255), nullable=False),
    Column("beneficiary_id", BigInteger),
    Column("data", JSON, nullable=False),
    Column("read_at", UtcTime, nullable=False),
    # Columns for lists, taken from the data.
    Column("status", String(30), nullable=False, server_default=""),
    Column("renews_at", UtcTime),
    Column("trial_ends_at", UtcTime),
    Column("gift_ends_at", UtcTime),
    Index(None, "customer_id"),
    Index(None, "beneficiary_id"),
    Index(None, "status", "id"),
    Index(None, "renews_at", "id"),
    Index(None, "trial_ends_at", "id"),
    Index(None, "gift_ends_at", "id"),
)

purchases = Table(
    "purchases",
    metadata,
    Column("id", String(255), primary_key=True),
    *of_account(),
    Column("customer_id", String(255), nullable=False),
    Column("beneficiary_id", BigInteger),
    Column("data", JSON, nullable=False),
    Column("read_at", UtcTime, nullable=False),
    Index(None, "customer_id"),
    Index(None, "beneficiary_id"),
)

# Seats of a subscription that its buyer gave to others; the last seats end first.
seats = Table(
    "seats",
    metadata,
    Column("subscription_id", String(255), primary_key=True),
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    *of_account(),
    Column("assigned_at", UtcTime, nullable=False),
    Column("assigned_by", String(120), nullable=False),
    Column("over_since", UtcTime),  # since when it is ending: too few places, or taken back
    Column("taken_back_by", String(120)),
    Index(None, "user_id"),
)

catalogue = Table(
    "catalogue",
    metadata,
    Column("id", String(255), primary_key=True),
    *of_account(),
    Column("kind", String(10), nullable=False),  # product, price, feature
    Column("data", JSON, nullable=False),
    Column("read_at", UtcTime, nullable=False),
    Column("deleted_at", UtcTime),
)

# Append-only, with a line only for changes: what was known at a time is the last line before it.
# Without data: it no longer existed. Also has the policy of bridge.toml.
readings = Table(
    "readings",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    *of_account(is_key=False),
    Column("at", UtcTime, nullable=False),
    Column("kind", String(12), nullable=False),  # subscription, product, … (`readings.KINDS`)
    Column("object_id", String(255), nullable=False),
    Column("customer_id", String(255)),
    Column("beneficiary_id", BigInteger),  # the user who had it instead of the payer
    Column("data", JSON),
    Index(None, "customer_id", "id"),
    Index(None, "beneficiary_id"),
    Index(None, "object_id", "id"),
    Index(None, "kind", "id"),
)

hand_grants = Table(
    "hand_grants",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("user_id", BigInteger, nullable=False),
    Column("group_id", BigInteger, nullable=False),
    Column("from_at", UtcTime, nullable=False),
    Column("until_at", UtcTime),
    Column("reason", Text, nullable=False),
    Column("actor", String(120), nullable=False),
    Column("source", String(20), nullable=False),  # moderator, payment, import
    Column("recorded_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    Column("revoked_by", String(120)),
    Index(None, "user_id"),
)
