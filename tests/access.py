"""The tables of docs/access.md, from the code: `python -m tests.access` writes them."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from werkzeug.routing import Map

from bridge.core.model.doors import Door, rows
from bridge.settings import Settings
from bridge.web import create_app
from bridge.web.api import doors as api
from bridge.web.moderate import doors as console
from bridge.wiring import build

PAGE = Path(__file__).parents[1] / "docs" / "access.md"
SETTINGS = {
    "STRIPE_API_KEY": "rk_test_abc1234567",
    "STRIPE_WEBHOOK_SECRET": "whsec_abc4567890",
    "DISCOURSE_URL": "https://forum.example.org",
    "DISCOURSE_API_KEY": "0123456789abcdef",
    "DISCOURSE_CONNECT_SECRET": "a-secret-of-the-forum",
    "BRIDGE_URL": "https://members.example.org",
    "SECRET_KEY": "k" * 40,
}
TABLES: Mapping[str, tuple[Callable[[Map], Iterator[Door]], Sequence[str]]] = {
    "Console": (console.doors, console.PEOPLE),
    "API": (api.doors, api.TOKENS),
}
"""Heading of the page -> the rows below it, and who heads the columns."""


def addresses() -> Map:
    """All addresses that the application serves."""
    with tempfile.TemporaryDirectory() as data:
        bridge = build(Settings.from_env(SETTINGS | {"BRIDGE_DATA": data}))
        found = create_app(bridge).url_map
        bridge.store.close()
    return found


def brought_up_to_date(page: str) -> str:
    """The page with the tables as the code has them."""
    served = addresses()
    parts = re.split(r"(?m)^(?=## )", page)
    for number, part in enumerate(parts):
        heading = part.partition("\n")[0].removeprefix("## ")
        if heading in TABLES:
            doors, heads = TABLES[heading]
            text = part.partition("\n| ")[0].rstrip()
            parts[number] = "\n".join([text, "", *rows(doors(served), heads), "", ""])
    return "".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(brought_up_to_date(PAGE.read_text()))
