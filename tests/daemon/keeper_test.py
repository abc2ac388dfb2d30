"""The cache outlives vouchd in cache.file: after a clean end with its verdicts, after kill -9 without, and not at all
when the file is not our own."""

import os
import signal

import pytest
import yaml

from loopback import HOST, free_port
from vouchd import Vouchd

EMPTY, DATA, WARM, PRIVATE = "begins empty", "verdicts are made anew", "is warm", "the cache is in private memory"


@pytest.fixture
def vouchd(tmp_path):
    settings = {"listen": [f"{HOST}@{free_port()}"], "cache": {"size": "4MiB", "file": str(tmp_path / "run" / "cache")}}
    return Vouchd(tmp_path, settings)


def configure(vouchd, settings):
    """The same with these settings added."""
    vouchd.config_path.write_text(yaml.safe_dump(yaml.safe_load(vouchd.config_path.read_text()) | settings))


def start(vouchd, words, number=signal.SIGTERM):
    """Starts and ends it; the log says so."""
    if vouchd.log_path.exists():
        vouchd.log_path.unlink()
    vouchd.start()
    log = vouchd.log()
    vouchd.stop(number)
    assert any(line.endswith(words) for line in log.splitlines()), log


def test_restart(vouchd):
    start(vouchd, EMPTY)
    start(vouchd, WARM)
    start(vouchd, WARM, signal.SIGKILL)
    start(vouchd, DATA)
    start(vouchd, WARM)


def test_other_configuration(vouchd):
    """What is told locally is in no cache; other algorithms make other verdicts, other servers other data."""
    start(vouchd, EMPTY)
    configure(vouchd, {"local": {"data": ["host.lan. A 192.0.2.1"]}, "answers": {"minimal": False}})
    start(vouchd, WARM)
    configure(vouchd, {"validation": {"algorithms": {"deny": [8]}}})
    start(vouchd, DATA)
    configure(vouchd, {"resolver": {"forward": [{"zone": "example.", "to": ["192.0.2.1@53"]}]}})
    start(vouchd, EMPTY)
    configure(vouchd, {"resolver": {"forward": [{"zone": "example.", "to": ["192.0.2.2@53"]}]}})
    start(vouchd, EMPTY)
    start(vouchd, WARM)


def test_other_key(vouchd):
    """Without the key of its checks a region says nothing."""
    start(vouchd, EMPTY)
    key = vouchd.directory / "state" / "cache.key"
    assert key.stat().st_mode & 0o777 == 0o600 and key.stat().st_size == 192
    key.unlink()
    start(vouchd, EMPTY)
    key.write_bytes(b"short")
    start(vouchd, EMPTY)
    start(vouchd, WARM)


def test_not_our_file(vouchd):
    path = vouchd.directory / "run" / "cache"
    start(vouchd, EMPTY)
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    path.chmod(0o644)
    start(vouchd, PRIVATE)
    path.chmod(0o600)
    os.link(path, path.with_name("other"))
    start(vouchd, PRIVATE)
    path.unlink()
    path.symlink_to(path.with_name("other"))
    start(vouchd, PRIVATE)
    path.unlink()
    path.parent.chmod(0o777)
    start(vouchd, PRIVATE)
    path.parent.chmod(0o700)
    path.with_name("other").rename(path)
    start(vouchd, WARM)


def test_one_at_a_time(vouchd, tmp_path):
    other_directory = tmp_path / "other"
    other_directory.mkdir()
    vouchd.start()
    settings = {"listen": [f"{HOST}@{free_port()}"], "cache": {"size": "4MiB", "file": str(tmp_path / "run" / "cache")}}
    other = Vouchd(other_directory, settings)
    start(other, PRIVATE)
    vouchd.stop()
