"""The charts of the console: twelve months, and the position of each bar. Pure.

A chart is drawn from monthly sums (`Sum`), which the worker stores; each has a table with the same
figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from bridge.core.ledger.amounts import format_minor
from bridge.texts import gettext

MONTHS = 12
MOST_SERIES = 4
NAMED_EVERY = 3
WIDTH, HEIGHT, GAP = 480, 140, 8

Kind = Literal["members", "payers", "money", "moved", "failed"]
OTHER = "other"
"""The name of what no product was paid for."""
NOBODY = ""
"""The name of a sum that only marks its month as counted."""
CAME, WENT, RECOVERED, LOST = "came", "went", "recovered", "lost"


@dataclass(frozen=True, slots=True)
class Sum:
    """A month's sum: of a group, of a product in a currency, or of members joining and leaving."""

    kind: Kind
    month: str  # 2027-03
    name: str
    unit: str
    value: int


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one group, product or direction, month by month."""

    name: str
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle of the picture; `series` and `month` say whose and of when it is."""

    x: float
    y: float
    width: float
    height: float
    series: int
    month: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture with its title and a sentence about the last month."""

    key: str
    title: str
    says: str
    months: tuple[date, ...]
    series: tuple[Series, ...]
    unit: str = ""

    def shown(self, value: int) -> str:
        """A value as people read it."""
        return format_minor(value, self.unit) if self.unit else f"{value:,}"

    @property
    def highest(self) -> int:
        """The highest value above the line."""
        return max((sum(max(0, v) for v in month) for month in self._by_month()), default=0)

    @property
    def lowest(self) -> int:
        """The lowest value below the line, as a negative number."""
        return min((sum(min(0, v) for v in month) for month in self._by_month()), default=0)

    @property
    def line_at(self) -> float:
        """The line's distance from the top."""
        return HEIGHT * self.highest / ((self.highest - self.lowest) or 1)

    @property
    def bars(self) -> tuple[Bar, ...]:
        """The bars of each month, stacked; negative values are below the line."""
        scale = HEIGHT / ((self.highest - self.lowest) or 1)
        step = WIDTH / max(1, len(self.months))
        found = []
        for number, month in enumerate(self._by_month()):
            up = down = self.line_at
            for series, value in enumerate(month):
                height = round(abs(value) * scale, 1)
                if value > 0:
                    up -= height
                if height:
                    x, y = round(number * step + GAP / 2, 1), round(up if value > 0 else down, 1)
                    found.append(Bar(x, y, round(step - GAP, 1), height, series, number))
                if value < 0:
                    down += height
        return tuple(found)

    @property
    def named_months(self) -> tuple[tuple[float, date], ...]:
        """Every third month, and the last one, with the middle of its bar: more would not fit."""
        step = WIDTH / max(1, len(self.months))
        return tuple(
            (round((number + 0.5) * step, 1), month)
            for number, month in enumerate(self.months)
            if (len(self.months) - number) % NAMED_EVERY == 1
        )

    def _by_month(self) -> Iterable[tuple[int, ...]]:
        return zip(*(one.values for one in self.series), strict=True)


def months_until(now: datetime) -> tuple[date, ...]:
    """The months of a chart, the current one last."""
    last = now.year * 12 + now.month - 1
    return tuple(date(n // 12, n % 12 + 1, 1) for n in range(last - MONTHS + 1, last + 1))


def month_code(month: date) -> str:
    """A month's name in sums."""
    return f"{month:%Y-%m}"


def by_month(kind: Kind, days: Iterable[tuple[date, str, str, int]]) -> list[Sum]:
    """Adds daily sums, each with name and unit, up to monthly sums."""
    found: dict[tuple[str, str, str], int] = {}
    for day, name, unit, value in days:
        key = month_code(day), name, unit
        found[key] = found.get(key, 0) + value
    return [Sum(kind, *key, value) for key, value in sorted(found.items()) if value]


def by_product(
    month: str, granted: Iterable[tuple[int, str]], product_of: Mapping[str, str]
) -> list[Sum]:
    """The number of members by product, from the rules that gave them their groups.

    `product_of`: price -> product. Members with a group but no product count once, too.
    """
    members: dict[str, set[int]] = {}
    for user_id, rule_id in granted:
        kind, _, id_ = rule_id.partition(":")
        product = product_of.get(id_, id_) if kind in ("price", "product", "feature") else OTHER
        members.setdefault(product, set()).add(user_id)
    found = [Sum("payers", month, name, "", len(them)) for name, them in sorted(members.items())]
    return [*found, Sum("payers", month, NOBODY, "", 0)]


def nobody(month: str) -> list[Sum]:
    """The members at the end of a month before the log begins."""
    return [Sum("members", month, NOBODY, "", 0), *by_product(month, (), {})]


def charts(
    sums: Sequence[Sum], counted_at: datetime, names: Mapping[str, str]
) -> tuple[Chart, ...]:
    """All charts that have data. `names`: the names of groups and products."""
    months, at = months_until(counted_at), f"{counted_at:%-d %B, %H:%M} UTC"
    currencies = sorted({one.unit for one in sums if one.kind == "money"})
    found = [
        _members(sums, months, names, at),
        _by_product(sums, months, names, at),
        *(_money(sums, months, names, currency, at) for currency in currencies),
        _moved(sums, months, at),
        _failed(sums, months, at),
    ]
    return tuple(one for one in found if any(any(of.values) for of in one.series))


def _values(
    sums: Iterable[Sum], months: Sequence[date], kind: Kind, name: str, unit: str = ""
) -> tuple[int, ...]:
    known = {
        one.month: one.value for one in sums if (one.kind, one.name, one.unit) == (kind, name, unit)
    }
    return tuple(known.get(month_code(month), 0) for month in months)


def _largest(
    sums: Sequence[Sum],
    months: Sequence[date],
    kind: Kind,
    names: Mapping[str, str],
    unit: str = "",
) -> tuple[Series, ...]:
    """A series for each of the largest, and one for all the others together."""
    codes = sorted({one.name for one in sums if (one.kind, one.unit) == (kind, unit)} - {NOBODY})
    every = [
        Series(names.get(code, code), _values(sums, months, kind, code, unit)) for code in codes
    ]
    every.sort(key=lambda one: (-sum(one.values), one.name))
    if len(every) <= MOST_SERIES:
        return tuple(every)
    rest = [one.values for one in every[MOST_SERIES - 1 :]]
    others = Series(gettext("Others"), tuple(map(sum, zip(*rest, strict=True))))
    return (*every[: MOST_SERIES - 1], others)


def _members(
    sums: Sequence[Sum], months: tuple[date, ...], names: Mapping[str, str], at: str
) -> Chart:
    series = _largest(sums, months, "members", names)
    now, before = (sum(one.values[month] for one in series) for month in (-1, -2))
    says = gettext("%(now)s on %(at)s, %(before)s at the end of last month.")
    return Chart(
        "members",
        gettext("Members by group"),
        says % {"now": f"{now:,}", "at": at, "before": f"{before:,}"},
        months,
        series,
    )


def _by_product(
    sums: Sequence[Sum], months: tuple[date, ...], names: Mapping[str, str], at: str
) -> Chart:
    series = _largest(sums, months, "payers", names)
    now, before = (sum(one.values[month] for one in series) for month in (-1, -2))
    says = gettext(
        "%(now)s on %(at)s, %(before)s at the end of last month. Two products of one member count "
        "twice."
    )
    return Chart(
        "payers",
        gettext("Members by product"),
        says % {"now": f"{now:,}", "at": at, "before": f"{before:,}"},
        months,
        series,
    )


def _money(
    sums: Sequence[Sum],
    months: tuple[date, ...],
    names: Mapping[str, str],
    currency: str,
    at: str,
) -> Chart:
    series = _largest(sums, months, "money", names, currency)
    now, before = (sum(one.values[month] for one in series) for month in (-1, -2))
    says = gettext("%(now)s this month until %(at)s, %(before)s last month, less refunds.")
    both = {"now": format_minor(now, currency), "before": format_minor(before, currency)}
    return Chart(
        f"money-{currency}",
        gettext("Money by product, %(currency)s") % {"currency": currency.upper()},
        says % (both | {"at": at}),
        months,
        series,
        currency,
    )


def _moved(sums: Sequence[Sum], months: tuple[date, ...], at: str) -> Chart:
    came, went = (_values(sums, months, "moved", name) for name in (CAME, WENT))
    return Chart(
        "moved",
        gettext("Joined and left"),
        gettext("This month until %(at)s, %(came)s joined a group and %(went)s left one.")
        % {"at": at, "came": f"{came[-1]:,}", "went": f"{went[-1]:,}"},
        months,
        (Series(gettext("Joined"), came), Series(gettext("Left"), tuple(-one for one in went))),
    )


def _failed(sums: Sequence[Sum], months: tuple[date, ...], at: str) -> Chart:
    paid, lost = (_values(sums, months, "failed", name) for name in (RECOVERED, LOST))
    return Chart(
        "failed",
        gettext("Payments that failed"),
        gettext("This month until %(at)s, %(count)s failed, and %(paid)s of them were paid since.")
        % {"at": at, "count": f"{paid[-1] + lost[-1]:,}", "paid": f"{paid[-1]:,}"},
        months,
        (Series(gettext("Paid since"), paid), Series(gettext("Not paid"), lost)),
    )
