"""The unit for systemd: what it forbids vouchd does not need.

No systemd runs here.  The unit's user, capabilities and system calls are those of the unit file all the same."""

import os
import pathlib
import shlex
import shutil
import subprocess
import sys

import pytest

from control import objects
from loopback import assert_answers, free_port
from others import NOBODY, as_user, program_for_others
from vouchd import RELEASE, ROOT, Vouchd

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root, to give it up")

CONFINED = pathlib.Path(__file__).parents[1] / "support" / "confined.py"


def settings_of_unit():
    lines = (RELEASE / "vouchd.service").read_text().splitlines()
    return [line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")]


def filter_of_unit():
    """All lines in their order, as one list: a ~ goes for its whole line."""
    words = []
    for key, value in settings_of_unit():
        if key == "SystemCallFilter":
            words += [("~" if value.startswith("~") else "") + word for word in value.lstrip("~").split()]
    return ",".join(words)


def test_the_units_user_can_be_made(tmp_path):
    (tmp_path / "etc").mkdir()
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", str(ROOT / "dist/vouch.sysusers")], check=True)
    unit = dict(settings_of_unit())
    assert (tmp_path / "etc/passwd").read_text().startswith(f"{unit['User']}:")
    assert (tmp_path / "etc/group").read_text().startswith(f"{unit['Group']}:")


@pytest.fixture(name="confined")
def fixture_confined(tmp_path):
    port = free_port()
    os.chown(tmp_path, NOBODY, NOBODY)
    program_for_others("vouchd", tmp_path)
    shutil.copy(CONFINED, tmp_path)
    prefix = [*as_user(NOBODY, "--no-new-privs", "--inh-caps=-all,+net_bind_service", "--ambient-caps=-all,+net_bind_service",
                       "--bounding-set=-all,+net_bind_service"),
              sys.executable, str(tmp_path / CONFINED.name), filter_of_unit()]
    settings = {"listen": [f"127.0.0.1@{port}"], "cache": {"file": str(tmp_path / "cache")}}
    with Vouchd(tmp_path, settings, prefix=prefix, build=tmp_path) as vouchd:
        vouchd.port = port
        yield vouchd


def test_vouchd_lives_with_what_the_unit_allows(confined):
    assert_answers(confined.port)
    assert objects(confined.socket, "status")[0]["pid"] == confined.process.pid
    assert confined.directory.joinpath("control.sock").stat().st_gid == NOBODY
    (reload,) = (value for key, value in settings_of_unit() if key == "ExecReload")
    subprocess.run(shlex.split(reload.replace("$MAINPID", str(confined.process.pid))), check=True)
    confined.await_log("reloaded")
    assert_answers(confined.port)
    complaints = [line for line in confined.log().splitlines() if "ermi" in line or "denied" in line]
    assert not complaints


def test_the_confinement_confines():
    """Else the test above could not fail."""
    code = "import os\ntry: os.chroot('/')\nexcept PermissionError: print('refused')"
    command = [sys.executable, str(CONFINED), filter_of_unit(), sys.executable, "-c", code]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "refused\n"
    without = [word for word in filter_of_unit().split(",") if word != "@chown"]
    code = "import os\ntry: os.chown('/', -1, -1)\nexcept PermissionError: print('refused')"
    command = [sys.executable, str(CONFINED), ",".join(without), sys.executable, "-c", code]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "refused\n"
