"""The console: what moderators see and decide, in a browser, signed in by the forum."""

from bridge.web.moderate import (
    campaigns,
    doing,
    log,
    mapping,
    money,
    pages,
    register,
    settings,
    then,
    worklists,
)
from bridge.web.moderate.access import blueprint

__all__ = [
    "blueprint",
    "campaigns",
    "doing",
    "log",
    "mapping",
    "money",
    "pages",
    "register",
    "settings",
    "then",
    "worklists",
]
