"""From a statement to the member's private message, and the other messages of the bridge."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from markupsafe import Markup

from bridge.core.ledger.lines import MoneyLine
from bridge.core.memberships.state import State
from bridge.core.model.reasons import Reason
from bridge.core.model.stripe import PendingPayment
from bridge.core.telling.alerts import Alert
from bridge.core.telling.digest import Digest
from bridge.core.telling.markdown import link
from bridge.core.telling.places import places, resting_on
from bridge.core.telling.replies import Reply
from bridge.core.telling.statement import Statement, StatementInput, build, fold
from bridge.core.telling.words import LOCALE
from bridge.filters import markdown_environment
from bridge.texts import gettext

TITLE = gettext("Your membership statement")
ALERTS_TITLE = gettext("Memberships: action needed")
DIGEST_TITLE = gettext("Memberships: what waits and what happened")

# Discourse refuses more (its setting max_post_length).
MESSAGE_LIMIT = 32_000
_LINES_SHOWN = (250, 100, 40, 10, 0)
_ALERTS_SHOWN = (40, 10, 2)


@dataclass(frozen=True, slots=True)
class ReplyPages:
    """Where an answer leads: the member's own page, and what is on offer."""

    own: str
    shop: str


# Escaped, and read by a moderator who pastes it: within a line it means nothing to Markdown.
_HARMLESS = re.compile(r"(?<=[\w ])\\([,;'()])(?:<!-- -->)?(?=[\w ]|$)", re.MULTILINE)
# A name as Discourse takes it, which escapes would keep from being a mention.
_MENTIONED = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)


def statement_markdown(statement: Statement, locale: str = LOCALE) -> tuple[str, str]:
    """Title and body of the member's message, shorter than Discourse's limit whatever it holds."""
    for lines in _LINES_SHOWN:
        body = _body(fold(statement, lines), locale)
        if len(body) < MESSAGE_LIMIT:
            return TITLE, body
    whole = link(gettext("See the full statement"), statement.links.full)
    return TITLE, f"{gettext('Your statement is too long for a message.')} {whole}.\n"


def receipt_markdown(line: MoneyLine, locale: str = LOCALE, *, funds: Sequence[str] = ()) -> str:
    """The answer in the member's message that a purchase was paid, for these funds."""
    template = markdown_environment().get_template("receipt.md.jinja")
    return template.render(line=line, funds=funds, locale=locale).strip() + "\n"


def unpaid_markdown(
    payment: PendingPayment, given: StatementInput, locale: str = LOCALE, *, again: bool = False
) -> str:
    """The answer in the member's message that a payment could not be made, and what follows.

    `again`: a moderator has it said a second time.
    """
    template = markdown_environment().get_template("unpaid.md.jinja")
    rests = resting_on(given, payment.subscription_id, Reason.GRACE)
    manage = given.links.manage
    return (
        template.render(payment=payment, rests=rests, manage=manage, locale=locale, again=again)
        + "\n"
    )


def grace_over_markdown(source_id: str, given: StatementInput, locale: str = LOCALE) -> str | None:
    """The answer that grace is over, and how to come back; None for somebody who has paid since."""
    over = resting_on(given, source_id, Reason.GRACE_OVER)
    if not over:
        return None
    template = markdown_environment().get_template("grace_over.md.jinja")
    return template.render(over=over, manage=given.links.manage, locale=locale) + "\n"


def application_markdown(
    given: StatementInput, locale: str = LOCALE, *, approved: bool
) -> str | None:
    """The answer that an application was decided; None where that was taken back meanwhile."""
    found = places(given)
    waits = any(place.is_applied_for for place in found)
    if waits:
        return None
    theirs = [place for place in found if place.state in (State.IN, State.ARRIVING)]
    template = markdown_environment().get_template("application.md.jinja")
    said = {"approved": approved, "places": theirs, "links": given.links, "locale": locale}
    return template.render(said) + "\n"


def answers_markdown(keys: Iterable[str], given: StatementInput) -> dict[str, str]:
    """The answers that are due, by key: receipts, and notices about failed payments.

    Only these are rendered, however many payments there are. What is no longer owed has none.
    """
    lines = {f"receipt:{line.id}": line for line in given.money}
    owed = {payment.id: payment for payment in (*given.unpaid, *given.pending)}
    found: dict[str, str | None] = {}
    for key in keys:
        kind, _, about = key.partition(":")
        if key in lines:
            found[key] = receipt_markdown(lines[key], funds=given.funds.get(lines[key].id, ()))
        elif kind in {"unpaid", "reminder"} and about in owed:
            found[key] = unpaid_markdown(owed[about], given, again=kind == "reminder")
        elif kind == "statement":
            found[key] = sent_again_markdown(given)
        elif kind == "grace_over":
            found[key] = grace_over_markdown(about.partition(":")[0], given)
        elif kind in {"approved", "declined"}:
            found[key] = application_markdown(given, approved=kind == "approved")
    return {key: text for key, text in found.items() if text}


def seat_markdown(
    subscription_id: str, giver: str | None, given: StatementInput, locale: str = LOCALE
) -> str | None:
    """The answer that somebody was given a seat; None for one that was declined meanwhile."""
    causes = (place.cause for place in places(given) if place.cause)
    theirs = [c for c in causes if (c.grant.share, c.grant.source_id) == ("seat", subscription_id)]
    if not theirs:
        return None
    template = markdown_environment().get_template("seat.md.jinja")
    seats = f"{given.links.full}/seats"
    return template.render(what=theirs[0].what, giver=giver, seats=seats, locale=locale) + "\n"


def present_markdown(
    source_id: str, giver: str | None, note: str, given: StatementInput, locale: str = LOCALE
) -> str:
    """The answer that somebody was given a gift, with the giver's note."""
    causes = (place.cause for place in places(given) if place.cause)
    what = next((one.what for one in causes if one.grant.source_id == source_id), None)
    template = markdown_environment().get_template("present.md.jinja")
    text = template.render(what=what, giver=giver, note=note, locale=locale)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def reply_markdown(reply: Reply, username: str, pages: ReplyPages, locale: str = LOCALE) -> str:
    """A moderator's answer to a member, to be pasted into a post or a message."""
    template = markdown_environment().get_template("reply.md.jinja")
    named = Markup(username) if _MENTIONED.fullmatch(username) else username  # noqa: S704 - checked
    text = template.render(
        reply=reply,
        username=named,
        own_page=pages.own,
        shop=pages.shop,
        back=f"{pages.shop}/{reply.back}" if reply.back else None,
        locale=locale,
    )
    return re.sub(r"\n{3,}", "\n\n", _HARMLESS.sub(r"\1", text)).strip() + "\n"


def sent_again_markdown(given: StatementInput, locale: str = LOCALE) -> str:
    """The answer that is the whole statement once more, because a moderator sent it again."""
    _, body = statement_markdown(build(given), locale)
    again = gettext("A moderator has sent you your statement again.")
    return f"{again}\n\n{body}"


def alerts_markdown(shown: Sequence[Alert], as_of: datetime, address: str) -> tuple[str, str]:
    """Title and body of the moderators' message: what needs somebody, and what is over.

    `address`: of the bridge, to whose console the lines lead.
    """
    waiting = [one for one in shown if one.gone_at is None]
    over = [one for one in shown if one.gone_at is not None]
    template = markdown_environment().get_template("alerts.md.jinja")
    body = ""
    for most in _ALERTS_SHOWN:
        more = max(0, len(waiting) - most)
        body = template.render(
            open=waiting[:most], over=over[-most:], more=more, as_of=as_of, address=address
        )
        if len(body) < MESSAGE_LIMIT:
            break
    return ALERTS_TITLE, re.sub(r"\n{3,}", "\n\n", body).strip() + "\n"


def digest_markdown(digest: Digest, address: str) -> tuple[str, str]:
    """Title and body of the moderators' digest; each line leads to its place in the console."""
    body = (
        markdown_environment()
        .get_template("digest.md.jinja")
        .render(digest=digest, address=address, locale=LOCALE)
    )
    return DIGEST_TITLE, re.sub(r"\n{3,}", "\n\n", body).strip() + "\n"


def statement_fingerprint(statement: Statement, locale: str = LOCALE) -> str:
    """The same for two statements that read the same, whenever they were made.

    Compare it with that of the message as last written, to edit only when something changed.
    """
    undated = replace(statement, as_of=datetime.min.replace(tzinfo=UTC), ledger_code=None)
    return hashlib.sha256("\n".join(statement_markdown(undated, locale)).encode()).hexdigest()


def _body(statement: Statement, locale: str) -> str:
    template = markdown_environment().get_template("statement.md.jinja")
    body = template.render(statement=statement, locale=locale)
    return re.sub(r"\n{3,}", "\n\n", body).strip() + "\n"
