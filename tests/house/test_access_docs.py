"""The page of access rights equals the code."""

from __future__ import annotations

from tests.access import PAGE, TABLES, brought_up_to_date


def test_the_page_of_who_may_do_what_is_as_the_code_says() -> None:
    page = PAGE.read_text()
    assert brought_up_to_date(page) == page, "run `python -m tests.access`"
    for heading in TABLES:
        assert f"\n## {heading}\n" in page
