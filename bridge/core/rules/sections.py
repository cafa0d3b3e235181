"""The sections of bridge.toml: what each takes, and what is wrong in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from bridge.core.rules.keys import METADATA_PREFIX, NOTHING
from bridge.core.rules.problems import POLICY_CODES
from bridge.core.rules.values import KEYS, Choices, apply_value
from bridge.errors import Config

DAY_SECONDS = 86_400


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


_HEADER = re.compile(r"[A-Za-z0-9-]{1,60}")


_NAME = re.compile(r"[\w.-]{1,60}")


def key_name(written: str) -> str:
    """A key without the prefix that metadata needs and bridge.toml may have."""
    return written.removeprefix(METADATA_PREFIX)


def nearest(word: str, words: tuple[str, ...]) -> str:
    """'; is "…" meant?' where one of the words looks like it, else nothing."""
    close = get_close_matches(word, words, n=1)
    return f'; is "{close[0]}" meant?' if close else ""


def wrong(code: str, message: str) -> Config:
    """A problem of bridge.toml, with the hint that belongs to its code."""
    return Config(code, message, POLICY_CODES[code])


def as_text(value: object) -> str:
    """A TOML value as metadata would write it: a list with commas, a number in digits."""
    if isinstance(value, list):
        return ",".join(as_text(part) for part in value) or NOTHING
    return str(value)


def read_country_header(
    tables: dict[str, Mapping[str, object]], problems: list[Config]
) -> str | None:
    """The one key of [checkout] that is of the site alone; it is taken out of the others."""
    said = dict(tables.get("checkout", {}))
    header = said.pop("country_header", None)
    tables["checkout"] = said
    if header is None or (isinstance(header, str) and _HEADER.fullmatch(header)):
        return header
    says = f"[checkout] country_header = {header!r} is wrong; it takes the name of a header."
    problems.append(wrong("M153", says))
    return None


def read_defaults(tables: Mapping[str, Mapping[str, object]], problems: list[Config]) -> Choices:
    """What holds for every product that says nothing else: of rights, and of paying."""
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
                says = f"[{section}] takes no {written}{nearest(name, allowed)}."
                problems.append(wrong("M152", says))
                continue
            try:
                choices = apply_value(choices, name, as_text(value))
            except ValueError:
                takes = KEYS[name].values
                says = f"[{section}] {written} = {value!r} is wrong; it takes {takes}."
                problems.append(wrong("M153", says))
    return choices


def read_site(table: Mapping[str, object], problems: list[Config]) -> dict[str, int | str]:
    """[site]: the habits of the whole site."""
    site: dict[str, int | str] = {}
    for name, value in table.items():
        if name in SITE_WORDS:
            if value in SITE_WORDS[name]:
                site[name] = str(value)
            else:
                words = ", ".join(f"`{word}`" for word in SITE_WORDS[name])
                says = f"[site] {name} = {value!r} is wrong; it takes {words}."
                problems.append(wrong("M153", says))
            continue
        if name in SITE_NAMES:
            if isinstance(value, str) and _NAME.fullmatch(value):
                site[name] = value
            else:
                says = f"[site] {name} = {value!r} is wrong; it takes one name, or `none`."
                problems.append(wrong("M153", says))
            continue
        if name not in SITE_LIMITS:
            close = nearest(name, (*SITE_LIMITS, *SITE_WORDS, *SITE_NAMES))
            problems.append(wrong("M152", f"[site] takes no {name}{close}."))
            continue
        low, high = SITE_LIMITS[name]
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            site[name] = value
        else:
            says = f"[site] {name} = {value!r} is wrong; it takes a whole number {low} to {high}."
            problems.append(wrong("M153", says))
    return site


@dataclass(frozen=True, slots=True)
class _Ladder:
    """What [ladders] says of one: its steps, low to high, and whether members move on it."""

    steps: tuple[str, ...]
    follow: bool = True


def read_ladders(table: Mapping[str, object], problems: list[Config]) -> dict[str, _Ladder]:
    """[ladders]: each a list of groups, low to high, or a table."""
    ladders: dict[str, _Ladder] = {}
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


def _ladder(value: object) -> _Ladder | None:
    """A list of groups, or a table; in a table, groups may be left out (ranks order them)."""
    if not isinstance(value, Mapping):
        steps = _steps(value)
        return _Ladder(steps) if steps else None
    follow = value.get("follow", True)
    steps = _steps(value["groups"]) if "groups" in value else ()
    wrong = ("groups" in value and not steps) or not isinstance(follow, bool)
    if wrong or not value or set(value) - {"groups", "follow"}:
        return None
    return _Ladder(steps, bool(follow))


def _steps(value: object) -> tuple[str, ...]:
    """Group names or ids, each once; empty where it is anything else."""
    steps = [as_text(step).strip() for step in value] if isinstance(value, list) else []
    distinct = {step.lower() for step in steps}
    return () if "" in distinct or len(distinct) < len(steps) else tuple(steps)


BOOKS = ("assets", "liabilities", "equity", "income", "expenses")
"""What the name of an account of the ledger begins with."""


_TARGET = ("code", "tax", "tracking")


def read_accounts(table: Mapping[str, object], problems: list[Config]) -> dict[str, dict[str, str]]:
    """`"income:membership" = "200"`, or a table with code, tax and tracking."""
    accounts: dict[str, dict[str, str]] = {}
    for name, value in table.items():
        target = value if isinstance(value, Mapping) else {"code": value}
        if name.split(":")[0] not in BOOKS:
            says = f"[accounts] {name} is no account of the ledger{nearest(name, BOOKS)}."
            problems.append(wrong("M152", says))
        elif set(target) - set(_TARGET) or not str(target.get("code") or "").strip():
            takes = 'a code as "200", or { code = "200", tax = "…", tracking = "…" }'
            says = f"[accounts] {name} = {value!r} is wrong; it takes {takes}."
            problems.append(wrong("M153", says))
        else:
            accounts[name] = {key: str(text).strip() for key, text in target.items()}
    return accounts


BANK = (
    "date",
    "amount",
    "text",
    "payer",
    "currency",
    "default_currency",
    "delimiter",
    "decimal",
    "date_format",
)
"""The keys of [bank]; the first three have to be there."""


def read_bank(table: Mapping[str, object], problems: list[Config]) -> dict[str, str]:
    """[bank]: which column of a bank's CSV is which."""
    for name, value in table.items():
        if name not in BANK:
            problems.append(wrong("M152", f"[bank] takes no {name}{nearest(name, BANK)}."))
        elif not isinstance(value, str) or not value:
            problems.append(wrong("M153", f"[bank] {name} = {value!r} is wrong; it takes a text."))
    if missing := [name for name in BANK[:3] if name not in table]:
        problems.append(wrong("M153", f"[bank] lacks {', '.join(missing)}."))
    return {name: str(value) for name, value in table.items()}


DATEV: Mapping[str, tuple[int, int]] = {
    "consultant": (1001, 9_999_999),
    "client": (1, 99_999),
    "account_length": (4, 8),
    "first_month": (1, 12),
}
"""The keys of [datev], each a whole number between these two; the first two have to be there."""


def read_datev(table: Mapping[str, object], problems: list[Config]) -> dict[str, int]:
    """[datev]: whose books a posting batch is for."""
    said = {"account_length": 4, "first_month": 1}
    for name, value in table.items():
        least, most = DATEV.get(name, (0, 0))
        if not most:
            problems.append(wrong("M152", f"[datev] takes no {name}{nearest(name, tuple(DATEV))}."))
        elif type(value) is not int or not least <= value <= most:
            takes = f"it takes a number from {least} to {most}"
            problems.append(wrong("M153", f"[datev] {name} = {value!r} is wrong; {takes}."))
        else:
            said[name] = value
    if missing := [name for name in ("consultant", "client") if name not in table]:
        problems.append(wrong("M153", f"[datev] lacks {' and '.join(missing)}."))
    return said


CONSOLE = ("treasurers", "readers", "two_persons", "refunds", "digest")
"""The keys of [console]."""


DIGESTS = ("off", "daily", "weekly")


def read_console(table: Mapping[str, object], problems: list[Config]) -> dict[str, str | bool]:
    """[console]: who may use it, and how."""
    said: dict[str, str | bool] = {}
    for name, value in table.items():
        if name not in CONSOLE:
            says = f"[console] takes no {name}{nearest(name, CONSOLE)}."
            problems.append(wrong("M152", says))
            continue
        is_switch = name in ("two_persons", "refunds")
        if name == "digest":
            if value in DIGESTS:
                said[name] = str(value)
            else:
                says = f"[console] digest = {value!r} is wrong; it takes {', '.join(DIGESTS)}."
                problems.append(wrong("M153", says))
            continue
        is_name = isinstance(value, str) and _NAME.fullmatch(value) is not None
        if isinstance(value, bool if is_switch else str) and (is_switch or is_name):
            said[name] = value
        else:
            takes = "true or false" if is_switch else "the name of one group"
            says = f"[console] {name} = {value!r} is wrong; it takes {takes}."
            problems.append(wrong("M153", says))
    return said


CLAIMS = ("days", "invite")
"""The keys of [claims]."""


MOST_CLAIM_DAYS = 3650


def read_claims(table: Mapping[str, object], problems: list[Config]) -> dict[str, Any]:
    """[claims]: how long a paid order can be claimed."""
    said: dict[str, Any] = {}
    for name, value in table.items():
        if name not in CLAIMS:
            problems.append(wrong("M152", f"[claims] takes no {name}{nearest(name, CLAIMS)}."))
        elif name == "invite" and isinstance(value, bool):
            said["claim_invites"] = value
        elif name == "days" and type(value) is int and 1 <= value <= MOST_CLAIM_DAYS:
            said["claim_days"] = value
        else:
            takes = {"days": f"a whole number 1 to {MOST_CLAIM_DAYS}", "invite": "true or false"}
            says = f"[claims] {name} = {value!r} is wrong; it takes {takes[name]}."
            problems.append(wrong("M153", says))
    return said


def read_stated(
    section: str, table: Mapping[str, object], problems: list[Config]
) -> dict[str, dict[str, str]]:
    """[products], [prices] or [features]: what each says, as written."""
    stated: dict[str, dict[str, str]] = {}
    for subject, keys in table.items():
        if not isinstance(keys, Mapping):
            says = f"[{section}] {subject} = {keys!r} stands where [{section}.{subject}] is meant."
            problems.append(wrong("M153", says))
            continue
        stated[subject] = {key_name(key): as_text(value) for key, value in keys.items()}
    return stated
