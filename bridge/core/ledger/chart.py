"""The treasurer's chart: their account, tax rate and tracking for each of our accounts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Target:
    """An account in somebody's accounting software."""

    code: str
    tax: str = ""
    tracking: str = ""

    @property
    def is_number(self) -> bool:
        """Its account is a number of up to nine digits."""
        return re.fullmatch("[0-9]{1,9}", self.code) is not None


@dataclass(frozen=True, slots=True)
class Chart:
    """Our account, or the beginning of its name -> theirs."""

    targets: Mapping[str, Target] = field(default_factory=dict)

    def find(self, account: str) -> Target | None:
        """The target of an account: its own, otherwise that of the longest matching prefix."""
        parts = account.split(":")
        beginnings = (":".join(parts[:n]) for n in range(len(parts), 0, -1))
        return next((self.targets[one] for one in beginnings if one in self.targets), None)

    def missing(self, accounts: list[str]) -> list[str]:
        """Those of the accounts that have no target."""
        return [account for account in accounts if self.find(account) is None]
