"""The state of the simulated forum: plain data that can be deep-copied, and look-ups."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bridge.sandbox.discourse.settings import DEFAULT_SETTINGS

SYSTEM_ID, SITE_ADMIN_ID = -1, 1
AUTOMATIC_GROUPS = {
    0: "everyone",
    1: "admins",
    2: "moderators",
    3: "staff",
    10: "trust_level_0",
    11: "trust_level_1",
    12: "trust_level_2",
    13: "trust_level_3",
    14: "trust_level_4",
}
# One counter for everything: a user's id is never a group's id, so tests find mix-ups.
FIRST_ID = 101


@dataclass(slots=True)
class User:
    """A person; `group_ids` keeps the order of joining."""

    id: int
    username: str
    name: str | None
    email: str
    created_at: float
    password: str = ""
    active: bool = True
    staged: bool = False
    admin: bool = False
    moderator: bool = False
    trust_level: int = 0
    title: str | None = None
    primary_group_id: int | None = None
    flair_group_id: int | None = None
    suspended_at: float | None = None
    suspended_till: float | None = None
    suspend_reason: str | None = None
    suspended_by_id: int | None = None
    last_seen_at: float | None = None
    last_posted_at: float | None = None
    secondary_emails: list[str] = field(default_factory=list)
    user_fields: dict[str, str] = field(default_factory=dict)
    custom_fields: dict[str, str] = field(default_factory=dict)
    external_id: str | None = None
    allow_private_messages: bool = True
    timezone: str | None = None
    invited_by_id: int | None = None
    group_ids: dict[int, None] = field(default_factory=dict)

    @property
    def staff(self) -> bool:
        """An admin or a moderator."""
        return self.admin or self.moderator


@dataclass(slots=True)
class Membership:
    """A user in a group."""

    id: int
    added_at: float
    owner: bool = False


@dataclass(frozen=True, slots=True)
class GroupLogLine:
    """One line of a group's history."""

    action: str
    acting_id: int
    target_id: int | None
    at: float
    subject: str | None = None
    prev_value: str | None = None
    new_value: str | None = None


@dataclass(slots=True)
class Group:
    """A group; `members` by user id. `changes` counts changes, so that sorted lists can be kept."""

    id: int
    name: str
    created_at: float
    automatic: bool = False
    full_name: str | None = None
    title: str | None = None
    bio_raw: str | None = None
    primary_group: bool = False
    visibility_level: int = 0
    members_visibility_level: int = 0
    mentionable_level: int = 0
    messageable_level: int = 0
    grant_trust_level: int | None = None
    public_admission: bool = False
    public_exit: bool = False
    allow_membership_requests: bool = False
    default_notification_level: int = 3
    flair_bg_color: str | None = None
    members: dict[int, Membership] = field(default_factory=dict)
    log: list[GroupLogLine] = field(default_factory=list)
    changes: int = 0
    sorted_ids: dict[str, tuple[Any, list[int]]] = field(default_factory=dict)


@dataclass(slots=True)
class Revision:
    """A stored version of a post: the text before, and the reason for the edit."""

    number: int
    at: float
    editor_id: int
    before: str
    after: str
    edit_reason: str | None


@dataclass(slots=True)
class Post:
    """A post; small edits within the grace period change it without a new version."""

    id: int
    topic_id: int
    number: int
    user_id: int
    raw: str
    created_at: float
    updated_at: float
    last_version_at: float
    last_editor_id: int
    version: int = 1
    edit_reason: str | None = None
    revisions: list[Revision] = field(default_factory=list)
    deleted_at: float | None = None


@dataclass(slots=True)
class Topic:
    """A topic in public, or a private message to users and groups."""

    id: int
    title: str
    user_id: int
    created_at: float
    bumped_at: float
    archetype: str = "regular"
    category_id: int | None = None
    external_id: str | None = None
    allowed_user_ids: dict[int, None] = field(default_factory=dict)
    allowed_group_ids: dict[int, None] = field(default_factory=dict)
    post_ids: list[int] = field(default_factory=list)
    deleted_at: float | None = None
    closed: bool = False
    views: int = 0

    @property
    def is_message(self) -> bool:
        """A private message."""
        return self.archetype == "private_message"


@dataclass(slots=True)
class ApiKey:
    """A key: of one user or of all, for everything or for some scopes."""

    id: int
    key: str
    description: str
    user_id: int | None
    scopes: list[dict[str, Any]]
    created_at: float
    updated_at: float
    revoked_at: float | None = None
    last_used_at: float | None = None


@dataclass(slots=True)
class Session:
    """A browser's session; a stranger's has no user."""

    csrf: str
    user_id: int | None = None


@dataclass(slots=True)
class Invite:
    """An invitation by address or by link."""

    id: int
    key: str
    inviter_id: int
    email: str | None
    custom_message: str | None
    topic_id: int | None
    group_ids: list[int]
    created_at: float
    expires_at: float
    max_redemptions: int = 1
    emailed: bool = False
    redeemed: list[tuple[int, float]] = field(default_factory=list)
    deleted: bool = False


@dataclass(slots=True)
class Theme:
    """A theme or component: its files as text, its settings with their values."""

    id: int
    name: str
    component: bool
    created_at: float
    updated_at: float
    default: bool = False
    files: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    parent_ids: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """Who joined or left which group, when and by whom; without automatic groups."""

    at: float
    actor_id: int
    user_id: int
    group_id: int
    added: bool


@dataclass(slots=True)
class Timing:
    """How slow membership writes are; `scale` shortens the real waiting, not the limit.

    Measured on a Discourse 3.5: 15-26 ms for each member added, 10-13 ms removed, and the worker is
    killed after 30 s with a part of the batch done.
    """

    on: bool = False
    add_seconds: float = 0.020
    remove_seconds: float = 0.012
    limit_seconds: float = 30.0
    scale: float = 1.0


@dataclass(slots=True)
class Forum:
    """Everything of the simulated forum."""

    url: str
    started_at: float
    version: str = "3.5"
    path: str = ""
    requests_per_minute: int = 60
    ip_requests_per_10_seconds: int = 0
    read_only: bool = False
    timing: Timing = field(default_factory=Timing)
    settings: dict[str, Any] = field(default_factory=lambda: dict(DEFAULT_SETTINGS))
    users: dict[int, User] = field(default_factory=dict)
    groups: dict[int, Group] = field(default_factory=dict)
    topics: dict[int, Topic] = field(default_factory=dict)
    posts: dict[int, Post] = field(default_factory=dict)
    categories: list[dict[str, Any]] = field(default_factory=list)
    user_fields: list[dict[str, Any]] = field(default_factory=list)
    keys: dict[int, ApiKey] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    invites: dict[int, Invite] = field(default_factory=dict)
    themes: dict[int, Theme] = field(default_factory=dict)
    hooks: dict[int, dict[str, Any]] = field(default_factory=dict)
    hook_events: list[dict[str, Any]] = field(default_factory=list)
    hooks_waiting: list[int] = field(default_factory=list)
    hook_rules: list[dict[str, Any]] = field(default_factory=list)
    notifications: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    membership_log: list[MembershipChange] = field(default_factory=list)
    counted_requests: deque[float] = field(default_factory=deque)
    ip_requests: dict[str, deque[float]] = field(default_factory=dict)
    recent_creates: dict[str, tuple[float, int, Any]] = field(default_factory=dict)
    merges: list[tuple[float, int, int, int]] = field(default_factory=list)
    renames: int = 0
    next_id: int = FIRST_ID
    user_id_by_name: dict[str, int] = field(default_factory=dict)
    user_id_by_email: dict[str, int] = field(default_factory=dict)
    group_id_by_name: dict[str, int] = field(default_factory=dict)
    key_id_by_key: dict[str, int] = field(default_factory=dict)

    def new_id(self) -> int:
        """The next id, never used before for anything."""
        self.next_id += 1
        return self.next_id - 1

    def user_named(self, name: str) -> User | None:
        """A user by name in any case."""
        return self.users.get(self.user_id_by_name.get(name.strip().lower(), 0))

    def user_with_email(self, email: str) -> User | None:
        """A user by a primary or secondary address."""
        return self.users.get(self.user_id_by_email.get(email.strip().lower(), 0))

    def group_named(self, name: str) -> Group | None:
        """A group by name in any case."""
        found = self.group_id_by_name.get(name.strip().lower())
        return None if found is None else self.groups.get(found)

    def group_with(self, group_id: int | None) -> Group | None:
        """A group by id; None for no id, where 0 is the group `everyone`."""
        return None if group_id is None else self.groups.get(group_id)

    def groups_of(self, user: User) -> list[Group]:
        """The groups of a user."""
        return [self.groups[i] for i in user.group_ids]

    def is_old(self) -> bool:
        """Whether the forum answers in the shapes of 3.2."""
        return self.version.startswith("3.2")

    @property
    def address(self) -> str:
        """The forum's address with its sub-folder, without a slash at the end."""
        return self.url + self.path


def iso(at: float | None) -> str | None:
    """A time as Discourse writes it."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
