"""vouchctl as an operator or a program calls it."""

import json
import subprocess

from vouchd import END_TIMEOUT_S, RELEASE, program


def vouchctl(socket, *arguments, prefix=(), build=RELEASE):
    """(exit code, output, complaints)"""
    done = subprocess.run([*prefix, program("vouchctl", build), "-s", str(socket), *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=END_TIMEOUT_S)
    return done.returncode, done.stdout, done.stderr


def objects(socket, *arguments):
    """What --json prints, line by line, of a command that is carried out."""
    code, output, complaints = vouchctl(socket, "--json", *arguments)
    assert code == 0, output + complaints
    found = [json.loads(line) for line in output.splitlines()]
    assert all(one["version"] == 1 for one in found)
    return found
