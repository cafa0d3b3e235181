"""A small shop for the tests of verdicts: three products, three groups, one member."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bridge.core.model.discourse import Group
from bridge.core.model.rights import Facts, Grant, HandGrant
from bridge.core.model.stripe import (
    PeriodPayment,
    Product,
    Purchase,
    Subscription,
    SubscriptionItem,
)
from bridge.core.rights.grants import grants
from bridge.core.rules.mapping import Rules, compile_rules
from bridge.core.rules.policy import Policy, parse_policy

SUPPORTERS, PATRONS, MEMBERS = 41, 42, 43
GROUPS = {
    SUPPORTERS: Group(SUPPORTERS, "supporters"),
    PATRONS: Group(PATRONS, "patrons"),
    MEMBERS: Group(MEMBERS, "members"),
}
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
RENEWAL = datetime(2026, 4, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = Policy()


def rules_of(metadata: dict[str, dict[str, str]] | None = None, **toml: object) -> Rules:
    """Products prod_s, prod_p and prod_m lead to supporters, patrons and members."""
    said = {
        "prod_s": {"discourse_groups": "supporters"},
        "prod_p": {"discourse_groups": "patrons"},
        "prod_m": {"discourse_groups": "members"},
    }
    products = [
        Product(id_, id_, metadata={**said.get(id_, {}), **(metadata or {}).get(id_, {})})
        for id_ in {**said, **(metadata or {})}
    ]
    return compile_rules(products, [], parse_policy(toml), {}, GROUPS)


def patrons(**said: str) -> Rules:
    """The same, with something said about prod_p."""
    return rules_of({"prod_p": {f"discourse_{key}": value for key, value in said.items()}})


def item(
    product_id: str = "prod_p", start: datetime = START, end: datetime = RENEWAL
) -> SubscriptionItem:
    price_id = product_id.replace("prod", "price")
    return SubscriptionItem(f"si_{product_id}", price_id, product_id, 1, start, end)


def subscription(
    status: str = "active", *items: SubscriptionItem, id_: str = "sub_1"
) -> Subscription:
    return Subscription(id_, "cus_1", status, items or (item(),), START, START)


def purchase(
    id_: str = "cs_1:1", paid_at: datetime = START, product_id: str = "prod_p"
) -> Purchase:
    price_id = product_id.replace("prod", "price")
    return Purchase(
        id_, "cus_1", price_id, product_id, 1, paid_at, 5000, "eur", "pi_1", payment_minor=5000
    )


def payment(**known: object) -> PeriodPayment:
    paid = PeriodPayment("in_1", START, RENEWAL, 5000)
    return replace(paid, **known)  # type: ignore[arg-type] # the tests name its own fields


def judged(
    *sources: Subscription | Purchase | HandGrant,
    rules: Rules | None = None,
    now: datetime = NOW,
    deleted: Sequence[str] = (),
    policy: Policy = POLICY,
) -> tuple[Grant, ...]:
    facts = Facts(
        tuple(one for one in sources if isinstance(one, Subscription)),
        tuple(one for one in sources if isinstance(one, Purchase)),
        tuple(one for one in sources if isinstance(one, HandGrant)),
        frozenset(deleted),
    )
    return grants(facts, rules or rules_of(), policy, now)


def only(
    source: Subscription | Purchase | HandGrant, rules: Rules | None = None, now: datetime = NOW
) -> Grant:
    (grant,) = judged(source, rules=rules, now=now)
    return grant


def held(found: Sequence[Grant]) -> set[int]:
    return {grant.group_id for grant in found if grant.holds}


LAST = START + 90 * DAY


def instalments(status: str = "active", **known: object) -> Subscription:
    in_last = item(start=LAST - 30 * DAY, end=LAST)
    planned = replace(subscription(status, in_last), cancel_at=LAST, canceled_at=START)
    return replace(planned, **known)  # type: ignore[arg-type] # the tests name its own fields


def collection_paused(status: str = "active", **known: object) -> Subscription:
    paused = replace(subscription(status), pause_collection="void")
    return replace(paused, **known)  # type: ignore[arg-type] # the tests name its own fields


def hand(until_at: datetime | None = None, from_at: datetime = START) -> HandGrant:
    return HandGrant("hand_1", 7, MEMBERS, from_at, until_at, "helps out", "alice")


def day(at: datetime) -> str:
    return f"{at.day} {at:%B}"
