"""The counting of scripts/test: no failure may hide."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import run  # noqa: E402


@pytest.mark.parametrize(
    "output, exit_code, expected",
    [
        ("1..2\nok 1 - a\nok 2 - b\n", 0, (2, 0, 0)),
        ("1..2\nok 1 - a\nnot ok 2 - b\n# 1 != 2\n", 1, (1, 1, 0)),
        ("1..2\nok 1 - a\nno root zone here\nnot ok 2 # SKIP b\n", 0, (1, 0, 1)),
        ("1..3\nok 1 - a\n==1==ERROR: AddressSanitizer\n", 1, (1, 2, 0)),  # two cases never reported
        ("1..1\nok 1 - a\n==1==ERROR: LeakSanitizer\n", 23, (1, 1, 0)),
        ("1..2\nok 1 - a\n", 0, (1, 1, 0)),
        ("", 139, (0, 1, 0)),
        ("", 0, (0, 1, 0)),
    ],
)
def test_tap(output, exit_code, expected):
    assert run.count_tap(output, exit_code) == expected


@pytest.mark.parametrize(
    "output, exit_code, expected",
    [
        ("story a\n3 passed, 0 failed, 2 skipped\nreal signatures: 1\n", 0, (3, 0, 2)),
        ("1 passed, 0 failed, 0 skipped\n3 passed, 1 failed, 0 skipped\n", 1, (3, 1, 0)),
        ("3 passed, 0 failed, 0 skipped\n", 134, (3, 1, 0)),
        ("Segmentation fault\n", 139, (0, 1, 0)),
        ("", 0, (0, 1, 0)),
    ],
)
def test_sum_line(output, exit_code, expected):
    assert run.count_sum_line(output, exit_code) == expected


def test_exit_code():
    assert run.count_exit_code("", 0) == (1, 0, 0)
    assert run.count_exit_code("", 1) == (0, 1, 0)


def test_junit(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text('<testsuites><testsuite tests="9" errors="1" failures="2" skipped="3"/></testsuites>')
    assert run.count_junit(report) == (3, 3, 3)


def test_skips_are_told():
    output = "1..2\nok 1 - a\n../shared is missing\nnot ok 2 # SKIP b\n"
    assert list(run.skip_messages(output)) == ["../shared is missing", "not ok 2 # SKIP b"]
    assert str(run.Result(1, 2, 3) + run.Result(1, 0, 0)) == "2 passed, 2 failed, 3 skipped"
