"""What operators and treasurers do with the ledger: update, check, rebuild and verify it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bridge.core.ledger import seals
from bridge.core.ledger.line import STRIPE, SUSPENSE, Finding
from bridge.errors import NotFound
from bridge.store import leases, ledger_findings, money_objects, state
from bridge.store import ledger as store
from bridge.texts import gettext
from bridge.wiring import Bridge
from bridge.worker import ledger as worker
from bridge.worker.ledger import Pass

Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Checked:
    """How the ledger compares to Stripe. `read_at`: when everything was last read."""

    read_at: datetime | None
    booked: dict[str, int]
    at_stripe: dict[str, int]
    payouts: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """The number of lines in the chain, its code, and lines that differ from their seals."""

    lines: int
    code: str
    broken: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The pass that rebuilt the ledger, and whether the result equals the seals."""

    made: Pass
    verified: Verified


def update(bridge: Bridge, progress: Progress) -> Pass:
    """Read everything that moved money and book it; continues an interrupted pass."""
    with worker.holding(bridge) as lease:
        return worker.bring_up_to_date(bridge, worker.held(lease), progress)


def check(bridge: Bridge) -> Checked:
    """Compare the ledger with Stripe's balance, and each payout with its parts."""
    at_stripe = bridge.stripe.balance()
    with bridge.store.read() as connection:
        findings = ledger_findings.everything(connection)
        balances = store.balances(connection)
        payouts = money_objects.payouts(connection)
        read_at = state.get_time(connection, worker.READ_AT)
        for payout in payouts:
            if not payout.automatic:
                continue  # Stripe does not say what a payout by hand is made of
            moves = money_objects.moves(connection, payout.move_ids)
            told = sum(move.net_minor for move in moves)
            if told != payout.amount_minor or len(moves) != len(payout.move_ids):
                says = f"paid out {payout.amount_minor}, its parts add up to {told}"
                findings.append(Finding("payout_does_not_tie", (payout.id,), says))
    booked = {currency: sum_ for (book, currency), sum_ in balances.items() if book == STRIPE}
    for currency in sorted(booked.keys() | at_stripe.keys()):
        ours, theirs = booked.get(currency, 0), at_stripe.get(currency, 0)
        if ours != theirs:
            says = f"booked {ours}, on the Stripe account {theirs} {currency.upper()}"
            findings.append(Finding("balance_does_not_tie", (currency,), says))
    for (book, currency), amount in sorted(balances.items()):
        if book == SUSPENSE:
            says = f"{amount} {currency.upper()} could not be explained"
            findings.append(Finding("unexplained", (currency,), says))
    return Checked(read_at, booked, at_stripe, len(payouts), tuple(findings))


def verify(
    bridge: Bridge, code: str | None = None, progress: Progress = lambda _what, _count: None
) -> Verified:
    """Prove that every sealed line is still there, unchanged.

    `code`: an earlier code of the site; the chain must have passed through it. Raises: NotFound if
    it never did.
    """
    chain, number, seen = seals.START, 0, 0
    of_family: dict[str, str] = {}
    passed = code is None
    broken: list[Finding] = []
    with bridge.store.read() as connection:
        while found := store.read_seals(connection, number):
            for seal in found:
                number, seen = seal.number, seen + 1
                chain = seals.link(chain, seal.digest)
                own = seals.link(of_family.get(seal.family, seals.START), seal.digest)
                broken += _unlike(seal, chain, own)
                passed = passed or seals.code(chain) == code
                chain, of_family[seal.family] = seal.chain, seal.family_chain
            progress("lines proven", seen)
    if not passed:
        raise NotFound(
            gettext("the ledger never had the code %(code)s: check that it was copied correctly")
            % {"code": code}
        )
    return Verified(seen, seals.code(chain), tuple(broken))


def _unlike(seal: store.Seal, chain: str, of_family: str) -> list[Finding]:
    if (chain, of_family) != (seal.chain, seal.family_chain):
        says = "the chain does not lead here: a seal before it was changed or removed"
        return [Finding("chain_broken", (seal.line_id,), says)]
    if seal.line is None:
        return [Finding("line_missing", (seal.line_id,), "it is not in the ledger any more")]
    if seals.digest(seal.line) != seal.digest:
        return [Finding("line_changed", (seal.line_id,), "it is not what it was when sealed")]
    return []


def rebuild(bridge: Bridge, progress: Progress) -> Rebuilt:
    """Delete all data from Stripe, read it again, make every line anew, and prove it is the same.

    A line stays until it is made again, and for good where nothing makes it any more.
    """
    with worker.holding(bridge) as lease:
        held = worker.held(lease)
        with bridge.store.write() as connection:
            leases.check(connection, held, bridge.clock.now())
            money_objects.drop(connection)
            ledger_findings.drop(connection)
            state.put(connection, worker.CURSOR, worker.FOR_EVERYONE)
        made = worker.bring_up_to_date(bridge, held, progress, everyone=True)
    return Rebuilt(made, verify(bridge, progress=progress))
