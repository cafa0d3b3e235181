"""The log in words: what was done, and who did it."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.core.model.actor import Role, Through
from bridge.texts import gettext

ACTIONS: Mapping[str, str] = {
    "added": gettext("Added to the group"),
    "adopted": gettext("Taken over by the bridge"),
    "campaign_made": gettext("Campaign made"),
    "campaign_revoked": gettext("Campaign or link of it revoked"),
    "cancel_reason": gettext("Said why they cancel"),
    "cancelled": gettext("Cancelled"),
    "change_asked": gettext("Asked to change plan"),
    "changed": gettext("Decided anew"),
    "claimed": gettext("Claimed a payment"),
    "confirmed": gettext("Removal confirmed"),
    "exported": gettext("Exported a list"),
    "granted": gettext("Given by hand"),
    "group_missing": gettext("Group not found"),
    "held": gettext("Held"),
    "intent_add": gettext("Addition sent"),
    "intent_remove": gettext("Removal sent"),
    "held_again": gettext("Held again"),
    "kept": gettext("Kept"),
    "kept_out": gettext("Kept out again"),
    "lifted": gettext("Let in again"),
    "linked": gettext("Customer linked"),
    "looked_up": gettext("Looked up by address"),
    "lost": gettext("Gone from the group"),
    "mapping_changed": gettext("Mapping changed"),
    "not_done": gettext("Not done"),
    "note_added": gettext("Note added"),
    "observed_done": gettext("Seen done"),
    "override": gettext("Kept out by hand"),
    "paid": gettext("Paid"),
    "paid_twice": gettext("Paid twice"),
    "paused": gettext("Payments paused"),
    "payment_recorded": gettext("Payment recorded"),
    "payment_reversed": gettext("Payment corrected"),
    "released": gettext("No longer held"),
    "refunded": gettext("Refunded"),
    "relinked": gettext("Account replaced"),
    "reminded": gettext("Reminded"),
    "removals_released": gettext("Removals let go on"),
    "removals_stopped": gettext("Removals stopped"),
    "removed": gettext("Removed from the group"),
    "removed_by_others": gettext("Removed by others"),
    "replayed": gettext("Event processed again"),
    "resumed": gettext("Payments resumed"),
    "revoked": gettext("Grant taken back"),
    "seat_assigned": gettext("Seat given"),
    "seat_unassigned": gettext("Seat taken back"),
    "seen": gettext("Seen in the group"),
    "statement_sent": gettext("Statement sent"),
    "token_made": gettext("Token made"),
    "token_revoked": gettext("Token revoked"),
    "unlinked": gettext("Customer unlinked"),
    "unrelinked": gettext("Account no longer replaced"),
    "unwanted": gettext("No longer entitled"),
    "wanted": gettext("Entitled"),
    "was_member": gettext("Was in the group before"),
}
ROLES: Mapping[Role, str] = {
    "bridge": gettext("the bridge"),
    "member": gettext("member"),
    "moderator": gettext("moderator"),
    "administrator": gettext("administrator"),
    "treasurer": gettext("treasurer"),
    "reader": gettext("reader"),
    "operator": gettext("operator"),
    "token": gettext("token"),
    "staff": gettext("staff of the forum"),
}
THROUGH: Mapping[Through, str] = {
    "bridge": gettext("automatically"),
    "command": gettext("by command"),
    "console": gettext("in the console"),
    "token": gettext("through the API"),
    "page": gettext("on their own page"),
    "forum": gettext("on the forum"),
}


def action_words(action: str) -> str:
    """What was done; an action without words of its own is said by its code."""
    return ACTIONS.get(action) or action.replace("_", " ").capitalize()
