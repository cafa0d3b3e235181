"""The tables. Discourse and Stripe are the truth; this is what was read, decided, sent and seen.

Each has one module of the store that reads and writes it.
"""

from __future__ import annotations

# Loaded here, so that the tables of all rooms are known to `columns.metadata`.
from bridge.store.schema import buying, forum, ledger, people, rights, work

__all__ = ["buying", "forum", "ledger", "people", "rights", "work"]
