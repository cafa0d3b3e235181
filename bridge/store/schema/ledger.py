"""Money: what moved it, the books, the bank, and the registers of shares and members."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    literal_column,
)

from bridge.store.schema.columns import Number, UtcTime, index_where_said, metadata, of_account

# Append-only: a payment, a refund, a dispute are lines of their own and never edited. A line that
# a moderator recorded has a user and no customer.
money_lines = Table(
    "money_lines",
    metadata,
    Column("id", String(255), primary_key=True),
    *of_account(),
    Column("customer_id", String(255)),
    Column("kind", String(20), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("what", Text, nullable=False),
    Column("invoice_id", String(255)),
    Column("payment_id", String(255)),
    Column("subscription_id", String(255)),
    Column("product_id", String(255)),
    Column("from_credit_minor", BigInteger, nullable=False),
    Column("receipt_url", Text),
    Column("is_first", Boolean, nullable=False),
    Column("user_id", BigInteger),
    Column("method", String(20)),
    Column("recorded_by", String(120)),
    Column("receipt_number", String(20)),
    Column("recorded_at", UtcTime, nullable=False),
    Column("discount_minor", BigInteger, nullable=False, server_default="0"),
    Column("parts", JSON(none_as_null=True)),
    Index(None, "customer_id", "at"),
    index_where_said("user_id"),
    Index(None, "receipt_number", unique=True),
    Index(None, "invoice_id"),
    Index(None, "payment_id"),
    Index(None, "amount_minor", "at"),
)

# What a payment by hand was for, if that is known, and where its paper is.
hand_payments = Table(
    "hand_payments",
    metadata,
    Column("line_id", String(255), primary_key=True),
    Column("lines", JSON, nullable=False),
    Column("note", Text, nullable=False),
)

# Objects that move money at Stripe, as last read. `family`: the objects whose lines are made
# together, a customer's or its own; `refers_to`: the object whose family it shares. `pending`: its
# lines are not made yet.
money_objects = Table(
    "money_objects",
    metadata,
    Column("provider", String(20), primary_key=True),
    Column("account", String(60), primary_key=True),
    Column("id", String(255), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("family", String(255)),
    Column("refers_to", String(255)),
    Column("data", JSON, nullable=False),
    Column("read_at", UtcTime, nullable=False),
    Column("pending", Boolean, nullable=False),
    Index(None, "provider", "account", "family"),
    Index(None, "refers_to"),
    Index(None, "pending"),
)

_GIVEN = literal_column("kind = 'gift_given'", Boolean)
# Double entry, append-only: the lines of an entry sum to zero in each currency.
ledger_lines = Table(
    "ledger_lines",
    metadata,
    Column("provider", String(20), primary_key=True),
    Column("account", String(60), primary_key=True),
    Column("entry_id", String(255), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("family", String(255), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("book", String(120), nullable=False),  # the account of the books: assets:stripe
    Column("at", UtcTime, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("what", Text, nullable=False),
    Column("customer_id", String(255)),
    Column("user_id", BigInteger),
    Column("product_id", String(255)),
    Column("price_id", String(255)),
    Column("fund", String(120)),
    Column("rule_id", String(255)),
    Column("invoice_id", String(255)),
    Column("payment_id", String(255)),
    Column("source_id", String(255)),
    Column("corrects", String(255)),
    Column("quantity", Integer),
    Column("method", String(60)),
    Column("rate", String(20)),
    Column("base_minor", BigInteger),
    Index(None, "at", "entry_id", "number"),
    Index(None, "customer_id", "at"),
    Index(None, "user_id", "at"),
    Index(
        "ix_ledger_lines_gifts_given", "customer_id", sqlite_where=_GIVEN, postgresql_where=_GIVEN
    ),
    Index(None, "family"),
    Index(None, "source_id"),
    Index(None, "invoice_id"),
    Index(None, "payment_id"),
    Index(None, "entry_id"),
)

# Append-only, and kept when the ledger is rebuilt: when each line was known, and a chain of hashes
# over all of them, which proves that everything shown with a code is still there.
ledger_seals = Table(
    "ledger_seals",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("provider", String(20), nullable=False),
    Column("account", String(60), nullable=False),
    Column("line_id", String(275), nullable=False),
    Column("family", String(255), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("chain", String(64), nullable=False),
    Column("family_chain", String(64), nullable=False),
    Column("at", UtcTime, nullable=False),
    Index(None, "provider", "account", "line_id", unique=True),
    Index(None, "family", "number"),
    Index(None, "chain"),
)

# Findings: what did not add up or was not understood when a family's lines were last made.
ledger_findings = Table(
    "ledger_findings",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("provider", String(20), nullable=False),
    Column("account", String(60), nullable=False),
    Column("family", String(255), nullable=False),
    Column("code", String(40), nullable=False),
    Column("ids", JSON, nullable=False),
    Column("says", Text, nullable=False),
    Column("found_at", UtcTime, nullable=False),
    Index(None, "provider", "account", "family"),
)

# Append-only: treasurers' notes on lines. A line's id survives a rebuild, and so do its notes.
ledger_notes = Table(
    "ledger_notes",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("line_id", String(275), nullable=False),
    Column("text", Text, nullable=False),
    Column("actor", String(120), nullable=False),
    Column("at", UtcTime, nullable=False),
    Index(None, "line_id"),
)

# Bank transfers read from files: matched, or waiting for a person. The bank's details about the
# payer are deleted once it is known who paid.
bank_rows = Table(
    "bank_rows",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("text", Text),
    Column("payer", Text),
    Column("user_id", BigInteger),
    Column("line_id", String(255)),
    Column("ignored", Text),
    Column("imported_by", String(120), nullable=False),
    Column("imported_at", UtcTime, nullable=False),
    Index(None, "user_id"),
)

# Append-only: moderators' acts on shares, and the steps by which somebody became or ceased to be a
# member. A correction is a row that names the one that it takes back.
share_acts = Table(
    "share_acts",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("id", String(40), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("known_at", UtcTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", String(120), nullable=False),
    Column("share_class", String(20)),
    Column("user_id", BigInteger),
    Column("count", Integer, nullable=False),
    Column("first", Integer),
    Column("last", Integer),
    Column("price_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("corrects", String(40)),
    Index(None, "id", unique=True),
    Index(None, "corrects", unique=True),
)

# What these acts change in how many shares somebody holds: made again when an act is recorded and
# when shares are booked. `holder`: as in the register.
shares_by_hand = Table(
    "shares_by_hand",
    metadata,
    Column("holder", String(255), primary_key=True),
    Column("share_class", String(20), primary_key=True),
    Column("source_id", String(255), primary_key=True),
    Column("payment_id", String(255)),
    Column("count", Integer, nullable=False),
)

member_steps = Table(
    "member_steps",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("id", String(40), nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("kind", String(20)),
    Column("at", UtcTime, nullable=False),
    Column("known_at", UtcTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", String(120), nullable=False),
    Column("corrects", String(40)),
    Index(None, "id", unique=True),
    Index(None, "corrects", unique=True),
    Index(None, "user_id"),
)
