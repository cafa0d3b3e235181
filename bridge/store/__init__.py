"""The record: SQLite or PostgreSQL through SQLAlchemy, from the first migration."""

from sqlalchemy import Connection, Row

from bridge.store.engine import Store

__all__ = ["Connection", "Row", "Store"]
