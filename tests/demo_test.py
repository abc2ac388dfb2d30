"""scripts/demo ends well and leaves nothing behind."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIMEOUT_S = 600


def commands_that_name(path):
    """Whoever else is at work on this machine is none of our business."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if str(path) in command:
            found.append(command)
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a network namespace")
def test_demo(tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = subprocess.run([ROOT / "scripts/demo"], env=os.environ | {"TMPDIR": str(temporary)},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stdout
    for words in ("secure, trust anchor", "insecure, no DS", "EDE 7", "NXDOMAIN, secure", "says: secure"):
        assert words in done.stdout
    netns = re.search(r"^namespace (\S+)$", done.stdout, re.MULTILINE)[1]
    assert not pathlib.Path("/run/netns", netns).exists()
    assert not list(temporary.iterdir())
    assert not commands_that_name(temporary)
