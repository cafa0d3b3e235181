"""Words for the register of members: a membership's state and its source."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.core.memberships.listing import Sort, Source, Standing
from bridge.core.rules.values import Kind
from bridge.texts import gettext

STANDINGS: Mapping[Standing, str] = {
    Standing.GOOD: gettext("In good standing"),
    Standing.UNPAID: gettext("Payment failed"),
    Standing.ENDING: gettext("Ends on a day"),
    Standing.HELD: gettext("Held for a decision"),
    Standing.LEAVING: gettext("Being removed"),
    Standing.BY_OTHERS: gettext("Added by others"),
    Standing.ARRIVING: gettext("Being added"),
    Standing.KEPT_OUT: gettext("Kept out by hand"),
}
SOURCES: Mapping[Source, str] = {
    "subscription": gettext("Subscription"),
    "purchase": gettext("One-off purchase"),
    "hand": gettext("Given by hand"),
    "import": gettext("Earlier register"),
}
KINDS: Mapping[Kind, str] = {
    "membership": gettext("Membership"),
    "share": gettext("Share"),
    "supporter_share": gettext("Supporter share"),
    "donation": gettext("Donation"),
    "credit": gettext("Credit"),
    "event": gettext("Event"),
    "other": gettext("Other purchase"),
}
SORTS: Mapping[Sort, str] = {
    "person": gettext("Oldest account first"),
    "since": gettext("Newest member first"),
    "until": gettext("Ending soonest first"),
}
