"""The record: SQLite or PostgreSQL through SQLAlchemy, from the first migration."""

from bridge.store.engine import Store

__all__ = ["Store"]
