import re
from pathlib import Path

import pytest

from bridge.cli import COMMANDS
from bridge.core.events.needed import DECIDING_TYPES
from bridge.core.rules.problems import CODES, POLICY_CODES
from bridge.sandbox import run
from bridge.setting_values import SETTINGS, Setting
from bridge.stripe_api.scopes import ENTITLEMENTS, NOTES, REFUNDS, SCOPES
from tests.access import addresses
from tests.addresses import TITLES, table
from tests.house.sources import ROOT, modules, source

PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
DOCS = "\n".join(page.read_text() for page in PAGES)


def rows(page: str) -> dict[str, str]:
    """The tables of a page: first cell without its backticks -> the rest of the row."""
    found = {}
    for line in (ROOT / "docs" / page).read_text().splitlines():
        if line.startswith("| ") and not line.startswith("|--"):
            name, rest = line.strip("| ").split("|", 1)
            found[name.strip().strip("`")] = rest
    return found


def test_the_readme_is_short_enough_to_be_read() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_each_setting_is_explained_as_it_is(setting: Setting) -> None:
    row = rows("settings.md")[setting.name]
    assert ("●" in row) == setting.secret
    assert ("required" in row) == setting.required
    assert f"`{setting.default}`" in row or not setting.default


def test_no_setting_is_explained_that_does_not_exist() -> None:
    names = {name for name in rows("settings.md") if re.fullmatch(r"[A-Z]+(_[A-Z]+)+", name)}
    assert names == {setting.name for setting in SETTINGS}


def test_the_example_file_has_each_setting_once_and_no_value_that_matters() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    names = [m[1] for line in lines if (m := re.match(r"#?([A-Z_]+)=", line))]
    assert sorted(names) == sorted(setting.name for setting in SETTINGS)
    given = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=.", line))
    assert given == {"DISCOURSE_API_USERNAME": "system"}


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_in_the_operators_table(command: str) -> None:
    assert f"`bridge {command}" in (ROOT / "docs" / "operations.md").read_text()


@pytest.fixture(scope="module")
def routes() -> list[tuple[str, str]]:
    """Each method and address that the bridge answers."""
    return [
        (method, rule.rule)
        for rule in addresses().iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    ]


def test_each_address_of_the_bridge_is_in_the_operators_table(
    routes: list[tuple[str, str]],
) -> None:
    rules = {re.sub(r"<\w+:", "<", rule) for _, rule in routes}
    assert {rule for rule in rules if f"`{rule}`" not in DOCS} == set()


def test_I7_each_address_has_its_row_in_the_table_of_who_gets_what(
    routes: list[tuple[str, str]],
) -> None:
    placed = [(row.method, row.rule) for title in TITLES for row in table(title)]
    assert sorted(placed) == sorted(routes)


def test_each_code_that_an_error_may_carry_is_explained() -> None:
    raised = {code for path in modules() for code in re.findall(r'"([BM]\d{3})"', source(path))}
    assert raised >= {"B101", *CODES, *POLICY_CODES}
    explained = set(re.findall(r"\b[BM]\d{3}\b", DOCS))
    assert raised - explained == set()


def test_no_code_is_explained_that_nothing_raises() -> None:
    raised = {code for path in modules() for code in re.findall(r'"([BM]\d{3})"', source(path))}
    in_tables = rows("settings.md").keys() | rows("operations.md").keys()
    assert {name for name in in_tables if re.fullmatch(r"[BM]\d{3}", name)} - raised == set()


@pytest.mark.parametrize("document", PAGES, ids=lambda document: document.name)
def test_links_between_pages_lead_somewhere(document: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = document.parent / path if path else document
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)
    assert broken == []


def test_A129_the_webhook_events_to_select_are_those_that_the_bridge_needs() -> None:
    listed = re.findall(r"^ {7}([a-z_.]+)$", (ROOT / "docs" / "start.md").read_text(), re.MULTILINE)
    assert listed == list(DECIDING_TYPES)


# What is below each path of Stripe's API, by its name among a key's rights in the dashboard.
RESOURCES = {
    "balance": "Balance",
    "balance_transactions": "Balance",
    "billing_portal": "Customer portal",
    "charges": "Charges and Refunds",
    "checkout": "Checkout Sessions",
    "credit_notes": "Credit notes",
    "customers": "Customers",
    "disputes": "Disputes",
    "entitlements": "Entitlements",
    "events": "Events",
    "invoice_payments": "Invoices",
    "invoiceitems": "Invoices",
    "invoices": "Invoices",
    "payment_intents": "PaymentIntents",
    "payment_links": "Payment Links",
    "payment_methods": "PaymentMethods",
    "payouts": "Payouts",
    "prices": "Prices",
    "products": "Products",
    "refunds": "Charges and Refunds",
    "subscription_items": "Subscriptions",
    "subscription_schedules": "Subscriptions",
    "subscriptions": "Subscriptions",
    "webhook_endpoints": "Webhook endpoints",
}


def rights_of_the_guide() -> dict[str, set[str]]:
    """Resource -> what the guide has a key given on it; to write is to read, too."""
    rights: dict[str, set[str]] = {}
    page = (ROOT / "docs" / "start.md").read_text()
    for verb, resources in re.findall(r"^ +\| (read|write)[^|]*\| ([^|]+) \|$", page, re.MULTILINE):
        for resource in resources.split(", "):
            rights[resource] = {"read", verb}
    return rights


def test_A129_the_key_has_rights_on_all_that_the_code_asks_for_and_on_nothing_else() -> None:
    text = "".join(source(path) for path in modules("stripe_api"))
    asked = {RESOURCES[family] for family in re.findall(r'"/v1/([a-z_]+)', text)}
    assert asked == rights_of_the_guide().keys()


def test_A129_the_doctor_tries_the_rights_that_the_guide_names() -> None:
    tried: dict[str, set[str]] = {}
    for scope in (*SCOPES, ENTITLEMENTS, NOTES, REFUNDS):
        resource, _, verb = scope.name.partition(": ")
        tried.setdefault(resource, {"read"}).add(verb)
    assert tried == rights_of_the_guide()


def test_A129_the_readme_and_the_guide_have_the_same_six_steps() -> None:
    guide = re.findall(r"^## (\d\. .+)$", (ROOT / "docs" / "start.md").read_text(), re.MULTILINE)
    readme = re.findall(r"^(\d\. )\*\*(.+?)\*\*", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert guide == ["".join(step) for step in readme]
    assert len(guide) == 6


def test_A129_the_sandbox_writes_settings_that_exist() -> None:
    assert run.SETTINGS.keys() <= {setting.name for setting in SETTINGS}


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_ten_questions_are_answered_in_a_picture_and_three_sentences_each() -> None:
    guide = (ROOT / "docs" / "moderators.md").read_text()
    part = guide.partition("## Ten questions that members ask")[2].partition("\n## ")[0]
    answers = part.split("\n### ")[1:]
    told = []
    for answer in answers:
        question, *body = answer.splitlines()
        text = " ".join(line for line in body if not line.startswith("!["))
        sentences = re.split(r"(?<=[.?!])\s+(?=[A-Z*`])", text.strip())
        told.append((question, answer.count("!["), len(sentences)))
    assert [(pictures, sentences) for _, pictures, sentences in told] == [(1, 3)] * 10, told


def test_each_label_that_the_guide_for_moderators_names_is_in_the_console() -> None:
    guide = (ROOT / "docs" / "moderators.md").read_text()
    labels = set(re.findall(r"(?<!\*)\*([A-Z][^*\n]{2,60})\*(?!\*)", guide))
    said = "\n".join(
        file.read_text()
        for folder, kind in (("templates", "jinja"), ("bridge/web", "py"), ("bridge/answers", "py"))
        for file in (ROOT / folder).rglob(f"*.{kind}")
    )
    of_stripe = {one for one in labels if one.endswith(": write")}
    examples = {"Ben (moderator, console)"}
    assert len(labels) > 20
    assert {one for one in labels - of_stripe - examples if one not in said} == set()
