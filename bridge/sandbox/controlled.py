"""The sandbox on which the controls act."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bridge.sandbox.discourse.state import Forum
from bridge.sandbox.kernel import Ids, World


@dataclass(slots=True)
class Controls:
    """The world, what the command line printed, and snapshots taken."""

    world: World
    info: dict[str, str]
    snapshots: dict[str, tuple[dict[str, Any], Ids, float]] = field(default_factory=dict)

    @property
    def forum(self) -> Forum:
        """The forum's state."""
        found: Forum = self.world.parts["discourse"]
        return found
