"""How something is paid on Stripe's page: amounts, quantity, trial, buyers, required data.

Nothing here affects groups. `[checkout]` sets the site's defaults.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Literal

from babel import Locale

from bridge.core.rules.keys import NOTHING, Key, names, one_of, yes_or_no

MOST_AMOUNTS = 6
MOST_TRIAL_DAYS = 730  # Stripe's own limit
MOST_QUANTITY = 999_999  # Stripe's own limit
MOST_COUNTRIES = 60
MOST_TEXT = 1200  # Stripe's own limit
# The languages of Stripe's page.
LOCALES = (
    *("auto", "bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil"),
    *("fr", "fr-CA", "hi-IN", "hr", "hu", "id", "it", "ja", "ko", "lt", "lv", "ms", "mt", "nb"),
    *("nl", "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl", "sv", "th", "tr", "vi"),
    *("zh", "zh-HK", "zh-TW"),
)
TERRITORIES = Locale("en").territories


@dataclass(frozen=True, slots=True, kw_only=True)
class Paying:
    """The settings for paying for one product or price, with their defaults.

    `amounts`: proposals if the buyer chooses, in whole units of the currency. `quantity`: fewest
    and most. `trial_days` 0: no trial. `buyers`: group names or ids, `buyer_ids` when resolved; a
    buyer must be a member of one. `countries`: where a buyer may live; empty: anywhere.
    """

    amounts: tuple[Decimal, ...] = ()
    quantity: tuple[int, int] = (1, 1)
    trial_days: int = 0
    trial_card: bool = True
    trial_end: Literal["cancel", "pause"] = "cancel"
    trial_with_code: bool = False
    countries: tuple[str, ...] = ()
    buyers: tuple[str, ...] = ()
    buyer_ids: frozenset[int] = frozenset()
    promotion_codes: bool = False
    automatic_tax: bool = False
    tax_ids: bool = False
    billing_address: Literal["auto", "required"] = "auto"
    terms: bool = False
    phone: bool = False
    text: str = ""
    locale: str = "auto"
    saved_cards: bool = True

    @property
    def allows_quantity(self) -> bool:
        """Whether a buyer may choose the quantity."""
        return self.quantity != (1, 1)


UNKNOWN_COUNTRY = "ZZ"
"""CLDR's code for no country that is known."""


def country_name(code: str) -> str:
    """`Austria` for `AT`."""
    return str(TERRITORIES.get(code, code))


def is_country(code: str) -> bool:
    """Whether it is the code of a country, in capitals."""
    # Babel also knows the EU, the UN and an unknown region by two letters.
    return re.fullmatch(r"[A-Z]{2}", code) is not None and code in _COUNTRIES


_COUNTRIES = frozenset(TERRITORIES) - {"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO"}


def _amounts(text: str) -> tuple[Decimal, ...]:
    if text == NOTHING:
        return ()
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > MOST_AMOUNTS or not all(
        re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,3})?", part) and Decimal(part) for part in parts
    ):
        raise ValueError(text)
    return tuple(dict.fromkeys(map(Decimal, parts)))


def _quantity(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,6})(?: ?- ?([0-9]{1,6}))?", text)
    least, most = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= least <= most <= MOST_QUANTITY:
        raise ValueError(text)
    return least, most


def _trial_days(text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,3}) ?d?", text)
    if not found or int(found[1]) > MOST_TRIAL_DAYS:
        raise ValueError(text)
    return int(found[1])


def _countries(text: str) -> tuple[str, ...]:
    codes = tuple(code.upper() for code in names(text))
    if len(codes) > MOST_COUNTRIES or not all(map(is_country, codes)):
        raise ValueError(text)
    return codes


def _text(text: str) -> str:
    if not text or len(text) > MOST_TEXT or not text.isprintable():
        raise ValueError(text)
    return "" if text.lower() == NOTHING else text


def _locale(text: str) -> str:
    for locale in LOCALES:
        if locale.lower() == text:
            return locale
    raise ValueError(text)


def _listed(values: tuple[object, ...]) -> str:
    return ", ".join(map(str, values)) or NOTHING


def _key(
    name: str,
    read: Callable[[str], object],
    values: str,
    default: str,
    *,
    of_site: bool = True,
    keeps_case: bool = False,
    write: Callable[[Any], str] = str,
) -> Key:
    """A key whose field has its own name; `of_site`: [checkout] may say it for everything."""
    return Key(
        name, name, read, values, default, of_site, keeps_case, of_checkout=True, write=write
    )


_only_here = partial(_key, of_site=False)
_switch = partial(
    _key, read=yes_or_no, values="`yes`, `no`", write=lambda said: "yes" if said else "no"
)

PAYING_KEYS: tuple[Key, ...] = (
    _only_here("amounts", _amounts, "up to 6 amounts: `5, 10, 25`; `none`", "none", write=_listed),
    _only_here(
        "quantity",
        _quantity,
        "fewest and most: `1-20`; `1`",
        "1",
        write=lambda said: "-".join(map(str, dict.fromkeys(said))),
    ),
    _only_here("trial_days", _trial_days, "days: `14`; `0`", "0"),
    _switch("trial_card", default="yes"),
    _key("trial_end", one_of("cancel", "pause"), "`cancel`, `pause`", "cancel"),
    _switch("trial_with_code", default="no"),
    _key("countries", _countries, "country codes: `AT, CH, DE`; `none`", "none", write=_listed),
    _only_here("buyers", names, "names or ids of groups; `none`", "none", write=_listed),
    _switch("promotion_codes", default="no"),
    _switch("automatic_tax", default="no"),
    _switch("tax_ids", default="no"),
    _key("billing_address", one_of("auto", "required"), "`auto`, `required`", "auto"),
    _switch("terms", default="no"),
    _switch("phone", default="no"),
    _key(
        "text",
        _text,
        "up to 1,200 letters; `none`",
        "none",
        keeps_case=True,
        write=lambda said: said or NOTHING,
    ),
    _key("locale", _locale, "`auto`, or a language of Stripe's: `de`", "auto"),
    _switch("saved_cards", default="yes"),
)
