"""Processes on a given core, and what they cost."""

import os
import pathlib
import re
import signal
import subprocess
import time

END_TIMEOUT_S = 30
POLL_S = 0.005
CPUCLOCK_SCHED = 2                  # the kernel's clock of a process, all its threads, user and system


class Process:
    """One process, with what it starts: a session of its own."""

    def __init__(self, command, log, cpus):
        """cpus: the cores it may run on."""
        own = os.sched_getaffinity(0)
        os.sched_setaffinity(0, cpus)       # inherited, without the cost of another program in between
        try:
            with open(log, "ab") as file:
                self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=file,
                                                stderr=file, start_new_session=True)
        finally:
            os.sched_setaffinity(0, own)
        self.log = pathlib.Path(log)

    def members(self):
        """Pids of its session."""
        return [pid for pid in _pids() if _session(pid) == self.process.pid]

    def cpu_ns(self):
        """User and system, all threads and processes."""
        return sum(filter(None, map(_cpu_ns, self.members())))

    def memory(self):
        """Octets, cache files on a tmpfs included as far as they are in use: Knot allocates all of its file at once."""
        return sum(map(_proportional_octets, self.members()))

    def is_running(self):
        return self.process.poll() is None

    def freeze(self):
        self._signal(signal.SIGSTOP)

    def thaw(self):
        self._signal(signal.SIGCONT)

    def stop(self):
        """With all it has started; its exit code."""
        self._signal(signal.SIGTERM)
        if not self._await_end():
            self._signal(signal.SIGKILL)
            if not self._await_end():
                raise TimeoutError(f"process {self.process.pid} does not end")
        return self.process.returncode

    def _signal(self, number):
        for pid in self.members():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def _await_end(self):
        deadline = time.monotonic() + END_TIMEOUT_S
        while self.process.poll() is None or self.members():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True


def _pids():
    return [int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()]


def _session(pid):
    """None for a process that is gone or a zombie."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, _, _, session = text[text.rindex(")") + 2:].split()[:4]
    return None if state in "ZX" else int(session)


def _cpu_ns(pid):
    try:
        return time.clock_gettime_ns(~pid << 3 | CPUCLOCK_SCHED)
    except OSError:
        return None


def _proportional_octets(pid):
    """Pages it has touched, of its own and in shared mappings; those of several processes count for each in part."""
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(re.search(r"^Pss:\s*(\d+) kB$", text, re.MULTILINE)[1]) * 1024
