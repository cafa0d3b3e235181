"""The message that a member gets, and that nobody's own words can do anything in it."""

from __future__ import annotations

import re
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from bridge.core.ledger.lines import GiftLine, MoneyKind, MoneyLine, MoneyPart
from bridge.core.model.alerts import Kind
from bridge.core.model.reasons import Hold, Reason
from bridge.core.model.rights import NO_GROUP, Grant
from bridge.core.model.stripe import PendingPayment
from bridge.core.telling.alerts import Alert
from bridge.core.telling.contributions import Contributions, Donated, Shares
from bridge.core.telling.digest import Counted, digest
from bridge.core.telling.markdown import escape_markdown, short
from bridge.core.telling.places import GroupName
from bridge.core.telling.statement import (
    Links,
    NextPayment,
    Statement,
    StatementInput,
    build,
)
from bridge.filters import markdown_environment
from bridge.render import (
    MESSAGE_LIMIT,
    alerts_markdown,
    answers_markdown,
    digest_markdown,
    receipt_markdown,
    statement_fingerprint,
    statement_markdown,
)
from tests.unit.core.stored import memberships

NOW = datetime(2026, 11, 22, 5, 25, 52, tzinfo=UTC)
BRIDGE = "https://members.example.org"
MINUS = "\N{MINUS SIGN}"

HOSTILE = [
    # mentions and hashtags
    "@alice",
    "@here and @moderators",
    "(@group_name)",
    "mail@example.com",
    "#general",
    "#staff::tag",
    "Nr.#5",
    # emoji
    ":smile:",
    ":wave:t4:",
    ":D :) ;) :-P <3 8-)",
    ";)",
    "a:b:c",
    # links
    "https://evil.example/?a=1&b=2",
    "www.evil.example",
    "evil.example",
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "![x|10x10](upload://abc.png)",
    "<https://evil.example>",
    "[ref]: https://evil.example",
    "[text][ref]",
    "mailto:a@b.example",
    # Discourse's BBCode
    '[date=2027-03-03 timezone="Europe/Berlin"]',
    "[details=Sum]hidden[/details]",
    "[poll]\n* a\n* b\n[/poll]",
    "[wrap=toc]x[/wrap]",
    "[spoiler]x[/spoiler]",
    '[quote="alice, post:1, topic:1"]x[/quote]',
    "[x] done [ ] open",
    "[grid]x[/grid]",
    "[b]bold[/b] [url=https://evil.example]x[/url]",
    "[^1] and [^1]: note",
    "^[inline note]",
    # HTML and templates
    "<b>bold</b>",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!-- comment",
    "--> end",
    "<details open><summary>x</summary></details>",
    "{{#if admin}}x{{/if}}",
    "{{ 7*7 }} {% raw %}",
    "%{name} ${name}",
    # tables, blocks and headings
    "a | b | c",
    "|---|---|",
    "\\| a",
    "# heading",
    "> quote",
    "- item",
    "+ item",
    "* item",
    "1. item",
    "1) item",
    "---",
    "===",
    "***",
    "    code by indent",
    "\tcode by tab",
    "~~~\ncode\n~~~",
    # code and emphasis
    "`code`",
    "```ruby\nputs 1\n```",
    "*em* **strong** _em_ __strong__ ~~gone~~",
    "snake_case_name",
    "***a** b*",
    # entities, backslashes, typography
    "&lt;b&gt; &amp; &copy; &#64;alice &#x40;",
    "back\\slash \\@alice ends with \\",
    "\\\\",
    "(c) (tm) -- --- ... \"quoted\" 'single'",
    "$x^2$ $$y$$ \\(z\\)",
    # control and direction
    "nul\x00byte",
    "two\nlines\r\nthree",
    "next\x85line\u2028and\u2029on",
    "right\u202eto left\u202c",
    "zero\u200bwidth\u2060joiner",
    "lone\ud800surrogate",
    "",
    "   ",
    "Ünïcödé 漢字 😀",
]

parser = MarkdownIt("js-default", {"html": True, "linkify": True, "typographer": True})

DISCOURSE_SYNTAX = re.compile(
    r"@\w | \#\w | :[\w+-]+: | :[)DPp(] | ;\) | \[/?\w | \[[ x]?\]", re.VERBOSE
)


def kept(text: str) -> str:
    """The text without what cannot stand on one line."""
    return re.sub("[\x00\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029\ud800-\udfff]", "", text).strip()


def inline_tokens(markdown: str) -> list[list[Token]]:
    return [token.children or [] for token in parser.parse(markdown) if token.type == "inline"]


def assert_is_plain_text(tokens: list[Token], shown: str) -> None:
    """Only text and our own empty comments; no run of text that Discourse would act upon."""
    for token in tokens:
        assert token.type == "text" or (token.type, token.content) == ("html_inline", "<!-- -->")
        if token.type == "text":
            assert not DISCOURSE_SYNTAX.search(token.content)
    assert "".join(token.content for token in tokens if token.type == "text") == shown


def test_there_are_at_least_as_many_hostile_strings_as_were_tried_on_a_real_forum() -> None:
    assert len(set(HOSTILE)) >= 58


def test_A101_hostile_text_on_a_line_of_its_own_is_shown_letter_by_letter() -> None:
    for text in HOSTILE:
        inline = inline_tokens(escape_markdown(text))

        blocks = {token.type for token in parser.parse(escape_markdown(text))}
        assert blocks <= {"paragraph_open", "inline", "paragraph_close"}
        assert_is_plain_text([token for tokens in inline for token in tokens], kept(text))


def test_A101_hostile_text_in_a_table_is_shown_letter_by_letter() -> None:
    for text in HOSTILE:
        table = f"| a | b | c |\n|---|---|---|\n| x | {escape_markdown(text)} | y |\n"

        cells = inline_tokens(table)

        assert len(cells) == 6
        assert_is_plain_text(cells[4], kept(text))


def test_A101_hostile_text_is_escaped_by_rule() -> None:
    for text in HOSTILE:
        escaped = escape_markdown(text)

        assert not set(escaped) & set("\x00\n\r\x85\u2028\u2029\ud800")
        without_comments = escaped.replace("<!-- -->", "")
        assert re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", without_comments) == kept(text)
        for character in string.punctuation:
            behind = "<!-- -->" if character in "@#:[;" else ""
            assert escaped.count(f"\\{character}{behind}") >= kept(text).count(character)


@given(st.text())
def test_A101_no_text_at_all_becomes_anything_else(text: str) -> None:
    inline = inline_tokens(f"x {escape_markdown(text)} y")
    between = f" {kept(text)} " if kept(text) else "  "

    assert len(inline) == 1
    for token in inline[0]:
        assert token.type == "text" or token.content == "<!-- -->"
    shown = "".join(token.content for token in inline[0] if token.type == "text")
    assert shown == f"x{between}y"


def grant(group_id: int = 7, **fields: Any) -> Grant:
    known: dict[str, Any] = {
        "group_id": group_id,
        "source": "subscription",
        "source_id": "sub_1",
        "rule_id": "price:price_1",
        "holds": True,
        "reason": Reason.ACTIVE,
        "from_at": datetime(2026, 3, 3, tzinfo=UTC),
        "until_at": datetime(2027, 3, 3, tzinfo=UTC),
        "product_id": "prod_1",
        "price_id": "price_1",
    }
    return Grant(**{**known, **fields})


def money(
    key: str, at: datetime, amount_minor: int, what: str, kind: MoneyKind = "paid", **fields: Any
) -> MoneyLine:
    return MoneyLine(
        key, "cus_1", kind, at, amount_minor, fields.pop("currency", "eur"), what, **fields
    )


def statement(*grants: Grant, **fields: Any) -> Statement:
    known: dict[str, Any] = {
        "as_of": NOW,
        "links": Links(
            "https://bridge.example/me",
            "https://bridge.example/portal",
            "https://forum.example/ask",
        ),
        "groups": {
            7: GroupName("Patrons", "https://forum.example/g/patrons"),
            8: GroupName("Supporters"),
            9: GroupName("Founders"),
        },
        "whats": {"price_1": "yearly membership"},
        "memberships": memberships(grants, fields.pop("member_of", None), fields.pop("held", None)),
    }
    return build(StatementInput(grants=grants, **{**known, **fields}))


def body_of(*grants: Grant, **fields: Any) -> str:
    return statement_markdown(statement(*grants, **fields))[1]


def words_of(*grants: Grant, **fields: Any) -> str:
    """The message as it is read, without marks and links."""
    inline = inline_tokens(body_of(*grants, **fields))
    lines = ("".join(t.content for t in tokens if t.type == "text") for tokens in inline)
    return "\n".join(line for line in lines if line)


MONEY = (
    money("in_1", datetime(2026, 1, 5, tzinfo=UTC), 2500, "Yearly membership"),
    money("ch_1", datetime(2026, 2, 3, tzinfo=UTC), 5000, "Supporter share no. 118"),
    money("re_1", datetime(2026, 2, 14, tzinfo=UTC), -500, "Supporter share", "refunded"),
    money("in_0", datetime(2025, 1, 5, tzinfo=UTC), 5000, "Share", from_credit_minor=100),
    money("in_00", datetime(2025, 1, 4, tzinfo=UTC), 500, "", currency="jpy"),
)


def test_a_member_reads_one_message_with_standing_totals_links_and_years() -> None:
    title, body = statement_markdown(
        statement(
            grant(),
            money=MONEY,
            next_payments=(
                NextPayment("sub_1", datetime(2027, 3, 3, tzinfo=UTC), 2500, "eur", "Membership"),
            ),
        )
    )

    assert title == "Your membership statement"
    assert body == (
        "You are in **[Patrons](https://forum.example/g/patrons)** until 3 March 2027. "
        "Your yearly membership is active.\n\n"
        "Next payment: **€25\\.00** on 3 March 2027 for your *Membership*.\n\n"
        "| | |\n"
        "|:---|---:|\n"
        "| Paid in 2026 | **€75\\.00** |\n"
        f"| Refunded in 2026 | {MINUS}€5\\.00 |\n"
        "| Paid in total | **€124\\.00** |\n"
        f"| Refunded in total | {MINUS}€5\\.00 |\n"
        "| Paid in total | **JP¥500** |\n"
        "| Net | **€119\\.00** |\n\n"
        "[Change or cancel](https://bridge.example/portal) · "
        "[Full statement](https://bridge.example/me)\n\n"
        "## 2026\n\n"
        "| Date | What for | Amount |\n"
        "|:---|:---|---:|\n"
        f"| 14 Feb | Refund: Supporter share | {MINUS}€5\\.00 |\n"
        "| 3 Feb | Supporter share no\\. 118 | €50\\.00 |\n"
        "| 5 Jan | Yearly membership | €25\\.00 |\n\n"
        '[details="2025 · €49.00 · JP¥500"]\n\n'
        "| Date | What for | Amount |\n"
        "|:---|:---|---:|\n"
        "| 5 Jan | Share<br><small>€1\\.00 from credit, €49\\.00 charged</small> | €50\\.00 |\n"
        "| 4 Jan | Payment | JP¥500 |\n\n"
        "[/details]\n\n"
        '<small>As of [date=2026-11-22 time=05:25:52 timezone="Etc/UTC"]. '
        "Questions? [Write to the moderators](https://forum.example/ask).</small>\n"
    )


def test_a_member_of_nothing_is_told_so() -> None:
    words = words_of()

    assert words.startswith(
        "You don\N{RIGHT SINGLE QUOTATION MARK}t have a membership at the moment."
    )
    assert "Paid" not in words


def test_several_groups_are_listed_as_people_list_them() -> None:
    words = words_of(grant(7), grant(8), grant(9))

    assert "You are in Founders, Patrons and Supporters until 3 March 2027. Your" in words


def test_an_end_that_the_reason_names_is_not_said_twice() -> None:
    words = words_of(grant(reason=Reason.ENDING))

    assert "You are in Patrons. Your yearly membership ends on 3 March 2027." in words


def test_a_right_without_an_end_has_none() -> None:
    words = words_of(grant(reason=Reason.HAND, source="hand", until_at=None, price_id=None))

    assert "You are in Patrons. A moderator added you." in words


def test_A58_a_failed_payment_is_told_in_plain_words_with_a_link_to_pay() -> None:
    failing = grant(
        reason=Reason.GRACE,
        because_at=datetime(2026, 11, 20, tzinfo=UTC),
        until_at=datetime(2026, 11, 27, tzinfo=UTC),
    )

    assert (
        "You are in Patrons for now. The payment for your yearly membership failed on 20 November "
        "2026. You keep access until 27 November 2026. Pay now or update your card."
    ) in words_of(failing)
    assert "[Pay now or update your card](https://bridge.example/portal)" in body_of(failing)


def test_a_group_that_is_lost_due_or_held_is_told_with_the_reason() -> None:
    words = words_of(
        grant(7, holds=False, reason=Reason.UNPAID),
        grant(8, source_id="sub_2"),
        grant(NO_GROUP, source_id="sub_3", holds=False, reason=Reason.NO_RULE),
        member_of=frozenset({9}),
        held={9: Hold.RULE_HALTED},
    )

    assert "You will soon be in Supporters until 3 March 2027" in words
    assert (
        "You are not in Patrons. Your yearly membership is unpaid. Paying restores access." in words
    )
    assert "You are in Founders for now. This group is set up incorrectly." in words
    assert "No group is set for your yearly membership. A moderator has been asked." in words


def test_E59_somebody_whom_staff_took_out_reads_so() -> None:
    words = words_of(grant(), member_of=frozenset(), held={7: Hold.STAFF})

    assert words.startswith(
        "You don\N{RIGHT SINGLE QUOTATION MARK}t have a membership at the moment."
    )
    assert "You are not in Patrons. A moderator removed you." in words


def test_somebody_whose_only_group_is_held_is_not_told_to_have_none() -> None:
    words = words_of(held={7: Hold.RULE_HALTED})

    assert words.startswith("You are in Patrons for now. This group is set up incorrectly.")


def test_without_a_place_to_pay_there_is_no_link_to_it() -> None:
    body = body_of(
        grant(holds=False, reason=Reason.UNPAID), links=Links("https://bridge.example/me")
    )

    assert "Pay now or update" not in body
    assert "Change or cancel" not in body
    assert "[Full statement](https://bridge.example/me)" in body


def test_a_payment_whose_amount_only_stripe_knows_is_announced_without_one() -> None:
    words = words_of(next_payments=(NextPayment("sub_1", datetime(2027, 3, 3, tzinfo=UTC)),))

    assert "Next payment on 3 March 2027." in words


def test_a_dispute_and_its_return_are_lines_of_their_own() -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    words = words_of(
        money=[
            money("dp_1", at, -900, "Share", "disputed"),
            money("dp_1:returned", at, 900, "Share", "dispute_returned"),
        ]
    )

    assert "Taken back by your bank: Share" in words
    assert "Returned after the dispute: Share" in words


def entry(**fields: Any) -> str:
    """A line of the table as the forum shows it."""
    line = money("in_1", datetime(2026, 5, 1, tzinfo=UTC), 1500, "Patron", **fields)
    (found,) = [row for row in body_of(money=[line]).splitlines() if "1 May" in row]
    return found.replace("\\", "")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"discount_minor": 500}, "€20.00, less €5.00 discount"),
        ({"from_credit_minor": 400}, "€4.00 from credit, €11.00 charged"),
        ({"from_credit_minor": 1500}, "Paid from credit"),
        ({"discount_minor": 500, "currency": "jpy"}, "JP¥2,000, less JP¥500 discount"),
    ],
)
def test_A26_A27_A29_a_payment_tells_its_discount_and_its_credit(
    fields: dict[str, Any], told: str
) -> None:
    line = entry(**fields)
    assert line.startswith(f"| 1 May | Patron<br><small>{told}</small> | ")


def test_A31_a_payment_of_several_parts_shows_each_under_it() -> None:
    parts = MoneyPart("Remaining time on Gold", 2000), MoneyPart("Unused time on Silver", -500)
    assert entry(parts=parts) == (
        "| 1 May | Patron<br><small>Remaining time on Gold: €20.00</small>"
        f"<br><small>Unused time on Silver: {MINUS}€5.00</small> | €15.00 |"
    )


def test_A31_E2_what_is_pending_is_told_since_when() -> None:
    since = datetime(2026, 3, 3, tzinfo=UTC)
    words = words_of(pending=(PendingPayment("in_1", "Patron", 1200, "eur", since),))
    assert "Pending: €12.00 for Patron (since 3 March 2026)." in words


def test_A124_a_refused_payment_is_unpaid_and_not_pending() -> None:
    since = datetime(2026, 3, 3, tzinfo=UTC)
    words = words_of(unpaid=(PendingPayment("in_1", "Patron", 1200, "eur", since),))
    assert "Unpaid: €12.00 for Patron (since 3 March 2026)." in words
    assert "Pending" not in words


def test_A124_shares_and_donations_are_thanked_for_in_the_message() -> None:
    shares = Shares(2, "share"), Shares(1, "supporter_share")
    gave = Contributions(shares, (Donated(4500, "eur"), Donated(500, "usd")))
    words = words_of(contributions=gave)
    assert "Thank you. You hold 2 shares and 1 supporter share." in words
    assert "Thank you for donating €45.00 and US$5.00." in words
    assert "membership at the moment" not in words
    assert "Thank you" not in words_of()


def test_amounts_and_days_are_written_in_the_language_of_the_reader() -> None:
    _, body = statement_markdown(statement(grant(), money=MONEY), "de")

    assert "3\\. März 2027" in body
    assert "€25" not in body
    assert "25\\,00\N{NO-BREAK SPACE}€" in body


def filled_with(text: str) -> Statement:
    return statement(
        grant(),
        groups={7: GroupName(text, "https://forum.example/g/patrons"), 8: GroupName(text)},
        whats={"price_1": text},
        money=[replace(line, what=text, parts=(MoneyPart(text, 2500),)) for line in MONEY],
        next_payments=(NextPayment("sub_1", NOW, 2500, "eur", text),),
        pending=(PendingPayment("in_1", text, 2500, "eur", NOW),),
    )


def shape_of(given_statement: Statement) -> list[str]:
    """The message's structure, without words and separating comments."""
    tokens = parser.parse(statement_markdown(given_statement)[1])
    parts = [part for token in tokens for part in (token, *(token.children or []))]
    return [
        f"{part.type} {part.attrs} {part.content if part.type == 'html_inline' else ''}"
        for part in parts
        if part.type != "text" and (part.type, part.content) != ("html_inline", "<!-- -->")
    ]


def test_A101_names_products_and_memos_do_nothing_in_a_message() -> None:
    harmless = shape_of(filled_with("harmless"))
    for text in filter(str.strip, HOSTILE):
        assert shape_of(filled_with(text)) == harmless, text


def test_names_that_are_empty_have_a_stand_in() -> None:
    words = words_of(grant(), groups={7: GroupName(" \n")}, money=[replace(MONEY[0], what="\x00")])

    assert "You are in a group until" in words
    assert "\nPayment\n" in words


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "https://forum.example/g/a)(b c<d>[e]|\"f'`\\",
            "https://forum.example/g/a%29%28b%20c%3Cd%3E%5Be%5D%7C%22f%27%60%5C",
        ),
        ("https://forum.example/g/ü", "https://forum.example/g/%C3%BC"),
        ("https://forum.example/sub/g/a?x=1&y=%20", "https://forum.example/sub/g/a?x=1&y=%20"),
    ],
)
def test_an_address_cannot_end_its_link(url: str, shown: str) -> None:
    body = body_of(grant(), groups={7: GroupName("Patrons", url)})

    assert f"[Patrons]({shown})" in body


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "/me", "", None])
def test_only_addresses_of_the_web_become_links(url: str | None) -> None:
    body = body_of(grant(), groups={7: GroupName("Patrons", url)})

    assert body.startswith("You are in **Patrons** until")


def test_A90_five_thousand_invoices_fit_into_one_message() -> None:
    lines = [
        money(f"in_{i}", NOW - timedelta(days=i), 2500, f"Daily membership no. {i}")
        for i in range(5000)
    ]

    _, body = statement_markdown(statement(grant(), money=lines))

    assert len(body) < MESSAGE_LIMIT
    assert "| Paid in total | **€125\\,000\\.00** |" in body
    assert body.count("\n| 2") > 50
    assert "earlier entries in 2026 are on the" in body
    assert "365 entries of 2024" not in body
    assert "366 entries of 2024 are on the [full statement](https://bridge.example/me)." in body
    assert '[details="2013 · ' in body


def test_one_folded_entry_is_counted_as_one() -> None:
    lines = [money(f"in_{i}", NOW - timedelta(days=i), 100, "x") for i in range(250)]
    lines.append(money("in_old", NOW - timedelta(days=900), 100, "x"))

    assert "One entry of 2024 is on the" in body_of(money=lines)


@pytest.mark.parametrize("text", ["@" * 5000, "[" * 5000, ":;#@[" * 1000])
def test_a_message_stays_below_the_limit_whatever_it_holds(text: str) -> None:
    groups = {number: GroupName(text, "https://forum.example/g/x") for number in range(1, 400)}
    lines = [money(f"in_{i}", NOW - timedelta(days=i), 1, text) for i in range(5000)]
    few = statement(grant(1), groups={1: groups[1]}, money=lines)
    many = statement(*(grant(number) for number in groups), groups=groups, money=lines)

    _, body = statement_markdown(few)
    _, hopeless = statement_markdown(many)

    assert len(body) < MESSAGE_LIMIT
    assert "Full statement" in body
    assert hopeless == (
        "Your statement is too long for a message. [See the full statement](https://bridge.example/me).\n"
    )


def test_a_statement_changes_only_when_something_happened() -> None:
    before = statement(grant(), money=MONEY)
    later = statement(grant(), money=MONEY, as_of=NOW + timedelta(days=300))
    more = statement(grant(), money=MONEY[1:])

    assert statement_fingerprint(before) == statement_fingerprint(later)
    assert statement_fingerprint(before) != statement_fingerprint(more)
    assert statement_markdown(before) != statement_markdown(later)


def test_macros_and_filters_of_messages_are_not_escaped_twice_and_all_else_is_once() -> None:
    template = markdown_environment().from_string(
        "{% macro bold(x) %}**{{ x }}**{% endmacro %}"
        "{{ bold(name) }} {{ name|link('https://a.b') }}"
    )

    assert template.render(name="a*b") == "**a\\*b** [a\\*b](https://a.b)"
    assert markdown_environment().from_string("{{ x }}").render(x=Markup("**kept**")) == "**kept**"


def test_a_template_that_names_something_unknown_fails_loudly() -> None:
    with pytest.raises(Exception, match="nothing"):
        markdown_environment().from_string("{{ nothing }}").render()


def test_a_receipt_thanks_in_one_line_and_links_to_stripes_own() -> None:
    bought = replace(MONEY[1], receipt_url="https://pay.example/r/1")

    assert receipt_markdown(bought) == (
        "Thank you: you paid **€50\\.00** for *Supporter share no\\. 118* on 3 February 2026. "
        "[Receipt](https://pay.example/r/1).\n"
    )


def test_A101_what_was_bought_does_nothing_in_a_receipt() -> None:
    for text in HOSTILE:
        inline = inline_tokens(receipt_markdown(replace(MONEY[1], what=text)))

        assert len(inline) == 1
        assert {token.type for token in inline[0]} <= {
            "text",
            "html_inline",
            "strong_open",
            "strong_close",
            "em_open",
            "em_close",
        }
        assert {t.content for t in inline[0] if t.type == "html_inline"} <= {"<!-- -->"}


def test_A101_names_do_nothing_in_the_moderators_message() -> None:
    for text in HOSTILE:
        facts = {"user": text, "user_id": 7, "objects": text}
        alert = Alert(Kind.PAYS_SUSPENDED, "7", NOW, NOW, facts)
        _, body = alerts_markdown([alert, replace(alert, gone_at=NOW)], NOW, BRIDGE)
        ours = '[date=2026-11-22 time=05:25:52 timezone="Etc/UTC"]'
        tokens = [one for part in inline_tokens(body.replace(ours, "")) for one in part]
        html = {token.content for token in tokens if token.type == "html_inline"}
        assert html - {"<!-- -->"} == {"<small>", "</small>"}
        assert {token.type.removesuffix("_open") for token in tokens if token.nesting >= 0} <= {
            *("text", "html_inline", "strong", "s", "softbreak", "link")
        }
        assert not any(DISCOURSE_SYNTAX.search(one.content) for one in tokens if one.type == "text")


def test_A101_names_of_groups_do_nothing_in_the_digest() -> None:
    for text in HOSTILE:
        happened = [
            Counted("added", 1, by_person=False, count=3),
            Counted("granted", None, by_person=True, count=1),
        ]
        told = digest(NOW, NOW, {"held": 2}, happened, {1: text})
        _, body = digest_markdown(told, BRIDGE)
        tokens = [one for part in inline_tokens(body) for one in part]
        links = [str(token.attrs["href"]) for token in tokens if token.type == "link_open"]
        assert links == [
            f"{BRIDGE}/moderate/lists/held",
            f"{BRIDGE}/moderate/log?group=1",
            f"{BRIDGE}/moderate/log?kind=granted",
            f"{BRIDGE}/moderate",
        ]
        html = {token.content for token in tokens if token.type == "html_inline"}
        assert html - {"<!-- -->"} == {"<small>", "</small>"}
        assert not any(DISCOURSE_SYNTAX.search(one.content) for one in tokens if one.type == "text")


def test_the_moderators_message_is_never_too_long() -> None:
    facts = {"user": "@" * 200, "user_id": 7, "objects": "sub_1"}
    many = [Alert(Kind.PAYS_SUSPENDED, str(n), NOW, NOW, facts) for n in range(500)]
    _, body = alerts_markdown(many, NOW, BRIDGE)
    assert len(body) < MESSAGE_LIMIT
    assert "490 more" in body


def test_A121_one_due_receipt_among_5000_lines_renders_one() -> None:
    class Unrenderable:
        """A payment of which only the id is known."""

        def __init__(self, number: int) -> None:
            self.id = f"in_{number}"

    lines: list[Any] = [Unrenderable(number) for number in range(4_999)]
    due = money("in_due", NOW, 1000, "Patrons")

    found = answers_markdown(
        ["receipt:in_due", "receipt:gone"],
        StatementInput(as_of=NOW, links=Links(""), money=[*lines, due]),
    )

    assert found == {"receipt:in_due": receipt_markdown(due)}


def test_A79_a_lapsed_member_is_led_to_what_is_on_offer_and_has_nothing_to_cancel() -> None:
    links = Links("https://b.example/me", "https://b.example/me", offers="https://b.example/join")
    lapsed = body_of(grant(holds=False, reason=Reason.CANCELED), links=links)
    assert "[See what is on offer](https://b.example/join)" in lapsed
    assert "Change or cancel" not in lapsed
    still_in = body_of(grant(), links=links)
    assert "[Change or cancel](https://b.example/me)" in still_in
    assert "See what is on offer" not in still_in


def test_A101_E52_what_was_given_and_by_whom_is_shown_letter_by_letter() -> None:
    for text in HOSTILE:
        line = GiftLine("in_1:gift#2", "gift_received", NOW, 1000, "eur", what=text, person="bob")
        words = kept(f"You received {short(text) or 'a gift'} from bob")
        assert any(
            "".join(token.content for token in cell if token.type == "text") == words
            for cell in inline_tokens(body_of(gifts=(line,)))
        )
        hostile = body_of(gifts=(replace(line, what="Gold", person=text),))
        assert escape_markdown(f"You received Gold from {text}") in hostile


def test_E52_what_a_gift_cost_is_said_to_its_giver_alone() -> None:
    given = GiftLine("in_1:gift#1", "gift_given", NOW, 1000, "eur", what="Gold", person="bob")
    got = replace(given, id="in_1:gift#2", kind="gift_received", person=None)
    back = replace(got, id="re_1:gift#2", is_taken_back=True)
    assert "You gave Gold (€10.00) to bob" in words_of(gifts=(given,))
    told = words_of(gifts=(got, back))
    assert "You received Gold as a gift" in told
    assert "Refunded or passed on: Gold, a gift to you" in told
    assert "€" not in told
