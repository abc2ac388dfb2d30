"""vouchd as an operator has it: a configuration file, a process, its log and its exit code."""

import glob
import os
import pathlib
import signal
import subprocess
import time

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = pathlib.Path(os.environ.get("VOUCH_BUILD", ROOT / "build"))
SANITIZED = pathlib.Path(os.environ.get("VOUCH_BUILD_ASAN", ROOT / "build-asan"))

READY_TIMEOUT_S = 60    # generous: only spent when vouchd does not come up
END_TIMEOUT_S = 60
POLL_S = 0.02


def program(name, build=RELEASE):
    path = build / name
    if not path.exists():
        pytest.fail(f"{path} is not built")
    return str(path)


def faketime(instant=None, file=None):
    """Environment with another wall clock; timers go on by the real one.

    instant: "YYYY-MM-DD hh:mm:ss" UTC, where it starts.  file: says in the same form where it stands still, and may be
    written anew at any time."""
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not found:
        pytest.fail("libfaketime is not installed: scripts/deps test")
    wanted = {"FAKETIME": f"@{instant}"} if file is None else {
        "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_NO_CACHE": "1"}
    return wanted | {"LD_PRELOAD": found[0], "TZ": "UTC", "DONT_FAKE_MONOTONIC": "1",
                     "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


class Clock:
    """The file of faketime(): stands still, at so many seconds from the lab's time."""

    def __init__(self, lab, path):
        self._lab, self.path = lab, path
        self.set(0)

    def set(self, offset_s):
        instant = time.gmtime(self._lab.now + offset_s)
        new = self.path.with_suffix(".new")
        new.write_text(time.strftime("%Y-%m-%d %H:%M:%S\n", instant))
        new.replace(self.path)         # never read half written


def write_config(directory, settings):
    """The settings, and files that this test alone uses; returns the path."""
    private = {"state-directory": str(directory / "state"), "control-socket": str(directory / "control.sock")}
    settings = private | settings
    settings["cache"] = {"file": "none"} | settings.get("cache", {})
    # Nothing asks by itself unless a test is about that.
    settings["trust"] = {"automatic-update": False, "signal-anchors": False} | settings.get("trust", {})
    path = directory / "vouch.yaml"
    path.write_text(yaml.safe_dump(settings, sort_keys=False))
    return path


class Vouchd:
    """with Vouchd(directory, {"listen": […]}) as vouchd: … — ready inside, ended without complaint afterwards."""

    def __init__(self, directory, settings, prefix=(), environment=None, build=RELEASE):
        """directory: an empty one of the test.  prefix: a command that runs another, like ip netns exec NAME."""
        self.directory = directory
        self.log_path = directory / "log"
        self.socket = directory / "control.sock"
        self.config_path = write_config(directory, settings)
        # env(1) behind the prefix: what is preloaded is for vouchd alone
        variables = [f"{name}={value}" for name, value in (environment or {}).items()]
        self._command = [*prefix, "env", *variables, program("vouchd", build), "-c", str(self.config_path)]
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, failed, *_):
        code = self.stop()
        if not failed:
            assert code == 0, f"exit code {code}\n{self.log()}"

    def start(self, awaited="ready"):
        """awaited: the end of a line in the log; None: do not wait."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            if awaited is not None:
                self.await_log(awaited)
        except BaseException:
            self.stop()
            raise

    def log(self):
        return self.log_path.read_text(errors="replace")

    def await_log(self, words, count=1):
        """Until so many lines of the log end with these words."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while sum(line.endswith(words) for line in self.log().splitlines()) < count:
            assert self.process.poll() is None, f"vouchd ended with {self.process.returncode}\n{self.log()}"
            assert time.monotonic() < deadline, f"no \"{words}\" in the log\n{self.log()}"
            time.sleep(POLL_S)

    def send_signal(self, number):
        self.process.send_signal(number)

    def is_running(self):
        return self.process.poll() is None

    def stop(self, number=signal.SIGTERM):
        """Exit code; None behind a kill."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None


def run_vouchd(arguments, build=RELEASE, **options):
    """To its end: (exit code, output and log in one text)."""
    done = subprocess.run([program("vouchd", build), *map(str, arguments)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=END_TIMEOUT_S, **options)
    return done.returncode, done.stdout


def vouchd_in_lab(lab, directory, settings=None, prefix=(), **options):
    """Inside the lab's namespace, with its root servers and trust anchor; settings within a section add to that."""
    merged = {
        "listen": ["127.0.0.1@53"],
        "resolver": {"root-hints": str(lab.hints)},
        "trust": {"anchors": [], "anchor-files": [str(lab.anchor)]},
    }
    for key, value in (settings or {}).items():
        merged[key] = merged.get(key, {}) | value if isinstance(value, dict) else value
    return Vouchd(directory, merged, prefix=["ip", "netns", "exec", lab.netns, *prefix], **options)
