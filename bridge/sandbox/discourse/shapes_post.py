"""Posts, topics and lists of topics as Discourse serializes them."""

from __future__ import annotations

import copy
import re
from typing import Any

from bridge.sandbox.discourse.cooked import Names, cook
from bridge.sandbox.discourse.permissions import can_edit_post
from bridge.sandbox.discourse.shapes_user import avatar, basic_user
from bridge.sandbox.discourse.state import Forum, Post, Topic, User, iso

GONE = {"id": 0, "username": "", "name": "", "avatar_template": ""}
# Things that no post has here.
POST_HAS_NOT: dict[str, Any] = {
    "post_type": 1, "reply_count": 0, "reply_to_post_number": None, "quote_count": 0,
    "incoming_link_count": 0, "reads": 0, "readers_count": 0, "score": 0, "flair_url": None,
    "flair_bg_color": None, "flair_color": None, "badges_granted": [], "can_recover": False,
    "can_see_hidden_post": True, "bookmarked": False, "draft_sequence": 0, "hidden": False,
    "actions_summary": [{"id": number, "can_act": True} for number in (3, 4, 8)],
    "user_deleted": False, "can_view_edit_history": True, "wiki": False, "reviewable_id": None,
    "reviewable_score_count": 0, "reviewable_score_pending_count": 0,
}  # fmt: skip
# Things that no topic has here.
TOPIC_HAS_NOT: dict[str, Any] = {
    "timeline_lookup": [[1, 0]], "suggested_topics": [], "tags": [], "tags_descriptions": {},
    "like_count": 0, "has_summary": False, "featured_link": None, "pinned_globally": False,
    "pinned_at": None, "pinned_until": None, "image_url": None, "slow_mode_seconds": 0,
    "draft": None, "draft_sequence": 0, "unpinned": None, "pinned": False,
    "current_post_number": 1, "deleted_by": None, "has_deleted": False, "chunk_size": 20,
    "bookmarked": False, "bookmarks": [], "topic_timer": None, "message_bus_last_id": 0,
    "show_read_indicator": False, "thumbnails": None, "slow_mode_enabled_until": None,
    "actions_summary": [
        {"id": number, "count": 0, "hidden": False, "can_act": True} for number in (4, 8, 10)
    ],
}  # fmt: skip
NOT_IN_3_2 = (
    "badges_granted", "post_url", "posts_count", "has_post_localizations", "post_localizations",
)  # fmt: skip
TOPIC_ALLOWS = (
    "can_edit", "can_move_posts", "can_delete", "can_remove_allowed_users", "can_invite_to",
    "can_invite_via_email", "can_create_post", "can_reply_as_new_topic", "can_flag_topic",
    "can_convert_topic", "can_review_topic", "can_close_topic", "can_archive_topic",
    "can_split_merge_topic", "can_edit_staff_notes", "can_toggle_topic_visibility",
    "can_pin_unpin_topic", "can_moderate_category",
)  # fmt: skip


def slug_of(title: str) -> str:
    """A title as a part of an address."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "topic"


def names_of(forum: Forum) -> Names:
    """The users and groups of mentions and hashtags."""
    slugs = {c["slug"] for c in forum.categories}
    return Names(
        lambda name: forum.user_named(name) is not None,
        lambda name: forum.group_named(name) is not None,
        lambda tag: tag in slugs,
    )


def live_posts(forum: Forum, topic: Topic) -> list[Post]:
    """The posts of a topic that are not deleted."""
    posts = (forum.posts[i] for i in topic.post_ids)
    return [p for p in posts if p.deleted_at is None]


def shown_post(
    forum: Forum, post: Post, viewer: User | None, *, raw: bool = True
) -> dict[str, Any]:
    """PostSerializer."""
    topic = forum.topics[post.topic_id]
    slug = slug_of(topic.title)
    shape: dict[str, Any] = {
        **copy.deepcopy(POST_HAS_NOT),
        **_author(forum, forum.users.get(post.user_id)),
        "id": post.id,
        "user_id": post.user_id,
        "created_at": iso(post.created_at),
        "updated_at": iso(post.updated_at),
        "deleted_at": iso(post.deleted_at),
        "raw": post.raw,
        "cooked": cook(post.raw, names_of(forum)),
        "post_number": post.number,
        "posts_count": 0 if topic.deleted_at else len(live_posts(forum, topic)),
        "version": post.version,
        "edit_reason": post.edit_reason,
        "yours": bool(viewer and viewer.id == post.user_id),
        "topic_id": topic.id,
        "topic_slug": slug,
        "post_url": f"/t/{slug}/{topic.id}/{post.number}",
        "can_edit": can_edit_post(viewer, topic, post.user_id),
        "can_delete": bool(viewer and viewer.staff and post.number > 1),
        "can_wiki": bool(viewer and viewer.staff),
    }
    if not raw:
        del shape["raw"], shape["draft_sequence"]
    if forum.is_old():
        shape = {k: v for k, v in shape.items() if k not in NOT_IN_3_2}
    return shape


def _author(forum: Forum, author: User | None) -> dict[str, Any]:
    """The author; a deleted one leaves empty names."""
    if author is None:
        author = User(0, "", None, "", 0)
    primary = forum.group_with(author.primary_group_id)
    return {
        "name": author.name,
        "username": author.username,
        "display_username": author.name,
        "avatar_template": avatar(author) if author.username else "",
        "primary_group_name": primary.name if primary else None,
        "flair_name": primary.name if primary else None,
        "flair_group_id": primary.id if primary else None,
        "user_title": author.title,
        "moderator": author.moderator,
        "admin": author.admin,
        "staff": author.staff,
        "trust_level": author.trust_level,
    }


def streamed_post(forum: Forum, post: Post, viewer: User | None) -> dict[str, Any]:
    """A post within its topic."""
    shape = shown_post(forum, post, viewer, raw=False)
    return {**shape, "read": True, "link_counts": [], "reviewable_id": 0}


def shown_topic(forum: Forum, topic: Topic, viewer: User | None) -> dict[str, Any]:
    """TopicViewSerializer."""
    posts = live_posts(forum, topic)
    last = posts[-1] if posts else None
    shape: dict[str, Any] = {
        **copy.deepcopy(TOPIC_HAS_NOT),
        **topic_head(topic),
        "post_stream": {
            "posts": [streamed_post(forum, p, viewer) for p in posts[:20]],
            "stream": [p.id for p in posts],
        },
        "posts_count": len(posts),
        "views": topic.views,
        "reply_count": max(0, len(posts) - 1),
        "last_posted_at": iso(last.created_at) if last else None,
        "category_id": topic.category_id,
        "word_count": sum(len(p.raw.split()) for p in posts),
        "deleted_at": iso(topic.deleted_at),
        "user_id": topic.user_id,
        "draft_key": f"topic_{topic.id}",
        "highest_post_number": len(topic.post_ids),
        "participant_count": len({p.user_id for p in posts}),
        "details": _details(forum, topic, posts),
    }
    if topic.external_id:
        shape["external_id"] = topic.external_id
    if topic.is_message:
        shape |= {"message_archived": False, "related_messages": []}
    if forum.is_old():
        shape["summarizable"] = False
    return shape


def topic_head(topic: Topic) -> dict[str, Any]:
    """The keys that a topic has everywhere."""
    return {
        "id": topic.id,
        "title": topic.title,
        "fancy_title": topic.title,
        "slug": slug_of(topic.title),
        "created_at": iso(topic.created_at),
        "archetype": topic.archetype,
        "visible": True,
        "closed": topic.closed,
        "archived": False,
    }


def person(forum: Forum, user_id: int) -> dict[str, Any]:
    """A user by id; a deleted one has no name."""
    user = forum.users.get(user_id)
    return basic_user(user) if user else dict(GONE)


def _details(forum: Forum, topic: Topic, posts: list[Post]) -> dict[str, Any]:
    writers: dict[int, int] = {}
    for post in posts:
        writers[post.user_id] = writers.get(post.user_id, 0) + 1
    last = posts[-1].user_id if posts else topic.user_id
    shape: dict[str, Any] = {
        **dict.fromkeys(TOPIC_ALLOWS, True),
        "notification_level": 1,
        "can_remove_self_id": 1,
        "participants": [_participant(forum, u, n) for u, n in writers.items()],
        "created_by": person(forum, topic.user_id),
        "last_poster": person(forum, last),
    }
    if topic.is_message:
        groups = [forum.groups[g] for g in topic.allowed_group_ids if g in forum.groups]
        shape["allowed_users"] = [person(forum, u) for u in topic.allowed_user_ids]
        shape["allowed_groups"] = [{"id": g.id, "name": g.name} for g in groups]
    return shape


def _participant(forum: Forum, user_id: int, count: int) -> dict[str, Any]:
    user = forum.users.get(user_id)
    primary = forum.group_with(user.primary_group_id) if user else None
    return {
        **person(forum, user_id),
        "post_count": count,
        "primary_group_name": primary.name if primary else None,
        "flair_name": primary.name if primary else None,
        "flair_url": None,
        "flair_color": None,
        "flair_bg_color": None,
        "flair_group_id": primary.id if primary else None,
        "admin": bool(user and user.admin),
        "moderator": bool(user and user.moderator),
        "trust_level": user.trust_level if user else 0,
    }


def short_topic(forum: Forum, topic: Topic) -> dict[str, Any]:
    """A topic in the list of categories."""
    posts = live_posts(forum, topic)
    last = posts[-1].user_id if posts else topic.user_id
    return {
        **topic_head(topic),
        "posts_count": len(posts),
        "reply_count": max(0, len(posts) - 1),
        "highest_post_number": len(topic.post_ids),
        "image_url": None,
        "last_posted_at": iso(posts[-1].created_at if posts else None),
        "bumped": True,
        "bumped_at": iso(topic.bumped_at),
        "unseen": False,
        "pinned": False,
        "unpinned": None,
        "bookmarked": None,
        "liked": None,
        "last_poster": person(forum, last),
    }


def listed_topic(forum: Forum, topic: Topic) -> dict[str, Any]:
    """A topic in a list of topics or of messages."""
    shape = short_topic(forum, topic)
    last = shape.pop("last_poster")
    wrote = [p.user_id for p in live_posts(forum, topic)] or [topic.user_id]
    shape |= {
        "tags_descriptions": {},
        "views": topic.views,
        "like_count": 0,
        "has_summary": False,
        "last_poster_username": last["username"],
        "category_id": topic.category_id,
        "pinned_globally": False,
        "featured_link": None,
        "posters": _posters(topic.user_id, wrote),
    }
    if topic.is_message:
        people = list(topic.allowed_user_ids)
        shape["allowed_user_count"] = len(people)
        shape["participant_groups"] = list(topic.allowed_group_ids)
        shape["participants"] = [
            _poster(u, "latest" if u == wrote[-1] else None, None) for u in people
        ]
    return shape


def _posters(author: int, wrote: list[int]) -> list[dict[str, Any]]:
    """The people of a topic, each with their roles: first, frequent and last author."""
    last = wrote[-1]
    between = [u for u in dict.fromkeys(wrote) if u not in (author, last)]
    ids = list(dict.fromkeys((author, *between, last)))
    parts = {author: "Original Poster", last: "Most Recent Poster"}
    said = {u: parts.get(u, "Frequent Poster") for u in ids}
    if author == last:
        said[author] = "Original Poster, Most Recent Poster"
    extras = {last: "latest single" if len(ids) == 1 else "latest"}
    return [_poster(u, extras.get(u), said[u]) for u in ids]


def _poster(user_id: int, extras: str | None, description: str | None) -> dict[str, Any]:
    return {
        "extras": extras,
        "description": description,
        "user_id": user_id,
        "primary_group_id": None,
        "flair_group_id": None,
    }


def topic_list(forum: Forum, topics: list[Topic], page: int, per_page: int = 30) -> dict[str, Any]:
    """A page of topics with their people."""
    part = topics[page * per_page : (page + 1) * per_page]
    ids = {t.user_id for t in part} | {u for t in part for u in t.allowed_user_ids}
    shape: dict[str, Any] = {
        "can_create_topic": True,
        "per_page": per_page,
        "top_tags": [],
        "topics": [listed_topic(forum, t) for t in part],
    }
    if len(topics) > (page + 1) * per_page:
        shape["more_topics_url"] = f"?page={page + 1}"
    people = [{**person(forum, i), "trust_level": 0} for i in sorted(ids)]
    return {"users": people, "primary_groups": [], "flair_groups": [], "topic_list": shape}
