import re
from dataclasses import fields

import pytest

from bridge.core.rules.policy import Policy
from bridge.core.rules.problems import CODES, POLICY_CODES
from bridge.core.rules.sections import SITE_LIMITS, SITE_NAMES, SITE_WORDS
from bridge.core.rules.values import KEYS
from bridge.core.telling.settings import RULES, SITE
from tests.house.sources import ROOT

PAGE = (ROOT / "docs" / "mapping.md").read_text()


def table(page: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in page.splitlines():
        if line.startswith("| ") and not line.startswith("|--"):
            first, *rest = (cell.strip() for cell in line.strip().strip("|").split("|"))
            found[first.strip("`")] = rest
    return found


TABLE = table(PAGE)


@pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: str(key.name))
def test_each_key_is_explained_with_its_values_and_default(key: object) -> None:
    known = next(one for one in KEYS.values() if one is key)
    in_toml, values, default = TABLE[known.metadata_key]
    assert in_toml == f"`{known.name}`"
    assert values == known.values
    assert default.startswith(known.default)


@pytest.mark.parametrize("name", SITE_LIMITS)
def test_each_habit_of_the_site_is_explained_with_its_default(name: str) -> None:
    assert TABLE[name][0] == str(getattr(Policy(), name))


@pytest.mark.parametrize("name", SITE_WORDS)
def test_each_word_of_the_site_is_explained_with_its_default(name: str) -> None:
    default, says = TABLE[name]
    assert default == f"`{getattr(Policy(), name)}`"
    assert all(f"`{word}`" in says for word in SITE_WORDS[name])


@pytest.mark.parametrize("name", SITE_NAMES)
def test_each_name_of_the_site_is_explained_with_its_default(name: str) -> None:
    assert TABLE[name][0] == f"`{getattr(Policy(), name)}`"


@pytest.mark.parametrize("code", CODES)
def test_each_code_is_explained_with_its_hint_and_weight(code: str) -> None:
    _, halts, hint = TABLE[code]
    assert (halts == "yes") == CODES[code].halts
    assert hint == CODES[code].hint


@pytest.mark.parametrize("code", POLICY_CODES)
def test_each_code_of_the_file_is_explained_with_its_hint(code: str) -> None:
    assert TABLE[code][-1] == POLICY_CODES[code]


def test_the_console_says_what_each_setting_means() -> None:
    assert RULES.keys() == KEYS.keys()
    assert SITE.keys() == {field.name for field in fields(Policy)} - {"defaults"}


def test_nothing_is_explained_that_does_not_exist() -> None:
    explained = set(re.findall(r"\bM1\d\d\b", PAGE))
    assert explained == {*CODES, *POLICY_CODES}
    keys = {name for name in TABLE if name.startswith("discourse_")}
    assert keys == {key.metadata_key for key in KEYS.values()}
