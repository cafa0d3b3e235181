"""The command or option that helps after a refusal, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.errors import BridgeError, Permanent, Way

HINTS: Mapping[Way, str] = {
    "again": "--again records it all the same.",
    "by": "--by names who decided it: a moderator's name, or id:12.",
    "candidates": "--preview says of each person why not.",
    "decide": "`bridge keep` lets them keep it, `bridge let-go` ends it.",
    "give": "`bridge grant` gives a group free of charge.",
    "grants": "`bridge grant` lists all grants that are in force.",
    "lift": "`bridge lift` lets them back in.",
    "mapping": "`bridge mapping set … --preview` checks everybody, and takes longer.",
    "one-currency": "--currency chooses it.",
    "one-form": "Leave out --json, or choose the file `json`.",
    "revoke": "`bridge revoke` takes a grant back.",
    "step": "`bridge register step` records an application.",
    "sync": "`bridge sync --all` reads everything from Stripe again.",
    "tokens": "`bridge token` lists all tokens.",
    "transfers": "`bridge bank` lists the transfers that wait.",
}


def hint_of(error: BridgeError) -> str:
    """What to type after this error; empty if there is nothing to add."""
    return HINTS[error.way] if isinstance(error, Permanent) and error.way else ""
