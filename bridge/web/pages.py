"""Things that templates use: the look, the reader, and words for prices and dates."""

from __future__ import annotations

from typing import Any

from flask import Flask, g
from jinja2 import StrictUndefined

from bridge.core.ledger.amounts import format_minor, plain_amount
from bridge.core.model.days import day_of
from bridge.core.model.stripe import Price
from bridge.core.rights.orders import Line, Order
from bridge.core.telling import words
from bridge.core.telling.sentences import as_sentence
from bridge.errors import Transient
from bridge.filters import page_filters
from bridge.texts import gettext, ngettext
from bridge.web.context import Reader, reader, the_bridge, the_look
from bridge.web.site import NAMES_DIGEST


def teach(app: Flask) -> None:
    """Set up the app's templates: everything is escaped, and a missing name is an error."""
    environment = app.jinja_env
    environment.autoescape = True  # Flask decides by the file's ending, which is .jinja here
    environment.undefined = StrictUndefined
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.add_extension("jinja2.ext.i18n")
    environment.policies["ext.i18n.trimmed"] = True
    # Jinja's types do not know what its extension adds to the environment.
    environment.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters.update(
        amount=_amount,
        card_brand=words.card_brand,
        price=lambda price: words.price_words(price, words.LOCALE),
        interval=words.interval_words,
        recurrence=words.recurrence_words,
        rhythm=words.rhythm_words,
        group_names=words.group_names,
        access=words.access_words,
        term=words.term_words,
        own_amount=_own_amount,
        each_time=_each_time,
        sentence=as_sentence,
        typed_day=lambda text: f"{day_of(text):%-d %B %Y}",
        **page_filters(),
    )
    app.context_processor(_common)


def _amount(price: Price) -> str:
    return words.amount_words(price, words.LOCALE)


def _own_amount(line: Line) -> str:
    """The initial value of the field for an amount of the buyer's own."""
    currency = line.offer.price.currency
    return "" if line.chosen_minor is None else plain_amount(line.chosen_minor, currency)


def _each_time(order: Order) -> str:
    """The amount of every renewal."""
    if order.each_time_minor is None:
        return gettext("an amount shown by Stripe")
    return format_minor(order.each_time_minor, order.currency, words.LOCALE)


def _reader_if_known() -> Reader | None:
    """The reader; None while the database is unreachable, so that a page can still say so."""
    try:
        return reader()
    except Transient:
        return None


def _common() -> dict[str, Any]:
    return {
        "look": the_look(),
        "names_digest": NAMES_DIGEST,
        "locale": words.LOCALE,
        "reader": _reader_if_known(),
        "forum_url": the_bridge().settings.discourse_url,
        "request_id": g.get("request_id", ""),
    }
