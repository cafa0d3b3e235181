"""The console's charts, from the sums that the worker stores."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bridge.core.telling.charts import OTHER, Chart
from bridge.core.telling.charts import charts as drawn
from bridge.store import catalogue, groups
from bridge.store import charts as store
from bridge.texts import gettext
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Charts:
    """What is drawn, and when it was counted; None before it ever was."""

    shown: tuple[Chart, ...]
    as_of: datetime | None


def charts(bridge: Bridge) -> Charts:
    """Everything from the store, in four statements."""
    with bridge.store.read() as connection:
        sums, as_of = store.kept(connection)
        names = {
            str(one.id): one.full_name or one.name
            for one in groups.load_groups(connection).values()
        }
        sold = {one.name for one in sums if one.kind in ("money", "payers")}
        products, _ = catalogue.load_of(connection, sold)
    names |= {one.id: one.name for one in products}
    names[OTHER] = gettext("No product")
    return Charts(drawn(sums, as_of, names) if as_of else (), as_of)
