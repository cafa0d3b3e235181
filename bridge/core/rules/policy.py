"""bridge.toml as data: site policy, and what it says about products, prices and features.

Mistakes that concern the whole site are refused here. Mistakes in one product or price are kept as
written, so that the mapping can halt that one rule and let the others run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from bridge.core.rules.problems import nearest
from bridge.core.rules.sections import (
    BANK,
    BANK_NEEDS,
    CLAIMS,
    CONSOLE,
    DATEV,
    DATEV_DEFAULTS,
    DATEV_NEEDS,
    DAY_SECONDS,
    SITE,
    read_accounts,
    read_country_header,
    read_defaults,
    read_ladders,
    read_section,
    read_stated,
    wrong,
)
from bridge.core.rules.values import Choices
from bridge.errors import Config, WrongConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The site's policy. Everything has a default, so an empty bridge.toml is a valid one.

    - `products` by product id, `prices` by price id or lookup key, `features` by lookup key: each
      maps the names of keys to their text as written.
    - `ladders`: group names or ids, low to high. `unfollowed_ladders`: ladders on which a member
      stays where they are when what they pay for changes.
    - `unmapped`: whether a subscription that moves to a price without a rule keeps its groups, held
      for a moderator, or loses them.
    - `adopt`: whether the bridge asks before it takes over a membership that its own user added and
      its record does not know, or does so automatically.
    - `alerts_to`: the group or user of the forum that gets alerts; `none`: nobody.
    - `bank_account`: where members may transfer money to, in words; empty: they are not told.
    - `accounts`: an account of the ledger, or the beginning of its name, to `code`, `tax` and
      `tracking` in the treasurer's own chart. `bank`: which column of a bank's CSV is which.
      `datev`: whose books a posting batch is for.
    - `treasurers`, `readers`: groups whose members may use the console, for money or to look.
      `two_persons`: nobody decides there about their own account. `refunds`: administrators and
      treasurers may refund there. `digest`: how often moderators get a digest.
    - `claim_days`: how long an order paid without the bridge can be claimed. `claim_invite`:
      whether the forum invites its payer.
    - `country_header`: the header in which the site's own proxy passes on a visitor's country.
    """

    defaults: Choices = field(default_factory=Choices)
    products: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    prices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    features: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ladders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unfollowed_ladders: frozenset[str] = frozenset()
    unmapped: Literal["hold", "end"] = "hold"
    pausing: Literal["yes", "no"] = "no"
    removal_confirm_seconds: int = 60
    removal_limit_min: int = 5
    removal_limit_percent: int = 10
    removal_mass_min: int = 20
    removal_mass_percent: int = 30
    statement_quiet_seconds: int = 600
    statement_renewal_seconds: int = DAY_SECONDS
    sweep_seconds: int = 300
    seat_notice_days: int = 7
    adopt: Literal["ask", "automatically"] = "ask"
    alerts_to: str = "moderators"
    bank_account: str = ""
    accounts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    bank: Mapping[str, str] = field(default_factory=dict)
    datev: Mapping[str, int] = field(default_factory=dict)
    treasurers: str | None = None
    readers: str | None = None
    two_persons: bool = False
    refunds: bool = False
    digest: str = "off"
    country_header: str | None = None
    claim_days: int = 30
    claim_invite: bool = False


SECTIONS = (
    "site",
    "defaults",
    "checkout",
    "ladders",
    "products",
    "prices",
    "features",
    "accounts",
    "console",
    "bank",
    "claims",
    "datev",
)


def parse_policy(toml: Mapping[str, object]) -> Policy:
    """The policy that a parsed bridge.toml states.

    Raises: WrongConfig with all problems that concern the whole site.
    """
    problems: list[Config] = []
    tables: dict[str, Mapping[str, object]] = {}
    for name, table in toml.items():
        if name not in SECTIONS:
            problems.append(wrong("M151", f"[{name}] is not a section.{nearest(name, SECTIONS)}"))
        elif not isinstance(table, Mapping):
            problems.append(wrong("M153", f"{name} = {table!r} stands where [{name}] is meant."))
        else:
            tables[name] = table
    ladders = read_ladders(tables.get("ladders", {}), problems)
    header = read_country_header(tables, problems)
    datev = read_section("datev", tables, DATEV, problems, DATEV_NEEDS)
    policy = Policy(
        defaults=read_defaults(tables, problems),
        ladders={name: ladder.steps for name, ladder in ladders.items() if ladder.steps},
        unfollowed_ladders=frozenset(name for name, one in ladders.items() if not one.follow),
        products=read_stated("products", tables, problems),
        prices=read_stated("prices", tables, problems),
        features=read_stated("features", tables, problems),
        accounts=read_accounts(tables.get("accounts", {}), problems),
        bank=read_section("bank", tables, BANK, problems, BANK_NEEDS),
        datev={**DATEV_DEFAULTS, **datev} if datev else {},
        country_header=header,
    )
    site = read_section("site", tables, SITE, problems)
    site |= read_section("console", tables, CONSOLE, problems)
    claims = read_section("claims", tables, CLAIMS, problems)
    site |= {f"claim_{name}": value for name, value in claims.items()}
    if problems:
        raise WrongConfig(problems)
    return replace(policy, **site)
