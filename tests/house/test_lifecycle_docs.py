from tests.cases import NOT_SHOWN, PAGE, ROW, brought_up_to_date

ROWS = [found.groups() for line in PAGE.read_text().splitlines() if (found := ROW.match(line))]


def test_each_case_names_a_test_that_carries_its_number() -> None:
    assert brought_up_to_date(PAGE.read_text()) == PAGE.read_text(), "run: python tests/cases.py"


def test_every_case_of_a_subscriptions_life_has_its_row() -> None:
    cases = [case for case, _, _ in ROWS]
    mapping = {3, 4, 5, 6, *range(17, 49), 86, 87, 88, 93}
    assert len(cases) == len(set(cases))
    needed = {
        *(f"A{number}" for number in mapping),
        *(f"E{number}" for number in range(1, 60)),
        *(f"D{number}" for number in range(1, 24)),
    }
    later = {f"A{number}" for number in (12, 13, 67, 69, 97, *range(105, 151))}
    money = {53, 55, 56, 57, 59, 60, 61, 62, 66, 68, *range(70, 76), 85, 91, 92, 96}
    buying = {7, 8, 9, 12, 16, *range(49, 54), 72, 73, *range(77, 85), 94, 95, 98}
    later |= {f"A{number}" for number in buying}
    ledger = {"I6", *(f"A{number}" for number in money)}
    assert needed <= set(cases) <= needed | later | ledger


def test_a_case_that_is_not_shown_is_only_ever_said_to_be_so() -> None:
    assert all(cell == NOT_SHOWN or cell.startswith("[") for _, _, cell in ROWS)
