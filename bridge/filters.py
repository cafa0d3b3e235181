"""What templates can say: filters of pages and messages, and the environment of messages.

Everything that a template prints is escaped unless the template or a filter here made it: in pages
for HTML, in messages by `escape_markdown`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

from babel.dates import format_date, format_skeleton
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from bridge.core.ledger.amounts import Total, find_locale, format_minor
from bridge.core.ledger.lines import GiftLine
from bridge.core.telling.contributions import Donated
from bridge.core.telling.markdown import address, as_markdown, link, names, short
from bridge.core.telling.money import gift_words, method, prefix
from bridge.core.telling.place_words import place_words
from bridge.core.telling.places import Cause, GroupName, Place
from bridge.core.telling.reasons import sentence
from bridge.core.telling.words import LOCALE, day_words, listed
from bridge.texts import gettext, ngettext

TEMPLATES = Path(__file__).parent.parent / "templates"


def page_filters() -> dict[str, Callable[..., str]]:
    """Filters of pages; in the language of the template's variable `locale`."""
    return {**_filters(), "listed": listed, "names": _linked, "place": _place_on_a_page}


def _filters() -> dict[str, Callable[..., str]]:
    """Those of pages and messages alike."""
    return {
        "money": _money,
        "day": _day,
        "short_day": _short_day,
        "date": _date,
        "gift": _gift,
        "method": method,
        "prefix": prefix,
    }


@cache
def markdown_environment() -> Environment:
    """Templates of messages. `autoescape` keeps what macros make; `finalize` escapes the rest."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES / "markdown"),
        autoescape=True,
        finalize=as_markdown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    # What Jinja's extension adds to its environment, its types do not know. Its own callables
    # would escape for HTML what is put into a text.
    environment.newstyle_gettext = True  # type: ignore[attr-defined]
    environment.globals.update(_=_marked, gettext=_marked, ngettext=_marked_plural)
    environment.filters.update(_filters())
    environment.filters.update(
        address=address,
        amounts=_amounts,
        bold=_bold,
        donated=_donated,
        italic=_italic,
        link=link,
        listed=_listed_as_markdown,
        moment=_moment,
        names=names,
        place=_place_in_a_message,
        short=short,
        why=_why,
    )
    return environment


def _marked(text: str, **said: object) -> Markup:
    """A text with what is put into it; only the latter is escaped."""
    escaped = {name: as_markdown(value) for name, value in said.items()}
    return Markup(gettext(text) % escaped)  # noqa: S704 -- the text is our own


def _marked_plural(one: str, many: str, count: int, **said: object) -> Markup:
    escaped = {name: as_markdown(value) for name, value in {"num": count, **said}.items()}
    return Markup(ngettext(one, many, count) % escaped)  # noqa: S704 -- the text is our own


def _reader(context: Context) -> str:
    return str(context.get("locale", LOCALE))


@pass_context
def _money(context: Context, amount_minor: int, currency: str) -> str:
    return format_minor(amount_minor, currency, _reader(context))


@pass_context
def _amounts(context: Context, totals: tuple[Total, ...]) -> Markup:
    """What is left of each currency, for the title of a folded year, where nothing is unescaped."""
    reader = _reader(context)
    shown = (format_minor(total.net_minor, total.currency, reader) for total in totals)
    return Markup(" · ".join(shown))  # noqa: S704 -- holds only digits, letters and their marks


def _bold(value: object) -> Markup:
    return Markup(f"**{shown}**" if (shown := as_markdown(value)) else "")  # noqa: S704 -- escaped


def _italic(value: object) -> Markup:
    return Markup(f"*{shown}*" if (shown := as_markdown(value)) else "")  # noqa: S704 -- escaped


def _listed_as_markdown(values: Iterable[object]) -> Markup:
    return Markup(listed([as_markdown(one) for one in values]))  # noqa: S704 -- escaped


@pass_context
def _donated(context: Context, one: Donated) -> Markup:
    amount = _bold(format_minor(one.amount_minor, one.currency, _reader(context)))
    if not one.fund:
        return amount
    return _marked("%(amount)s for %(fund)s", amount=amount, fund=_italic(short(one.fund)))


def _moment(at: datetime) -> Markup:
    """A moment that the forum shows in the reader's own time."""
    return Markup(f'[date={at:%Y-%m-%d} time={at:%H:%M:%S} timezone="Etc/UTC"]')  # noqa: S704 -- digits


@pass_context
def _gift(context: Context, line: GiftLine) -> str:
    amount = _money(context, line.amount_minor, line.currency)
    return gift_words(replace(line, what=short(line.what) or gettext("a gift")), amount)


@pass_context
def _day(context: Context, at: datetime) -> str:
    return day_words(at, _reader(context))


@pass_context
def _date(context: Context, at: datetime) -> str:
    """`29 Dec 2026`, where a table has many days of several years."""
    return str(format_date(at.date(), "medium", locale=find_locale(_reader(context))))


@pass_context
def _short_day(context: Context, at: datetime) -> str:
    return str(format_skeleton("MMMd", at.date(), locale=find_locale(_reader(context))))


@pass_context
def _place_on_a_page(context: Context, place: Place) -> Markup:
    words = place_words(place, _strong, escape, _reader(context))
    return Markup(words)  # noqa: S704 -- the names in it are escaped


@pass_context
def _place_in_a_message(context: Context, place: Place) -> Markup:
    words = place_words(place, lambda groups: f"**{names(groups)}**", as_markdown, _reader(context))
    return Markup(words)  # noqa: S704 -- the names in it are escaped


def _strong(groups: Sequence[GroupName]) -> str:
    return Markup("<strong>{}</strong>").format(_linked(groups))


def _linked(groups: Sequence[GroupName]) -> Markup:
    """`<a href="…">Supporters</a> and Patrons`."""
    link_ = Markup('<a href="{}">{}</a>')
    shown = [link_.format(one.url, one.name) if one.url else escape(one.name) for one in groups]
    return Markup(listed(shown))  # noqa: S704 -- the names in it are escaped


@pass_context
def _why(context: Context, cause: Cause) -> Markup:
    words = sentence(cause.grant, cause.what, _reader(context), as_markdown)
    return Markup(words)  # noqa: S704 -- what is put into it is escaped
