"""Payers without a user, and the members who claim their payments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection

from bridge.core.model.alerts import Finding, Kind
from bridge.core.rights.buyers import buyers_of
from bridge.core.rules.compiled import Rules
from bridge.core.telling.unlinked import Orphan, not_sold_because
from bridge.store import claims
from bridge.store.claims import Asked
from bridge.store.groups import groups_by_id
from bridge.store.naming import Names
from bridge.store.orphans import paying_orphans

# More than these are one alert: a list that nobody reads helps nobody.
MOST = 10
SHOWN = 3


def findings(connection: Connection, rules: Rules) -> Iterator[Finding]:
    """Those who pay for a group: each one whom somebody claims; the others one by one while few."""
    names, asked = Names(connection), claims.asked(connection)
    waiting: dict[str, tuple[str, datetime]] = {}
    for payer in paying_orphans(connection, {*rules.by_price, *rules.by_product}):
        # Who waits for a decision does so also while the rule is halted.
        counts = rules.names if payer.customer_id in asked else rules.rule_for
        sold = [product for price, product in payer.bought if counts(price, product)]
        if not sold:
            continue
        what = names.products(sorted(sold))
        for claim in asked.get(payer.customer_id, ())[:SHOWN]:
            told = {
                "user": names.user(claim.user_id),
                "user_id": claim.user_id,
                "what": what,
                "why": _why(connection, payer, claim, rules),
                "customer": payer.customer_id,
                "order": claim.session_id,
            }
            subject = f"{claim.session_id}:{claim.user_id}"
            yield Finding(Kind.CLAIM_WAITS, subject, claim.at, told)
        if payer.customer_id not in asked:
            waiting[payer.customer_id] = what, payer.first_seen_at
    yield from _waiting(waiting)


def _why(connection: Connection, payer: Orphan, claim: Asked, rules: Rules) -> str:
    group_ids = buyers_of(payer.bought, rules)
    return not_sold_because(groups_by_id(connection, group_ids).values(), claim.country)


def _waiting(payers: dict[str, tuple[str, datetime]]) -> Iterator[Finding]:
    if len(payers) > MOST:
        what = ", ".join(sorted({what for what, _ in payers.values()})[:SHOWN])
        told = {"count": len(payers), "what": what, "customer": "CUSTOMER"}
        yield Finding(Kind.PAYS_UNLINKED, "stripe", min(at for _, at in payers.values()), told)
        return
    for customer_id, (what, since_at) in payers.items():
        told = {"what": what, "customer": customer_id}
        yield Finding(Kind.PAYS_UNLINKED, customer_id, since_at, told)
