"""What moderators decide by hand about somebody's groups, with a reason and their name."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bridge.commands.common import as_json, day, ready_bridge, show
from bridge.commands.people import look_now
from bridge.core.rules.values import Choices, Term, apply_value
from bridge.core.signed.reference import sign_reference
from bridge.operations import accounts, grants, upkeep
from bridge.store import groups, hand_grants, work

by = click.option("--by", "actor", required=True, help="Who decided it, for the record.")


class LastDay(click.ParamType[datetime]):
    """A day that still counts: what lasts until it ends with its last second, UTC."""

    name = "date"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        """Read `2027-03-03`."""
        try:
            return datetime.combine(datetime.fromisoformat(value).date(), time(23, 59, 59), UTC)
        except (TypeError, ValueError):
            self.fail(f"{value!r} is no day; write it as 2027-03-31", param, ctx)


class Length(click.ParamType[Term]):
    """How long something lasts."""

    name = "term"

    def convert(self, value: Any, param: Any, ctx: Any) -> Term:
        """Read `30d`, `12mo` or `1y`."""
        try:
            term = apply_value(Choices(), "term", str(value)).term
        except ValueError:
            term = None
        if term is None:
            self.fail(f"{value!r} is no length; write 30d, 12mo or 1y", param, ctx)
        return term


until = click.option("--until", "until_at", type=LastDay(), help="The last day, as 2027-03-31.")
lasting = click.option("--for", "term", type=Length(), help="How long from now: 30d, 12mo, 1y.")


@click.command()
@click.argument("user", required=False)
@click.argument("group", required=False)
@until
@lasting
@click.option("--reason", help="Why, in a few words; shown to moderators only.")
@click.option("--by", "actor", help="Who decided it, for the record.")
@as_json
def grant(
    *,
    user: str | None,
    group: str | None,
    until_at: datetime | None,
    term: Term | None,
    reason: str | None,
    actor: str | None,
    as_json: bool,
) -> None:
    """Give USER the GROUP without money, until a day or for good.

    Without arguments: list what was given by hand and is in force.
    """
    if user is None:
        _show_grants(as_json=as_json)
        return
    if not (group and reason and actor) or (until_at and term):
        raise click.UsageError(
            "Name a user, a group, --reason and --by; and one end or none: --until or --for."
        )
    with ready_bridge() as bridge:
        user_id = upkeep.user_number(bridge, user)
        end_at = term.end(bridge.clock.now()) if term else until_at
        given = grants.grant(bridge, user_id, group, until_at=end_at, reason=reason, actor=actor)
        look_now(bridge, work.user_key(user_id))
    end = f"until {day(end_at)}" if end_at else "for good"
    show(
        {"grant": given.id, "user_id": user_id, "group_id": given.group_id, "until": end_at},
        as_json=as_json,
        for_people=lambda console: console.print(
            f"{escape(user)} is given {escape(group)} {end}: {given.id}."
        ),
    )


def _show_grants(*, as_json: bool) -> None:
    with ready_bridge() as bridge, bridge.store.read() as connection:
        now = bridge.clock.now()
        names = {one.id: one.name for one in groups.load_groups(connection).values()}
        found = [
            _listed(one, names)
            for one in hand_grants.recorded(connection)
            if one.revoked_at is None and (one.grant.until_at is None or one.grant.until_at > now)
        ]

    def for_people(console: Console) -> None:
        table = Table("Id", "User", "Group", "Until", "Reason", "By", box=None, pad_edge=False)
        for one in found:
            words = (one["id"], one["user_id"], one["group"], day(one["until"]) or "for good")
            table.add_row(*(escape(str(w)) for w in (*words, one["reason"], one["by"])))
        console.print(table if found else "Nothing is given by hand.")

    show(found, as_json=as_json, for_people=for_people)


def _listed(one: hand_grants.Recorded, names: dict[int, str]) -> dict[str, Any]:
    return {
        "id": one.grant.id,
        "user_id": one.grant.user_id,
        "group": names.get(one.grant.group_id, one.grant.group_id),
        "from": one.grant.from_at,
        "until": one.grant.until_at,
        "reason": one.grant.reason,
        "source": one.grant.source,
        "by": one.grant.actor,
    }


@click.command()
@click.argument("grant_id", metavar="GRANT")
@by
@as_json
def revoke(grant_id: str, *, actor: str, as_json: bool) -> None:
    """Take back what was given by hand; what USER also pays for stays. GRANT is its id."""
    with ready_bridge() as bridge:
        taken = grants.revoke(bridge, grant_id, actor=actor)
        look_now(bridge, work.user_key(taken.user_id))
    show(
        {"grant": grant_id, "user_id": taken.user_id, "group_id": taken.group_id},
        as_json=as_json,
        for_people=lambda console: console.print(f"{grant_id} of user {taken.user_id} is over."),
    )


@click.command()
@click.argument("user")
@click.argument("group")
@by
@as_json
def lift(user: str, group: str, *, actor: str, as_json: bool) -> None:
    """Let USER's membership of GROUP follow what grants it again.

    For somebody whom staff took out or who left, and for what is held until a moderator decides.
    """
    with ready_bridge() as bridge:
        user_id = upkeep.user_number(bridge, user)
        lifted = grants.lift(bridge, user_id, group, actor=actor)
        look_now(bridge, work.user_key(user_id))
    show(
        {"user_id": user_id, "group": group, "lifted": lifted},
        as_json=as_json,
        for_people=lambda console: console.print(
            f"{escape(user)} in {escape(group)}: no longer kept as it was ({lifted}). "
            f"`bridge explain {user_id}` tells what follows."
        ),
    )


@click.command()
@click.argument("from_user", type=int)
@click.argument("to_user")
@by
@as_json
def relink(from_user: int, to_user: str, *, actor: str, as_json: bool) -> None:
    """Give everything of the account FROM_USER, by its number, to the account TO_USER.

    After accounts were merged, or when somebody came back with a new one: customers, payments,
    grants and seats. Never done by itself, and never by an e-mail address.
    """
    with ready_bridge() as bridge:
        to_id = upkeep.user_number(bridge, to_user)
        moved = accounts.relink(bridge, from_user, to_id, actor=actor)
        look_now(bridge, work.user_key(to_id))
        look_now(bridge, work.user_key(from_user))
    show(
        {"from": from_user, "to": to_id, "customers": moved.customers, "grants": moved.grants},
        as_json=as_json,
        for_people=lambda console: console.print(
            f"{len(moved.customers)} customers and {len(moved.grants)} grants of user {from_user} "
            f"are user {to_id}'s now. `bridge explain {to_id}` tells what follows."
        ),
    )


@click.command()
@click.argument("user")
@as_json
def reference(user: str, *, as_json: bool) -> None:
    """Print the signed word for USER, to stand in Stripe's metadata.

    As `bridge_beneficiary` of a subscription or of a Checkout Session it makes that a gift to them.
    """
    with ready_bridge() as bridge:
        user_id = upkeep.user_number(bridge, user)
        text = sign_reference(user_id, bridge.settings.secret_key)
    show(
        {"user_id": user_id, "reference": text},
        as_json=as_json,
        for_people=lambda console: console.print(text),
    )
