"""Some mutants of tests/differential: R4.2-a to R4.2-d, R4.3, R4.6-b.  README.md tells how to ask about more."""

import re
import time

import compare
import explained
import pytest
from vouchd import program

SEED, MUTANTS = 2026, 150
PEERS = ("Unbound", "Knot", "PowerDNS")


@pytest.fixture(scope="module")
def subjects():
    return compare.available(["vouchd", *PEERS], program("vouchd"))


@pytest.fixture(scope="module")
def asked(subjects):
    with compare.running(SEED, int(time.time()), subjects[0]) as (world, askers):
        return world, list(compare.ask_all(world, range(MUTANTS), askers))


@pytest.fixture(scope="module")
def rows(asked):
    return asked[1]


def told(rows):
    return [f"{row.title} ({row.kind}): {row.expected}, {row.outcomes}" for row in rows]


def test_nothing_is_believed_that_is_not_proven(rows):
    """A small validator that knows all the servers' replies is the judge."""
    assert told([row for row in rows if row.has_fault("vouchd")]) == []


def test_every_question_is_answered(rows):
    """And nearly all without a server that seemed too slow: else there would be nothing to compare."""
    assert told([row for row in rows if row.outcomes["vouchd"].rcode is None]) == []
    unreachable = [row for row in rows if row.outcomes["vouchd"].is_unreachable]
    assert len(unreachable) < len(rows) / 2


def test_sound_zones_are_sound(rows):
    sound = [row for row in rows if row.kind == "zone/sound"]
    assert sound and told([row for row in sound if row.is_refused("vouchd")]) == []


def test_vouchd_never_stands_alone(rows, subjects):
    """Against the reference and all others."""
    installed, missing = subjects
    others = [peer.name for peer in installed if peer.name != "vouchd"]
    if not others:
        pytest.skip(f"nobody to compare with: {', '.join(missing)} not installed (scripts/deps test)")
    alone = [row for row in rows if row.is_refused("vouchd") and not any(row.is_refused(other) for other in others)]
    assert told(alone) == []


def test_deviations_are_explained(asked):
    """Where vouchd says otherwise than the reference, doc/differences.md says why."""
    world, rows = asked
    assert [(finding.did, *told([finding.row])) for finding in explained.explain(rows, world)
            if finding.subject == "vouchd" and finding.paragraph is None] == []


def test_explanations_are_told():
    text = (compare.ROOT / "doc" / "differences.md").read_text()
    titles = set(re.findall(r"^\*\*(.+?)\.?\*\*", text, re.MULTILINE))
    assert {rule.paragraph for rule in explained.RULES} - titles == set()


@pytest.mark.parametrize("peer", PEERS)
def test_peers_are_there(subjects, peer):
    if peer in subjects[1]:
        pytest.skip(f"{peer} is not installed: it was not compared (scripts/deps test)")
