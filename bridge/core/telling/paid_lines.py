"""Words for moderators: why a paid line gives nothing (A108)."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.core.model.reasons import Hold, Reason
from bridge.core.rights.paid_lines import PaidLine
from bridge.core.telling.holds import for_moderator
from bridge.texts import gettext

_WORDS: Mapping[str, str] = {
    # A doubt also holds the membership of somebody who had it, for the same reason.
    **{hold.value: for_moderator(hold) for hold in Hold},
    Reason.NOT_ENTITLED.value: gettext(
        "Stripe does not list the product’s feature for this customer."
    ),
}


def cause_in_words(line: PaidLine, reason: Reason | None) -> str:
    """The reason in words; without one, the bridge has no record of the payment."""
    if reason is None:
        words = gettext("The bridge has no record of %(thing)s.")
        return words % {"thing": line.source_id or line.id}
    known = _WORDS.get(reason.value)
    return known or gettext("The reason on record is %(reason)s.") % {"reason": reason.value}
