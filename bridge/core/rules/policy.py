"""bridge.toml as data: site policy, and what it says about products, prices and features.

What is wrong for the whole site is refused here. What is wrong about one product or price is kept
as it stands, so that the mapping can halt that one rule and let the others run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from bridge.core.rules.sections import (
    DAY_SECONDS,
    nearest,
    read_accounts,
    read_bank,
    read_claims,
    read_console,
    read_country_header,
    read_datev,
    read_defaults,
    read_ladders,
    read_site,
    read_stated,
    wrong,
)
from bridge.core.rules.values import Choices
from bridge.errors import BridgeError, Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The site's policy; everything has a default, so an empty bridge.toml is a whole one.

    `products` is by product id, `prices` by price id or lookup key, `features` by lookup key: key
    name -> text, as written. `ladders`: group names or ids, low to high. `unmapped`: what becomes
    of the groups of a subscription that is moved to a price without a rule. `unfollowed_ladders`:
    those on which nobody is moved when what they pay for changes. `adopt`: what becomes of members
    whom the bridge's own user added and its record does not know. `alerts_to`: the group or user of
    the forum that is told what needs a person; `none`: nobody. `accounts`: account of the ledger,
    or the beginning of its name -> `code`, `tax` and `tracking` in the treasurer's own chart.
    `bank`: which column of a bank's CSV is which. `treasurers`, `readers`: groups whose members may
    use the console, for money or to look. `two_persons`: nobody decides about their own account
    there. `refunds`: administrators and treasurers may refund there. `digest`: how often moderators
    are sent what waits and what happened. `claim_days`: how long an
    order that was paid without the bridge can be claimed. `claim_invites`: whether its payer gets
    an invitation of the forum.
    `datev`: whose books a posting batch is for.
        `country_header`: in which the site's own proxy says the country of whoever connects.
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
    claim_invites: bool = False


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


class PolicyError(BridgeError):
    """bridge.toml cannot be used; `problems` names everything that is wrong with it, at once."""

    def __init__(self, problems: list[Config]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def parse_policy(toml: Mapping[str, object]) -> Policy:
    """The policy that a parsed bridge.toml states.

    Raises: PolicyError with all problems that concern the whole site.
    """
    problems: list[Config] = []
    tables: dict[str, Mapping[str, object]] = {}
    for name, table in toml.items():
        if name not in SECTIONS:
            problems.append(wrong("M151", f"[{name}] is not a section{nearest(name, SECTIONS)}."))
        elif not isinstance(table, Mapping):
            problems.append(wrong("M153", f"{name} = {table!r} stands where [{name}] is meant."))
        else:
            tables[name] = table
    ladders = read_ladders(tables.get("ladders", {}), problems)
    header = read_country_header(tables, problems)
    policy = Policy(
        defaults=read_defaults(tables, problems),
        ladders={name: ladder.steps for name, ladder in ladders.items() if ladder.steps},
        unfollowed_ladders=frozenset(name for name, one in ladders.items() if not one.follow),
        products=read_stated("products", tables.get("products", {}), problems),
        prices=read_stated("prices", tables.get("prices", {}), problems),
        features=read_stated("features", tables.get("features", {}), problems),
        accounts=read_accounts(tables.get("accounts", {}), problems),
    )
    site: dict[str, Any] = read_site(tables.get("site", {}), problems)
    site |= {"bank": read_bank(tables.get("bank", {}), problems)} if "bank" in tables else {}
    site |= read_console(tables.get("console", {}), problems)
    site |= {"country_header": header} if header else {}
    site |= read_claims(tables.get("claims", {}), problems)
    site |= {"datev": read_datev(tables["datev"], problems)} if "datev" in tables else {}
    if problems:
        raise PolicyError(problems)
    return replace(policy, **site)
