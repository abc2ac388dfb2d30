"""confined.py SET[,SET…] COMMAND…: runs the command with no other system calls than those of the sets of
systemd.exec(5), each to be taken away behind a `~`; all others fail with EPERM."""

import errno
import os
import subprocess
import sys

import seccomp


def calls_of(name):
    """A set's system calls, those of the sets in it, too."""
    if not name.startswith("@"):
        return {name}
    said = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True, capture_output=True, text=True).stdout
    lines = [line.strip() for line in said.splitlines()[1:]]
    return set().union(*(calls_of(line) for line in lines if line and not line.startswith("#")))


def main():
    allowed = set()
    for word in sys.argv[1].split(","):
        calls = calls_of(word.lstrip("~"))
        allowed = allowed - calls if word.startswith("~") else allowed | calls
    allowed |= calls_of("@default") | {"execve"}    # systemd.exec(5): always allowed
    confinement = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    for call in sorted(allowed):
        if seccomp.resolve_syscall(seccomp.Arch(), call) >= 0:
            confinement.add_rule(seccomp.ALLOW, call)
    confinement.load()
    os.execvp(sys.argv[2], sys.argv[2:])


main()
