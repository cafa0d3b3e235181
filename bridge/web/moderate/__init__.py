"""The console: what moderators see and decide, in a browser, signed in by the forum."""

from bridge.web.moderate import doing, log, mapping, money, pages, register, worklists
from bridge.web.moderate.access import blueprint

__all__ = ["blueprint", "doing", "log", "mapping", "money", "pages", "register", "worklists"]
