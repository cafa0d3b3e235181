"""What doctor finds out about one thing that the bridge needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One thing tried: what it is called (a scope, a key), whether it is there, and what follows.

    `needed=False`: the bridge runs without it.
    """

    scope: str
    ok: bool
    message: str
    needed: bool = True
