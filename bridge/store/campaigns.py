"""Campaigns, their links, and the hashes of the links' secrets."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import Connection, insert, or_, select, update

from bridge.core.model.campaign import Campaign, CampaignLink
from bridge.store.inserts import insert_for
from bridge.store.schema.buying import campaign_links, campaign_tokens, campaigns
from bridge.store.tokens import sha256

_CAMPAIGN = tuple(campaigns.c[field.name] for field in fields(Campaign))
_LINK = tuple(campaign_links.c[field.name] for field in fields(CampaignLink))


def add(connection: Connection, campaign: Campaign) -> bool:
    """Keep a new campaign; False if there is one of this name."""
    done = connection.execute(
        insert_for(connection)(campaigns).values(**asdict(campaign)).on_conflict_do_nothing()
    )
    return done.rowcount == 1


def add_links(connection: Connection, links: Iterable[tuple[CampaignLink, str]]) -> None:
    """Store new links; of each token, only the hash."""
    found = list(links)
    if found:
        connection.execute(insert(campaign_links), [asdict(link) for link, _ in found])
        kept = [{"sha256": sha256(token), "link_id": link.id} for link, token in found]
        connection.execute(insert(campaign_tokens), kept)


def every(connection: Connection) -> list[Campaign]:
    """All campaigns, the newest first."""
    order = campaigns.c.created_at.desc(), campaigns.c.id
    return [Campaign(*row) for row in connection.execute(select(*_CAMPAIGN).order_by(*order))]


def named(connection: Connection, name: str) -> Campaign | None:
    """The campaign of this name."""
    asked = select(*_CAMPAIGN).where(campaigns.c.name == name)
    row = connection.execute(asked).one_or_none()
    return Campaign(*row) if row else None


def links_of(connection: Connection, campaign_ids: Collection[str]) -> list[CampaignLink]:
    """The links of these campaigns."""
    asked = select(*_LINK).where(campaign_links.c.campaign_id.in_(campaign_ids))
    order = campaign_links.c.campaign_id, campaign_links.c.user_id
    return [CampaignLink(*row) for row in connection.execute(asked.order_by(*order))]


def by_token(connection: Connection, token: str) -> tuple[Campaign, CampaignLink] | None:
    """The link with this token, and its campaign."""
    row = connection.execute(
        select(*_CAMPAIGN, *_LINK)
        .join(campaign_links, campaign_links.c.campaign_id == campaigns.c.id)
        .join(campaign_tokens, campaign_tokens.c.link_id == campaign_links.c.id)
        .where(campaign_tokens.c.sha256 == sha256(token))
    ).one_or_none()
    if row is None:
        return None
    return Campaign(*row[: len(_CAMPAIGN)]), CampaignLink(*row[len(_CAMPAIGN) :])


def open_link(connection: Connection, link_id: str, now: datetime) -> None:
    """Note that the member opened their link; only the first time counts."""
    connection.execute(
        update(campaign_links)
        .where(campaign_links.c.id == link_id, campaign_links.c.opened_at.is_(None))
        .values(opened_at=now)
    )


def asked_by(
    connection: Connection, user_id: int, price_ids: Collection[str], at: datetime
) -> str | None:
    """The link through which a member came to this purchase, if it was valid at that moment."""
    unless = or_(campaign_links.c.revoked_at.is_(None), campaign_links.c.revoked_at > at)
    running = or_(campaigns.c.revoked_at.is_(None), campaigns.c.revoked_at > at)
    unpaid = or_(campaign_links.c.paid_at.is_(None), campaign_links.c.paid_at > at)
    return connection.scalar(
        select(campaign_links.c.id)
        .join(campaigns, campaigns.c.id == campaign_links.c.campaign_id)
        .where(
            campaign_links.c.user_id == user_id,
            campaign_links.c.opened_at <= at,
            campaigns.c.price_id.in_(price_ids),
            campaigns.c.ends_at > at,
            unless,
            running,
            unpaid,
        )
        .order_by(campaign_links.c.opened_at.desc(), campaign_links.c.id)
        .limit(1)
    )


def pay(connection: Connection, link_id: str, source_id: str, now: datetime) -> None:
    """Note what was bought through a link; only the first purchase counts."""
    connection.execute(
        update(campaign_links)
        .where(campaign_links.c.id == link_id, campaign_links.c.source_id.is_(None))
        .values(source_id=source_id, paid_at=now)
    )


def revoke(connection: Connection, campaign_id: str, *, actor: str, now: datetime) -> bool:
    """End a campaign with all of its links; False if it was ended before."""
    done = connection.execute(
        update(campaigns)
        .where(campaigns.c.id == campaign_id, campaigns.c.revoked_at.is_(None))
        .values(revoked_at=now, revoked_by=actor)
    )
    held = campaign_links.c.campaign_id == campaign_id, campaign_links.c.revoked_at.is_(None)
    connection.execute(update(campaign_links).where(*held).values(revoked_at=now, revoked_by=actor))
    return done.rowcount == 1


def revoke_link(
    connection: Connection, campaign_id: str, user_id: int, *, actor: str, now: datetime
) -> bool:
    """End one member's link; False if there is none, or it was ended before."""
    done = connection.execute(
        update(campaign_links)
        .where(
            campaign_links.c.campaign_id == campaign_id,
            campaign_links.c.user_id == user_id,
            campaign_links.c.revoked_at.is_(None),
        )
        .values(revoked_at=now, revoked_by=actor)
    )
    return done.rowcount == 1
