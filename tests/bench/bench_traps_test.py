"""The traps of bench/ are traps: sound but for what they are made of (CVE-2023-50387, CVE-2023-50868)."""

import subprocess
import time

import dns.dnssec
import dns.name
import dns.rdatatype
import dns.zone
import pytest

from bench import traps

NAMED = {trap.name: trap for trap in traps.TRAPS}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(traps, "NAMES", 2)
        patch.setattr(traps, "ZONES", 1)
        return traps.build(tmp_path_factory.mktemp("traps") / "zones", int(time.time()))


def records(built, trap, owner, rdtype, covers=dns.rdatatype.NONE):
    files, _ = built
    name = trap.zone_names[0]
    zone = dns.zone.from_file(str(files[name]), name, relativize=False)
    return zone.get_rdataset(dns.name.from_text(owner), rdtype, covers) or []


@pytest.mark.parametrize("name", ["keys", "signatures", "both", "ds", "slow"])
def test_keys_of_one_tag_and_signatures_that_do_not_verify(built, name):
    trap = NAMED[name]
    zone = trap.zone_names[0]
    keys = records(built, trap, zone, "DNSKEY")
    trapped = [key for key in keys if dns.dnssec.key_id(key) == traps.TAG and key.algorithm == trap.algorithm]
    assert len(trapped) >= trap.keys
    owner, covered = (zone, "DNSKEY") if trap.ds else (f"h0.{zone}", "A")
    signatures = records(built, trap, owner, "RRSIG", covered)
    assert len(signatures) == trap.signatures
    assert all(signature.key_tag == traps.TAG for signature in signatures)
    rrset = records(built, trap, owner, covered)
    owner = dns.name.from_text(owner)
    with pytest.raises(dns.dnssec.ValidationFailure):
        dns.dnssec.validate((owner, rrset), (owner, signatures), {dns.name.from_text(zone): keys})


def test_each_ds_names_a_key(built):
    trap = NAMED["ds"]
    _, delegations = built
    delegation = next(each for each in delegations if each.name == trap.zone_names[0])
    zone = dns.name.from_text(delegation.name)
    made = {dns.dnssec.make_ds(zone, key, "SHA256").to_text() for key in records(built, trap, delegation.name, "DNSKEY")}
    assert len(set(delegation.ds)) == trap.ds and set(delegation.ds) <= made


def test_aliases_are_signed_well(built):
    trap = NAMED["good"]
    zone = trap.zone_names[0]
    keys = {dns.name.from_text(zone): records(built, trap, zone, "DNSKEY")}
    owner, links = dns.name.from_text(f"h0.{zone}"), 0
    while alias := records(built, trap, owner.to_text(), "CNAME"):
        signatures = records(built, trap, owner.to_text(), "RRSIG", "CNAME")
        assert signatures[0].algorithm == trap.algorithm
        dns.dnssec.validate((owner, alias), (owner, signatures), keys)
        owner, links = alias[0].target, links + 1
    assert links == trap.aliases and records(built, trap, owner.to_text(), "A")


def must_be_sound(built, zone):
    files, _ = built
    done = subprocess.run(["dnssec-verify", "-o", zone, files[zone]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    assert done.returncode == 0, done.stdout


def test_nsec3_is_sound(built):
    must_be_sound(built, NAMED["nsec3"].zone_names[0])


def test_a_chain_leads_through_sound_zones(built):
    trap = NAMED["chain"]
    files, delegations = built
    delegated = {each.name: each.ds for each in delegations}
    names = trap.zone_names[:trap.chain]
    for name, following in zip(names, [*names[1:], None]):
        zone = dns.zone.from_file(str(files[name]), name, relativize=False)
        owner = dns.name.from_text(f"h0.{name}")
        keys = zone.get_rdataset(zone.origin, "DNSKEY")
        made = {dns.dnssec.make_ds(zone.origin, key, "SHA256").to_text() for key in keys}
        assert set(delegated[name]) <= made
        must_be_sound(built, name)
        alias = zone.get_rdataset(owner, "CNAME")
        assert alias[0].target == dns.name.from_text(f"h0.{following}") if following else zone.get_rdataset(owner, "A")
