"""Edits of posts: which make a new version, which bump, which are refused."""

from __future__ import annotations

from html import escape

from flask import Blueprint, Response

from bridge.sandbox.discourse.answers import Refused, answer, forbidden, not_found
from bridge.sandbox.discourse.call import Call, call
from bridge.sandbox.discourse.hooks import emit, is_heard
from bridge.sandbox.discourse.permissions import can_edit_post
from bridge.sandbox.discourse.posts import body_errors, seen_post
from bridge.sandbox.discourse.shapes_post import shown_post
from bridge.sandbox.discourse.shapes_user import avatar, basic_user
from bridge.sandbox.discourse.state import Post, Revision, Topic, iso

routes = Blueprint("edits", __name__)

CONFLICT = "That post was edited by another user and your changes can no longer be saved."


@routes.put("/posts/<int:post_id>")
def _update(post_id: int) -> Response:
    made = call()
    post, topic = seen_post(made, post_id)
    if not can_edit_post(made.user, topic, post.user_id):
        raise forbidden()
    given = made.nested("post")
    raw = str(given.get("raw", "")).strip()
    original = given.get("original_text")
    if original is not None and str(original).strip() != post.raw:
        raise Refused(409, {"errors": [CONFLICT]})
    errors = body_errors(made.forum, raw, message=topic.is_message)
    if errors:
        raise Refused(422, {"errors": errors})
    edit(made, post, topic, raw, str(given.get("edit_reason") or "") or None)
    return answer({"post": shown_post(made.forum, post, made.user)})


def edit(made: Call, post: Post, topic: Topic, raw: str, reason: str | None) -> None:
    """A new version, unless nothing changed or it is a small edit soon after the last one."""
    if raw == post.raw and reason in (None, post.edit_reason):
        return
    before = post.raw
    post.raw, post.updated_at = raw, made.now
    new_reason = reason is not None and reason != post.edit_reason
    if _in_grace_period(made, post, before) and not new_reason:
        return
    post.version += 1
    post.edit_reason = reason
    post.last_version_at, post.last_editor_id = made.now, made.actor.id
    editor = made.actor.id
    post.revisions.append(Revision(post.version, made.now, editor, before, raw, reason))
    if post.number == len(topic.post_ids) and not made.flag("bypass_bump"):
        topic.bumped_at = made.now
    if is_heard(made):
        emit(made, "post_edited", {"post": shown_post(made.forum, post, made.system)})


def _in_grace_period(made: Call, post: Post, before: str) -> bool:
    settings = made.forum.settings
    soon = made.now - post.last_version_at <= float(settings["editing_grace_period"])
    trusted = "_high_trust" if made.actor.staff else ""
    most = int(settings[f"editing_grace_period_max_diff{trusted}"])
    return soon and made.actor.id == post.last_editor_id and _changed(before, post.raw) <= most


def _changed(before: str, after: str) -> int:
    """How many characters differ, taken roughly: without the common beginning and end."""
    shorter = min(len(before), len(after))
    start = next((i for i in range(shorter) if before[i] != after[i]), shorter)
    left = shorter - start
    end = next((i for i in range(left) if before[-1 - i] != after[-1 - i]), left)
    return len(before) + len(after) - 2 * (start + end)


@routes.get("/posts/<int:post_id>/revisions/<which>")
def _revision(post_id: int, which: str) -> Response:
    made = call()
    post, topic = seen_post(made, post_id)
    numbers = {str(r.number): r for r in post.revisions}
    found = post.revisions[-1] if which == "latest" and numbers else numbers.get(which)
    if found is None:
        raise not_found()
    editor = made.forum.users.get(found.editor_id, made.system)
    last = post.version
    return answer(
        {
            "created_at": iso(found.at),
            "post_id": post.id,
            "previous_hidden": False,
            "current_hidden": False,
            "first_revision": 2,
            "previous_revision": found.number - 1 if found.number > 2 else None,  # noqa: PLR2004
            "current_revision": found.number,
            "next_revision": found.number + 1 if found.number < last else None,
            "last_revision": last,
            "current_version": found.number,
            "version_count": last,
            "username": editor.username,
            "display_username": editor.username,
            "acting_user_name": basic_user(editor)["name"],
            "avatar_template": avatar(editor),
            "edit_reason": found.edit_reason,
            "body_changes": _both(found.before, found.after, "side_by_side_markdown"),
            "title_changes": _both(topic.title, topic.title),
            "can_edit": True,
        }
    )


def _both(before: str, after: str, *more: str) -> dict[str, str]:
    """The old and the new text, without finding where they differ."""
    gone, come = escape(before), escape(after)
    return {
        "inline": f'<div class="inline-diff"><del>{gone}</del><ins>{come}</ins></div>',
        **dict.fromkeys(
            ("side_by_side", *more),
            f'<div class="revision-content">{gone}</div><div class="revision-content">{come}</div>',
        ),
    }
