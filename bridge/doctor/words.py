"""The doctor's words about the database, the clock, webhooks and the mapping."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Literal

from bridge.core.model.check import Check, WebhookEndpoint
from bridge.core.model.stripe import Price
from bridge.core.rights.switching import PortalTerms
from bridge.core.rules.compiled import Rules
from bridge.core.telling.alerts import WORST_SKEW_SECONDS
from bridge.doctor.findings import Finding

OLDEST_VERSION = "2018"  # the oldest shape of events that is understood
NOT_NEEDED_HINT = "The bridge runs without it."


def database(where: str, state: str) -> Finding:
    """How old the tables are."""
    if state == "empty":
        return Finding("Database", "note", f"{where}: empty; `bridge up` will make the tables")
    if state == "current":
        return Finding("Database", "ok", f"{where}: up to date")
    if state == "older":
        return Finding(
            "Database",
            "problem",
            f"{where}: it belongs to an older version",
            "B121",
            "Run `bridge migrate`.",
        )
    hint = "Install the version of the bridge that last used it."
    return Finding("Database", "problem", f"{where}: it belongs to a newer version", "B121", hint)


def clock(skew: float | None) -> Finding:
    """How far the clock is off; None where that is not known."""
    if skew is None:
        return Finding("Clock", "note", "not checked: the forum did not send its time")
    if skew > WORST_SKEW_SECONDS:
        return Finding(
            "Clock",
            "problem",
            f"this machine and the forum differ by {skew:.0f} seconds",
            "B150",
            "Switch on time synchronisation.",
        )
    return Finding("Clock", "ok", "correct")


def told(subject: str, checks: Iterable[Check], code: str) -> Iterator[Finding]:
    """What was tried with a key, one finding each."""
    for check in checks:
        if check.ok:
            yield Finding(subject, "ok", check.message)
        elif check.needed:
            yield Finding(subject, "problem", check.message, code, f"Needed: {check.scope}.")
        else:
            yield Finding(subject, "note", check.message, "", NOT_NEEDED_HINT)


def endpoints(
    address: str, here: Sequence[WebhookEndpoint], needed: Collection[str]
) -> Iterator[Finding]:
    """Whether Stripe sends here what is needed. `here`: the endpoints at this address."""
    active = [point for point in here if point.status == "enabled"]
    if not active:
        state = "is switched off" if here else "does not exist"
        yield Finding(
            "Webhooks",
            "problem",
            f"the endpoint {address} {state}; the bridge would notice changes hours later",
            "B162",
            "At Stripe, under Developers, Webhooks: add or enable it.",
        )
    for point in active:
        missing = sorted(set(needed) - set(point.enabled_events))
        if missing and "*" not in point.enabled_events:
            hint = "Add them to the endpoint. Until then, the bridge notices them hours later."
            message = f"{point.id} does not send {', '.join(missing)}"
            yield Finding("Webhooks", "problem", message, "B163", hint)
        elif (point.api_version or OLDEST_VERSION) < OLDEST_VERSION:
            message = f"{point.id} sends events of version {point.api_version}"
            yield Finding("Webhooks", "problem", message, "B164", "Make a new endpoint.")
        else:
            yield Finding("Webhooks", "ok", f"{point.id} sends all events that the bridge needs")


def mapping(rules: Rules) -> Iterator[Finding]:
    """What is wrong with rules, and how many there are."""
    for problem in rules.problems:
        level: Literal["note", "problem"] = "problem" if problem.halts else "note"
        message = f"{problem.subject}: {problem.message}"
        yield Finding("Mapping", level, message, problem.code, problem.hint)
    rule_count, group_count = len(rules.all), len(rules.mapped_group_ids)
    yield Finding("Mapping", "ok", f"{rule_count} rules, {group_count} groups")


def ladder_steps(rules: Rules, prices: Iterable[Price]) -> list[str]:
    """The prices on sale that are steps of a ladder."""
    sold = [price for price in prices if price.active and price.is_recurring]
    return [
        price.id
        for price in sold
        if (rule := rules.rule_for(price.id, price.product_id)) is not None and rule.ladder
    ]


def steps_on_page(steps: Sequence[str], terms: PortalTerms | None) -> Iterator[Finding]:
    """Whether members can change to each step on Stripe's page."""
    missing = [id_ for id_ in steps if terms is None or not terms.offers(id_)]
    if missing:
        message = f"members cannot change to {', '.join(missing)} on Stripe's page"
        hint = "At Stripe, under Settings, Billing, Customer portal: let customers switch to them."
        yield Finding("Portal", "note", message, hint=hint)
