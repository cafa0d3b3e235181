"""What came in, what has to be looked at again, and what has to be sent."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from bridge.store.schema.columns import UtcTime, metadata, of_account

# Every verified event, once. This is the record; RQ only has hints.
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
    Column("user_id", BigInteger),  # for the forum's events: the user
    Column("status", String(10), nullable=False),  # received, done, ignored, dead
    Column("outcome", Text),  # why it ended like this, or why it waits
    Column("done_at", UtcTime),
    Column("next_at", UtcTime),  # when a failed event is tried again
    Column("attempts", Integer, nullable=False, default=0),
    Index(None, "work_key", "status"),
    Index(None, "received_at"),
    Index(None, "user_id"),
)

# What has to be processed again: a customer ("cus_…"), a user ("user:42") or the lane of events
# without a customer ("inbox"). Dirty while dirty_gen > done_gen.
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

# Leases: one holder at a time; only the newest token may write.
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

# Messages that are sent once, such as receipts, by the id of their money line.
messages = Table(
    "messages",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("user_id", BigInteger, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("sent_at", UtcTime),
    Index(None, "user_id", "sent_at"),
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

# Alerts: a row while it lasts, and afterwards if moderators were told.
alerts = Table(
    "alerts",
    metadata,
    Column("kind", String(40), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("since_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),  # when it has lasted long enough to count
    Column("facts", JSON, nullable=False),
    Column("told_at", UtcTime),
    Column("gone_at", UtcTime),
    Column("holds_removals", Boolean, nullable=False),
)

# Cursors, pauses, the time of the first start, the last run of each periodic job.
state = Table(
    "state",
    metadata,
    Column("key", String(120), primary_key=True),
    Column("value", JSON, nullable=False),
)

# Requests to Stripe that somebody made: stored before they are sent, and sent again until Stripe
# answers. `number`: how many about this subject came before, so that two people cannot both decide
# from the same state; `done_at`: when it ended.
errands = Table(
    "errands",
    metadata,
    Column("subject", String(255), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    *of_account(),
    Column("kind", String(40), nullable=False),
    Column("params", JSON, nullable=False),
    Column("user_id", BigInteger),
    Column("customer_id", String(255)),  # neither for a price or product
    Column("actor", String(120), nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("next_at", UtcTime),  # NULL once it is done
    Column("attempts", Integer, nullable=False, default=0),
    Column("done_at", UtcTime),
    Column("outcome", Text),
    Index(None, "next_at"),
)
