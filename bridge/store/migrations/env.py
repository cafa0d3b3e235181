"""Alembic's way in: migrations run on the connection that `bridge.store.migrate` hands over."""

from __future__ import annotations

from alembic import context

from bridge.store.schema.columns import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter a table in place
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
