"""What vouchd makes of the whole real root zone: R4.2-a, R4.2-d, R4.3, R4.6-b, RFC 4035 sections 5.2 and 5.4."""

import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import pytest
from client import ask_all, ede_codes, is_authentic, make_question
from real_root import KSK_2017, names_outside, vouchd_of_2017

from lab import network

TLDS = 1547
NAMES = 1000
EDE_RRSIGS_MISSING = 10
EDE_CACHED_ERROR = 13


def ask_many(net, questions):
    with network.inside(net.netns):
        return ask_all("127.0.0.1", [make_question(*question) for question in questions])


def complaints(pairs):
    """Lines for the first few that are wrong, with the whole reply of the first."""
    wrong = [(what, text, reply) for what, text, reply in pairs if text]
    lines = [f"{what}: {text}" for what, text, _ in wrong[:20]]
    return "\n".join([f"{len(wrong)} are wrong", *lines, *(str(reply) for _, _, reply in wrong[:1])]) if wrong else ""


def judge_ds(zone, tld, reply):
    """What is wrong with the answer to TLD DS: the set as in the zone, or its proven absence, both with AD."""
    expected = zone.get_rdataset(tld, dns.rdatatype.DS)
    found = reply.get_rrset(reply.answer, tld, dns.rdataclass.IN, dns.rdatatype.DS)
    if reply.rcode() != dns.rcode.NOERROR:
        return f"{dns.rcode.to_text(reply.rcode())} {ede_codes(reply)}"
    if not is_authentic(reply):
        return "no AD"
    if expected is None:
        proves = any(rrset.rdtype == dns.rdatatype.NSEC and rrset.name == tld for rrset in reply.authority)
        return "" if not reply.answer and proves else "no proof that there is no DS"
    return "" if found is not None and set(found) == set(expected) else "another DS set than the zone's"


def test_every_delegation_is_secure_or_proven_insecure(root_servers, root_zone, tmp_path):
    assert len(root_zone.tlds) == TLDS
    with vouchd_of_2017(root_servers, tmp_path):
        replies = ask_many(root_servers, [(tld, "DS") for tld in root_zone.tlds])
    wrong = complaints((tld, judge_ds(root_zone.zone, tld, reply), reply)
                       for tld, reply in zip(root_zone.tlds, replies))
    assert not wrong, wrong


def test_what_does_not_exist_is_securely_denied(root_servers, root_zone, tmp_path):
    names = names_outside(root_zone.tlds, NAMES)
    with vouchd_of_2017(root_servers, tmp_path):
        replies = ask_many(root_servers, [(name, "A") for name in names])
    wrong = complaints((name, "" if reply.rcode() == dns.rcode.NXDOMAIN and is_authentic(reply) else "not denied", reply)
                       for name, reply in zip(names, replies))
    assert not wrong, wrong


@pytest.mark.parametrize("qtype", ["SOA", "NS", "DNSKEY", "NSEC"])
def test_apex_is_secure(root_servers, root_zone, tmp_path, qtype):
    with vouchd_of_2017(root_servers, tmp_path):
        reply, = ask_many(root_servers, [(dns.name.root, qtype)])
    rdtype = dns.rdatatype.from_text(qtype)
    found = reply.get_rrset(reply.answer, dns.name.root, dns.rdataclass.IN, rdtype)
    assert is_authentic(reply)
    assert set(found) == set(root_zone.zone.get_rdataset(dns.name.root, rdtype))


def test_a_key_that_does_not_sign_yet_validates_nothing(root_servers, root_zone, tmp_path):
    """20326 stands in the DNSKEY set, but its signature does not: the RRSIG that the anchor calls for is what is
    missing (RFC 8914 section 4.11), not the key (section 4.10)."""
    questions = [(tld, "DS") for tld in root_zone.tlds]
    questions += [(name, "A") for name in names_outside(root_zone.tlds, NAMES)]
    with vouchd_of_2017(root_servers, tmp_path, anchor=KSK_2017):
        replies = ask_many(root_servers, questions)
    wrong = complaints((question[0], judge_bogus(reply), reply) for question, reply in zip(questions, replies))
    assert not wrong, wrong


def judge_bogus(reply):
    if reply.rcode() != dns.rcode.SERVFAIL or reply.answer:
        return "not SERVFAIL"
    if is_authentic(reply):
        return "AD"
    cause = ede_codes(reply) - {EDE_CACHED_ERROR}
    return "" if cause == {EDE_RRSIGS_MISSING} else f"EDE {sorted(cause)}"
