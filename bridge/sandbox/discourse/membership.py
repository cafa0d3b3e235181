"""Members join and leave: side effects on people, the group's history, the log of all changes."""

from __future__ import annotations

from bridge.sandbox.discourse.state import (
    Forum,
    Group,
    GroupLogLine,
    Membership,
    MembershipChange,
    User,
)


def enter(forum: Forum, group: Group, user: User, now: float, *, owner: bool = False) -> Membership:
    """Put a user into a group, with what Discourse does beside it; no history."""
    membership = Membership(forum.new_id(), now, owner)
    group.members[user.id] = membership
    group.changes += 1
    user.group_ids[group.id] = None
    if group.primary_group:
        set_primary_group(forum, user, group)
    if group.title and not user.title:
        user.title = group.title
    if group.grant_trust_level is not None and user.trust_level < group.grant_trust_level:
        user.trust_level = group.grant_trust_level
    return membership


def leave(forum: Forum, group: Group, user: User) -> Membership:
    """Take a user out of a group; a primary group is not followed by the former one."""
    membership = group.members.pop(user.id)
    group.changes += 1
    del user.group_ids[group.id]
    if user.primary_group_id == group.id:
        set_primary_group(forum, user, None)
    if group.title and user.title == group.title:
        titles = (g.title for g in forum.groups_of(user) if g.title)
        user.title = next(titles, None)
    return membership


def set_primary_group(forum: Forum, user: User, group: Group | None) -> None:
    """Flair and title go along where they came from the primary group before."""
    before = forum.group_with(user.primary_group_id)
    if user.flair_group_id == user.primary_group_id:
        user.flair_group_id = group.id if group else None
    if before is not None and before.title and user.title == before.title:
        user.title = group.title if group else None
    user.primary_group_id = group.id if group else None


def add_member(forum: Forum, group: Group, user: User, actor: User, now: float) -> Membership:
    """Add by somebody's hand: in the group's history and the log of changes."""
    membership = enter(forum, group, user, now)
    _record(forum, group, user, actor, now, added=True)
    return membership


def remove_member(forum: Forum, group: Group, user: User, actor: User, now: float) -> Membership:
    """Remove by somebody's hand."""
    membership = leave(forum, group, user)
    _record(forum, group, user, actor, now, added=False)
    return membership


def make_owner(forum: Forum, group: Group, user: User, actor: User, now: float) -> None:
    """An owner is a member too."""
    if user.id not in group.members:
        add_member(forum, group, user, actor, now)
    group.members[user.id].owner = True
    group.changes += 1
    group.log.append(GroupLogLine("make_user_group_owner", actor.id, user.id, now))


def end_ownership(group: Group, user: User, actor: User, now: float) -> None:
    """The former owner stays a member."""
    group.members[user.id].owner = False
    group.changes += 1
    group.log.append(GroupLogLine("remove_user_as_group_owner", actor.id, user.id, now))


def keep_automatic_groups(forum: Forum, user: User, now: float) -> list[Group]:
    """Put a user into the automatic groups of their standing; returns those newly entered."""
    belongs = {10 + level: user.trust_level >= level for level in range(5)}
    belongs |= {1: user.admin, 2: user.moderator, 3: user.staff}
    entered = []
    for group_id, wanted in belongs.items():
        group = forum.groups[group_id]
        if wanted and user.id not in group.members:
            enter(forum, group, user, now)
            entered.append(group)
        elif not wanted and user.id in group.members:
            leave(forum, group, user)
    return entered


def drop_user(forum: Forum, user: User, actor: User, now: float) -> None:
    """A deleted user leaves all groups, without a line in their histories."""
    for group in forum.groups_of(user):
        leave(forum, group, user)
        if not group.automatic:
            change = MembershipChange(now, actor.id, user.id, group.id, added=False)
            forum.membership_log.append(change)


def _record(
    forum: Forum, group: Group, user: User, actor: User, now: float, *, added: bool
) -> None:
    action = "add_user_to_group" if added else "remove_user_from_group"
    group.log.append(GroupLogLine(action, actor.id, user.id, now))
    forum.membership_log.append(MembershipChange(now, actor.id, user.id, group.id, added))


def members_at(forum: Forum, group_id: int, at: float) -> set[int]:
    """Who was in a group at a moment, from the log of changes."""
    inside: set[int] = set()
    for change in forum.membership_log:
        if change.at > at:
            break
        if change.group_id == group_id:
            (inside.add if change.added else inside.discard)(change.user_id)
    return inside


def sorted_members(forum: Forum, group: Group, order: str, *, ascending: bool) -> list[int]:
    """User ids as the list of members orders them, kept until somebody comes or goes."""
    state = (group.changes, forum.renames)
    name = f"{order} {ascending}"
    kept = group.sorted_ids.get(name)
    if kept and kept[0] == state:
        return kept[1]
    keys = {
        "added_at": lambda i: (group.members[i].added_at, forum.users[i].username.lower()),
        "last_posted_at": lambda i: (forum.users[i].last_posted_at or 0, i),
        "last_seen_at": lambda i: (forum.users[i].last_seen_at or 0, i),
    }
    key = keys.get(order, lambda i: forum.users[i].username.lower())
    ids = sorted(group.members, key=key, reverse=not ascending)
    ids.sort(key=lambda i: not group.members[i].owner)
    group.sorted_ids[name] = (state, ids)
    return ids
