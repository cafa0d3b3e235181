"""Who is who: users of the forum, their names, their customers at Stripe, sign-ins and tokens."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from bridge.store.schema.columns import UtcTime, index_where_said, metadata, of_account

# A customer seen at Stripe, and its user. Without a user it is an orphan: shown, never guessed.
customers = Table(
    "customers",
    metadata,
    Column("customer_id", String(255), primary_key=True),
    *of_account(),
    Column("user_id", BigInteger),
    Column("proof", String(40)),
    Column("linked_by", String(120)),
    Column("linked_at", UtcTime),
    Column("first_seen_at", UtcTime, nullable=False),
    Column("deleted_at", UtcTime),
    Column("read_at", UtcTime),
    Column("has_purchases", Boolean, nullable=False, default=False),
    Column("pending", JSON(none_as_null=True)),  # orders whose payment is on its way
    # features according to Stripe, and when they were read; without a time if never read
    Column("entitlements", JSON(none_as_null=True)),
    Column("entitlements_at", UtcTime),
    Column("set_aside", Text),  # why a moderator set them aside
    Column("billing", JSON(none_as_null=True)),  # for the customer's own page only
    Index(None, "user_id"),
)

users = Table(
    "users",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("username", String(255)),
    Column("name", String(255)),
    Column("state", String(12), nullable=False, default="active"),
    Column("seen_at", UtcTime, nullable=False),
    Column(
        "successor_id", BigInteger
    ),  # the account that replaced this one, by an operator's decision
    Column("topic_id", BigInteger),
    Column("post_id", BigInteger),
    Column("fingerprint", String(64)),
    Column("statement_at", UtcTime),
    Column("statement_due_at", UtcTime),
    Column("statement_attempts", Integer, nullable=False, default=0),
    Column("signed_out_at", UtcTime),  # sign-ins up to then no longer count, in any browser
    Index(None, "statement_due_at"),
    index_where_said("successor_id"),
)

# Who has a name on the forum, as last seen, in the form in which the forum compares names. A user
# has one name; a name without a user belongs to nobody.
names = Table(
    "names",
    metadata,
    Column("folded", String(255), primary_key=True),
    Column("user_id", BigInteger),
    Column("said_at", UtcTime, nullable=False),
    Index(None, "user_id"),
)

# Signing in: a number used once, bound to one browser, for ten minutes.
nonces = Table(
    "nonces",
    metadata,
    Column("nonce", String(80), primary_key=True),
    Column("purpose", String(20), nullable=False),
    Column("browser", String(80), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    Index(None, "expires_at"),
)

# Who may use the API: a token is shown once and kept only as its hash.
tokens = Table(
    "tokens",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(60), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("made_by", String(120), nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    Column("revoked_by", String(120)),
    Column("used_at", UtcTime),
    Index(None, "sha256", unique=True),
)

# The answers to writes through the API, so that a repeated key does it once.
api_writes = Table(
    "api_writes",
    metadata,
    Column("token_id", String(40), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("request_sha256", String(64), nullable=False),
    Column("status", Integer),
    Column("answer", JSON),
    Column("at", UtcTime, nullable=False),
    Index(None, "at"),
)
