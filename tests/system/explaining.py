"""The answer of `explain` as the document that scripts read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bridge.answers import explain as answers
from bridge.core.telling.document import document
from bridge.wiring import Bridge


def explain(
    bridge: Bridge,
    user_id: int,
    group_name: str | None = None,
    *,
    at: datetime | None = None,
    known: bool = False,
) -> dict[str, Any]:
    found: dict[str, Any] = document(
        answers.explain(bridge, user_id, group_name, at=at, known=known)
    )
    return found
