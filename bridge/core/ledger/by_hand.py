"""Payments that moderators recorded, as the ledger books them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from bridge.core.ledger.lines import MoneyLine
from bridge.core.ledger.objects import ManualPayment, SoldLine, Tax
from bridge.core.ledger.shares import negated
from bridge.core.rules.values import MOST_FUND_LETTERS, Kind
from bridge.texts import gettext

_REVERSED = ":reversed"
_COUNTRY = re.compile("[A-Z]{2}")
_WHOLE = 100  # per cent
_MOST = 100_000


@dataclass(frozen=True, slots=True)
class HandLine:
    """A part of a payment and its purpose; a negative amount is a refund.

    `tax_rate` is a percentage that the amount includes. `count`: of shares, or of other pieces.
    """

    amount_minor: int
    what: str
    kind: Kind = "other"
    fund: str | None = None
    count: int = 1
    tax_rate: Decimal | None = None
    tax_country: str | None = None

    def problem(self) -> str | None:
        """The problem in words; None if there is none."""
        if self.amount_minor == 0:
            return gettext("the amount of a line is zero: leave the line out")
        if not 0 < self.count <= _MOST:
            words = gettext("%(count)s pieces cannot be: give a number from 1 to %(most)s")
            return words % {"count": self.count, "most": _MOST}
        if self.fund is not None and not 0 < len(self.fund) <= MOST_FUND_LETTERS:
            words = gettext("the name of a fund has 1 to %(most)s characters")
            return words % {"most": MOST_FUND_LETTERS}
        if self.tax_rate is not None and not 0 < self.tax_rate < _WHOLE:
            words = gettext("a tax of %(rate)s %% cannot be: write 19, or 5.5")
            return words % {"rate": self.tax_rate}
        if self.tax_country is not None and not _COUNTRY.fullmatch(self.tax_country):
            words = gettext("%(country)s is no country: write two letters, for example DE")
            return words % {"country": repr(self.tax_country)}
        return None


def sold_line(number: int, one: HandLine) -> SoldLine:
    """A line as the ledger books it; refunds take pieces back, too."""
    taxes = (_tax(one, one.tax_rate),) if one.tax_rate else ()
    return SoldLine(
        id=str(number),
        what=one.what,
        amount_minor=one.amount_minor,
        taxes=taxes,
        quantity=one.count if one.amount_minor > 0 else -one.count,
        kind=one.kind,
        fund=one.fund,
    )


def _tax(one: HandLine, rate: Decimal) -> Tax:
    within = (one.amount_minor * rate / (_WHOLE + rate)).quantize(Decimal(1), ROUND_HALF_EVEN)
    shown = f"{rate.normalize():f}"
    return Tax(
        int(within), f"Tax {shown} %", inclusive=True, country=one.tax_country, percentage=shown
    )


def manual_payment(line: MoneyLine, lines: Sequence[SoldLine] = ()) -> ManualPayment:
    """A line of money by hand; if it corrects another line, it names that line.

    `lines`: the purposes of the payment, or of the one that it corrects. Without them, the
    money line says it all.
    """
    is_correction = line.id.endswith(_REVERSED)
    sold = tuple(map(negated, lines)) if is_correction else tuple(lines)
    return ManualPayment(
        id=line.id,
        user_id=line.user_id or 0,
        currency=line.currency,
        at=line.at,
        method=line.method or "other",
        lines=sold or (SoldLine("1", line.what, line.amount_minor),),
        actor=line.recorded_by or "",
        corrects=line.id.removesuffix(_REVERSED) if is_correction else None,
    )


def corrected(line_id: str) -> str:
    """The id of the payment that a line by hand is, or corrects."""
    return line_id.removesuffix(_REVERSED)
