"""What no server is asked for, because what is known denies it or yields it (RFC 8198, RFC 8020): counted at vouchd,
and validated once more by another validator behind it."""

import dns.name
import dns.rcode
import pytest
import yaml
from client import ask_all, is_authentic, make_question
from control import objects
from tool import vouch_json
from vouchd import vouchd_in_lab

from lab import network

HOST = "127.0.0.1"
RANDOM_NAMES = 1000
ZONES = ["nsec.denial.", "nsec3.denial.", "nsec3-rsa.denial."]
GAPS_MAX = 80               # more than the NSEC or NSEC3 records of each of these zones


class Counted:
    """A vouchd and what it asks."""

    def __init__(self, lab, vouchd):
        self.lab, self.vouchd = lab, vouchd

    def _sum(self, metric):
        stats, = objects(self.vouchd.socket, "stats")
        return sum(value for name, value in stats.items() if name.startswith(metric))

    def upstream(self):
        return self._sum("vouch_upstream_questions_total")

    def synthesised(self):
        return self._sum("vouch_synthesised_answers_total")

    def ask(self, names, qtype="A", **options):
        with network.inside(self.lab.netns):
            return ask_all(HOST, [make_question(name, qtype, **options) for name in names], at_once=1)


@pytest.fixture
def running(lab, tmp_path):
    with vouchd_in_lab(lab, tmp_path, {"workers": 1}) as vouchd:
        yield Counted(lab, vouchd)


@pytest.mark.parametrize("zone", ZONES)
def test_random_names_are_soon_known_not_to_exist(running, zone):
    """A flood of random names reaches the zone's servers once a gap."""
    replies = running.ask([f"r{number}.{zone}" for number in range(RANDOM_NAMES)])
    assert all(reply.rcode() == dns.rcode.NXDOMAIN and is_authentic(reply) for reply in replies)
    assert running.upstream() <= GAPS_MAX
    assert running.synthesised() >= RANDOM_NAMES - GAPS_MAX


@pytest.mark.parametrize("zone", ZONES)
def test_a_validator_behind_it_agrees(running, zone):
    """RFC 8198 section 5: name error, no data and expansion come with all that proves them."""
    cases = [("nothing", "A", "NXDOMAIN"), ("a.b.nothing", "A", "NXDOMAIN"), ("www", "MX", "NOERROR"),
             ("ent", "A", "NOERROR"), ("x7.wild", "A", "NOERROR"), ("y.x7.wild", "A", "NOERROR"),
             ("x7.wild", "MX", "NOERROR"), ("x7.wildalias", "A", "NOERROR")]
    running.ask([f"r{number}.{zone}" for number in range(GAPS_MAX)])
    running.ask([f"r{number}.{parent}.{zone}" for number in range(GAPS_MAX) for parent in ("wild", "wildalias")])
    running.ask([f"{owner}.{zone}" for owner in ("nothing0", "www", "ent", "*.wild")], "LOC")
    for owner, qtype, rcode in cases:
        known, asked = running.synthesised(), running.upstream()
        _, told = vouch_json(running.lab, f"@{HOST}", f"{owner}.{zone}", qtype, "--anchor", running.lab.anchor,
                             root=False)
        assert (told["rcode"], told["security"]) == (rcode, "secure"), (owner, told)
        assert running.synthesised() > known and running.upstream() == asked, owner


def test_what_exists_below_an_unsigned_delegation_is_asked_for(running):
    """All gaps are known; names in the unsigned and the signed child are there all the same."""
    for zone in ZONES:
        running.ask([f"r{number}.{zone}" for number in range(GAPS_MAX)])
        plain, signed = running.ask([f"www.plain.{zone}", f"www.signed.{zone}"])
        assert plain.answer and not is_authentic(plain)
        assert signed.answer and is_authentic(signed)


def test_switches(running):
    """resolver.aggressive-nsec, changed while vouchd runs."""
    zone = ZONES[0]
    first = yaml.safe_load(running.vouchd.config_path.read_text())

    def asked_with(name, **switches):
        changed = first | {"resolver": first["resolver"] | {"aggressive-nsec": switches}}
        running.vouchd.config_path.write_text(yaml.safe_dump(changed))
        objects(running.vouchd.socket, "reload")
        before = running.upstream()
        reply, = running.ask([f"{name}.{zone}"])
        assert reply.rcode() == dns.rcode.NXDOMAIN
        return running.upstream() - before

    running.ask([f"r{number}.{zone}" for number in range(GAPS_MAX)])
    assert asked_with("q1", enabled=False) > 0
    asked_with("q2", enabled=True)      # the proofs went with the settings, or did not
    assert asked_with("q2a", enabled=True) == 0
    assert asked_with("q3", enabled=True, **{"except": ["denial."]}) > 0
