"""The lab itself: its servers answer, its sound zones verify, and its broken zones are broken in the way they say."""

import base64
import time

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rdatatype
import pytest

from lab import Lab, network
from lab.instance import AUTHORITATIVE, answers_for

TIMEOUT_S = 30
DAY_S = 86400


class Reply:
    """What an authoritative server says: the set that was asked for, its signatures, and the rest."""

    def __init__(self, message, qname, qtype):
        self.message = message
        self.rrset = message.get_rrset(message.answer, qname, dns.rdataclass.IN, qtype)
        self.signatures = message.get_rrset(message.answer, qname, dns.rdataclass.IN, dns.rdatatype.RRSIG, qtype)

    @property
    def signature(self):
        assert len(self.signatures) == 1
        return self.signatures[0]


def ask(lab, zone, host, qtype, server=None):
    """The first server of the zone, unless another is named."""
    origin = dns.name.from_text(zone)
    qname = dns.name.from_text(host, origin) if host != "@" else origin
    qtype = dns.rdatatype.from_text(qtype)
    name = server or lab.description.zones[origin].all_servers[0]
    address = lab.description.servers[name].addresses[0]
    question = dns.message.make_query(qname, qtype, want_dnssec=True)
    question.flags &= ~dns.flags.RD
    with network.inside(lab.netns):
        return Reply(dns.query.tcp(question, address, TIMEOUT_S), qname, qtype)


def key_rings(lab, zone):
    return {dns.name.from_text(zone): ask(lab, zone, "@", "DNSKEY").rrset}


def verifies(lab, zone, host="www", qtype="A"):
    """As dnspython sees it, which shares no code with the lab's signer."""
    reply = ask(lab, zone, host, qtype)
    try:
        dns.dnssec.validate(reply.rrset, reply.signatures, key_rings(lab, zone), now=lab.now)
    except dns.dnssec.ValidationFailure:
        return False
    return True


def ds_set(lab, zone):
    parent = lab.description.parent_of(dns.name.from_text(zone))
    server = lab.description.zones[parent].all_servers[0]
    return ask(lab, zone, "@", "DS", server=server).rrset


def matching_ds(lab, zone):
    """The DS records that fit a published key."""
    origin = dns.name.from_text(zone)
    keys = ask(lab, zone, "@", "DNSKEY").rrset
    digests = {1: "SHA1", 2: "SHA256", 4: "SHA384"}
    return [ds for ds in ds_set(lab, zone) for key in keys
            if ds.digest_type in digests and dns.dnssec.make_ds(origin, key, digests[ds.digest_type], validating=True) == ds]


def test_every_server_answers_for_its_zones(lab):
    with network.inside(lab.netns):
        for zone in lab.description.zones.values():
            for server in zone.servers:
                if lab.description.servers[server].software in AUTHORITATIVE:
                    for address in lab.description.servers[server].addresses:
                        assert answers_for(address, zone.name), (server, zone.name)


def test_both_programs_serve(lab):
    kinds = {server.software for server in lab.description.servers.values()}
    assert kinds == {"nsd", "knot", "mute", "closed", "absent"}


def test_hints_and_anchor_fit_the_root(lab):
    assert " NS " in lab.hints.read_text()
    anchor = lab.anchor.read_text().split(" DS ")[1].strip()
    root_keys = ask(lab, ".", "@", "DNSKEY").rrset
    assert anchor in [str(dns.dnssec.make_ds(dns.name.root, key, "SHA256")) for key in root_keys]


@pytest.mark.parametrize("zone, algorithm", [
    ("rsasha1.alg.", 5), ("rsasha1-nsec3.alg.", 7), ("rsasha256.alg.", 8), ("rsasha512.alg.", 10),
    ("ecdsap256sha256.alg.", 13), ("ecdsap384sha384.alg.", 14), ("ed25519.alg.", 15), ("ed448.alg.", 16)])
def test_each_algorithm_verifies(lab, zone, algorithm):
    assert ask(lab, zone, "www", "A").signature.algorithm == algorithm
    assert verifies(lab, zone)
    assert matching_ds(lab, zone)


@pytest.mark.parametrize("zone, digests", [
    ("sha1.digest.", {1}), ("sha256.digest.", {2}), ("sha384.digest.", {4}), ("all.digest.", {1, 2, 4})])
def test_each_digest_fits(lab, zone, digests):
    assert {ds.digest_type for ds in matching_ds(lab, zone)} == digests


def test_expired(lab):
    assert ask(lab, "expired.broken.", "www", "A").signature.expiration < lab.now - DAY_S
    assert ask(lab, "expired.broken.", "@", "DNSKEY").signature.expiration < lab.now - DAY_S


def test_only_the_data_expired(lab):
    assert not verifies(lab, "expired-data.broken.", qtype="A")
    assert verifies(lab, "expired-data.broken.", qtype="AAAA")


def test_not_yet_valid(lab):
    assert ask(lab, "not-yet-valid.broken.", "www", "A").signature.inception > lab.now + DAY_S


def test_expired_before_valid(lab):
    signature = ask(lab, "expired-before-valid.broken.", "www", "A").signature
    assert signature.expiration < signature.inception


def test_wrong_ds(lab):
    assert ds_set(lab, "wrong-ds.broken.") and not matching_ds(lab, "wrong-ds.broken.")
    assert verifies(lab, "wrong-ds.broken.")


def test_missing_dnskey(lab):
    assert ds_set(lab, "no-dnskey.broken.")
    assert ask(lab, "no-dnskey.broken.", "@", "DNSKEY").rrset is None


def test_unsigned_below_a_ds(lab):
    assert ds_set(lab, "unsigned.broken.")
    assert ask(lab, "unsigned.broken.", "www", "A").signatures is None


def test_missing_rrsig(lab):
    assert ask(lab, "no-signature-on-data.broken.", "www", "A").signatures is None
    assert ask(lab, "no-signature-on-data.broken.", "www", "AAAA").signatures
    assert ask(lab, "no-signature-on-keys.broken.", "@", "DNSKEY").signatures is None


@pytest.mark.parametrize("zone", [
    "flipped-data.broken.", "flipped-rsa.broken.", "flipped-ed25519.broken.", "altered-data.broken."])
def test_bad_signature_alone_is_wrong(lab, zone):
    signature = ask(lab, zone, "www", "A").signature
    assert signature.inception < lab.now < signature.expiration and signature.signer == dns.name.from_text(zone)
    assert not verifies(lab, zone, qtype="A")
    assert verifies(lab, zone, qtype="AAAA")


def test_wrong_signer(lab):
    assert ask(lab, "wrong-signer.broken.", "www", "A").signature.signer == dns.name.from_text("broken.")


@pytest.mark.parametrize("zone, labels", [
    ("labels-too-many.broken.", 4), ("labels-too-few.broken.", 2), ("labels-below-signer.broken.", 1)])
def test_wrong_labels_count(lab, zone, labels):
    assert ask(lab, zone, "www", "A").signature.labels == labels != 3


def test_too_few_labels_are_signed_as_a_wildcard_would_be(lab):
    assert verifies(lab, "labels-too-few.broken.")


def test_wrong_nsec_gap(lab):
    authority = ask(lab, "nsec-narrow.gap.", "nothing", "A").message.authority
    gaps = [(rrset.name, rrset[0].next) for rrset in authority if rrset.rdtype == dns.rdatatype.NSEC]
    denied = dns.name.from_text("nothing.nsec-narrow.gap.")
    assert gaps and not any(owner < denied < following for owner, following in gaps)


@pytest.mark.parametrize("zone", ["stripped.", "stripped3."])
def test_stripped_proof_of_no_ds(lab, zone):
    reply = ask(lab, f"plain.{zone}", "@", "DS", server="tld-nsd")
    assert not [rrset for rrset in reply.message.authority
                if rrset.rdtype == dns.rdatatype.NSEC and rrset.name == dns.name.from_text(f"plain.{zone}")]


def test_unknown_algorithm_only(lab):
    assert {key.algorithm for key in ask(lab, "unassigned.alg.", "@", "DNSKEY").rrset} == {100}
    assert {ds.algorithm for ds in ds_set(lab, "unassigned.alg.")} == {100}


def test_unsupported_and_supported_together(lab):
    assert {ds.algorithm for ds in ds_set(lab, "unsupported-and-supported.alg.")} == {13, 100}
    signatures = ask(lab, "unsupported-and-supported.alg.", "www", "A").signatures
    assert {signature.algorithm for signature in signatures} == {13, 100}
    assert verifies(lab, "unsupported-and-supported.alg.")


def test_unknown_digest_only(lab):
    assert {ds.digest_type for ds in ds_set(lab, "unassigned.digest.")} == {99}


def test_key_flags_and_protocol(lab):
    assert {key.flags for key in ask(lab, "no-zone-bit.broken.", "@", "DNSKEY").rrset} == {0, 1}
    assert {key.protocol for key in ask(lab, "protocol.broken.", "@", "DNSKEY").rrset} == {2}
    assert 385 in {key.flags for key in ask(lab, "revoked.broken.", "@", "DNSKEY").rrset}


def test_colliding_key_tags(lab):
    keys = ask(lab, "keytrap.broken.", "@", "DNSKEY").rrset
    tag = ask(lab, "keytrap.broken.", "www", "AAAA").signature.key_tag
    assert sum(dns.dnssec.key_id(key) == tag for key in keys) == 8
    assert len(ask(lab, "keytrap.broken.", "www", "A").signatures) == 8


@pytest.mark.parametrize("iterations", [50, 51, 150, 200])
def test_nsec3_iterations(lab, iterations):
    authority = ask(lab, f"iterations-{iterations}.denial.", "nothing", "A").message.authority
    proofs = [rrset[0] for rrset in authority if rrset.rdtype == dns.rdatatype.NSEC3]
    assert len(proofs) >= 2 and {proof.iterations for proof in proofs} == {iterations}


def test_opt_out_hides_unsigned_delegations(lab):
    authority = ask(lab, "optout.", "nothing", "A", server="tld-nsd").message.authority
    assert all(rrset[0].flags & 1 for rrset in authority if rrset.rdtype == dns.rdatatype.NSEC3)


def test_another_edition_on_another_server(lab):
    assert ask(lab, "half-unsigned.reach.", "www", "A", server="sld-nsd").signatures
    assert ask(lab, "half-unsigned.reach.", "www", "A", server="other-nsd").signatures is None


def test_lame_server_refuses(lab):
    reply = ask(lab, "lame.reach.", "www", "A", server="sld-knot")
    assert reply.message.rcode() == dns.rcode.REFUSED


def test_large_answers_are_truncated_over_udp(lab):
    question = dns.message.make_query("t4000.big.odd.", "TXT", want_dnssec=True, payload=1232)
    address = lab.description.servers["sld-nsd"].addresses[0]
    with network.inside(lab.netns):
        reply = dns.query.udp(question, address, TIMEOUT_S)
    assert reply.flags & dns.flags.TC


def test_mute_server_keeps_silent(lab):
    address = lab.description.servers["mute"].addresses[0]
    with network.inside(lab.netns), pytest.raises(dns.exception.Timeout):
        dns.query.udp(dns.message.make_query("mute.reach.", "SOA"), address, 0.2)


def test_part_of_the_hierarchy_at_another_time_beside_another_lab(lab):
    past = 1_500_000_000
    with Lab(only=["demo."], now=past) as small:
        assert {str(name) for name in small.description.zones} == {
            ".", "demo.", "secure.demo.", "insecure.demo.", "bogus.demo."}
        signature = ask(small, "secure.demo.", "www", "A").signature
        assert signature.inception < past < signature.expiration < time.time()
        assert small.anchor.read_text() == lab.anchor.read_text()


def test_leaves_nothing_behind():
    lab = Lab(only=["demo."])
    with lab:
        directory = lab.directory
        pids = [int(path.read_text().split()[0]) for path in directory.glob("servers/*/pid")]
        assert pids and network.exists(lab.netns)
    assert not directory.exists() and not network.exists(lab.netns)
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        assert lab.netns not in mounts.read()
    for process in lab._children.values():
        assert process.returncode is not None


def test_wrong_nsec3_owners(lab):
    """The record stands, properly signed, under a hash that no name of the zone has."""
    authority = ask(lab, "bad-nsec3-hash.extended.", "www", "TXT").message.authority
    assert dns.dnssec.nsec3_hash("www.bad-nsec3-hash.extended.", "", 0, "SHA1").lower() not in [
        rrset.name.labels[0].decode() for rrset in authority if rrset.rdtype == dns.rdatatype.NSEC3]


def test_nsec3_without_gaps(lab):
    authority = ask(lab, "bad-nsec3-next.extended.", "nothing", "A").message.authority
    spans = [rrset for rrset in authority if rrset.rdtype == dns.rdatatype.NSEC3]
    following = {base64.b32hexdecode(rrset.name.labels[0].upper()): rrset[0].next for rrset in spans}
    assert spans and all(int.from_bytes(after, "big") - int.from_bytes(own, "big") == 1
                         for own, after in following.items())
