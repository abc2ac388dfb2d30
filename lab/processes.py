"""Starts processes, remembers them in files, and ends those alone."""

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
    """The process and its whole session.  A pid that another process has by now is left alone."""
    pid, started = pid_file.read_text().split()
    pid = int(pid)
    if _start_time(pid) != started:
        return
    members = _session(pid)
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + END_TIMEOUT_S
    while any(_start_time(member) == began for member, began in members):
        if time.monotonic() > deadline:
            _kill(members)
            deadline += END_TIMEOUT_S
        time.sleep(POLL_S)


def _session(leader):
    """The server forks workers; all stay in the session that start() made for it."""
    members = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields and int(fields[3]) == leader:
                members.append((int(entry.name), fields[19]))
    return members


def _kill(members):
    for pid, began in members:
        if _start_time(pid) == began:
            os.kill(pid, signal.SIGKILL)


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
