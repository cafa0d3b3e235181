"""Invitations by address and by link, and what became of them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from bridge.sandbox.discourse.answers import answer, forbidden, not_found, ok, unprocessable
from bridge.sandbox.discourse.call import Call, call
from bridge.sandbox.discourse.shapes_group import basic_group
from bridge.sandbox.discourse.state import Forum, Invite, User, iso

routes = Blueprint("invites", __name__)

DAY = 86400
PER_PAGE = 40


def make_invite(
    made: Call,
    email: str | None,
    *,
    group_ids: list[int],
    emailed: bool,
    max_redemptions: int = 1,
    message: str | None = None,
) -> Invite:
    """A new invitation; if one for the same address waits already, it is renewed."""
    forum = made.forum
    expires_at = made.now + float(forum.settings["invite_expiry_days"]) * DAY
    for invite in forum.invites.values():
        waits = email and invite.email == email.lower() and not invite.redeemed
        if waits and not invite.deleted and invite.inviter_id == made.actor.id:
            invite.expires_at = expires_at
            invite.group_ids = group_ids or invite.group_ids
            return invite
    invite = Invite(
        id=forum.new_id(),
        key=made.world.ids.hexadecimal(10),
        inviter_id=made.actor.id,
        email=email.lower() if email else None,
        custom_message=message,
        topic_id=None,
        group_ids=group_ids,
        created_at=made.now,
        expires_at=expires_at,
        max_redemptions=max_redemptions,
        emailed=emailed,
    )
    forum.invites[invite.id] = invite
    return invite


@routes.post("/invites")
def _create() -> Response:
    made = call()
    email = made.text("email").strip() or None
    if not made.actor.staff and made.actor.trust_level < 2:  # noqa: PLR2004 - Discourse's level
        raise forbidden()
    if email and made.forum.user_with_email(email):
        raise unprocessable("There was a problem with your request.")
    group_ids = _group_ids(made)
    invite = make_invite(
        made,
        email,
        group_ids=group_ids,
        emailed=bool(email) and not made.flag("skip_email"),
        max_redemptions=made.number("max_redemptions_allowed", 1),
        message=made.text("custom_message") or None,
    )
    topic_id = made.number("topic_id", 0)
    invite.topic_id = topic_id if topic_id in made.forum.topics else None
    return answer(shown_invite(made.forum, invite, made.user))


def _group_ids(made: Call) -> list[int]:
    ids = [int(w) for w in made.words("group_ids") if w.isdigit()]
    named = [made.forum.group_named(w) for w in made.words("group_names")]
    if None in named or any(i not in made.forum.groups for i in ids):
        raise not_found()
    return ids + [g.id for g in named if g]


def shown_invite(forum: Forum, invite: Invite, viewer: User | None) -> dict[str, Any]:
    """InviteSerializer."""
    groups = [forum.groups[g] for g in invite.group_ids if g in forum.groups]
    topic = forum.topics.get(invite.topic_id or 0)
    shape: dict[str, Any] = {
        "id": invite.id,
        "invite_key": invite.key,
        "link": f"{forum.address}/invites/{invite.key}",
        "description": None,
        "domain": None,
        "can_delete_invite": True,
        "created_at": iso(invite.created_at),
        "updated_at": iso(invite.created_at),
        "expires_at": iso(invite.expires_at),
        "expired": False,
        "topics": [{"id": topic.id, "title": topic.title}] if topic else [],
        "groups": [basic_group(forum, g, viewer) for g in groups],
    }
    if invite.email:
        by_email = {"email": invite.email, "emailed": invite.emailed}
        return {**shape, **by_email, "custom_message": invite.custom_message}
    counts = {
        "max_redemptions_allowed": invite.max_redemptions,
        "redemption_count": len(invite.redeemed),
    }
    return {**shape, **counts}


def _inviter(made: Call, name: str) -> User:
    user = made.forum.user_named(name)
    if user is None:
        raise not_found()
    if made.actor.id != user.id and not made.actor.staff:
        raise forbidden()
    return user


@routes.get("/u/<name>/invited/<kind>")
def _listed(name: str, kind: str) -> Response:
    """Pending or expired invitations, or redeemed ones with their users."""
    made = call()
    inviter = _inviter(made, name)
    mine = [i for i in made.forum.invites.values() if i.inviter_id == inviter.id and not i.deleted]
    redeemed = [_redeemed(made.forum, i, u, at) for i in mine for u, at in i.redeemed]
    open_ones = [i for i in mine if len(i.redeemed) < i.max_redemptions]
    pending = [i for i in open_ones if i.expires_at > made.now]
    expired = [i for i in open_ones if i.expires_at <= made.now]
    counts = {"pending": len(pending), "expired": len(expired), "redeemed": len(redeemed)}
    kinds = {
        "redeemed": redeemed,
        "pending": [shown_invite(made.forum, i, made.user) for i in pending],
        "expired": [shown_invite(made.forum, i, made.user) for i in expired],
    }
    if kind not in kinds:
        raise not_found()
    start = max(0, made.number("offset", 0))
    return answer(
        {
            "invites": kinds[kind][start : start + PER_PAGE],
            "can_see_invite_details": True,
            "counts": {**counts, "total": sum(counts.values())},
        }
    )


def _redeemed(forum: Forum, invite: Invite, user_id: int, at: float) -> dict[str, Any]:
    user = forum.users.get(user_id)
    name = {"id": user.id, "username": user.username} if user else {"id": user_id}
    source = "email" if invite.email else "link"
    return {"id": invite.id, "redeemed_at": iso(at), "user": name, "invite_source": source}


@routes.delete("/invites")
def _destroy() -> Response:
    made = call()
    invite = made.forum.invites.get(made.number("id", 0))
    if invite is None:
        raise not_found()
    if invite.inviter_id != made.actor.id and not made.actor.staff:
        raise forbidden()
    invite.deleted = True
    return ok()
