"""The sections of bridge.toml: their keys, and the problems with their values.

Nothing is raised here: each reader adds to `problems`, so that all are reported together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.core.rules.keys import NOTHING, key_name
from bridge.core.rules.problems import POLICY_CODES, nearest
from bridge.core.rules.values import KEYS, Choices, apply_value, instead
from bridge.errors import Config

DAY_SECONDS = 86_400

_HEADER = re.compile(r"[A-Za-z0-9-]{1,60}")
_NAME = re.compile(r"[\w.-]{1,60}")


@dataclass(frozen=True, slots=True)
class Setting:
    """The values of one key: in words for people, and as a check."""

    takes: str
    accepts: Callable[[object], bool]


def _whole(low: int, high: int) -> Setting:
    return Setting(
        f"a whole number {low} to {high}",
        lambda value: type(value) is int and low <= value <= high,
    )


def _word_of(words: tuple[str, ...]) -> Setting:
    return Setting(", ".join(f"`{word}`" for word in words), lambda value: value in words)


def _name(takes: str) -> Setting:
    return Setting(takes, lambda value: isinstance(value, str) and bool(_NAME.fullmatch(value)))


_SWITCH = Setting("true or false", lambda value: isinstance(value, bool))


def _text(example: str) -> Setting:
    return Setting(
        f'a text in quotes, such as "{example}"',
        lambda value: isinstance(value, str) and bool(value),
    )


SITE_LIMITS: Mapping[str, tuple[int, int]] = {
    "removal_confirm_seconds": (0, 7 * DAY_SECONDS),
    "removal_limit_min": (0, 1_000_000),
    "removal_limit_percent": (0, 100),
    "removal_mass_min": (0, 1_000_000),
    "removal_mass_percent": (0, 100),
    "statement_quiet_seconds": (0, 7 * DAY_SECONDS),
    "statement_renewal_seconds": (0, 31 * DAY_SECONDS),
    "sweep_seconds": (1, DAY_SECONDS),
    "seat_notice_days": (0, 365),
}
"""The numbers of [site], each whole and between these two."""

SITE_WORDS: Mapping[str, tuple[str, ...]] = {
    "unmapped": ("hold", "end"),
    "pausing": ("yes", "no"),
    "adopt": ("ask", "automatically"),
}
"""The words of [site], each one of these."""

SITE_NAMES = ("alerts_to",)
"""The names of [site]: of a group or a user of the forum, or `none`."""

SITE: Mapping[str, Setting] = {
    **{name: _whole(*limits) for name, limits in SITE_LIMITS.items()},
    **{name: _word_of(words) for name, words in SITE_WORDS.items()},
    **{name: _name("one name, or `none`") for name in SITE_NAMES},
    "bank_account": _text("DE89 3704 0044 0532 0130 00, Garden Club"),
}

CONSOLE: Mapping[str, Setting] = {
    "treasurers": _name("the name of one group"),
    "readers": _name("the name of one group"),
    "two_persons": _SWITCH,
    "refunds": _SWITCH,
    "digest": _word_of(("off", "daily", "weekly")),
}

CLAIMS: Mapping[str, Setting] = {"days": _whole(1, 3650), "invite": _SWITCH}

BANK: Mapping[str, Setting] = {
    "date": _text("Buchungstag"),
    "amount": _text("Betrag"),
    "text": _text("Verwendungszweck"),
    "payer": _text("Name"),
    "currency": _text("Währung"),
    "default_currency": _text("eur"),
    "delimiter": _text(";"),
    "decimal": _text(","),
    "date_format": _text("%d.%m.%Y"),
}
BANK_NEEDS = ("date", "amount", "text")

DATEV: Mapping[str, Setting] = {
    "consultant": _whole(1001, 9_999_999),
    "client": _whole(1, 99_999),
    "account_length": _whole(4, 8),
    "first_month": _whole(1, 12),
}
DATEV_NEEDS = ("consultant", "client")
DATEV_DEFAULTS = {"account_length": 4, "first_month": 1}

LEDGER_ROOTS = ("assets", "liabilities", "equity", "income", "expenses")
"""The first part of the names of the ledger's accounts."""

_TARGET = ("code", "tax", "tracking")


def wrong(code: str, message: str) -> Config:
    """A problem of bridge.toml, with the hint that belongs to its code."""
    return Config(code, message, POLICY_CODES[code])


def read_section(
    section: str,
    tables: Mapping[str, Mapping[str, object]],
    settings: Mapping[str, Setting],
    problems: list[Config],
    needs: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The valid values of a section; `needs`: keys that a section has to have if it is there."""
    if section not in tables:
        return {}
    table, said = tables[section], dict[str, Any]()
    for name, value in table.items():
        if name not in settings:
            close = nearest(name, tuple(settings))
            problems.append(wrong("M152", f"[{section}] takes no {name}.{close}"))
        elif not settings[name].accepts(value):
            takes = f"it takes {settings[name].takes}"
            problems.append(wrong("M153", f"[{section}] {name} = {value!r} is wrong; {takes}."))
        else:
            said[name] = value
    if missing := [name for name in needs if name not in table]:
        problems.append(wrong("M153", f"[{section}] lacks {', '.join(missing)}."))
    return said


def read_country_header(
    tables: dict[str, Mapping[str, object]], problems: list[Config]
) -> str | None:
    """Take the key out of [checkout] that is not a default for products."""
    said = dict(tables.get("checkout", {}))
    header = said.pop("country_header", None)
    tables["checkout"] = said
    if header is None or (isinstance(header, str) and _HEADER.fullmatch(header)):
        return header
    says = f"[checkout] country_header = {header!r} is wrong; it takes the name of a header."
    problems.append(wrong("M153", says))
    return None


def read_defaults(tables: Mapping[str, Mapping[str, object]], problems: list[Config]) -> Choices:
    """The defaults for every product: rights, and how it is paid."""
    choices = Choices()
    for section in ("defaults", "checkout"):
        allowed = tuple(
            key.name
            for key in KEYS.values()
            if key.may_be_default and key.of_checkout == (section == "checkout")
        )
        for written, value in tables.get(section, {}).items():
            name = key_name(written)
            if name not in allowed:
                says = f"[{section}] takes no {written}.{nearest(name, allowed)}"
                problems.append(wrong("M152", says))
                continue
            try:
                choices = apply_value(choices, name, as_text(value))
            except ValueError as error:
                says = f"[{section}] {written} = {value!r} is wrong; {instead(name, error)}."
                problems.append(wrong("M153", says))
    return choices


@dataclass(frozen=True, slots=True)
class Ladder:
    """A ladder's steps, low to high, and whether members move on it when their payment changes."""

    steps: tuple[str, ...]
    follow: bool = True


def read_ladders(table: Mapping[str, object], problems: list[Config]) -> dict[str, Ladder]:
    """[ladders]: each a list of groups, low to high, or a table that says more."""
    ladders: dict[str, Ladder] = {}
    for name, value in table.items():
        ladder = _ladder(value)
        if ladder is None:
            takes = "a list of groups, each once, or { groups = [...], follow = false }"
            problems.append(
                wrong("M153", f"[ladders] {name} = {value!r} is wrong; it takes {takes}.")
            )
        else:
            ladders[name.strip().lower()] = ladder
    return ladders


def _ladder(value: object) -> Ladder | None:
    """A list of groups, or a table; in a table, groups may be left out (ranks order them)."""
    if not isinstance(value, Mapping):
        steps = _steps(value)
        return Ladder(steps) if steps else None
    follow = value.get("follow", True)
    steps = _steps(value["groups"]) if "groups" in value else ()
    no_groups = "groups" in value and not steps
    if no_groups or not isinstance(follow, bool) or not value or set(value) - {"groups", "follow"}:
        return None
    return Ladder(steps, follow)


def _steps(value: object) -> tuple[str, ...]:
    """Group names or ids, each once; empty for any other value."""
    steps = [as_text(step).strip() for step in value] if isinstance(value, list) else []
    distinct = {step.lower() for step in steps}
    return () if "" in distinct or len(distinct) < len(steps) else tuple(steps)


def read_accounts(table: Mapping[str, object], problems: list[Config]) -> dict[str, dict[str, str]]:
    """`"income:membership" = "200"`, or a table with code, tax and tracking."""
    accounts: dict[str, dict[str, str]] = {}
    for name, value in table.items():
        target = value if isinstance(value, Mapping) else {"code": value}
        if name.split(":")[0] not in LEDGER_ROOTS:
            says = f"[accounts] {name} is no account of the ledger.{nearest(name, LEDGER_ROOTS)}"
            problems.append(wrong("M152", says))
        elif set(target) - set(_TARGET) or not str(target.get("code") or "").strip():
            takes = 'a code as "200", or { code = "200", tax = "…", tracking = "…" }'
            says = f"[accounts] {name} = {value!r} is wrong; it takes {takes}."
            problems.append(wrong("M153", says))
        else:
            accounts[name] = {key: str(text).strip() for key, text in target.items()}
    return accounts


def read_stated(
    section: str, tables: Mapping[str, Mapping[str, object]], problems: list[Config]
) -> dict[str, dict[str, str]]:
    """[products], [prices] or [features], as written."""
    stated: dict[str, dict[str, str]] = {}
    for subject, keys in tables.get(section, {}).items():
        if not isinstance(keys, Mapping):
            says = f"[{section}] {subject} = {keys!r} stands where [{section}.{subject}] is meant."
            problems.append(wrong("M153", says))
            continue
        stated[subject] = {key_name(key): as_text(value) for key, value in keys.items()}
    return stated


def as_text(value: object) -> str:
    """A TOML value as metadata would write it: a list with commas, a number in digits."""
    if isinstance(value, list):
        return ",".join(as_text(part) for part in value) or NOTHING
    return str(value)
