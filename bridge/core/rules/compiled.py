"""Compiled mapping rules: which groups a price leads to, and on what conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bridge.core.rules.goals import Goal
from bridge.core.rules.paying import Paying
from bridge.core.rules.problems import Problem
from bridge.core.rules.values import (
    Choices,
    DisputeChoice,
    Kind,
    PauseChoice,
    PauseCollectionChoice,
    RefundChoice,
    Term,
    TrialChoice,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """How something is sold. Nothing here affects groups.

    `offer`: whether links sell it. `listed`: whether it is in the list of offers, too. `gift`:
    whether a member may buy it for somebody else.
    """

    offer: Literal["yes", "no"] = "yes"
    listed: Literal["yes", "no"] = "yes"
    highlight: Literal["yes", "no"] = "no"
    gift: Literal["yes", "no"] = "no"
    goal: Goal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A price, product or feature and the groups it leads to. No groups: a payment only.

    `ladder_group_ids`: those of its groups that are a step of its ladder. The others (a base group
    that every level shares) are held beside it. `is_ranked` False: nobody gave it a `rank`, the
    latest start wins. `term` None is for life.
    """

    id: str
    price_id: str | None = None
    product_id: str | None = None
    feature: str | None = None
    group_ids: tuple[int, ...] = ()
    ladder: str | None = None
    ladder_group_ids: frozenset[int] = frozenset()
    rank: int = 0
    is_ranked: bool = False
    term: Term | None = None
    grace_days: int = 7
    grace_notice_days: int = 2
    trial: TrialChoice = "grant"
    on_pause: PauseChoice = "end"
    on_pause_collection: PauseCollectionChoice = "keep"
    on_refund_one_off: RefundChoice = "end"
    on_refund_subscription: RefundChoice = "keep"
    partial_refund_percent: int | None = None
    on_dispute: DisputeChoice = "keep"
    after_instalments: Literal["end", "lifetime"] | Term = "end"
    approval_from: datetime | None = None
    kind: Kind = "membership"
    fund: str | None = None
    sale: Sale = Sale()
    paying: Paying = field(default_factory=Paying)


@dataclass(frozen=True, slots=True)
class HaltedRule:
    """A rule that cannot be relied on: nobody is added or removed through it.

    `group_ids` are those that could be resolved; there may be more. `is_limited`: not everybody may
    buy what it is about.
    """

    id: str
    group_ids: tuple[int, ...]
    is_limited: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """All mapping rules of the site.

    `pins`: lower-case group name -> id, as resolved now, to be kept and given back next time.
    `mapped_group_ids` has the groups of halted rules too.
    """

    by_price: Mapping[str, Rule | HaltedRule] = field(default_factory=dict)
    by_product: Mapping[str, Rule | HaltedRule] = field(default_factory=dict)
    by_feature: Mapping[str, Rule | HaltedRule] = field(default_factory=dict)
    carried: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ladders: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    pins: Mapping[str, int] = field(default_factory=dict)
    halted: frozenset[str] = frozenset()
    halted_group_ids: frozenset[int] = frozenset()
    mapped_group_ids: frozenset[int] = frozenset()

    def rule_for(self, price_id: str, product_id: str) -> Rule | None:
        """The rule in force for a price: its own, else its product's; None if halted or missing."""
        found = self._find(price_id, product_id)
        return found if isinstance(found, Rule) else None

    def halted_rule_for(self, price_id: str, product_id: str) -> HaltedRule | None:
        """The rule that would be in force for a price if it were not halted."""
        found = self._find(price_id, product_id)
        return found if isinstance(found, HaltedRule) else None

    def names(self, price_id: str, product_id: str) -> bool:
        """Whether a price has a rule, in force or halted."""
        return self._find(price_id, product_id) is not None or bool(self.features_of(product_id))

    def features_of(self, product_id: str) -> tuple[str, ...]:
        """The features with a rule, in force or halted, that a product carries."""
        return self.carried.get(product_id, ())

    @property
    def all(self) -> tuple[Rule | HaltedRule, ...]:
        """Every rule, halted ones too."""
        return (*self.by_price.values(), *self.by_product.values(), *self.by_feature.values())

    def step_of(self, group_id: int) -> tuple[str | None, int]:
        """The ladder on which a group is a step, and its height there; else (None, 0).

        A group that several heights share, such as a base group, is not a step.
        """
        heights: dict[str, set[int]] = {}
        for rule in self.all:
            if isinstance(rule, Rule) and rule.ladder and group_id in rule.ladder_group_ids:
                heights.setdefault(rule.ladder, set()).add(rule.rank)
        found = [(rank, ladder) for ladder, (rank, *more) in heights.items() if not more]
        rank, ladder = max(found, default=(0, None))
        return ladder, rank

    def _find(self, price_id: str, product_id: str) -> Rule | HaltedRule | None:
        return self.by_price.get(price_id) or self.by_product.get(product_id)


def rule_of(
    choices: Choices,
    rule_id: str,
    *,
    price_id: str | None = None,
    product_id: str | None = None,
    feature: str | None = None,
    group_ids: tuple[int, ...] = (),
    steps: Mapping[int, int] | None = None,
) -> Rule:
    """The rule of these choices. `steps`: group id -> place in the rule's ladder."""
    ladder_group_ids, rank, is_ranked = _on_ladder(choices, group_ids, steps or {})
    return Rule(
        id=rule_id,
        price_id=price_id,
        product_id=product_id,
        feature=feature,
        group_ids=group_ids,
        ladder=choices.ladder,
        ladder_group_ids=ladder_group_ids,
        rank=rank,
        is_ranked=is_ranked,
        term=choices.term,
        grace_days=choices.grace_days,
        grace_notice_days=choices.grace_notice_days,
        trial=choices.trial,
        on_pause=choices.on_pause,
        on_pause_collection=choices.on_pause_collection,
        on_refund_one_off=choices.on_refund or "end",
        on_refund_subscription=choices.on_refund or "keep",
        partial_refund_percent=choices.partial_refund_percent,
        on_dispute=choices.on_dispute,
        after_instalments=choices.after_instalments,
        approval_from=choices.approval_from,
        kind=choices.kind,
        fund=choices.fund,
        sale=_sale(choices),
        paying=choices.paying,
    )


def _on_ladder(
    choices: Choices, group_ids: tuple[int, ...], steps: Mapping[int, int]
) -> tuple[frozenset[int], int, bool]:
    """The groups that are a step of the ladder, its rank, and whether something gives a rank."""
    in_ladder = frozenset(group_ids) & frozenset(steps)
    rank = choices.rank
    if rank is None:
        rank = max((steps[group_id] for group_id in in_ladder), default=0)
    stepping = (in_ladder or frozenset(group_ids)) if choices.ladder else frozenset()
    return stepping, rank, choices.rank is not None or bool(in_ladder)


def _sale(choices: Choices) -> Sale:
    return Sale(
        offer=choices.offer,
        listed=choices.listed,
        highlight=choices.highlight,
        gift=choices.gift,
        goal=choices.goal,
    )
