"""vouch, the tool, in the lab."""

import json
import subprocess

from vouchd import END_TIMEOUT_S, program


def vouch(lab, *arguments, root=True):
    """(exit code, output, complaints)"""
    own_root = ["--root-hints", lab.hints, "--anchor", lab.anchor] if root else []
    done = lab.exec([program("vouch"), *own_root, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                    encoding="utf-8", timeout=END_TIMEOUT_S)
    return done.returncode, done.stdout, done.stderr


def vouch_json(lab, *arguments, **options):
    code, output, complaints = vouch(lab, "--json", *arguments, **options)
    assert output, complaints
    told = json.loads(output)
    assert told["version"] == 1
    return code, told
