"""The answer of `bridge explain` for people: a tree for each group, in plain words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from bridge.commands.words import day
from bridge.core.ledger.amounts import format_minor
from bridge.core.memberships.state import State
from bridge.core.telling.explanation import Explanation, GroupExplained, Logged
from bridge.core.telling.outcomes import reason_words
from bridge.core.telling.places import STATE_WORDS
from bridge.core.telling.proof import Verdict
from bridge.core.telling.timeline import Entry
from bridge.core.telling.waits import NOT_OURS


def print_person(console: Console, told: Explanation) -> None:
    """Print everything that `explain` found."""
    console.print(f"[bold]{escape(told.username or 'user')}[/] (user {told.user_id})")
    if told.as_known_then:
        console.print(f"  as the bridge knew it at {day(told.at)} UTC")
    elif told.read_at:
        console.print(f"  at {day(told.at)} UTC; last read from Stripe at {day(told.read_at)}")
    for one in told.customers:
        by = f" by {escape(one.linked_by)}" if one.linked_by else ""
        console.print(f"  customer {one.id}, linked{by} at {day(one.linked_at)} ({one.proof})")
    if not told.customers:
        console.print("  no customer at Stripe: `bridge link CUSTOMER USER` links one.")
    for group in told.groups:
        console.print()
        console.print(group_tree(group, is_now=told.is_now))
    for verdict in told.without_group:
        console.print(f"\n{escape(verdict.id)} leads to no group: {escape(verdict.words)}")
    if told.happened:
        _print_happened(console, told.happened)


def group_tree(group: GroupExplained, *, is_now: bool) -> Tree:
    """One group: in or not, why, what moved it, what it waits for, what comes next."""
    tree = Tree(_headline(group, "is" if is_now else "was"))
    is_said = any(wait.for_ in ("not_recorded", "not_ours") for wait in group.waits)
    if group.member and group.owned == "no" and not is_said:
        tree.add(NOT_OURS)
    for wait in group.waits:
        tree.add(f"[yellow]{escape(wait.words)}[/]{_since(wait.since)}")
    for verdict in group.verdicts:
        _add_verdict(tree, verdict)
    if not group.verdicts:
        _add_why_not(tree, group)
    for title, line in (("decided", group.decided_by), ("moved", group.moved_by)):
        if line:
            _add_line(tree, title, line)
    for one in group.next:
        tree.add(f"next, {day(one.at)}: {escape(one.words)}")
    return tree


def _headline(group: GroupExplained, verb: str) -> str:
    name = escape(str(group.group or group.id))
    line = f"[bold]{verb} {STATE_WORDS[group.state] % {'group': name}}[/]"
    if group.member and group.since:
        line += f"{'' if group.state == State.IN else ','} since {day(group.since)}"
    if group.until:
        line += f", until {day(group.until)}"
    return line


def _add_verdict(tree: Tree, verdict: Verdict) -> None:
    sign = "[green]gives it[/]" if verdict.counts else "[dim]does not give it[/]"
    words = f"{verdict.id}, {verdict.what} ({verdict.reason})"
    branch = tree.add(f"{sign}: {escape(words)}")
    branch.add(f"their page says: “{escape(verdict.words)}”")
    if verdict.outranked_by:
        branch.add(f"a higher step counts instead: {escape(verdict.outranked_by)}")
    if verdict.stays_on:
        stays = f"this ladder does not follow payments: they stay on {verdict.stays_on}"
        branch.add(escape(stays))
    span = f"from {day(verdict.from_)}"
    span += f", until {day(verdict.until)}" if verdict.until else ""
    branch.add(span)
    if verdict.feature:
        carrying = f"through Stripe's entitlement to the feature {verdict.feature}"
        branch.add(escape(carrying))
    if verdict.rests_on:
        rule = branch.add(f"rule {escape(verdict.rule)}")
        for value in verdict.rests_on:
            words = f"{value.key} = {value.value}, set in {value.said_in}"
            rule.add(escape(words))


def _add_why_not(tree: Tree, group: GroupExplained) -> None:
    branch = tree.add("nothing of theirs leads to it")
    for rule in (group.given_by or ())[:10]:
        what = rule.name or rule.product or rule.feature or ""
        branch.add(escape(f"{what} would ({rule.rule})"))


def _add_line(tree: Tree, title: str, line: Logged) -> None:
    """For example: moved on …: removed, canceled; by evt_1 (customer.subscription.deleted of …)."""
    why = line.detail.get("why") or line.outcome
    what = ", ".join(filter(None, (line.action, why and reason_words(why))))
    branch = tree.add(escape(f"{title} on {day(line.at)}: {what}"))
    if line.cause:
        event = line.event
        of = f" ({event.type} of {day(event.created_at)})" if event else ""
        branch.add(escape(f"by {line.by}: {line.cause}{of}"))
    if line.rule:
        branch.add(escape(f"rule {line.rule}"))


def _since(at: datetime | None) -> str:
    return f" (since {day(at)})" if at else ""


def _print_happened(console: Console, entries: Iterable[Entry]) -> None:
    console.print("\n[bold]What happened, the newest first[/]")
    table = Table(box=None, pad_edge=False, show_header=False)
    for one in entries:
        about = one.group or ""
        if one.amount_minor is not None:
            about = format_minor(one.amount_minor, one.currency)
        reason = f"“{one.reason}”" if one.reason else ""
        why = ", ".join(filter(None, (one.words, reason)))
        words = (one.what, about, why, one.by.words, one.key.id)
        table.add_row(day(one.at), *(escape(word) for word in words))
    console.print(table)
