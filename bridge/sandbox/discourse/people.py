"""People join, are renamed, merged, anonymized, deleted, with all consequences."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bridge.sandbox.discourse.membership import drop_user, enter, keep_automatic_groups
from bridge.sandbox.discourse.state import (
    Forum,
    Group,
    GroupLogLine,
    MembershipChange,
    User,
)

MERGE_SECONDS = 0.5  # a merge runs in the background


def add_user(forum: Forum, username: str, email: str, now: float, **more: Any) -> User:
    """A new user in the automatic groups; `more` are fields of User."""
    user_id = more.pop("id", None) or forum.new_id()
    user = User(user_id, username, more.pop("name", username), email.lower(), now, **more)
    forum.users[user.id] = user
    forum.user_id_by_name[username.lower()] = user.id
    forum.user_id_by_email[user.email] = user.id
    for address in user.secondary_emails:
        forum.user_id_by_email[address.lower()] = user.id
    keep_automatic_groups(forum, user, now)
    return user


def add_group(forum: Forum, name: str, now: float, **more: Any) -> Group:
    """A new group; `more` are fields of Group."""
    group = Group(more.pop("id", None) or forum.new_id(), name, now, **more)
    forum.groups[group.id] = group
    forum.group_id_by_name[name.lower()] = group.id
    return group


def load_users(
    forum: Forum, count: int, now: float, prefix: str = "member", start: int = 1
) -> list[User]:
    """Many users at once, `member1`, `member2` and so on."""
    return [
        add_user(forum, f"{prefix}{n}", f"{prefix}{n}@example.com", now, trust_level=1)
        for n in range(start, start + count)
    ]


def load_members(
    forum: Forum, group: Group, users: Iterable[User], now: float, actor_id: int
) -> None:
    """Many members at once, in the history as if somebody had added them."""
    for user in users:
        if user.id not in group.members:
            enter(forum, group, user, now)
            group.log.append(GroupLogLine("add_user_to_group", actor_id, user.id, now))
            change = MembershipChange(now, actor_id, user.id, group.id, added=True)
            forum.membership_log.append(change)


def rename(forum: Forum, user: User, name: str) -> None:
    """The id stays; the old name leads nowhere."""
    del forum.user_id_by_name[user.username.lower()]
    forum.user_id_by_name[name.lower()] = user.id
    user.username = name
    forum.renames += 1


def set_email(forum: Forum, user: User, email: str) -> None:
    """A new primary address."""
    forum.user_id_by_email.pop(user.email, None)
    user.email = email.lower()
    forum.user_id_by_email[user.email] = user.id


def anonymize(forum: Forum, user: User, number: int) -> None:
    """Name and addresses go; the id and the groups stay."""
    rename(forum, user, f"anon{number}")
    for address in user.secondary_emails:
        forum.user_id_by_email.pop(address, None)
    set_email(forum, user, f"{user.username}@anonymized.invalid")
    user.secondary_emails = []
    user.name, user.title, user.external_id = None, None, None
    user.user_fields = {}


def delete(forum: Forum, user: User, actor: User, now: float) -> None:
    """Remove the user, their memberships and sessions; their posts stay without them."""
    drop_user(forum, user, actor, now)
    del forum.users[user.id]
    forum.user_id_by_name.pop(user.username.lower(), None)
    for address in (user.email, *user.secondary_emails):
        forum.user_id_by_email.pop(address, None)
    forum.sessions = {k: s for k, s in forum.sessions.items() if s.user_id != user.id}
    forum.notifications.pop(user.id, None)


def run_due_merges(forum: Forum, now: float) -> None:
    """Merges whose time has come."""
    while forum.merges and forum.merges[0][0] <= now:
        _, source_id, target_id, actor_id = forum.merges.pop(0)
        source, target = forum.users.get(source_id), forum.users.get(target_id)
        if source is not None and target is not None:
            _merge(forum, source, target, forum.users[actor_id], now)


def _merge(forum: Forum, source: User, target: User, actor: User, now: float) -> None:
    """Memberships and messages move; the source's address becomes a further one of the target."""
    for group in forum.groups_of(source):
        if group.automatic or target.id in group.members:
            continue
        enter(forum, group, target, now, owner=group.members[source.id].owner)
        change = MembershipChange(now, actor.id, target.id, group.id, added=True)
        forum.membership_log.append(change)
    target.suspended_by_id = target.suspended_by_id or source.suspended_by_id
    _hand_over_writing(forum, source, target)
    addresses = [source.email, *source.secondary_emails]
    delete(forum, source, actor, now)
    for address in addresses:
        target.secondary_emails.append(address)
        forum.user_id_by_email[address] = target.id


def _hand_over_writing(forum: Forum, source: User, target: User) -> None:
    for topic in forum.topics.values():
        if source.id in topic.allowed_user_ids:
            del topic.allowed_user_ids[source.id]
            topic.allowed_user_ids[target.id] = None
        if topic.user_id == source.id:
            topic.user_id = target.id
    for post in forum.posts.values():
        if post.user_id == source.id:
            post.user_id = target.id
