"""Campaigns: ask members to renew, each with a personal link, and count the results."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time
from pathlib import Path
from typing import TextIO

import click

from bridge.commands.common import Moment, as_json, ready_bridge, show
from bridge.commands.deciding import actor_of, by_or_operator, why
from bridge.commands.tables import (
    campaign_counts,
    candidate_document,
    link_document,
    print_invited,
    print_links,
    print_made,
)
from bridge.core.ledger.references import reference_of
from bridge.core.memberships.campaign import read_names
from bridge.core.telling.campaign_making import Made
from bridge.core.telling.document import document
from bridge.errors import Permanent
from bridge.exports.tables import rows_as_csv
from bridge.operations import campaigns
from bridge.operations.finding import find_user_id

COLUMNS = ("user_id", "username", "member_until", "link", "reference")


@click.group()
def campaign() -> None:
    """Ask members to renew with personal links that are revocable and counted."""


@campaign.command()
@click.argument("name")
@click.option("--price", "key", required=True, help="What is offered: a price's id or lookup key.")
@click.option(
    "--for-ending-before",
    "before",
    type=Moment(time.min),
    help="Ask the members whose membership of its groups ends before this day.",
)
@click.option("--csv", "file", type=click.File(encoding="utf-8-sig"), help="Or the column `user`.")
@click.option(
    "--days",
    type=click.IntRange(1, 365),
    default=campaigns.DAYS,
    show_default=True,
    help="How long the links work.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Where to write the links, as CSV.")
@click.option("--preview", is_flag=True, help="Only show who would get a link.")
@why
@by_or_operator
@as_json
def new(  # noqa: PLR0913 - the options of a command
    *,
    name: str,
    key: str,
    before: datetime | None,
    file: TextIO | None,
    days: int,
    out: Path | None,
    preview: bool,
    by: str | None,
    reason: str | None,
    as_json: bool,
) -> None:
    """Make a link for each member, and write them to a CSV file for your mailing.

    The bridge keeps only a hash of each link, so this file is the only place that has them. It
    contains no e-mail addresses, because the bridge has none: your forum or mailing program finds
    them by user.
    """
    if (before is None) == (file is None):
        raise click.UsageError("Say who is asked: --for-ending-before DATE, or --csv FILE.")
    if out is None and not preview:
        raise click.UsageError("Say where the links are written: --out FILE.")
    with ready_bridge() as bridge:
        offer = campaigns.offer_of(bridge, key)
        named = (
            campaigns.named_in_file(bridge, offer, read_names(file or ()))
            if before is None
            else campaigns.ending_before(bridge, offer, before)
        )
        if preview or out is None:
            found = campaigns.preview_campaign(bridge, offer, named)
            show(
                {"made": False, "people": [candidate_document(one) for one in found]},
                as_json=as_json,
                for_people=lambda console: print_invited(console, found),
            )
            return
        with _new_file(out) as written:
            made = campaigns.new_campaign(
                bridge, actor_of(bridge, by), name, offer, named, days=days, reason=reason
            )
            _write(written, made)
    _show_made(made, out, as_json=as_json)


def _show_made(made: Made, out: Path, *, as_json: bool) -> None:
    show(
        {
            "made": True,
            "campaign": document(made.campaign),
            "links": len(made.sent),
            "file": str(out),
            "left_out": [candidate_document(one) for one in made.left_out],
        },
        as_json=as_json,
        for_people=lambda console: print_made(console, made, out),
    )


@contextmanager
def _new_file(path: Path) -> Iterator[TextIO]:
    """A file that only its owner may read; it is gone again where nothing came of it."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Permanent(f"{path} cannot be written: {error.strerror}") from error
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        try:
            yield file
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _write(file: TextIO, made: Made) -> None:
    rows = (
        (one.user.id, one.user.username, one.until_at, one.address, reference_of(one.user.id))
        for one in made.sent
    )
    file.writelines(rows_as_csv(COLUMNS, rows))


@campaign.command("list")
@as_json
def list_(*, as_json: bool) -> None:
    """List all campaigns with how many links were sent, opened and paid."""
    with ready_bridge() as bridge:
        found = campaigns.all_campaigns(bridge)
    show(
        [document(one) for one in found],
        as_json=as_json,
        for_people=lambda console: console.print(campaign_counts(found)),
    )


@campaign.command("show")
@click.argument("name")
@as_json
def show_(*, name: str, as_json: bool) -> None:
    """Show the result of each link of a campaign."""
    with ready_bridge() as bridge:
        found, links = campaigns.one_campaign(bridge, name)
    show(
        document(found) | {"links": [link_document(one) for one in links]},
        as_json=as_json,
        for_people=lambda console: print_links(console, found, links),
    )


@campaign.command()
@click.argument("name")
@click.option("--user", "said", metavar="USER", help="End only the link of this member.")
@why
@by_or_operator
@as_json
def revoke(*, name: str, said: str | None, by: str | None, reason: str, as_json: bool) -> None:
    """End a campaign, or one member's link. What was paid stays paid."""
    with ready_bridge() as bridge:
        actor = actor_of(bridge, by)
        if said is None:
            is_new = campaigns.revoke_campaign(bridge, actor, name, reason=reason)
        else:
            is_new = campaigns.revoke_link(
                bridge, actor, name, find_user_id(bridge, said), reason=reason
            )
    words = "Revoked. The links no longer work." if is_new else "It was already revoked."
    show({"revoked": is_new}, as_json=as_json, for_people=lambda console: console.print(words))
