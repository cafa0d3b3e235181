"""All worklists: what each is called, what its columns mean, and what reads a page of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bridge.answers.members import mapped_groups
from bridge.answers.worklists import applications, money, payers, places
from bridge.answers.worklists.row import PAGE, Page, Row, Todo, cut
from bridge.core.telling.events import event_words
from bridge.store import worklist_counts, worklists
from bridge.texts import gettext
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True, kw_only=True)
class Worklist:
    """A list. `heads` stand above what a row is about, `at` and `next_at`; empty: no column.

    `kinds` are shown one at a time; `acts` are done to the rows that somebody chooses, of the first
    kind.
    """

    name: str
    title: str
    lead: str
    nothing: str
    heads: tuple[str, str, str]
    page: Callable[[Bridge, str, str], Page]
    kinds: Mapping[str, str] = field(default_factory=dict)
    acts: tuple[str, ...] = ()


def dead(bridge: Bridge, _kind: str, after: str) -> Page:
    """Events that can never be processed."""
    with bridge.store.read() as connection:
        found = worklists.dead(connection, after, PAGE + 1)
    rows = [
        Row(
            key=one.id,
            about=event_words(one.type),
            says=f"{one.why} {one.about or one.id}",
            at=one.received_at,
            todo=(Todo("replay", {"event": one.id}),),
        )
        for one in found
    ]
    return cut(rows)


def _ahead(bridge: Bridge, kind: str, after: str) -> Page:
    read = places.ending if kind == "ends" else money.coming
    return read(bridge, kind, after)


def counts(bridge: Bridge) -> dict[str, int]:
    """How many rows wait in each list that needs somebody."""
    with bridge.store.read() as connection:
        return worklist_counts.counts(connection)


def parts(bridge: Bridge, name: str) -> dict[str, int]:
    """How many rows each part of a list has, `worklist_counts.MANY` at most."""
    now = bridge.clock.now()
    ids = [group.id for group in mapped_groups(bridge)] if name == "drift" else []
    with bridge.store.read() as connection:
        return worklist_counts.of_parts(connection, name, ids, (now, now + money.AHEAD))


WORKLISTS: Mapping[str, Worklist] = {
    one.name: one
    for one in (
        Worklist(
            name="failed",
            title=gettext("Failed payments"),
            lead=gettext(
                "Stripe tries again and tells the member. You can remind them once; the message "
                "has a link to pay."
            ),
            nothing=gettext("Every payment went through."),
            heads=(gettext("For"), gettext("Failed"), gettext("Next attempt")),
            page=money.failed,
        ),
        Worklist(
            name="held",
            title=gettext("Held changes"),
            lead=gettext(
                "The bridge cannot tell what is right here, so nobody is added or removed until "
                "you decide."
            ),
            nothing=gettext("Nothing waits for a decision."),
            heads=(gettext("Group"), gettext("Since"), ""),
            page=places.held,
            acts=("keep-held", "end-held"),
        ),
        Worklist(
            name="applications",
            title=gettext("Applications"),
            lead=gettext(
                "These people want to be members. What they pay counts once you approve them. "
                "Declining refunds nothing: you decide about the money under “Declined”."
            ),
            nothing=gettext("No applications."),
            heads=(gettext("For"), gettext("Applied"), gettext("Paid")),
            page=applications.applications,
            kinds={"waiting": gettext("Waiting"), "declined": gettext("Declined")},
            acts=("approve", "decline"),
        ),
        Worklist(
            name="unlinked",
            title=gettext("Paid, without a forum account"),
            lead=gettext(
                "These customers at Stripe have no forum account. Assign them to somebody, send "
                "them the link to claim their payment if there is one, or set them aside."
            ),
            nothing=gettext("Nobody."),
            heads=(gettext("Customer"), gettext("Known since"), ""),
            page=payers.unlinked_payers,
            kinds={"waiting": gettext("Waiting"), "aside": gettext("Set aside")},
        ),
        Worklist(
            name="disputes",
            title=gettext("Disputes"),
            lead=gettext(
                "A bank wants money back for a member. Respond at Stripe before the deadline; "
                "without a response the money is lost."
            ),
            nothing=gettext("No dispute is open."),
            heads=(gettext("Payment"), gettext("Opened"), gettext("Respond by")),
            page=payers.disputes,
        ),
        Worklist(
            name="stopped",
            title=gettext("Stopped removals"),
            lead=gettext(
                "So many people would lose a group at once that the bridge stopped. If that is "
                "right, let the removals continue."
            ),
            nothing=gettext("No removals are stopped."),
            heads=(gettext("Group"), gettext("Since"), ""),
            page=places.stopped,
        ),
        Worklist(
            name="drift",
            title=gettext("Changed by hand"),
            lead=gettext(
                "Somebody changed these memberships on the forum. The bridge leaves them as they "
                "are until you decide otherwise."
            ),
            nothing=gettext("Nobody’s membership was changed by hand."),
            heads=(gettext("Group"), gettext("Since"), ""),
            page=places.drift,
            kinds={
                "out": gettext("Kept out"),
                "in": gettext("Added by others"),
                "lost": gettext("Lost from the record"),
            },
        ),
        Worklist(
            name="double",
            title=gettext("Paid twice"),
            lead=gettext(
                "These members pay for two subscriptions, and one of them includes the other. If "
                "they did not mean to, cancel the one in the list and refund its last payment. "
                "What was paid in two browser tabs, the bridge ends and credits automatically."
            ),
            nothing=gettext("Nobody pays twice."),
            heads=(gettext("Subscription"), gettext("Since"), gettext("Next payment")),
            page=money.double,
            kinds={
                "running": gettext("Still paid twice"),
                "tabs": gettext("Ended by the bridge"),
            },
        ),
        Worklist(
            name="dead",
            title=gettext("Unreadable events"),
            lead=gettext(
                "Stripe sent these events, and the bridge cannot process them. Correct the cause, "
                "then process them again."
            ),
            nothing=gettext("Every event was processed."),
            heads=(gettext("Event"), gettext("Received"), ""),
            page=dead,
        ),
        Worklist(
            name="ahead",
            title=gettext("Next 30 days"),
            lead=gettext(
                "Memberships that end, renew or cost something for the first time in 30 days."
            ),
            nothing=gettext("Nothing of this kind in the next 30 days."),
            heads=(gettext("For"), gettext("On"), ""),
            page=_ahead,
            kinds={
                "ends": gettext("Endings"),
                "renewals": gettext("Renewals"),
                "trials": gettext("Trials"),
                "gifts": gettext("Gifts"),
            },
        ),
    )
}
