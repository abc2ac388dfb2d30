"""Starts processes, remembers them in files, and ends those alone."""

import contextlib
import os
import pathlib
import signal
import subprocess
import time

END_TIMEOUT_S = 20
POLL_S = 0.02


def start(command, directory):
    """Detached, output to directory/log; directory/pid tells later who it was."""
    with open(directory / "log", "wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    (directory / "pid").write_text(f"{process.pid} {_start_time(process.pid)}\n")
    return process


def end(pid_file):
    """Ends the process and its whole session.  A pid that another process has by now is left alone."""
    pid, started = pid_file.read_text().split()
    leader = int(pid)
    if _start_time(leader) not in (started, None):
        return
    # A session's number is not given away while the session has members, even if its leader is gone.
    members = _session(leader)
    for number in (signal.SIGTERM, signal.SIGKILL):
        _signal(members, number)
        if _are_gone(members):
            return
    raise TimeoutError(f"process {leader} does not end")


def _session(leader):
    """Pid and start time of a server and of its workers: all stay in the session that start() made."""
    members = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields and int(fields[3]) == leader:
                members.append((int(entry.name), fields[19]))
    return members


def _signal(members, number):
    for pid, began in members:
        if _start_time(pid) == began:
            with contextlib.suppress(ProcessLookupError):       # it may end between the look and the signal
                os.kill(pid, number)


def _are_gone(members):
    """Waits for that, up to a limit."""
    deadline = time.monotonic() + END_TIMEOUT_S
    while any(_start_time(pid) == began for pid, began in members):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _start_time(pid):
    """In clock ticks since boot; None for a process that is gone or a zombie."""
    fields = _stat(pid)
    return fields[19] if fields and fields[0] not in "ZX" else None


def _stat(pid):
    """The fields of /proc/PID/stat after the command's name, which may hold spaces (proc(5))."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text[text.rindex(")") + 2:].split()
