"""Groups, the wanted and actual memberships, and the log of every change."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    String,
    Table,
    Text,
    literal_column,
)

from bridge.store.schema.columns import Number, UtcTime, metadata

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
    Column("removals_next_at", UtcTime),  # when the pace allows the next removal
    # a reading in progress: the next offset, the total, and when it began
    Column("page_offset", Integer, nullable=False, default=0),
    Column("page_total", Integer),
    Column("reading_since", UtcTime),
    Column("error", Text),
)

# A name in a mapping rule stands for the group to which it was first resolved, even after a rename.
group_pins = Table(
    "group_pins",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("group_id", BigInteger, nullable=False),
    Column("pinned_at", UtcTime, nullable=False),
)

# The table of both controllers: the decider writes what is wanted, the applier what is actual.
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
    # who added one that is not owned, by the group log: bridge, others; NULL: not looked up
    Column("added_by", String(10)),
    Column("intent", String(10)),  # add, remove: sent, result not recorded yet
    Column("intent_at", UtcTime),
    Column("override", String(20)),  # staff, left: removed by hand, stays out
    Column("override_at", UtcTime),
    Index(None, "group_id", "wanted", "actual"),
)

# Append-only: who was told, added, removed, when, why, by which event or person.
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

# Lines of people's acts, a small part; `str(Actor)` is the form of their cause.
BY_PEOPLE: ColumnElement[bool] = literal_column("cause LIKE '% via %'", Boolean)

Index(
    "ix_changes_by_people",
    changes.c.at,
    changes.c.id,
    sqlite_where=BY_PEOPLE,
    postgresql_where=BY_PEOPLE,
)
