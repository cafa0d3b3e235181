"""The record: SQLite or PostgreSQL through SQLAlchemy, from the first migration."""

from sqlalchemy import Connection

from bridge.store.engine import Store

__all__ = ["Connection", "Store"]
