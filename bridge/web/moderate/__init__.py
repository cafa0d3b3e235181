"""The console: what moderators see and decide, in a browser, signed in by the forum."""

from bridge.web.moderate import (
    applying,
    campaigns,
    doing,
    log,
    looking_back,
    mapping,
    money,
    pages,
    register,
    settings,
    worklists,
)
from bridge.web.moderate.access import blueprint

__all__ = [
    "applying",
    "blueprint",
    "campaigns",
    "doing",
    "log",
    "looking_back",
    "mapping",
    "money",
    "pages",
    "register",
    "settings",
    "worklists",
]
