"""Restricts every query to the site's own account, even if a table holds rows of others."""

from __future__ import annotations

from functools import cache

from sqlalchemy import ColumnElement, FromClause, and_, or_

from bridge.core.model.account import MANUAL, OWN, SITE, Account

# An id comes first in a key, so that a look-up by the id alone finds it by the same index.
OWNED_ID = ("id", "provider", "account")


def columns(account: Account = OWN) -> dict[str, str]:
    """The values of a row that belongs to an account."""
    return {"provider": account.provider, "account": account.id}


@cache
def is_of(table: FromClause, account: Account) -> ColumnElement[bool]:
    """SQL: a row belongs to an account."""
    return and_(table.c.provider == account.provider, table.c.account == account.id)


def is_own(table: FromClause) -> ColumnElement[bool]:
    """SQL: a row belongs to the site's own account at Stripe."""
    return is_of(table, OWN)


@cache
def is_ours(table: FromClause) -> ColumnElement[bool]:
    """SQL: a row belongs to the site's own account at Stripe, or to no provider."""
    return or_(*(is_of(table, account) for account in (OWN, SITE, MANUAL)))
