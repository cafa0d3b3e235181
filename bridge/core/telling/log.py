"""Words for the actions in the log."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.core.model.change import Change
from bridge.core.model.reasons import OVERRIDES
from bridge.texts import gettext

ACTIONS: Mapping[str, str] = {
    "account_anonymized": gettext("Account made anonymous"),
    "account_back": gettext("Account active again"),
    "account_gone": gettext("Account not found on the forum"),
    "account_staged": gettext("Account without a sign-in so far"),
    "account_suspended": gettext("Account suspended"),
    "added": gettext("Added to the group"),
    "adopted": gettext("Taken over by the bridge"),
    "campaign_made": gettext("Campaign made"),
    "campaign_revoked": gettext("Campaign or link of it revoked"),
    "cancel_reason": gettext("Gave a reason for cancelling"),
    "cancelled": gettext("Subscription cancelled"),
    "cancelled_refused": gettext("Cancellation refused by Stripe"),
    "cancelled_unknown": gettext("Cancellation without an answer from Stripe"),
    "change_asked": gettext("Asked to change plan"),
    "change_asked_refused": gettext("Change of plan refused by Stripe"),
    "change_asked_unknown": gettext("Change of plan without an answer from Stripe"),
    "change_called_off": gettext("Planned change called off"),
    "changed": gettext("Decided again"),
    "claim_asked": gettext("Asked moderators for a payment"),
    "claimed": gettext("Claimed a payment"),
    "confirmed": gettext("Removal confirmed"),
    "exported": gettext("Exported a list"),
    "given_up": gettext("No longer managed by the bridge"),
    "granted": gettext("Given by hand"),
    "group_missing": gettext("Group not found"),
    "held": gettext("Held"),
    "held_again": gettext("Held again"),
    "intent_add": gettext("Addition sent"),
    "intent_remove": gettext("Removal sent"),
    "kept": gettext("Subscription kept"),
    "kept_out": gettext("Kept out again"),
    "kept_refused": gettext("Keeping the subscription refused by Stripe"),
    "kept_unknown": gettext("Keeping the subscription without an answer from Stripe"),
    "lifted": gettext("Let back in, or let a held membership end"),
    "linked": gettext("Customer linked"),
    "looked_up": gettext("Looked up by e-mail address"),
    "looked_up_by_name": gettext("Looked up by full name"),
    "lost": gettext("No longer in the group"),
    "mapping_changed": gettext("Mapping changed"),
    "mapping_changed_refused": gettext("Change of the mapping refused by Stripe"),
    "mapping_changed_unknown": gettext("Change of the mapping without an answer from Stripe"),
    "member_application": gettext("Application recorded"),
    "member_approval": gettext("Approval recorded"),
    "member_cessation": gettext("End of membership recorded"),
    "member_correct": gettext("Step of membership corrected"),
    "member_decline": gettext("Application declined"),
    "member_payment": gettext("First payment recorded"),
    "not_done": gettext("Not done"),
    "note_added": gettext("Note added"),
    "observed_done": gettext("Seen done"),
    "override": gettext("Kept out by hand"),
    "paid": gettext("Paid"),
    "paid_twice": gettext("Paid twice"),
    "paused": gettext("Payments paused"),
    "paused_refused": gettext("Pause refused by Stripe"),
    "paused_unknown": gettext("Pause without an answer from Stripe"),
    "payment_recorded": gettext("Payment recorded"),
    "payment_reversed": gettext("Payment corrected"),
    "refunded": gettext("Refunded"),
    "refunded_refused": gettext("Refund refused by Stripe"),
    "refunded_unknown": gettext("Refund without an answer from Stripe"),
    "released": gettext("No longer held"),
    "relinked": gettext("Account replaced"),
    "reminded": gettext("Reminded"),
    "removals_released": gettext("Removals allowed to continue"),
    "removals_stopped": gettext("Removals stopped"),
    "removed": gettext("Removed from the group"),
    "removed_by_others": gettext("Removed by others"),
    "replayed": gettext("Event processed again"),
    "resumed": gettext("Payments resumed"),
    "resumed_refused": gettext("Resuming refused by Stripe"),
    "resumed_unknown": gettext("Resuming without an answer from Stripe"),
    "revoked": gettext("Grant taken back"),
    "seat_again": gettext("Seat stays after all"),
    "seat_assigned": gettext("Seat given"),
    "seat_too_many": gettext("Seat ends after notice"),
    "seat_unassigned": gettext("Seat taken back"),
    "seen": gettext("Seen in the group"),
    "set_aside": gettext("Payer set aside"),
    "shares_correct": gettext("Register of shares corrected"),
    "shares_issue": gettext("Shares issued"),
    "shares_transfer": gettext("Shares transferred"),
    "shares_withdraw": gettext("Shares taken back"),
    "statement_sent": gettext("Statement sent"),
    "token_made": gettext("Token made"),
    "token_revoked": gettext("Token revoked"),
    "transfer_ignored": gettext("Bank transfer set aside"),
    "unlinked": gettext("Customer unlinked"),
    "unrelinked": gettext("Account no longer replaced"),
    "unwanted": gettext("No longer entitled"),
    "waits_again": gettext("Payer waits again"),
    "wanted": gettext("Entitled"),
    "was_member": gettext("Was in the group before"),
}


def action_words(action: str) -> str:
    """An action in words; an unknown one as its code."""
    return ACTIONS.get(action) or action.replace("_", " ").capitalize()


def line_words(change: Change) -> str:
    """A line's action in words. `lifted` covers two: letting back in, and letting a hold end."""
    if change.action != "lifted":
        return action_words(change.action)
    if change.outcome in OVERRIDES:
        return gettext("Let back in")
    return gettext("Let a held membership end")
