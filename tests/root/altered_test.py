"""One wrong bit in real signed data, and nothing but SERVFAIL comes out: R4.2-a, R4.6-b, RFC 4035 section 5.3.

Left out are the bits that no verifier sees: TTLs (the RRSIG's original TTL counts, RFC 4034 section 3.1.8.1), letter
case of names (RFC 4034 section 6.2), records that are not signed.  An SOA with another owner, type or class is no part
of the denial any more, which is whole without it: there only the RDATA counts."""

import random
import socket

import dns.name
import dns.rcode
import dns.rdatatype
import pytest
from altering import AlteringServers, Flip, question_name, records
from client import REPLY_TIMEOUT_S, ask_all, ede_codes, is_authentic, make_question
from real_root import NSD_ALONE, SEED, names_outside, vouchd_of_2017

from lab import network

OTHER_FLIPS = 200
SIGNATURE_FLIPS = 32        # of the 2048 bits
LETTER_CASE_BIT = 5
EDE_CACHED_ERROR = 13

# Octets of the RRSIG RDATA (RFC 4034 section 3.1), and the causes that a wrong bit there may have (RFC 8914):
# 6 DNSSEC Bogus, 7 expired, 8 not yet valid, 9 DNSKEY missing, 10 RRSIGs missing, 25 expired before valid; 22 no
# reachable authority: the signer is no name any more, and nobody sends a message that can be read.
RRSIG_FIELDS = {
    "type covered": (0, 2, {10}),
    "algorithm": (2, 3, {9, 10}),
    "labels": (3, 4, {6}),
    "original TTL": (4, 8, {6}),
    "expiration": (8, 12, {6, 7, 25}),
    "inception": (12, 16, {6, 8, 25}),
    "key tag": (16, 18, {9}),
    "signer": (18, 19, {10}),           # the root: one octet; a signature that cannot be read is none
    "signature": (19, 275, {6}),
}


@pytest.fixture(scope="module")
def answers(nsd_behind, root_zone):
    """Real answers by question: DS sets, and denials of DS sets and of names."""
    questions = [(tld, "DS") for tld in root_zone.tlds]
    questions += [(name, "A") for name in names_outside(root_zone.tlds, OTHER_FLIPS) if len(name) == 2]
    with network.inside(nsd_behind.netns):
        return {question: ask_raw(*question) for question in questions}


def ask_raw(qname, qtype):
    """NSD's answer as it came, to a question such as a resolver asks."""
    question = make_question(qname, qtype)
    question.flags = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(REPLY_TIMEOUT_S)
        asking.connect((NSD_ALONE, 53))
        asking.send(question.to_wire())
        return asking.recv(65535)


def signed_with_ds(answers):
    return [question for question, wire in answers.items()
            if any(record.type == dns.rdatatype.DS for record in records(wire))]


def ask_altered(net, flips_by_question, directory, altered_names=None):
    """Replies to the questions when the servers alter the answers to them."""
    flips = {question_name(make_question(*question).to_wire()): flip for question, flip in flips_by_question.items()}
    with network.inside(net.netns):
        servers = AlteringServers(net.addresses, NSD_ALONE, altered_names or flips)
        # Denials come from the servers, not from earlier ones.
        settings = {"resolver": {"aggressive-nsec": {"enabled": False}, "nxdomain-cut": False}}
        with servers, vouchd_of_2017(net, directory, **settings):
            return ask_all("127.0.0.1", [make_question(*question) for question in flips_by_question])


def judge(reply, causes=None):
    """What is wrong with the reply to a question whose answer was altered."""
    if is_authentic(reply):
        return "AD"
    if reply.rcode() != dns.rcode.SERVFAIL or reply.answer:
        return dns.rcode.to_text(reply.rcode())
    cause = ede_codes(reply) - {EDE_CACHED_ERROR}
    return "" if causes is None or cause and cause <= causes else f"EDE {sorted(cause)}"


def complaints(cases):
    wrong = [f"{question[0]} {question[1]}, {what}: {text}" for question, what, text in cases if text]
    return "\n".join([f"{len(wrong)} are wrong", *wrong[:20]]) if wrong else ""


def signature_of_first_set(wire):
    return next(record for record in records(wire) if record.type == dns.rdatatype.RRSIG)


def rrsig_bits(chance):
    """(field, octet of the RDATA, bit): every one, but of the signature some."""
    for field, (begin, end, _) in RRSIG_FIELDS.items():
        bits = [(field, octet, bit) for octet in range(begin, end) for bit in range(8)]
        yield from chance.sample(bits, SIGNATURE_FLIPS) if field == "signature" else bits


def test_each_bit_of_an_rrsig_counts(nsd_behind, answers, tmp_path):
    bits = list(rrsig_bits(random.Random(SEED)))
    flips, fields = {}, {}
    for question, (field, octet, bit) in zip(signed_with_ds(answers), bits, strict=False):
        flips[question] = Flip(signature_of_first_set(answers[question]).rdata + octet, bit)
        fields[question] = field, octet, bit
    assert len(flips) == len(bits)
    replies = ask_altered(nsd_behind, flips, tmp_path)
    wrong = complaints((question, f"RRSIG {fields[question]}", judge(reply, RRSIG_FIELDS[fields[question][0]][2]))
                       for question, reply in zip(flips, replies))
    assert not wrong, wrong


def is_case(wire, offset, bit):
    return bit == LETTER_CASE_BIT and chr(wire[offset]).isascii() and chr(wire[offset]).isalpha()


def other_bits(wire):
    """(what, Flip) for owner, type, class and RDATA of what is signed."""
    for record in records(wire):
        for part, (begin, end) in signed_parts(record).items():
            for offset in range(begin, end):
                for bit in range(8):
                    if not is_case(wire, offset, bit):
                        yield f"{dns.rdatatype.to_text(record.type)} {part}", Flip(offset, bit)


def signed_parts(record):
    parts = {"RDATA": (record.rdata, record.end)}
    if record.type in (dns.rdatatype.DS, dns.rdatatype.NSEC):
        parts |= {"owner": (record.owner, record.fixed), "type and class": (record.fixed, record.fixed + 4)}
    return parts if record.type in (dns.rdatatype.DS, dns.rdatatype.NSEC, dns.rdatatype.SOA) else {}


def test_bits_elsewhere_in_signed_data_count(nsd_behind, answers, tmp_path):
    chance = random.Random(SEED)
    flips, places = {}, {}
    for question in chance.sample(sorted(answers), OTHER_FLIPS):
        places[question], flips[question] = chance.choice(list(other_bits(answers[question])))
    replies = ask_altered(nsd_behind, flips, tmp_path)
    wrong = complaints((question, f"{places[question]} {flips[question]}", judge(reply))
                       for question, reply in zip(flips, replies))
    assert not wrong, wrong


def test_unaltered_answers_pass_through(nsd_behind, answers, tmp_path):
    """The servers in between change nothing else."""
    some = random.Random(SEED).sample(sorted(answers), OTHER_FLIPS)
    with network.inside(nsd_behind.netns):
        with AlteringServers(nsd_behind.addresses, NSD_ALONE, {}), vouchd_of_2017(nsd_behind, tmp_path):
            replies = ask_all("127.0.0.1", [make_question(*question) for question in some])
    assert all(is_authentic(reply) for reply in replies)


@pytest.mark.parametrize("part", ["key", "signature"])
def test_a_bit_of_the_root_keys_brings_all_down(nsd_behind, answers, tmp_path, part):
    """Of a key that signs (so that the DNSKEY set's signature fails), or of that signature."""
    with network.inside(nsd_behind.netns):
        wire = ask_raw(dns.name.root, "DNSKEY")
    rdtype = dns.rdatatype.DNSKEY if part == "key" else dns.rdatatype.RRSIG
    record = next(record for record in records(wire) if record.type == rdtype)
    flip = Flip(record.rdata + 40, random.Random(SEED).randrange(8))
    some = {question: None for question in random.Random(SEED).sample(sorted(answers), 20)}
    replies = ask_altered(nsd_behind, some, tmp_path, altered_names={question_name(wire): flip})
    wrong = complaints((question, part, judge(reply, {6, 9})) for question, reply in zip(some, replies))
    assert not wrong, wrong
