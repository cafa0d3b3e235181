"""What each setting means, in a sentence for moderators. `docs/mapping.md` says more. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.texts import gettext

SITE: Mapping[str, str] = {
    "products": gettext("Rules for products, by product."),
    "prices": gettext("Rules for single prices, by price."),
    "features": gettext("Rules for Stripe’s features, by feature."),
    "ladders": gettext("Groups of which a member is only in the highest that they pay for."),
    "unfollowed_ladders": gettext("Ladders on which staff move people by hand."),
    "unmapped": gettext(
        "Whether a subscription that moves to a price without a rule keeps its groups until a "
        "moderator decides (hold), or loses them (end)."
    ),
    "pausing": gettext("Whether members can pause their subscription."),
    "removal_confirm_seconds": gettext(
        "A removal needs a second reading of Stripe this many seconds after the first."
    ),
    "removal_limit_min": gettext("At most this many people are removed from a group in an hour."),
    "removal_limit_percent": gettext("The same in percent of the group; the larger number counts."),
    "removal_mass_min": gettext(
        "If more people than this are to be removed from a group at once, none is until a "
        "moderator decides."
    ),
    "removal_mass_percent": gettext("The same in percent of the group; the larger number counts."),
    "statement_quiet_seconds": gettext("A member’s statement is updated at most this often."),
    "statement_renewal_seconds": gettext("The same where only the date of a renewal changed."),
    "sweep_seconds": gettext("How often the bridge looks for changes that it missed."),
    "seat_notice_days": gettext("How long people keep a seat that is taken back."),
    "adopt": gettext(
        "Whether the bridge asks before it takes over memberships that it has no record of."
    ),
    "alerts_to": gettext("The group or user who gets the alerts."),
    "bank_account": gettext("The account that members can transfer money to."),
    "accounts": gettext("Your own names for the ledger’s accounts."),
    "bank": gettext("Which column of your bank’s CSV file is which."),
    "datev": gettext("Whose books a DATEV file is for."),
    "treasurers": gettext("The group whose members see the money here."),
    "readers": gettext("The group whose members can look at the console, and change nothing."),
    "two_persons": gettext("Whether decisions about your own account need somebody else."),
    "refunds": gettext("Whether administrators and treasurers can refund here."),
    "digest": gettext("How often moderators get a summary."),
    "country_header": gettext("The header in which your proxy names a visitor’s country."),
    "claim_days": gettext("How many days a payment without an account can be claimed."),
    "claim_invite": gettext("Whether people who paid without an account are invited by e-mail."),
}
"""By the name of the policy's field."""

RULES: Mapping[str, str] = {
    "groups": gettext("The groups that people who pay for it are in."),
    "ladder": gettext("The ladder whose step it is. A member is only in their highest step."),
    "rank": gettext("How high its step is on the ladder."),
    "term": gettext("How long a one-off purchase lasts."),
    "grace": gettext("How long a member stays in after a failed payment, from the due date."),
    "grace_notice": gettext("How long a member stays in after we told them of a failed payment."),
    "trial": gettext("Whether a free trial gives the groups, or they wait for the first payment."),
    "on_pause": gettext("What happens to the groups while the subscription is paused."),
    "on_pause_collection": gettext("What happens to the groups while its payments are paused."),
    "on_refund": gettext("What happens to the groups after a full refund."),
    "on_partial_refund": gettext("From which part of the amount a refund counts as full."),
    "on_dispute": gettext("Whether members stay in while the payment is disputed at their bank."),
    "after_instalments": gettext("What members keep when all instalments are paid."),
    "approval": gettext("From this day on, a payment counts once a moderator approved the member."),
    "offer": gettext("Whether it is sold by links."),
    "listed": gettext("Whether the page of all offers shows it."),
    "highlight": gettext("Whether it is shown as recommended."),
    "gift": gettext("Whether members can buy it for somebody else."),
    "goal": gettext("What you hope for, shown as a bar on the offer."),
    "fund": gettext("The fund or campaign that its money belongs to."),
    "kind": gettext("How statements and the books treat it. It has no effect on groups."),
    "amounts": gettext("The amounts to choose from, where buyers set the amount."),
    "quantity": gettext("How many pieces or seats can be bought at once."),
    "trial_days": gettext("How many days are free at first."),
    "trial_card": gettext("Whether a trial asks for a card."),
    "trial_end": gettext("What happens at the end of a trial without a card."),
    "trial_with_code": gettext("Whether a promotion code can be used on top of a trial."),
    "countries": gettext("The countries where it is sold."),
    "buyers": gettext("The groups whose members can buy it."),
    "promotion_codes": gettext("Whether buyers can type a promotion code."),
    "automatic_tax": gettext("Whether Stripe works out the tax."),
    "tax_ids": gettext("Whether buyers can give their tax number."),
    "billing_address": gettext("Whether buyers have to give their address."),
    "terms": gettext("Whether buyers have to accept your terms."),
    "phone": gettext("Whether buyers have to give a telephone number."),
    "text": gettext("A sentence beside the button on Stripe’s page."),
    "locale": gettext("The language of Stripe’s page."),
    "saved_cards": gettext("Whether members who paid before can choose their saved card."),
}
"""By the name of the key."""
