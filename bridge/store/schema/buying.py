"""What is around a sale: orders, claims, countries, presents and campaigns."""

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
    false,
)

from bridge.store.schema.columns import UtcTime, metadata, of_account

# A paid order without a user, and who claimed it, at most once.
claims = Table(
    "claims",
    metadata,
    Column("session_id", String(255), primary_key=True),
    *of_account(),
    Column("customer_id", String(255), nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("user_id", BigInteger),
    Column("claimed_at", UtcTime),
    Index(None, "customer_id"),
)

# Members to whom such an order is not sold and who ask moderators for it. `country`: it is not sold
# there, otherwise it is not sold to their groups.
claim_requests = Table(
    "claim_requests",
    metadata,
    Column("session_id", String(255), primary_key=True),
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    *of_account(),
    Column("at", UtcTime, nullable=False),
    Column("country", String(2)),
)

# Payers of such orders who were invited to the forum. Their address is not stored.
invitations = Table(
    "invitations",
    metadata,
    Column("session_id", String(255), primary_key=True),
    *of_account(),
    Column("customer_id", String(255), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("invite_id", BigInteger),  # the forum's; NULL: none was made
    Column("outcome", String(20), nullable=False),  # sent, refused, claimed, void
    Column("user_id", BigInteger),
    Column("ended_at", UtcTime),
    Index(None, "outcome"),
)

# The country of each sale with its evidence: the buyer's address, their card, and what was known
# before they paid.
sale_countries = Table(
    "sale_countries",
    metadata,
    Column("id", String(255), primary_key=True),
    *of_account(is_key=True),
    Column("customer_id", String(255), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("country", String(2), nullable=False),
    Column("billing", String(2)),
    Column("card", String(2)),
    Column("ip", String(2)),
    Column("said", String(2)),
    Index(None, "customer_id"),
    Index(None, "at"),
)

# Gifts: what a member bought for somebody else. `link_number`: of the one valid link.
presents = Table(
    "presents",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("giver_id", BigInteger, nullable=False),
    Column("receiver_id", BigInteger),
    Column("by_link", Boolean, nullable=False),
    Column("price_id", String(255), nullable=False),
    Column("note", Text, nullable=False),
    Column("is_anonymous", Boolean, nullable=False),
    Column("begins_at", UtcTime),  # for a term; otherwise when it is paid or accepted
    Column("link_number", Integer, nullable=False),
    Column("link_ends_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("session_id", String(255)),
    Column("url", Text),
    Column("payer_id", String(255)),
    Column("source_id", String(255)),  # the subscription or order that it became
    Column("arrived_at", UtcTime),  # when it was first read as paid
    Column("taken_at", UtcTime),
    Index(None, "giver_id"),
    Index(None, "receiver_id"),
)

# Members who are asked to renew, each with a personal link.
campaigns = Table(
    "campaigns",
    metadata,
    Column("id", String(40), primary_key=True),
    *of_account(is_key=False),
    Column("name", String(60), nullable=False),
    Column("price_id", String(255), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", String(120), nullable=False),
    Column("ends_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    Column("revoked_by", String(120)),
    Index(None, "name", unique=True),
)

campaign_links = Table(
    "campaign_links",
    metadata,
    Column("id", String(40), primary_key=True),
    *of_account(is_key=False),
    Column("campaign_id", String(40), nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("member_until_at", UtcTime),
    Column("opened_at", UtcTime),
    Column("source_id", String(255)),  # the subscription or order bought through it
    Column("paid_at", UtcTime),  # when that was first read
    Column("revoked_at", UtcTime),
    Column("revoked_by", String(120)),
    Index(None, "campaign_id", "user_id", unique=True),
    Index(None, "user_id"),
)

# The secret at the end of each link, as a hash; no archive has it.
campaign_tokens = Table(
    "campaign_tokens",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("link_id", String(40), nullable=False),
    Index(None, "link_id"),
)

checkouts = Table(
    "checkouts",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("user_id", BigInteger, nullable=False),
    Column("price_id", String(255), nullable=False),  # that of its first line
    Column("lines", JSON),  # price, quantity, and the amount where the buyer set it
    Column("return_to", Text),
    Column("session_id", String(255)),
    Column("url", Text),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Column("completed_at", UtcTime),
    # The country of the connection, and the one that the buyer named.
    Column("country_ip", String(2)),
    Column("country_said", String(2)),
    # How often Stripe was asked about it since the buyer came back, when last, and what it said.
    Column("looks", Integer, nullable=False, server_default="0"),
    Column("looked_at", UtcTime),
    Column("seen", String(20)),
    # Buyer and thing, while the order is open: one such order for any number of tabs (A134).
    Column("open_for", String(300), unique=True),
    Index(None, "user_id", "price_id"),
    Index(None, "session_id"),
)

# Subscriptions that are paid although another one gives the same, and that other one. Those from
# several tabs were ended; the others continue until somebody ends them.
double_payments = Table(
    "double_payments",
    metadata,
    Column("subscription_id", String(255), primary_key=True),
    Column("kept_id", String(255), nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("found_at", UtcTime, nullable=False),
    Column("goes_on", Boolean, nullable=False, server_default=false()),
    Index(None, "found_at"),
    Index(None, "user_id"),
)
