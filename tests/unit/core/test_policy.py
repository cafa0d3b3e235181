import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.rules.policy import SECTIONS, Policy, parse_policy
from bridge.core.rules.problems import POLICY_CODES
from bridge.core.rules.sections import SITE_LIMITS, SITE_NAMES, SITE_WORDS
from bridge.core.rules.values import FAR_FUTURE, KEYS, Choices, Term, apply_value
from bridge.errors import WrongConfig

EXAMPLE = Path(__file__).parents[3] / "docs" / "bridge.example.toml"


def codes(toml: dict[str, object]) -> list[str]:
    with pytest.raises(WrongConfig) as refused:
        parse_policy(toml)
    return [problem.code for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("groups", "supporters, Patrons,supporters", "groups", ("supporters", "patrons")),
        ("groups", "none", "groups", ()),
        ("ladder", "Level", "ladder", "level"),
        ("ladder", "none", "ladder", None),
        ("rank", "3", "rank", 3),
        ("rank", "-1", "rank", -1),
        ("term", "30d", "term", Term(days=30)),
        ("term", " 12mo ", "term", Term(months=12)),
        ("term", "1Y", "term", Term(months=12)),
        ("term", "lifetime", "term", None),
        ("grace", "7d", "grace_days", 7),
        ("grace", "14", "grace_days", 14),
        ("grace", "0", "grace_days", 0),
        ("trial", "wait", "trial", "wait"),
        ("on_pause", "KEEP", "on_pause", "keep"),
        ("on_pause_collection", "period_end", "on_pause_collection", "period_end"),
        ("on_refund", "period_end", "on_refund", "period_end"),
        ("on_partial_refund", "keep", "partial_refund_percent", None),
        ("on_partial_refund", "50%", "partial_refund_percent", 50),
        ("on_partial_refund", "100", "partial_refund_percent", 100),
        ("on_dispute", "suspend", "on_dispute", "suspend"),
        ("after_instalments", "end", "after_instalments", "end"),
        ("after_instalments", "lifetime", "after_instalments", "lifetime"),
        ("after_instalments", "2y", "after_instalments", Term(months=24)),
        ("kind", "supporter_share", "kind", "supporter_share"),
        ("kind", "event", "kind", "event"),
    ],
)
def test_a_value_means_what_it_says(name: str, text: str, field: str, value: object) -> None:
    assert getattr(apply_value(Choices(), name, text), field) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("groups", ""),
        ("groups", "supporters,,patrons"),
        ("rank", "high"),
        ("rank", "1.5"),
        ("rank", "٣"),
        ("term", "12"),
        ("term", "0d"),
        ("term", "-3d"),
        ("term", "3 weeks"),
        ("term", "101y"),
        ("grace", "soon"),
        ("grace", "-1"),
        ("grace", "366d"),
        ("trial", "yes"),
        ("on_pause", "true"),
        ("on_pause_collection", "endd"),
        ("on_refund", "no"),
        ("on_partial_refund", "0%"),
        ("on_partial_refund", "101%"),
        ("on_dispute", "end"),
        ("after_instalments", "keep"),
        ("kind", "gift"),
    ],
)
def test_a_value_that_a_key_does_not_take_is_refused(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        apply_value(Choices(), name, text)


@pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: str(key.name))
def test_every_default_in_the_table_is_the_one_in_force(key: object) -> None:
    known = next(one for one in KEYS.values() if one is key)
    if known.name in {"rank", "on_refund"}:  # said in words: they depend on something else
        assert getattr(Choices(), known.field) is None
    else:
        assert apply_value(Choices(), known.name, known.default) == Choices()


@pytest.mark.parametrize(
    ("start", "term", "end"),
    [
        ("2026-01-31", Term(months=1), "2026-02-28"),
        ("2028-01-31", Term(months=1), "2028-02-29"),
        ("2028-02-29", Term(months=12), "2029-02-28"),
        ("2026-12-15", Term(months=1), "2027-01-15"),
        ("2026-11-30", Term(months=3), "2027-02-28"),
        ("2026-03-01", Term(days=30), "2026-03-31"),
        ("2026-03-01", Term(months=12), "2027-03-01"),
    ],
)
def test_months_are_the_calendars_and_end_with_it(start: str, term: Term, end: str) -> None:
    day = datetime.fromisoformat(start).replace(tzinfo=UTC, hour=13)
    assert term.end(day) == datetime.fromisoformat(end).replace(tzinfo=UTC, hour=13)


@pytest.mark.parametrize("term", [Term(months=1200), Term(days=36_600)])
def test_a_term_that_would_leave_the_calendar_ends_in_the_far_future(term: Term) -> None:
    assert term.end(datetime(9998, 6, 1, tzinfo=UTC)) == FAR_FUTURE


@given(
    st.datetimes(datetime(2010, 1, 1), datetime(9990, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the strategy adds the zone
    st.integers(0, 36_600),
    st.integers(0, 1_200),
)
def test_a_term_always_ends_after_it_began_and_no_later_than_the_far_future(
    start: datetime, days: int, months: int
) -> None:
    end = Term(days, months).end(start)
    assert start <= end <= FAR_FUTURE
    assert end == FAR_FUTURE or end - start >= timedelta(days=days + 28 * months)


def test_an_empty_file_is_a_whole_policy() -> None:
    assert parse_policy({}) == Policy()
    assert Policy().removal_confirm_seconds == 60
    assert (Policy().removal_limit_min, Policy().removal_limit_percent) == (5, 10)


def test_the_example_states_the_defaults_and_every_site_key() -> None:
    toml = tomllib.loads(EXAMPLE.read_text())
    policy = parse_policy(toml)
    assert policy.defaults == Choices()
    assert set(toml["site"]) == {*SITE_LIMITS, *SITE_WORDS, *SITE_NAMES}
    assert all(getattr(policy, name) == getattr(Policy(), name) for name in toml["site"])
    assert policy.ladders == {"level": ("supporters", "patrons")}
    assert policy.prices["price_DonationExample"] == {"groups": "none", "kind": "donation"}
    assert policy.products["prod_PatronExample"]["grace"] == "14d"


def test_keys_may_carry_the_prefix_of_metadata() -> None:
    toml = {"prices": {"yearly": {"discourse_grace": 3}}, "defaults": {"discourse_trial": "wait"}}
    policy = parse_policy(toml)
    assert policy.prices == {"yearly": {"grace": "3"}}
    assert policy.defaults.trial == "wait"


@pytest.mark.parametrize(
    ("said", "steps", "follows"),
    [
        (["Low", "High"], ("Low", "High"), True),
        ({"groups": ["low", 42]}, ("low", "42"), True),
        ({"groups": ["low", "high"], "follow": False}, ("low", "high"), False),
        ({"follow": False}, None, False),
    ],
)
def test_a_ladder_is_a_list_of_steps_or_says_more(
    said: object, steps: tuple[str, ...] | None, *, follows: bool
) -> None:
    policy = parse_policy({"ladders": {"Level": said}})
    assert policy.ladders.get("level") == steps
    assert policy.unfollowed_ladders == (frozenset() if follows else {"level"})


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ({"product": {}}, ["M151"]),
        ({"site": 5}, ["M153"]),
        ({"site": {"sweep_second": 60}}, ["M152"]),
        ({"site": {"sweep_seconds": 0}}, ["M153"]),
        ({"site": {"sweep_seconds": True}}, ["M153"]),
        ({"site": {"removal_limit_percent": "10"}}, ["M153"]),
        ({"defaults": {"groups": "everyone"}}, ["M152"]),
        ({"defaults": {"grase": "7d"}}, ["M152"]),
        ({"defaults": {"grace": "a week"}}, ["M153"]),
        ({"defaults": {"on_pause": True}}, ["M153"]),
        ({"ladders": {"level": "supporters"}}, ["M153"]),
        ({"ladders": {"level": []}}, ["M153"]),
        ({"ladders": {"level": ["a", "A"]}}, ["M153"]),
        ({"ladders": {"level": ["a", " "]}}, ["M153"]),
        ({"ladders": {"level": {}}}, ["M153"]),
        ({"ladders": {"level": {"groups": []}}}, ["M153"]),
        ({"ladders": {"level": {"groups": ["a"], "follows": False}}}, ["M153"]),
        ({"ladders": {"level": {"groups": ["a"], "follow": "no"}}}, ["M153"]),
        ({"site": {"unmapped": "remove"}}, ["M153"]),
        ({"site": {"unmapped": ["end"]}}, ["M153"]),
        ({"site": {"alerts_to": "a group, and another"}}, ["M153"]),
        ({"site": {"alerts_to": ""}}, ["M153"]),
        ({"site": {"bank_account": ""}}, ["M153"]),
        ({"site": {"alerts_to": 7}}, ["M153"]),
        ({"site": {"unmaped": "end"}}, ["M152"]),
        ({"products": {"prod_1": "supporters"}}, ["M153"]),
    ],
)
def test_what_is_wrong_for_the_whole_site_is_refused(
    toml: dict[str, object], expected: list[str]
) -> None:
    assert codes(toml) == expected


@pytest.mark.parametrize(
    ("section", "key", "example"),
    [
        ("site", "bank_account", '"DE89 3704 0044 0532 0130 00, Garden Club"'),
        ("bank", "date", '"Buchungstag"'),
        ("bank", "delimiter", '";"'),
    ],
)
def test_a_text_that_is_none_is_refused_with_an_example(
    section: str, key: str, example: str
) -> None:
    for value in (5, "", ["x"]):
        with pytest.raises(WrongConfig) as refused:
            parse_policy({section: {key: value}})
        says = [one.message for one in refused.value.problems if key in one.message]
        assert f"it takes a text in quotes, such as {example}." in says[0]


def test_all_problems_are_named_at_once_with_a_hint_and_the_likely_word() -> None:
    with pytest.raises(WrongConfig) as refused:
        parse_policy({"sites": {}, "defaults": {"grce": "7d", "trial": "maybe"}})
    first, second, third = refused.value.problems
    assert 'Did you mean "site"?' in first.message
    assert 'Did you mean "grace"?' in second.message
    assert "`grant`, `wait`" in third.message
    assert {problem.hint for problem in refused.value.problems} <= set(POLICY_CODES.values())
    assert "M151" in str(refused.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(SECTIONS), JSON))
def test_any_file_is_either_a_policy_or_refused_with_codes(toml: dict[str, object]) -> None:
    try:
        policy = parse_policy(toml)
    except WrongConfig as refused:
        found = {problem.code for problem in refused.problems}
    else:
        found = set()
        for name, (low, high) in SITE_LIMITS.items():
            assert low <= getattr(policy, name) <= high
    assert found <= set(POLICY_CODES)


def test_the_group_that_is_told_of_alerts_may_be_named_or_none() -> None:
    assert parse_policy({}).alerts_to == "moderators"
    assert parse_policy({"site": {"alerts_to": "treasurers"}}).alerts_to == "treasurers"
    assert parse_policy({"site": {"alerts_to": "none"}}).alerts_to == "none"


def test_A91_the_account_that_takes_transfers_is_any_text_but_an_empty_one() -> None:
    account = "DE89 3704 0044 0532 0130 00, Garden Club"
    assert parse_policy({}).bank_account == ""
    assert parse_policy({"site": {"bank_account": account}}).bank_account == account


def test_E42_how_long_a_claim_is_open_is_a_whole_number_of_days() -> None:
    assert parse_policy({}).claim_days == 30
    assert parse_policy({"claims": {"days": 90}}).claim_days == 90
    for wrong in (0, -1, 3651, True, 1.5, "30"):
        assert codes({"claims": {"days": wrong}}) == ["M153"]
    assert codes({"claims": {"day": 3}}) == ["M152"]


def test_A12_payers_are_invited_only_where_the_site_says_so() -> None:
    assert parse_policy({}).claim_invite is False
    assert parse_policy({"claims": {"invite": True}}).claim_invite is True
    for wrong in (1, "yes", None, 1.0):
        assert codes({"claims": {"invite": wrong}}) == ["M153"]


def test_A75_whose_books_a_posting_batch_is_for_are_numbers_within_datevs_bounds() -> None:
    whose = {"consultant": 29098, "client": 55003}
    rest = {"account_length": 4, "first_month": 1}
    assert parse_policy({}).datev == {}
    assert parse_policy({"datev": whose}).datev == whose | rest
    assert parse_policy({"datev": whose | {"first_month": 7}}).datev["first_month"] == 7
    wrongs: list[dict[str, object]] = [
        {"client": 0},
        {"consultant": "29098"},
        {"account_length": 9},
        {"client": True},
    ]
    for wrong in wrongs:
        assert codes({"datev": {**whose, **wrong}}) == ["M153"]
    assert codes({"datev": {"client": 1}}) == ["M153"]
    assert codes({"datev": whose | {"clients": 1}}) == ["M152"]
