"""The console, where moderators see and decide; the forum signs them in."""

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
