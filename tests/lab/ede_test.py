"""doc/ede.md: it knows every code of the table, says truly which are sent, and the tests that it names exist."""

import pathlib
import re

import pytest

from lab import description
from lab.instance import DESCRIPTION

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "doc" / "ede.md"
ROW = re.compile(r"\| (\d+) \| ([^|]+?) \| (.*) \|")


def rows(heading):
    """Code to (purpose, the rest of the row)."""
    section = DOCUMENT.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return {int(row[1]): (row[2], row[3]) for row in map(ROW.fullmatch, section.splitlines()) if row}


SENT, NOT_SENT = rows("Sent"), rows("Not sent")


def codes():
    """Constant to code."""
    text = (ROOT / "src" / "message" / "ede.h").read_text()
    return {name: int(code) for name, code in re.findall(r"\b(EDE_\w+) = (\d+),", text)}


def purposes():
    """Code to the registry's words."""
    text = (ROOT / "src" / "message" / "ede.c").read_text()
    return {codes()[name]: words for name, words in re.findall(r'\[(EDE_\w+)\] = "([^"]+)"', text)}


def used():
    """The constants that code elsewhere mentions."""
    sources = [path for path in (ROOT / "src").rglob("*.c") if not path.name.endswith("_test.c") and path.stem != "ede"]
    return set(re.findall(r"\bEDE_[A-Z0-9_]+\b", "\n".join(path.read_text() for path in sources)))


def test_every_code_of_the_table_is_explained_once():
    assert sorted([*SENT, *NOT_SENT]) == sorted(codes().values()) == sorted(purposes())
    assert {code: purpose for code, (purpose, _) in (SENT | NOT_SENT).items()} == purposes()


def test_codes_that_are_not_sent_are_not_in_the_source():
    assert {name for name, code in codes().items() if code in NOT_SENT} & used() == set()
    assert {name for name, code in codes().items() if code in SENT} <= used()


@pytest.mark.parametrize("code", SENT)
def test_the_tests_exist(code):
    cases = {case.title.lower(): case for case in description.load(DESCRIPTION).cases}
    named = re.findall(r"`([^`]+)`", SENT[code][1].rsplit("|", 1)[1])
    assert named
    for name in named:
        if ": " not in name:
            case = cases[name.lower()]
            assert code in case.ede, name
            continue
        place, what = name.split(": ")
        path = ROOT / place
        assert (path / what).exists() if path.is_dir() else what in path.read_text(), name
