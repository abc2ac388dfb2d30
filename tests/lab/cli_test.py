"""The command: a small lab from up to down."""

import os
import pathlib
import subprocess

import pytest

COMMAND = pathlib.Path(__file__).resolve().parents[2] / "lab" / "lab"
NETNS = f"vouch-lab-cli-{os.getpid()}"


def run(*arguments):
    return subprocess.run([COMMAND, "--netns", NETNS, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(name="directory", scope="module")
def directory_of_a_running_lab(tmp_path_factory):
    directory = tmp_path_factory.mktemp("cli") / "lab"
    up = run("up", "--dir", directory, "--only", "demo.")
    assert up.returncode == 0, up.stderr
    assert f"root-hints {directory}/root.hints\ntrust-anchor {directory}/root.anchor\n" in up.stdout
    yield directory
    assert run("down", "--dir", directory).returncode == 0
    assert not directory.exists()


def test_exec_runs_inside(directory):
    shown = run("exec", "--", "ip", "-brief", "address")
    assert shown.returncode == 0 and shown.stdout.startswith("lo ") and shown.stdout.count("\n") == 1


def test_exec_hands_on_the_exit_code(directory):
    assert run("exec", "--", "sh", "-c", "exit 7").returncode == 7


def test_check_tells_when_nobody_answers(directory):
    walked = run("check", "--server", "127.0.0.1@5399", "--manner", "do+tcp", "--only", "secure.demo.")
    assert walked.returncode == 1
    assert "www.secure.demo. A (do+tcp, 127.0.0.1): no reply" in walked.stdout
    assert walked.stdout.endswith("3 rows, 3 questions, 3 answered otherwise than expected\n")


def test_a_name_is_not_used_twice(directory):
    again = run("up", "--dir", directory / "again", "--only", "demo.")
    assert again.returncode == 69 and "exists" in again.stderr
    assert not (directory / "again").exists()


def test_table():
    rows = run("table", "--only", "bogus.demo.").stdout.splitlines()
    assert [row.split()[:5] for row in rows] == [["www.bogus.demo.", "A", "NOERROR", "bogus", "7"]]


def test_what_is_not_there_is_not_brought_down(tmp_path):
    down = run("down", "--dir", tmp_path)
    assert down.returncode == 69 and "no lab" in down.stderr
