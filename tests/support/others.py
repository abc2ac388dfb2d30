"""Programs run by somebody else than root, wherever the tree and pytest's own directories lie."""

import shutil

from vouchd import RELEASE, program

NOBODY = 65534


def let_others_in(directory):
    """Every user may go through it, and what leads to it."""
    for entry in [directory, *directory.parents[:-1]]:
        entry.chmod(entry.stat().st_mode | 0o011)


def as_user(uid, *options, gid=None):
    """A prefix for commands."""
    return ["setpriv", f"--reuid={uid}", f"--regid={uid if gid is None else gid}", "--clear-groups",
            *(options or ["--inh-caps=-all"])]


def program_for_others(name, directory, build=RELEASE):
    """A copy in the directory: home directories are closed to others."""
    let_others_in(directory)
    return shutil.copy(program(name, build), directory)
