"""Campaigns: one revocable, counted link for each member who is asked to renew."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bridge.core.memberships.campaign import Candidate, sorted_out
from bridge.core.memberships.owned import already_owned
from bridge.core.model.actor import Actor
from bridge.core.model.campaign import Campaign, CampaignLink
from bridge.core.model.words import said as checked
from bridge.core.rights.offers import Offer, find_offers
from bridge.core.telling.campaign_making import (
    LONGEST_NAME,
    LinkRefused,
    Made,
    Sent,
    Shown,
    ShownLink,
    candidates,
    checked_name,
    refuse_ending_before,
    refuse_link,
    the_one_offer,
)
from bridge.core.telling.campaigns import Source, fate_of, progress
from bridge.errors import NotFound, Permanent
from bridge.operations.finding import find_person, known_people
from bridge.store import (
    Connection,
    campaigns,
    catalogue,
    changes,
    member,
    memberships,
    purchases,
    subscriptions,
    users,
)
from bridge.texts import gettext
from bridge.wiring import Bridge

DAYS = 60
TOKEN = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)
# --- making one ----------------------------------------------------------------------------------


def offer_of(bridge: Bridge, key: str) -> Offer:
    """The one price that a campaign offers. Raises: NotFound, Permanent if there are several."""
    with bridge.store.read() as connection:
        products, prices = catalogue.on_sale(connection)
        rules = bridge.rulebook.rules(connection)
    return the_one_offer(key, find_offers(key, products, prices, rules))


def ending_before(bridge: Bridge, offer: Offer, before: datetime) -> list[Candidate]:
    """Members whose access to the offer's groups ends before this moment."""
    now = bridge.clock.now()
    refuse_ending_before(offer, before, now)
    with bridge.store.read() as connection:
        ends = memberships.ending(connection, offer.group_ids, now, before)
    people = known_people(bridge, sorted(ends))
    return candidates(ends, people)


def named_in_file(bridge: Bridge, offer: Offer, rows: Iterable[Candidate]) -> list[Candidate]:
    """The members named in a file, as the forum knows them now; nobody is guessed."""
    found = []
    for row in rows:
        try:
            found.append(replace(row, user=find_person(bridge, row.said)))
        except NotFound as error:
            found.append(replace(row, fate="unknown", says=str(error)))
        except Permanent as error:
            found.append(replace(row, fate="ambiguous", says=str(error)))
    ids = {one.user.id for one in found if one.user}
    with bridge.store.read() as connection:
        ends = memberships.ends_of(connection, ids, offer.group_ids)
    return [replace(one, until_at=ends.get(one.user.id)) if one.user else one for one in found]


def preview_campaign(
    bridge: Bridge, offer: Offer, named: Sequence[Candidate]
) -> tuple[Candidate, ...]:
    """Who among the people named would get a link, and who would not, and why."""
    ids = {one.user.id for one in named if one.user}
    with bridge.store.read() as connection:
        have_it = {user_id for user_id in ids if _has_it(connection, user_id, offer)}
    return tuple(sorted_out(named, have_it))


def _has_it(connection: Connection, user_id: int, offer: Offer) -> bool:
    known = member.load(connection, user_id)
    return already_owned(offer, known.facts, known.memberships) is not None


def new_campaign(
    bridge: Bridge,
    actor: Actor,
    name: str,
    offer: Offer,
    named: Sequence[Candidate],
    *,
    days: int = DAYS,
    reason: str | None = None,
) -> Made:
    """Create one link for each of them.

    `revoke_campaign` is the reverse. Raises: Permanent if the name is taken, or nobody is left to
    ask.
    """
    found = preview_campaign(bridge, offer, named)
    invited = [(one, one.user) for one in found if one.fate == "invited" and one.user]
    name = checked_name(name)
    if not invited:
        raise Permanent(gettext("there is nobody left to ask"), "candidates")
    now = bridge.clock.now()
    campaign = Campaign(
        f"camp_{secrets.token_hex(8)}",
        name,
        offer.price.id,
        now,
        str(actor),
        now + timedelta(days),
    )
    links, sent = [], []
    for one, user in invited:
        token = secrets.token_urlsafe(24)
        link = CampaignLink(f"link_{secrets.token_hex(8)}", campaign.id, user.id, one.until_at)
        links.append((link, token))
        sent.append(Sent(user, one.until_at, f"{bridge.settings.bridge_url}/renew/{token}"))
    with bridge.store.write() as connection:
        if not campaigns.add(connection, campaign):
            raise Permanent(
                gettext("there is a campaign called %(name)s: choose another name") % {"name": name}
            )
        campaigns.add_links(connection, links)
        said = {"campaign": name, "price": offer.price.id, "links": len(links)}
        _log(connection, "campaign_made", actor, now, reason, said)
    return Made(campaign, tuple(sent), tuple(one for one in found if one.fate != "invited"))


# --- looking at them -----------------------------------------------------------------------------


def all_campaigns(bridge: Bridge) -> tuple[Shown, ...]:
    """Every campaign with its counts, the newest first."""
    with bridge.store.read() as connection:
        return _shown(bridge, connection, campaigns.every(connection))


def one_campaign(bridge: Bridge, name: str) -> tuple[Shown, tuple[ShownLink, ...]]:
    """A campaign with its counts and its links. Raises: NotFound."""
    with bridge.store.read() as connection:
        campaign = _named(connection, name)
        links = campaigns.links_of(connection, [campaign.id])
        sources = _sources(connection, links)
        names = users.names_of(connection, [link.user_id for link in links])
        (shown,) = _shown(bridge, connection, [campaign])
    return shown, tuple(
        ShownLink(link, names.get(link.user_id), fate_of(link, sources.get(link.source_id or "")))
        for link in links
    )


def _shown(bridge: Bridge, connection: Connection, found: Sequence[Campaign]) -> tuple[Shown, ...]:
    law = bridge.rulebook.law(connection)
    links = campaigns.links_of(connection, [one.id for one in found])
    sources = _sources(connection, links)

    def shown(one: Campaign) -> Shown:
        price = law.catalogue.prices.get(one.price_id)
        product = law.catalogue.name_of(price.product_id) if price else one.price_id
        own = [(link, sources.get(link.source_id or "")) for link in links]
        return Shown(one, product, progress(pair for pair in own if pair[0].campaign_id == one.id))

    return tuple(map(shown, found))


def _sources(connection: Connection, links: Collection[CampaignLink]) -> dict[str, Source]:
    ids = {link.source_id for link in links if link.source_id}
    return {**purchases.known(connection, ids), **subscriptions.known(connection, ids)}


def _named(connection: Connection, name: str) -> Campaign:
    found = campaigns.named(connection, name.strip())
    if found is None:
        raise NotFound(
            gettext("there is no campaign called %(name)s") % {"name": name[:LONGEST_NAME]}
        )
    return found


# --- ending one ----------------------------------------------------------------------------------


def revoke_campaign(bridge: Bridge, actor: Actor, name: str, *, reason: str | None = None) -> bool:
    """End a campaign and all its links. False if it was already ended."""
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        campaign = _named(connection, name)
        is_new = campaigns.revoke(connection, campaign.id, actor=str(actor), now=now)
        if is_new:
            said = {"campaign": campaign.name}
            _log(connection, "campaign_revoked", actor, now, reason, said)
    return is_new


def revoke_link(
    bridge: Bridge, actor: Actor, name: str, user_id: int, *, reason: str | None = None
) -> bool:
    """End one member's link. False if it was already ended. Raises: NotFound."""
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        campaign = _named(connection, name)
        links = campaigns.links_of(connection, [campaign.id])
        if user_id not in {link.user_id for link in links}:
            raise NotFound(
                gettext("id:%(user_id)s has no link in the campaign %(campaign)s")
                % {"user_id": user_id, "campaign": campaign.name}
            )
        is_new = campaigns.revoke_link(connection, campaign.id, user_id, actor=str(actor), now=now)
        if is_new:
            said = {"campaign": campaign.name}
            _log(connection, "campaign_revoked", actor, now, reason, said, user_id)
    return is_new


def _log(
    connection: Connection,
    action: str,
    actor: Actor,
    now: datetime,
    reason: str | None,
    detail: Mapping[str, object],
    user_id: int | None = None,
) -> None:
    words = checked(reason)
    changes.log(
        connection,
        action,
        now=now,
        user_id=user_id,
        cause=str(actor),
        outcome=words,
        detail=detail,
    )


# --- following a link ----------------------------------------------------------------------------


def open_link(bridge: Bridge, token: str, user_id: int) -> Campaign:
    """The campaign of a link that a member follows. Raises: LinkRefused."""
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        found = campaigns.by_token(connection, token) if TOKEN.fullmatch(token) else None
        if found is None:
            raise LinkRefused("unknown")
        campaign, link = found
        owner_id = users.present_account(connection, link.user_id)
        refuse_link(campaign, link, is_theirs=owner_id == user_id, now=now)
        campaigns.open_link(connection, link.id, now)
    return campaign
