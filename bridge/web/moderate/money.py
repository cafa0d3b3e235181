"""The console's pages for treasurers: the registers as of any date, a member's money, files."""

from __future__ import annotations

from datetime import datetime, time
from functools import partial

from flask import Response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.ledger.shown import STATES
from bridge.core.telling.words import with_names
from bridge.errors import Config, NotFound, Permanent
from bridge.operations import books, exporting
from bridge.operations.books import When
from bridge.texts import gettext
from bridge.web.context import the_bridge
from bridge.web.moderate import about
from bridge.web.moderate.access import actor_of, blueprint, may, needs_another, require
from bridge.web.moderate.register import end_of

LONGEST_ID = 300
FILES = {
    "csv": gettext("Every line of the ledger (CSV)"),
    "json": gettext("Every line of the ledger (JSON lines)"),
    "beancount": gettext("Journal for Beancount"),
    "hledger": gettext("Journal for hledger"),
    "payouts": gettext("Payouts with their parts"),
    "conversions": gettext("Payments in another currency, as paid and as settled"),
    "fees": gettext("Fees by payment method"),
    "taxes": gettext("Tax by month, country and rate"),
    "donations": gettext("Donations by person and year"),
    "countries": gettext("Countries of sales, with their evidence"),
    "funds": gettext("Contributions by fund"),
    "shares": gettext("Register of shares"),
    "members": gettext("Steps of membership"),
    "failed-payments": gettext("Failed payments with their reasons"),
    "receipts": gettext("Receipts of payments outside Stripe"),
    "xero-bank": gettext("Xero: bank statement"),
    "xero-invoices": gettext("Xero: sales invoices"),
    "xero-journals": gettext("Xero: manual journals"),
    "datev": gettext("DATEV: posting batch of a period"),
}
NAMES = {"datev": "EXTF_Buchungsstapel"}
ENDINGS = {"json": "jsonl", "beancount": "beancount", "hledger": "journal"}


@blueprint.get("/shares")
def shares() -> str:
    """The register of shares, as of a day and as known at the end of another."""
    found = books.shares(the_bridge(), _when(), _after())
    return render_template(
        "moderate/shares.jinja", found=found, days=_days(), user_of=books.user_of
    )


@blueprint.get("/steps")
def steps() -> str:
    """Who applied, was approved or declined, paid and ceased, at one step or at all of them."""
    said = request.args.get("state", "")
    state = next((one for one in STATES if one == said), None)
    found = books.members(the_bridge(), _when(), state, _after())
    return render_template("moderate/steps.jinja", found=found, days=_days(), state=state)


@blueprint.get("/person/<id:user_id>/money")
def money(user_id: int) -> str:
    """A member's entries, the newest first, with notes."""
    before = request.args.get("before", "")[:LONGEST_ID] or None
    try:
        found = books.money(the_bridge(), user_id, before)
    except NotFound as error:
        raise about.nobody() from error
    said = partial(with_names, names=found.people)
    may_note = may("money") and not needs_another(user_id)
    return render_template(
        "moderate/money.jinja", found=found, user_id=user_id, said=said, may_note=may_note
    )


@blueprint.get("/files")
def files() -> str:
    """The files: choose one, and say what it is for."""
    return _files()


@blueprint.post("/files")
def download() -> AnyResponse:
    """One file, streamed; the log records who downloaded it and why, and no copy is kept."""
    what = request.form.get("file", "")
    try:
        asked = exporting.Asked(
            _first_moment(request.form.get("from", "")),
            end_of(request.form.get("to", "")),
            request.form.get("currency", "").strip().lower() or None,
        )
        actor = actor_of(require("export"))
        reason = request.form.get("reason", "")
        pieces = exporting.export(the_bridge(), actor, what, asked, reason=reason)
    except (Permanent, Config) as error:
        return Response(_files(str(error)), 400)
    name = f"{NAMES.get(what, what)}.{ENDINGS.get(what, 'csv')}"
    encoding = exporting.ENCODINGS.get(what, "utf-8")
    return Response(
        (piece.encode(encoding) for piece in pieces),
        mimetype="text/plain" if what in ENDINGS else "text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


def _files(problem: str | None = None) -> str:
    return render_template("moderate/files.jinja", files=FILES, form=request.form, problem=problem)


def _first_moment(day: str) -> datetime | None:
    last = end_of(day)
    return last and datetime.combine(last.date(), time.min, last.tzinfo)


def _after() -> int:
    return max(0, request.args.get("after", 0, type=int))


def _when() -> When:
    return When(*(end_of(request.args.get(name, "")) for name in ("day", "known")))


def _days() -> dict[str, str]:
    """As they were typed, for the form and for the links to other pages of the same register."""
    return {name: request.args.get(name, "") for name in ("day", "known")}
