"""Return addresses from requests, accepted only if they lead to this forum or this bridge."""

from __future__ import annotations

from urllib.parse import SplitResult, urlencode, urlsplit

MAX_LENGTH = 1000


def _is_plain(address: str) -> bool:
    """No character that a browser drops, or reads as a slash, before it looks at the host."""
    return (
        0 < len(address) <= MAX_LENGTH
        and "\\" not in address
        and all(character > " " and character != "\x7f" for character in address)
    )


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018  reading it is what validates it
    except ValueError:
        return None
    return parts


def forum_address(address: str | None, forum_url: str) -> str | None:
    """The address as an absolute one on the forum (its host, its path prefix), or None.

    Takes an absolute address or a path. A path that climbs (`..`), a name and password, another
    port or scheme, and everything that browsers repair in surprising ways is refused.
    """
    if not address or not _is_plain(address):
        return None
    forum = urlsplit(forum_url)
    if address.startswith("/") and not address.startswith("//"):
        address = f"{forum.scheme}://{forum.netloc}{address}"
    parts = _split(address)
    if parts is None or (parts.scheme, parts.netloc.lower()) != (
        forum.scheme,
        forum.netloc.lower(),
    ):
        return None
    prefix = forum.path.rstrip("/")
    within = parts.path == prefix or parts.path.startswith(f"{prefix}/")
    if not within or _climbs(parts.path):
        return None
    return address


def _climbs(path: str) -> bool:
    lowered = path.lower().replace("%2e", ".")
    return "%2f" in lowered or "%5c" in lowered or any(part == ".." for part in lowered.split("/"))


def has_page(address: str, forum_url: str) -> bool:
    """Whether the address is more than the forum's front page.

    Browsers tell another site only the origin (their default referrer policy), which is no post to
    return to.
    """
    return address.rstrip("/") != forum_url.rstrip("/")


def own_path(path: str | None, default: str = "/me") -> str:
    """A path on the bridge to continue to, or the default for anything else."""
    if not path or not _is_plain(path) or not path.startswith("/") or path.startswith("//"):
        return default
    parts = _split(path)
    if parts is None or parts.scheme or parts.netloc or _climbs(parts.path):
        return default
    return path


def with_query(path: str, **parameters: str | None) -> str:
    """The path with these parameters added, without those that are None."""
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    if not query:
        return path
    return f"{path}{'&' if '?' in path else '?'}{query}"
