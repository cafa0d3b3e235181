"""Markdown as the forum shows it: tables, details, and the syntax of Discourse's own.

Discourse replaces mentions, emoji, dates and the like in text that Markdown has already unescaped,
so a backslash does not stop them; only another node between does, such as an HTML comment.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

# HTML tags without attributes that a post may contain.
ALLOWED_TAGS = (
    "abbr|b|big|blockquote|br|code|dd|del|details|div|dl|dt|em|h[1-6]|hr|i|ins|kbd|li|mark|ol|p|"
    "pre|s|small|strike|strong|sub|summary|sup|u|ul"
)
HTML_PART = re.compile(
    r"<!--.*?-->|<(script|style)\b.*?</\1\s*>|<[^>]*>|[^<]+|<", re.DOTALL | re.IGNORECASE
)
ALLOWED = re.compile(rf"</?({ALLOWED_TAGS})\s*/?>", re.IGNORECASE)
DETAILS = re.compile(r'^\[details(?:=("[^"]*"|[^\]]*))?( open)?\]\s*$')


@dataclass(frozen=True, slots=True)
class Names:
    """The mentions and hashtags of this forum."""

    users: Callable[[str], bool]
    groups: Callable[[str], bool]
    categories: Callable[[str], bool]


NOBODY = Names(lambda _: False, lambda _: False, lambda _: False)

EMOTICONS = {
    ":D": "smiley",
    ":)": "slight_smile",
    ";)": "wink",
    ":(": "frowning",
    ":P": "stuck_out_tongue",
}
OWN_SYNTAX = re.compile(
    r"(?P<url>https?://[^\s<]+)"
    r"|(?P<mention>(?<![\w/])@(?P<who>[\w.-]*\w))"
    r"|(?P<hashtag>(?<![\w/&])\#(?P<tag>[\w-]+))"
    r"|(?P<emoji>:(?P<name>[a-z0-9_+-]+):)"
    r"|(?P<emoticon>(?<!\S)[:;](?:D|\)|\(|P)(?!\S))"
    r"|(?P<date>\[date=(?P<day>[\d-]+)[^\]]*\])"
    r"|(?P<check>\[[xX ]?\](?!\())"
)


def cook(raw: str, names: Names = NOBODY) -> str:
    """The HTML of a post; nothing in it runs."""
    markdown = MarkdownIt("commonmark", {"html": True, "linkify": False, "breaks": True})
    markdown.enable(["table", "strikethrough"])
    for kind in ("html_block", "html_inline"):
        markdown.add_render_rule(kind, _html)
    markdown.add_render_rule("details", lambda _self, tokens, i, *_: tokens[i].content)
    markdown.add_render_rule("text", lambda *a: _text(*a, names=names))
    markdown.add_render_rule("table_open", lambda *_: '<div class="md-table">\n<table>\n')
    markdown.add_render_rule("table_close", lambda *_: "</table>\n</div>")
    markdown.block.ruler.before("fence", "details", _details, {"alt": ["paragraph"]})
    return str(markdown.render(raw)).strip()


def _html(
    _self: RendererHTML, tokens: Sequence[Token], index: int, _o: OptionsDict, _e: EnvType
) -> str:
    """Comments and scripts vanish, harmless tags stay, the rest is dropped."""
    kept = []
    for found in HTML_PART.finditer(tokens[index].content):
        part = found.group()
        if not part.startswith("<"):
            kept.append(html.escape(html.unescape(part), quote=False))
        elif ALLOWED.fullmatch(part):
            kept.append(part)
        elif part == "<":
            kept.append("&lt;")
    return "".join(kept)


def _text(_self: RendererHTML, tokens: Sequence[Token], index: int, *_: Any, names: Names) -> str:
    text = html.escape(tokens[index].content, quote=False)
    if index and tokens[index - 1].type == "link_open":
        return text
    return OWN_SYNTAX.sub(lambda m: _own(m, names), text)


def _own(found: re.Match[str], names: Names) -> str:
    """Render Discourse's own syntax."""
    kind = next(kind for kind in OWN if found[kind] is not None)
    return OWN[kind](found, names)


def _url(found: re.Match[str], _names: Names) -> str:
    whole = found.group()
    return f'<a href="{html.escape(html.unescape(whole))}">{whole}</a>'


def _mention(found: re.Match[str], names: Names) -> str:
    who = found["who"]
    if names.users(who):
        return f'<a class="mention" href="/u/{who.lower()}">@{who}</a>'
    if names.groups(who):
        return f'<a class="mention-group" href="/groups/{who.lower()}">@{who}</a>'
    return f'<span class="mention">@{who}</span>'


def _hashtag(found: re.Match[str], names: Names) -> str:
    tag = found["tag"]
    known = names.categories(tag)
    return f'<a class="hashtag-cooked" href="/c/{tag}">{tag}</a>' if known else f"#{tag}"


def _emoji(found: re.Match[str], _names: Names) -> str:
    name = found["name"] or EMOTICONS.get(found.group(), "emoji")
    return f'<img src="/images/emoji/{name}.png" class="emoji" alt=":{name}:" title=":{name}:">'


def _date(found: re.Match[str], _names: Names) -> str:
    return f'<span class="discourse-local-date">{found["day"]}</span>'


def _check(found: re.Match[str], _names: Names) -> str:
    done = " checked" if "x" in found.group().lower() else ""
    return f'<span class="chcklst-box{done}"></span>'


OWN: dict[str, Callable[[re.Match[str], Names], str]] = {
    "url": _url,
    "mention": _mention,
    "hashtag": _hashtag,
    "emoji": _emoji,
    "emoticon": _emoji,
    "date": _date,
    "check": _check,
}


def _details(state: Any, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    """`[details="…"]` to `[/details]`, lines of their own."""
    opening = DETAILS.match(_line(state, start))
    if not opening:
        return False
    depth, last = 1, start
    while depth and last + 1 < end:
        last += 1
        line = _line(state, last)
        depth += 1 if DETAILS.match(line) else -1 if line.strip() == "[/details]" else 0
    if depth:
        return False
    if silent:
        return True
    title = html.escape((opening[1] or "Summary").strip('"'))
    opened = state.push("details", "", 1)
    opened.content = f"<details{' open' if opening[2] else ''}>\n<summary>\n{title}</summary>\n"
    line_max, state.lineMax = state.lineMax, last
    state.md.block.tokenize(state, start + 1, last)
    state.lineMax = line_max
    state.push("details", "", -1).content = "</details>\n"
    state.line = last + 1
    return True


def _line(state: Any, number: int) -> str:
    begin = state.bMarks[number] + state.tShift[number]
    return str(state.src[begin : state.eMarks[number]])
