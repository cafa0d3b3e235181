"""The tables. Discourse and Stripe are the truth; this is what was read, decided, sent and seen.

Times are stored as microseconds since 1970, so that both databases order and compare them alike.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    BindParameter,
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    literal,
    literal_column,
)

from bridge.core.model.account import OWN

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as whole microseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Refuse naive times: they would be read as another zone's."""
        del dialect
        if value is None:
            return None
        return (value - EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Return what was stored, aware."""
        del dialect
        return None if value is None else EPOCH + timedelta(microseconds=value)


def moment(at: datetime) -> BindParameter[datetime]:
    """A time as SQL, where no column beside it tells its type, as within a CASE."""
    return literal(at, UtcTime())


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
# SQLite counts rows up automatically only for a plain INTEGER key.
Number = BigInteger().with_variant(Integer, "sqlite")


def of_account(*, is_key: bool = True) -> tuple[Column[str], Column[str]]:
    """Whose an id is: the provider, and the account there; the site's own if nothing else is said.

    In a key they follow the id, so that its index finds an id alone as well.
    """
    return (
        Column(
            "provider", String(20), primary_key=is_key, server_default=OWN.provider, nullable=False
        ),
        Column("account", String(60), primary_key=is_key, server_default=OWN.id, nullable=False),
    )


# Every verified event, once: the record that RQ is only a hint of.
inbox = Table(
    "inbox",
    metadata,
    Column("event_id", String(255), primary_key=True),
    Column("source", String(20), nullable=False),
    Column("type", String(120), nullable=False),
    Column("object_id", String(255)),
    Column("object_kind", String(80)),
    Column("customer_id", String(255)),
    Column("work_key", String(255), nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("api_version", String(60)),
    Column("created_at", UtcTime),
    Column("received_at", UtcTime, nullable=False),
    Column("payload_sha256", String(64), nullable=False),
    Column("hint", JSON, nullable=False),
    Column("status", String(10), nullable=False),  # received, done, ignored, dead
    Column("outcome", Text),  # why it ended so; of one that waits, why it waits
    Column("done_at", UtcTime),
    Column("next_at", UtcTime),  # not before this is one tried again that failed
    Column("attempts", Integer, nullable=False, default=0),
    Index(None, "work_key", "status"),
    Index(None, "received_at"),
)

# What has to be looked at again: a customer ("cus_…"), a user ("user:42") or the lane of events
# that belong to nobody ("inbox"). Dirty while dirty_gen > done_gen.
work = Table(
    "work",
    metadata,
    Column("key", String(255), primary_key=True),
    *of_account(),
    Column("user_id", BigInteger),
    Column("dirty_gen", BigInteger, nullable=False),
    Column("done_gen", BigInteger, nullable=False),
    Column("dirty_at", UtcTime),
    Column("next_at", UtcTime, nullable=False),
    Column("timer_at", UtcTime),
    Column("attempts", Integer, nullable=False, default=0),
    Column("needs", String(40), nullable=False, default=""),
    Column("cause", String(255)),
    Column("error", Text),
    Index(None, "user_id"),
    Index(None, "next_at"),
    Index(None, "timer_at"),
)

# One holder at a time; a token that is not the newest writes nothing.
leases = Table(
    "leases",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("owner", String(120), nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("until_at", UtcTime, nullable=False),
)

# Processes that take leases; each counts up while it lives.
processes = Table(
    "processes",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("beats", BigInteger, nullable=False),
)

# A customer seen at Stripe, and whose it is. Without a user it is an orphan: shown, never guessed.
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
    # features by Stripe's word, as read then; without a time where that was not asked
    Column("entitlements", JSON(none_as_null=True)),
    Column("entitlements_at", UtcTime),
    Column("set_aside", Text),  # why a moderator leaves them linked to nobody
    Column("billing", JSON(none_as_null=True)),  # for the customer's own page only
    Index(None, "user_id"),
)

# The last complete reading of each customer; a statement or an answer needs no call to Stripe.
# `beneficiary_id`: whose it is instead of the payer's, by a reference that the bridge signed.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", String(255), primary_key=True),
    *of_account(),
    Column("customer_id", String(255), nullable=False),
    Column("beneficiary_id", BigInteger),
    Column("data", JSON, nullable=False),
    Column("read_at", UtcTime, nullable=False),
    # Of the data, what lists are made by.
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
# A paid order whose customer was nobody's, and who claimed it; it is claimed at most once.
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
# Payers of such orders who were invited to the forum. Their address was passed on, and is not kept.
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
# Where each order was sold to, with what says so: the buyer's address, their card, and what was
# known of them before they paid.
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
# What a member bought for somebody else. `link_number`: of the one link that is good.
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
    Column("begins_at", UtcTime),  # of a term; else when it is paid, or taken
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
# Members who are asked to renew, each by a link of their own.
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
    Column("source_id", String(255)),  # the subscription or order that was bought by it
    Column("paid_at", UtcTime),  # when that was first read
    Column("revoked_at", UtcTime),
    Column("revoked_by", String(120)),
    Index(None, "campaign_id", "user_id", unique=True),
    Index(None, "user_id"),
)
# What each link ends in: its secret, so no archive has it.
campaign_tokens = Table(
    "campaign_tokens",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("link_id", String(40), nullable=False),
    Index(None, "link_id"),
)
# Places of a subscription with a quantity that its buyer gave to others; the last come goes first.
seats = Table(
    "seats",
    metadata,
    Column("subscription_id", String(255), primary_key=True),
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    *of_account(),
    Column("assigned_at", UtcTime, nullable=False),
    Column("assigned_by", String(120), nullable=False),
    Column("over_since", UtcTime),  # since when it ends: too few places, or taken back by then
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

# Append-only, a line only where something had changed: what was known at a time is what the last
# line before it says. Without data: it was gone. The policy of bridge.toml is one of them.
readings = Table(
    "readings",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    *of_account(is_key=False),
    Column("at", UtcTime, nullable=False),
    Column("kind", String(12), nullable=False),  # subscription, product, … (`readings.KINDS`)
    Column("object_id", String(255), nullable=False),
    Column("customer_id", String(255)),
    Column("beneficiary_id", BigInteger),  # whose it was instead of the payer's
    Column("data", JSON),
    Index(None, "customer_id", "id"),
    Index(None, "beneficiary_id"),
    Index(None, "object_id", "id"),
    Index(None, "kind", "id"),
)

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
    Index(None, "user_id"),
    Index(None, "receipt_number", unique=True),
    Index(None, "invoice_id"),
    Index(None, "payment_id"),
    Index(None, "amount_minor", "at"),
)
# What a payment by hand was for, where that was said, and where its paper is.
hand_payments = Table(
    "hand_payments",
    metadata,
    Column("line_id", String(255), primary_key=True),
    Column("lines", JSON, nullable=False),
    Column("note", Text, nullable=False),
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

groups = Table(
    "groups",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(255), nullable=False),
    Column("full_name", String(255)),
    Column("automatic", Boolean, nullable=False),
    Column("user_count", Integer, nullable=False),
    Column("missing_since", UtcTime),
    Column("read_at", UtcTime),  # last complete reading of its members
    Column("read_due_at", UtcTime),
    Column("next_at", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("batch_size", Integer, nullable=False, default=100),
    Column("removals_stopped_at", UtcTime),
    Column("removals_released", Integer, nullable=False, default=0),
    Column("removals_next_at", UtcTime),  # when the pace lets the next one go
    # a reading in progress: from which member on, begun when, of how many
    Column("page_offset", Integer, nullable=False, default=0),
    Column("page_total", Integer),
    Column("reading_since", UtcTime),
    Column("error", Text),
)
# A name in a mapping rule stands for the group it first led to, whatever it is called later.
group_pins = Table(
    "group_pins",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("group_id", BigInteger, nullable=False),
    Column("pinned_at", UtcTime, nullable=False),
)

# The one table of both controllers. The decider writes what is wanted, the applier what is actual.
memberships = Table(
    "memberships",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("group_id", BigInteger, primary_key=True, autoincrement=False),
    # decider
    Column("wanted", Boolean, nullable=False, default=False),
    Column("wanted_since", UtcTime),
    Column("wanted_until", UtcTime),
    Column("sources", JSON, nullable=False, default=list),
    Column("reason", String(60)),
    Column("rule_id", String(255)),
    Column("ladder", String(120)),
    Column("decided_at", UtcTime),
    Column("unwanted_at", UtcTime),  # first complete reading without a grant
    Column("confirmed_at", UtcTime),  # a later one that said the same
    Column("swap_to", BigInteger),  # the group of the same ladder that takes its place
    Column("hold", String(40)),
    Column("hold_at", UtcTime),
    # applier and sweep
    Column("actual", Boolean, nullable=False, default=False),
    Column("actual_since", UtcTime),
    Column("seen_at", UtcTime),
    Column("owned", String(10), nullable=False, default="no"),  # no, claimed, proven
    # Of those not owned, by the group log: bridge, others; NULL: nobody has looked yet
    Column("added_by", String(10)),
    Column("intent", String(10)),  # add, remove: sent, outcome not recorded yet
    Column("intent_at", UtcTime),
    Column("override", String(20)),  # staff, left: taken out by hand, stays out
    Column("override_at", UtcTime),
    Index(None, "group_id", "wanted", "actual"),
)

# Append-only: who was told, asked, added, removed, when, why, by which event.
changes = Table(
    "changes",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("at", UtcTime, nullable=False),
    Column("action", String(30), nullable=False),
    Column("user_id", BigInteger),
    Column("group_id", BigInteger),
    Column("customer_id", String(255)),
    Column("cause", String(255)),
    Column("rule_id", String(255)),
    Column("outcome", Text),
    Column("detail", JSON),
    Index(None, "user_id", "id"),
    Index(None, "group_id", "action", "at"),
    Index(None, "at", "id"),
    Index(None, "action", "at", "id"),
    Index(None, "cause", "at", "id"),
    Index(None, "group_id", "at", "id"),
    Index(None, "group_id", "user_id"),
)
# What people did is a small part of it: `str(Actor)` says how they are written.
BY_PEOPLE: ColumnElement[bool] = literal_column("cause LIKE '% via %'", Boolean)
Index(
    "ix_changes_by_people",
    changes.c.at,
    changes.c.id,
    sqlite_where=BY_PEOPLE,
    postgresql_where=BY_PEOPLE,
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
    ),  # the account that replaced this one, as an operator decided
    Column("topic_id", BigInteger),
    Column("post_id", BigInteger),
    Column("fingerprint", String(64)),
    Column("statement_at", UtcTime),
    Column("statement_due_at", UtcTime),
    Column("statement_attempts", Integer, nullable=False, default=0),
    Column("signed_out_at", UtcTime),  # sign-ins up to then no longer count, in any browser
    Index(None, "statement_due_at"),
    Index(None, "successor_id"),
)
# Whose a name is on the forum by its last word, in the form in which it compares names. A user has
# one name; nobody has a name without a user.
names = Table(
    "names",
    metadata,
    Column("folded", String(255), primary_key=True),
    Column("user_id", BigInteger),
    Column("said_at", UtcTime, nullable=False),
    Index(None, "user_id"),
)
# Messages that are sent once: receipts, told by their money line's id.
messages = Table(
    "messages",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("user_id", BigInteger, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("sent_at", UtcTime),
    Index(None, "user_id", "sent_at"),
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
    # The country by the connection's address, and by the buyer's own word.
    Column("country_ip", String(2)),
    Column("country_said", String(2)),
    # How often Stripe was asked about it since the buyer came back, when last, and what it said.
    Column("looks", Integer, nullable=False, server_default="0"),
    Column("looked_at", UtcTime),
    Column("seen", String(20)),
    # Who buys what, while it is open: there is one order of these in however many tabs (A134).
    Column("open_for", String(300), unique=True),
    Index(None, "user_id", "price_id"),
    Index(None, "session_id"),
)

# Subscriptions that were paid in several tabs, and the one of each that stays.
double_payments = Table(
    "double_payments",
    metadata,
    Column("subscription_id", String(255), primary_key=True),
    Column("kept_id", String(255), nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("found_at", UtcTime, nullable=False),
    Index(None, "found_at"),
)

# The request limiter: as many rows as requests are allowed in 60 s, each free again 60 s after its
# last use, so that no rolling window of 60 s ever holds more.
slots = Table(
    "slots",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("free_at", UtcTime, nullable=False),
    Index(None, "free_at"),
)
# What needs a person: a row while it lasts, and afterwards if it was told.
alerts = Table(
    "alerts",
    metadata,
    Column("kind", String(40), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("since_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),  # when it lasted long enough to count
    Column("facts", JSON, nullable=False),
    Column("told_at", UtcTime),
    Column("gone_at", UtcTime),
    Column("holds_removals", Boolean, nullable=False),
)
# Cursors, pauses, the time of the first start, the last run of each periodic piece of work.
state = Table(
    "state",
    metadata,
    Column("key", String(120), primary_key=True),
    Column("value", JSON, nullable=False),
)

# What moves money at Stripe, as last read. `family`: whose lines it is told with, a customer's or
# its own; `refers_to`: the object whose family it shares. `pending`: its lines are not made yet.
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
    Index(None, "family"),
    Index(None, "source_id"),
    Index(None, "invoice_id"),
    Index(None, "payment_id"),
    Index(None, "entry_id"),
)
# Append-only, and kept when the ledger is dropped and made again: which line was known when, and a
# chain of hashes over all of them. What was shown with a code can be proven to be there still.
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
# What did not add up or was not understood when a family's lines were last made; dropped with them.
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
# Append-only: what treasurers wrote beside lines. A line's id survives a rebuild, and so do these.
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
# What a write through the API was answered, so that the same key does it once.
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

# Transfers to the bank that were read from a file: matched, or waiting for a person. What the bank
# said of the payer is forgotten as soon as it is known whose it is.
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

# Append-only: what moderators did to shares, and the steps by which somebody became or ceased to be
# a member. A correction is a row that names the one that it takes back.
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

# What somebody asked the bridge to have done at Stripe: kept before it is sent, sent again until
# Stripe answers. `number`: the turn of it about this subject, so that two people cannot both
# decide on what they have seen; `done_at`: from when on it is nobody's business any more.
errands = Table(
    "errands",
    metadata,
    Column("subject", String(255), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    *of_account(),
    Column("kind", String(40), nullable=False),
    Column("params", JSON, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("customer_id", String(255), nullable=False),
    Column("actor", String(120), nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("next_at", UtcTime),  # none once it is done
    Column("attempts", Integer, nullable=False, default=0),
    Column("done_at", UtcTime),
    Column("outcome", Text),
    Index(None, "next_at"),
)
