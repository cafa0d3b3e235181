"""The bridge's requests to Discourse: groups, members, users, messages.

Each method is one request (two where it says so), uses ids instead of names where Discourse allows
it, and either returns a complete answer or raises an error of `bridge.errors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from bridge.bulkhead import Bulkhead
from bridge.core.model.check import Check
from bridge.core.model.discourse import Group, User
from bridge.discourse_api.answers import (
    AddResult,
    GroupLogPage,
    MembersPage,
    MessageRef,
    RemoveResult,
    reading,
    written,
)
from bridge.discourse_api.front_page import Site
from bridge.discourse_api.http import ForumClient, Gate
from bridge.discourse_api.link_places import Place
from bridge.discourse_api.look import read_site
from bridge.discourse_api.names import Found
from bridge.discourse_api.posts import find_link
from bridge.discourse_api.probe import probe, probe_group, probe_invites
from bridge.discourse_api.reader import (
    AcceptedPage,
    read_accepted,
    read_cards,
    read_group,
    read_groups,
    read_log,
    read_members,
    read_topic,
    read_user,
    topic_of_redirect,
)
from bridge.discourse_api.refusals import Priority, Refused
from bridge.discourse_api.visitor import find_names
from bridge.errors import Forbidden, NotFound, Permanent, Transient, Uncertain

MEMBERS_PAGE = 1000  # what Discourse gives and takes at most
CARDS_PAGE = 50
# Longer lists of ids go into the body: servers in between cut requests' lines at about 8,000.
_LONGEST_QUERY = 4000
_BAD_REQUEST, _UNPROCESSABLE = 400, 422


MOST_NAMED = 20


class NotInvited(Permanent):
    """The forum does not invite an address, and does not say why."""


class DiscourseApi:
    """A forum as one key and one user may see and change it."""

    def __init__(
        self, url: str, key: str, username: str, gate: Gate, bulkhead: Bulkhead | None = None
    ) -> None:
        self._forum = ForumClient(url, key, username, gate, bulkhead)
        self._url = url.rstrip("/")

    # --- Groups ---------------------------------------------------------------------------------

    def add_members(self, group_id: int, user_ids: Sequence[int]) -> AddResult:
        """Add users; existing members stay. Discourse silently skips unknown ids."""
        path = f"/groups/{group_id}/members.json"
        # A comma string: of a JSON array Discourse 3.5 loses the first element and says 200.
        body = {"user_ids": ",".join(map(str, user_ids))}
        try:
            answer = self._forum.exchange("PUT", path, json=body, priority="high")
        except Refused as refusal:
            if refusal.status == _UNPROCESSABLE and len(user_ids) <= MEMBERS_PAGE:
                return AddResult((), all_were_members=True, seconds=0.0, server_time=None)
            if refusal.status == _BAD_REQUEST:  # none of the ids is a user
                return AddResult((), all_were_members=False, seconds=0.0, server_time=None)
            raise
        names = written(answer, "usernames", path)
        return AddResult(
            names, all_were_members=False, seconds=answer.seconds, server_time=answer.server_time
        )

    def remove_members(self, group_id: int, user_ids: Sequence[int]) -> RemoveResult:
        """Remove users; those who are not in the group are skipped."""
        path = f"/groups/{group_id}/members.json"
        ids = ",".join(map(str, user_ids))
        try:
            if len(ids) <= _LONGEST_QUERY:
                answer = self._forum.exchange("DELETE", path, params=f"user_ids={ids}")
            else:
                answer = self._forum.exchange("DELETE", path, json={"user_ids": ids})
        except Refused as refusal:
            if refusal.status == _BAD_REQUEST:  # none of the ids is a user any more
                return RemoveResult((), (), 0.0)
            raise
        removed = written(answer, "usernames", path)
        return RemoveResult(removed, written(answer, "skipped_usernames", path), answer.seconds)

    def members(
        self,
        group_name: str,
        *,
        limit: int = MEMBERS_PAGE,
        offset: int = 0,
        priority: Priority = "low",
    ) -> MembersPage:
        """A page of members; Discourse lists by name only. A short page raises Transient."""
        path = f"/groups/{quote(group_name, safe='')}/members.json"
        query = {"limit": limit, "offset": offset, "order": "added_at", "asc": "true"}
        answer = self._forum.exchange("GET", path, params=query, priority=priority)
        members, total, given = reading(path, read_members, answer.body)
        if len(members) < min(limit, given) and offset + len(members) < total:
            raise Transient(
                f"GET {path}: {len(members)} members from {offset} on, of {total}: a short page"
            )
        return MembersPage(members, total, given, offset, answer.server_time)

    def groups(self) -> list[Group]:
        """All groups that the key may see, in as many requests as there are pages."""
        found: dict[int, Group] = {}
        page = 0
        while True:
            answer = self._forum.exchange("GET", "/groups.json", params={"page": page})
            groups, total = reading("/groups.json", read_groups, answer.body)
            found |= {group.id: group for group in groups}
            if len(found) >= total:
                return list(found.values())
            if not groups:
                raise Transient(f"GET /groups.json: {len(found)} groups of {total}: a short page")
            page += 1

    def group_by_id(self, group_id: int) -> Group:
        """One group by id, with its current name."""
        path = f"/groups/by-id/{group_id}.json"
        body = self._forum.exchange("GET", path).body
        return reading(path, lambda it: read_group(it["group"]), body)

    def group_log(
        self,
        group_name: str,
        page: int = 0,
        *,
        added_by: str | None = None,
        priority: Priority = "low",
    ) -> GroupLogPage:
        """Who added and removed whom: 25 changes a page, the newest first.

        `added_by`: only whom this user added. Discourse compares the filter with the name in lower
        case (group_history.rb, 3.5).
        """
        path = f"/groups/{quote(group_name, safe='')}/logs.json"
        params: dict[str, Any] = {"offset": page}
        if added_by is not None:
            params["filters[acting_user]"] = added_by.lower()
            params["filters[action]"] = "add_user_to_group"
        answer = self._forum.exchange("GET", path, params=params, priority=priority)
        return GroupLogPage(*reading(path, read_log, answer.body))

    # --- Users ----------------------------------------------------------------------------------

    def user(self, user_id: int, *, priority: Priority = "normal") -> User:
        """A user with all of their groups. NotFound only when the user is really gone.

        Below /admin a refused key is answered 404 as well; then a second request, to a page that
        tells them apart, decides.
        """
        path = f"/admin/users/{user_id}.json"
        try:
            body = self._forum.exchange("GET", path, priority=priority).body
        except NotFound:
            if self.user_cards([user_id], priority=priority):
                raise Forbidden(
                    f"GET {path}: refused, though the user is there: give the key the scope "
                    "global:read"
                ) from None
            raise
        return reading(path, read_user, body)

    def user_by_name(self, name: str) -> User:
        """A user by the name that they have now, in any case."""
        path = f"/u/{quote(name, safe='')}.json"
        body = self._forum.exchange("GET", path).body
        return reading(path, lambda it: read_user(it["user"]), body)

    def public_user(self, name: str) -> User | None:
        """Who has a name now, from the public page, without the key; None for nobody.

        Raises: Forbidden if the forum shows people only to its members.
        """
        path = f"/u/{quote(name, safe='')}.json"
        try:
            body = self._forum.exchange_without_key(path)
        except NotFound:
            return None
        return reading(path, lambda it: read_user({"groups": [], **it["user"]}), body)

    def user_cards(
        self, user_ids: Sequence[int], *, priority: Priority = "low"
    ) -> tuple[User, ...]:
        """Names of up to 50 users, without groups; unknown ids are left out."""
        if len(user_ids) > CARDS_PAGE:
            raise ValueError(f"{len(user_ids)} ids: at most {CARDS_PAGE} at a time")
        ids = ",".join(map(str, user_ids))
        answer = self._forum.exchange(
            "GET", "/user-cards.json", params=f"user_ids={ids}", priority=priority
        )
        return reading("/user-cards.json", read_cards, answer.body)

    def suspended_users(self, page: int) -> tuple[int, ...]:
        """Ids of those who are suspended: 100 a page, none past the last one. Pages begin at 1."""
        path = "/admin/users/list/suspended.json"
        answer = self._forum.exchange("GET", path, params={"page": page}, priority="low")
        return reading(path, lambda rows: tuple(int(row["id"]) for row in rows), answer.body)

    def users_with_email(self, email: str) -> tuple[User, ...]:
        """The users with an address, which is neither kept nor logged."""
        path = "/admin/users/list/active.json"
        answer = self._forum.exchange("GET", path, params={"email": email}, priority="normal")
        return reading(
            path,
            lambda rows: tuple(User(int(row["id"]), str(row["username"])) for row in rows),
            answer.body,
        )

    def users_named(self, name: str) -> tuple[User, ...]:
        """The users whose full name or name is like this, as the forum's own search finds them."""
        path = "/u/search/users.json"
        asked = {"term": name, "limit": MOST_NAMED}
        answer = self._forum.exchange("GET", path, params=asked, priority="normal")
        return reading(
            path,
            lambda it: tuple(User(int(row["id"]), str(row["username"])) for row in it["users"]),
            answer.body,
        )

    # --- Invitations ----------------------------------------------------------------------------

    def invite(self, email: str, words: str) -> int:
        """Have the forum invite an address by e-mail; returns the invitation's id.

        One that waits already is renewed. No error that is raised carries the address. Raises:
        NotInvited where the forum does not take it: it has an account, for one.
        """
        wanted = {"email": email, "custom_message": words, "skip_email": False}
        try:
            answer = self._forum.exchange("POST", "/invites.json", json=wanted, priority="low")
        except Refused:
            raise NotInvited("the forum did not take this address") from None
        except Uncertain:
            raise Uncertain("POST /invites.json: the forum failed: read again") from None
        return reading("/invites.json", lambda it: int(it["id"]), answer.body)

    def accepted_invites(self, offset: int = 0) -> AcceptedPage:
        """Accepted invitations of the key's user, a page from `offset` on."""
        path = f"/u/{quote(self._forum.api_username, safe='')}/invited/redeemed.json"
        params = {"offset": offset}
        body = self._forum.exchange("GET", path, params=params, priority="low").body
        return reading(path, read_accepted, body)

    # --- Messages -------------------------------------------------------------------------------

    def create_message(
        self, to: str, title: str, raw: str, external_id: str, *, priority: Priority = "low"
    ) -> MessageRef:
        """Send one private message to a user or a group, once for each `external_id`.

        Asking again finds the first.
        """
        body = {
            "title": title,
            "raw": raw,
            "archetype": "private_message",
            "target_recipients": to,
            "external_id": external_id,
        }
        try:
            answer = self._forum.exchange("POST", "/posts.json", json=body, priority=priority)
        except Refused as refusal:
            # Taken or invalid: the words differ by the forum's language, so look whether it stands.
            before = self.message_by_external_id(external_id)
            if refusal.status == _UNPROCESSABLE and before:
                return before
            raise
        post = answer.body if isinstance(answer.body, dict) else {}
        if post.get("action") == "enqueued":
            raise Permanent(
                "the forum holds the bridge's messages for approval: make its user staff"
            )
        try:
            return MessageRef(int(post["topic_id"]), int(post["id"]), created=True)
        except (KeyError, TypeError, ValueError) as error:
            raise Uncertain("POST /posts.json: answered without the ids of the post") from error

    def message_by_external_id(self, external_id: str) -> MessageRef | None:
        """The message that was created with this id (two requests), or None."""
        path = f"/t/external_id/{quote(external_id, safe='')}.json"
        try:
            answer = self._forum.exchange("GET", path, priority="low", redirected=True)
            if answer.location is not None:
                topic_id = topic_of_redirect(self._url, answer.location)
                if topic_id is None:
                    host = urlsplit(answer.location).netloc
                    raise Permanent(f"GET {path}: redirects to {host}: is DISCOURSE_URL right?")
                answer = self._forum.exchange("GET", f"/t/{topic_id}.json", priority="low")
        except NotFound:
            return None
        return MessageRef(*reading(path, read_topic, answer.body))

    def edit_message(self, post_id: int, raw: str, *, priority: Priority = "low") -> None:
        """Change the text of a message, without a notification and without bumping the topic."""
        body = {"post": {"raw": raw}, "bypass_bump": True}
        self._forum.exchange("PUT", f"/posts/{post_id}.json", json=body, priority=priority)

    def reply(self, topic_id: int, raw: str) -> None:
        """Reply in a message and notify its reader; the same text within 120 s is one post."""
        body = {"topic_id": topic_id, "raw": raw}
        self._forum.exchange("POST", "/posts.json", json=body, priority="low")

    def message_alive(self, topic_id: int) -> bool:
        """Whether anybody still sees this message: editing a deleted one is answered 200."""
        try:
            answer = self._forum.exchange("GET", f"/t/{topic_id}.json", priority="low")
        except NotFound:
            return False
        return reading(f"/t/{topic_id}.json", lambda it: not it.get("deleted_at"), answer.body)

    # --- The forum itself -----------------------------------------------------------------------

    def site(self) -> Site:
        """Name, logo and colours, read without the key, so that nothing of its budget is used."""
        return read_site(self._url)

    def find_link(self, link: str) -> Place | None:
        """The public post or topic that contains a link, searched without the key, like `site`."""
        return find_link(self._url, link)

    def find_names(self, term: str) -> tuple[Found, ...]:
        """Users with names like this, searched without the key, like `site`."""
        return find_names(self._url, term)

    def probe(self, group_id: int | None = None) -> list[Check]:
        """What the key can do, found out without changing anything."""
        return probe(self._forum, group_id)

    def probe_invites(self) -> list[Check]:
        """Whether the key may invite people; nobody is invited."""
        return probe_invites(self._forum)

    def probe_group(self, group_id: int) -> list[Check]:
        """Whether the key can change this group's members, found out without changing them."""
        return probe_group(self._forum, group_id)
