"""Answers as tables for people, and a few for machines."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bridge.commands.words import day
from bridge.core.ledger.amounts import format_minor
from bridge.core.ledger.member_register import MemberEntry
from bridge.core.ledger.share_register import Register
from bridge.core.memberships.campaign import Candidate
from bridge.core.memberships.planned import Planned
from bridge.core.telling.campaign_making import Made, Shown, ShownLink
from bridge.core.telling.outcomes import reason_words


def print_shares(out: Console, found: Register) -> None:
    """The register of shares, and what is wrong with it."""
    table = Table("Class", "Numbers", "Holder", "Since", "Price", "In issue", "Ended", "Source")
    for one in found.holdings:
        ended = f"{one.ended_how} {one.ended_at:%Y-%m-%d}" if one.ended_at else ""
        table.add_row(
            one.share_class,
            str(one.first) if one.first == one.last else f"{one.first}-{one.last}",
            escape(one.holder),
            f"{one.acquired_at:%Y-%m-%d}",
            format_minor(one.price_minor, one.currency),
            str(one.total),
            ended,
            escape(one.ended_by or one.source_id),
        )
    out.print(table if found.holdings else "No shares.")
    for finding in found.findings:
        out.print(f"[red]{finding.code}[/] {escape(', '.join(finding.ids))}: {finding.says}")


def print_members(out: Console, found: tuple[MemberEntry, ...]) -> None:
    """The register of members."""
    table = Table("User", "State", "Applied", "Approved", "Paid", "Declined", "Ceased", "Because")
    for one in found:
        days = (one.applied_at, one.approved_at, one.paid_at, one.declined_at, one.ceased_at)
        because = one.declined_because or one.ceased_because or ""
        told = (f"{at:%Y-%m-%d}" if at else "" for at in days)
        table.add_row(f"id:{one.user_id}", one.state, *told, escape(because))
    out.print(table if found else "No members.")


SIGNS = {"add": "[green]add[/]", "remove": "[red]remove[/]", "hold": "[yellow]hold[/]"}


def print_plan(console: Console, found: list[Planned], orphans: int) -> None:
    """What a full reconcile would change."""
    if found:
        table = Table("Group", "", "Member", "Why", "Rule", box=None, pad_edge=False)
        for one in found:
            who = f"{one.username or 'user'} ({one.user_id})"
            why = reason_words(one.reason)
            table.add_row(escape(one.group), SIGNS[one.action], escape(who), why, one.rule_id)
        console.print(table)
    else:
        console.print("Nothing would change.")
    if orphans:
        console.print(f"{orphans} customers are not linked to a user: `bridge link` lists them.")


def candidate_document(one: Candidate) -> dict[str, object]:
    """One person who was named, for machines."""
    user = one.user
    return {
        "said": one.said,
        "line": one.line,
        "user_id": user.id if user else None,
        "username": user.username if user else None,
        "member_until": one.until_at,
        "fate": one.fate,
        "says": one.says,
    }


def print_invited(console: Console, found: tuple[Candidate, ...]) -> None:
    """Who would get a link."""
    table = Table("Member", "Until", "", "", box=None, pad_edge=False)
    for one in found:
        name = one.user.username if one.user else one.said
        table.add_row(escape(name), day(one.until_at), one.fate, escape(one.says))
    console.print(table)
    invited = sum(one.fate == "invited" for one in found)
    console.print(f"{invited} of {len(found)} would get a link. Nothing was created.")


def print_made(console: Console, made: Made, out: Path) -> None:
    """The links that were made, and who got none."""
    if made.left_out:
        table = Table("No link for", "", "", box=None, pad_edge=False)
        for one in made.left_out:
            name = one.user.username if one.user else one.said
            table.add_row(escape(name), one.fate, escape(one.says))
        console.print(table)
    console.print(
        f"{len(made.sent)} links are in {escape(str(out))}. They work until "
        f"{made.campaign.ends_at:%Y-%m-%d}. Keep the file safe: there is no other copy."
    )


def campaign_counts(found: tuple[Shown, ...]) -> Table:
    """How campaigns go."""
    table = Table("Campaign", "Offers", "Sent", "Opened", "Paid", "Pays later", "Returned",
                  "Revoked", "Until", box=None, pad_edge=False)  # fmt: skip
    for one in found:
        count, until = one.progress, one.campaign.ends_at
        numbers = (count.sent, count.opened, count.paid, count.waiting, count.returned)
        ended = "revoked" if one.campaign.revoked_at else f"{until:%Y-%m-%d}"
        table.add_row(
            escape(one.campaign.name),
            escape(one.product),
            *map(str, (*numbers, count.revoked)),
            ended,
        )
    return table


def link_document(one: ShownLink) -> dict[str, object]:
    """One link for machines."""
    link = one.link
    return {
        "user_id": link.user_id,
        "username": one.username,
        "fate": one.fate.value,
        "member_until": link.member_until_at,
        "opened_at": link.opened_at,
        "paid_at": link.paid_at,
        "bought": link.source_id,
    }


def print_links(console: Console, found: Shown, links: tuple[ShownLink, ...]) -> None:
    """A campaign, and what became of each link."""
    console.print(campaign_counts((found,)))
    table = Table("Member", "", "Member until", "Opened", "Paid", "Bought", box=None)
    for one in links:
        link = one.link
        table.add_row(
            escape(one.username or f"user {link.user_id}"),
            one.fate.value,
            day(link.member_until_at),
            day(link.opened_at),
            day(link.paid_at),
            link.source_id or "",
        )
    console.print(table)
