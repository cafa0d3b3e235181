"""Decisions that moderators make by hand about a member's groups, with their name and reason."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bridge.commands.common import ready_bridge, show
from bridge.commands.deciding import How, actor_of, by, look_now, previewed, why
from bridge.commands.words import day
from bridge.core.model.days import end_of_day, through
from bridge.core.rules.values import Choices, Term, apply_value
from bridge.errors import Permanent
from bridge.operations import grants, holds
from bridge.operations.finding import find_user_id
from bridge.store import groups, hand_grants, work


class LastDay(click.ParamType[datetime]):
    """The last day that something lasts: it ends with that day's last second, UTC."""

    name = "date"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        """Read `2027-03-03`."""
        try:
            return through(str(value))
        except Permanent as error:
            self.fail(str(error), param, ctx)


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
            self.fail(f"{value!r} is not a length of time; write 30d, 12mo or 1y", param, ctx)
        return term


until = click.option(
    "--until", "until_at", type=LastDay(), help="The last day, for example 2027-03-31."
)
lasting = click.option("--for", "term", type=Length(), help="How long from now: 30d, 12mo or 1y.")


@click.command()
@click.argument("user", required=False)
@click.argument("group", required=False)
@until
@lasting
@click.option(
    "--reason", help="Why, in a few words; only moderators see it.  [required for a grant]"
)
@click.option("--by", metavar="USER", help="The forum user who decided it.  [required for a grant]")
@previewed
def grant(
    *,
    user: str | None,
    group: str | None,
    until_at: datetime | None,
    term: Term | None,
    reason: str | None,
    by: str | None,
    how: How,
) -> None:
    """Put USER in GROUP free of charge, until a day or for good.

    Without arguments: list all grants in force.
    """
    if user is None:
        _show_grants(as_json=how.as_json)
        return
    if group is None or (reason is None and not how.preview) or by is None or (until_at and term):
        raise click.UsageError(
            "Give a user, a group, --reason and --by, and at most one of --until and --for."
        )
    with ready_bridge() as bridge:
        actor, user_id = actor_of(bridge, by), find_user_id(bridge, user)
        # Through the day, like --until: the same command an hour later gives nothing more.
        end_at = end_of_day(term.end(bridge.clock.now())) if term else until_at
        if not how.goes_ahead(
            lambda: grants.preview_grant(bridge, user_id, group, until_at=end_at)
        ):
            return
        given = grants.grant(bridge, actor, user_id, group, until_at=end_at, reason=reason or "")
        look_now(bridge, work.user_key(user_id))
    _show_given(given, as_json=how.as_json)


def _show_given(given: grants.Given, *, as_json: bool) -> None:
    end_at = given.grant.until_at
    end = f"until {day(end_at)}" if end_at else "for good"
    name, group = escape(given.user.username), escape(given.group.name)
    words = f"{name} now has {group} {end}: {given.grant.id}."
    if not given.is_new:
        words = f"{name} already has {group} {end}: {given.grant.id}. Nothing changed."
    show(
        {
            "grant": given.grant.id,
            "user_id": given.user.id,
            "group_id": given.group.id,
            "until": end_at,
            "is_new": given.is_new,
        },
        as_json=as_json,
        for_people=lambda console: console.print(words),
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
        console.print(table if found else "There are no grants in force.")

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
@why
@by
@previewed
def revoke(grant_id: str, *, by: str, reason: str | None, how: How) -> None:
    """End a grant made by hand (GRANT is its id). What the member also pays for stays."""
    with ready_bridge() as bridge:
        actor = actor_of(bridge, by)
        if not how.goes_ahead(lambda: grants.preview_revoke(bridge, grant_id)):
            return
        taken = grants.revoke(bridge, actor, grant_id, reason=reason)
        look_now(bridge, work.user_key(taken.user_id))
    show(
        {"grant": grant_id, "user_id": taken.user_id, "group_id": taken.group_id},
        as_json=how.as_json,
        for_people=lambda console: console.print(f"{grant_id} of user {taken.user_id} has ended."),
    )


@click.command()
@click.argument("user")
@click.argument("group")
@why
@by
@previewed
def lift(user: str, group: str, *, by: str, reason: str | None, how: How) -> None:
    """Let USER into GROUP again after staff removed them or they left.

    They join only if something grants them the group. For a membership on hold use `bridge keep` or
    `bridge let-go` instead.
    """
    with ready_bridge() as bridge:
        actor, user_id = actor_of(bridge, by), find_user_id(bridge, user)
        if not how.goes_ahead(lambda: holds.preview_lift(bridge, user_id, group)):
            return
        lifted = holds.lift(bridge, actor, user_id, group, reason=reason)
        look_now(bridge, work.user_key(user_id))
    kept_by = "staff had removed them" if lifted.kept_by == "staff" else "they had left"
    _show_lifted(lifted, f"no longer kept out ({kept_by})", as_json=how.as_json)


@click.command()
@click.argument("user")
@click.argument("group")
@until
@lasting
@why
@by
@previewed
def keep(
    user: str,
    group: str,
    *,
    until_at: datetime | None,
    term: Term | None,
    by: str,
    reason: str | None,
    how: How,
) -> None:
    """Let USER keep a membership of GROUP that is on hold, until a day or for good.

    From then on it rests on a grant by hand, which `bridge revoke` ends.
    """
    if until_at and term:
        raise click.UsageError("Give at most one of --until and --for.")
    with ready_bridge() as bridge:
        actor, user_id = actor_of(bridge, by), find_user_id(bridge, user)
        end_at = end_of_day(term.end(bridge.clock.now())) if term else until_at
        if not how.goes_ahead(lambda: holds.preview_keep(bridge, user_id, group, until_at=end_at)):
            return
        given = holds.keep(bridge, actor, user_id, group, until_at=end_at, reason=reason)
        look_now(bridge, work.user_key(user_id))
    _show_given(given, as_json=how.as_json)


@click.command("let-go")
@click.argument("user")
@click.argument("group")
@why
@by
@previewed
def let_go(user: str, group: str, *, by: str, reason: str | None, how: How) -> None:
    """End a membership of USER in GROUP that is on hold.

    They stay only if something else grants them the group. `bridge grant` gives it back.
    """
    with ready_bridge() as bridge:
        actor, user_id = actor_of(bridge, by), find_user_id(bridge, user)
        if not how.goes_ahead(lambda: holds.preview_let_go(bridge, user_id, group)):
            return
        lifted = holds.let_go(bridge, actor, user_id, group, reason=reason)
        look_now(bridge, work.user_key(user_id))
    words = "no longer on hold; it ends unless something else grants it"
    _show_lifted(lifted, words, as_json=how.as_json)


def _show_lifted(lifted: holds.Lifted, words: str, *, as_json: bool) -> None:
    show(
        {"user_id": lifted.user_id, "group": lifted.group.name, "lifted": lifted.kept_by},
        as_json=as_json,
        for_people=lambda console: console.print(
            f"User {lifted.user_id}, {escape(lifted.group.name)}: {words}. "
            f"`bridge explain id:{lifted.user_id}` shows what follows."
        ),
    )
