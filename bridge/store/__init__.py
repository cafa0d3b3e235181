"""The record: SQLite or PostgreSQL through SQLAlchemy, from the first migration.

To build a statement takes longer than SQLite needs to run it. What is asked for every event,
decision or page is built once: as a constant, or by a function with @cache. The names of its
parameters begin with `b_`.
"""

from sqlalchemy import Connection

from bridge.store.engine import Store

__all__ = ["Connection", "Store"]
