"""What the pages name is there: links, files, tests, rules of delivery."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.unit.test_architecture import ROOT, project_files

PAGES = [path for path in project_files() if path.suffix == ".md"]
RULEBOOK = ROOT / "docs" / "delivery.md"
RULES = re.findall(r"^### (\d+)\. ", RULEBOOK.read_text(), re.MULTILINE)

LINK = re.compile(r"\]\(([^)\s]+)\)")
TEST = re.compile(r"`(tests/[\w/]+\.py)((?:::\w+)+)`")
FILE = re.compile(r"`((?:\.?[\w-]+/)+[\w.-]+\.(?:py|md|toml|yaml|yml|sql|json|sh|ts|tsx|conf|txt|lock|Dockerfile))`")
PLACEHOLDER = re.compile(r"NNNN|EDITION")
CITED = re.compile(r"\bdelivery (\d+(?:(?:, | and |-)\d+)*)", re.IGNORECASE)
# Written so that this file does not match itself. Migrations that are out keep what they say.
FORMER = re.compile(r"(?:DELIVER[Y]|LESSON[S])\b|\b[Rr]ules? \d+\b")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    found = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def leads_nowhere(page: Path) -> Iterator[str]:
    for link in LINK.findall(page.read_text()):
        if "://" in link or link.startswith("mailto:"):
            continue
        where, _, anchor = link.partition("#")
        target = page.parent / where if where else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            yield link


def test_each_link_leads_somewhere() -> None:
    assert {name(page): lost for page in PAGES if (lost := list(leads_nowhere(page)))} == {}


def is_defined(file: str, parts: str) -> bool:
    """Whether a test stands in its file, by itself or in its class."""
    text = (ROOT / file).read_text() if (ROOT / file).is_file() else ""
    return all(
        re.search(rf"^{'    ' * depth}(?:async )?(?:def|class) {part}\b", text, re.MULTILINE)
        for depth, part in enumerate(parts.removeprefix("::").split("::"))
    )


def test_each_test_that_is_named_exists() -> None:
    named = {found for page in PAGES for found in TEST.findall(page.read_text())}
    assert sorted("".join(each) for each in named if not is_defined(*each)) == []


def test_each_file_that_is_named_exists() -> None:
    top = {path.relative_to(ROOT).parts[0] for path in project_files()}
    of_their_day = {page for page in PAGES if page.name == "CHANGELOG.md" or page.parent.name == "adr"}
    named = {(page, file) for page in {*PAGES} - of_their_day for file in FILE.findall(page.read_text())}
    named = {(page, file) for page, file in named if file.partition("/")[0] in top and not PLACEHOLDER.search(file)}
    lost = [(page, file) for page, file in named if not (ROOT / file).exists()]
    assert sorted(f"{name(page)}: {file}" for page, file in lost) == []


def test_the_index_has_each_decision_once() -> None:
    index = ROOT / "docs" / "adr" / "README.md"
    pages = [path.name for path in PAGES if path.parent == index.parent and path != index]
    assert sorted(LINK.findall(index.read_text())) == sorted(pages)


def test_each_rule_of_delivery_says_what_fails_without_it_and_what_tests_it() -> None:
    assert [str(number) for number in range(1, len(RULES) + 1)] == RULES
    rules = re.split(r"^##+ .+$", RULEBOOK.read_text(), flags=re.MULTILINE)
    whole = [rule for rule in rules if "- **Otherwise** " in rule and TEST.search(rule.partition("- **Tests** ")[2])]
    assert len(whole) == len(RULES)


def test_a_rule_that_is_cited_is_one_and_is_cited_in_one_form() -> None:
    wrong = []
    for path in project_files():
        if path.suffix not in {".py", ".sql", ".md", ".toml", ".yaml", ".ts", ".tsx", ".conf"}:
            continue
        if (path.parent.name == "migrations" and path.name < "0010") or path == RULEBOOK:  # which says what they mean
            continue
        text = path.read_text()
        cited = {number for found in CITED.findall(text) for number in re.findall(r"\d+", found)}
        wrong += [f"{name(path)}: delivery {number}" for number in sorted(cited - set(RULES))]
        wrong += [f"{name(path)}: {former}" for former in FORMER.findall(text)]
    assert wrong == []
