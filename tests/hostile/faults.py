"""What a hostile server may do: one function a fault.  Each has a zone of its own, called by its name, which is signed
and delegated like any other: its owner has the keys, and means no good.

A fault is a function of an Exchange and returns the octets that are sent, datagram by datagram.  Whatever it says of
POISON must never reach a client as an answer: it is unsigned, or signed in a way that proves nothing."""

import struct

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

IN = dns.rdataclass.IN
TTL_S = 300
HOUR_S = 3600
POISON = "203.0.113.66"
HEADER_OCTETS = 12
A, NS, CNAME, SOA, AAAA, OPT, RRSIG_TYPE, NSEC, DNSKEY, DNAME = 1, 2, 5, 6, 28, 41, 46, 47, 48, 39
TSIG = 250
AT_QNAME = b"\xc0\x0c"

FAULTS = {}             # zone: what its server does
MIXED = "one-or-another."   # of them, chosen by the question
STREAM_FAULTS = {}      # what it does with TCP; over UDP it truncates everything


def fault(function):
    FAULTS[function.__name__.replace("_", "-") + "."] = function
    return function


def stream_fault(function):
    STREAM_FAULTS[function.__name__.replace("_", "-") + "."] = function
    return function


class Exchange:
    """A question, and the reply that a server in its senses would give."""

    def __init__(self, octets, zone, transport, random, send_elsewhere=lambda octets: None):
        """send_elsewhere: over UDP, from other ports and addresses than the server's."""
        self.octets, self.zone, self.transport, self.random = octets, zone, transport, random
        self.send_elsewhere = send_elsewhere
        self.question = dns.message.from_wire(octets)
        self.asked = self.question.question[0]

    @property
    def is_for_data(self):
        """Not for the keys: those are needed for anything else to matter."""
        return self.asked.rdtype != dns.rdatatype.DNSKEY

    def message(self):
        return self.zone.answer(self.question, self.transport)

    def reply(self):
        return self.message().to_wire(max_size=65535)

    def poison(self, *more):
        """The address, unsigned, and whatever else is to be in Answer."""
        reply = dns.message.make_response(self.question, our_payload=1232)
        reply.flags |= dns.flags.AA
        reply.answer = [address(self.asked.name), *more]
        return reply

    def raw(self, records=b"", counts=(0, 0, 0), flags=0x8400, questions=None, tail=b""):
        """A message out of octets, with the question as it was asked."""
        end = HEADER_OCTETS + len(self.asked.name.to_wire()) + 4
        question = self.octets[HEADER_OCTETS:end]
        header = self.octets[:2] + struct.pack("!HHHHH", flags, 1 if questions is None else questions, *counts)
        return header + question + records + tail


def address(name, text=POISON):
    return dns.rrset.from_text(name, TTL_S, IN, "A", text)


def record(owner, rdtype, rdata, ttl_s=TTL_S, length=None, rdclass=1):
    return owner + struct.pack("!HHIH", rdtype, rdclass, ttl_s, len(rdata) if length is None else length) + rdata


def poison_record(owner=AT_QNAME, **options):
    return record(owner, A, bytes(map(int, POISON.split("."))), **options)


def signed(zone, rrset, **changes):
    """The signature, with some of its fields changed before it was made: it verifies."""
    sig = zone.key.sign(rrset, zone.name, -HOUR_S, HOUR_S)
    if changes:
        sig = sig.replace(**changes)
        sig = sig.replace(signature=zone.key.sign_octets(dns.dnssec._make_rrsig_signature_data(rrset, sig)))
    return dns.rrset.from_rdata_list(rrset.name, rrset.ttl, [sig])


def with_denial(exchange, owner, rdtype, text):
    """"No data", proven by this record."""
    zone = exchange.zone
    reply = dns.message.make_response(exchange.question, our_payload=1232)
    reply.flags |= dns.flags.AA
    reply.set_rcode(dns.rcode.NXDOMAIN)
    denial = dns.rrset.from_text(owner, TTL_S, IN, rdtype, text)
    soa = dns.rrset.from_text(zone.name, TTL_S, IN, "SOA", f"{zone.name} . 1 3600 600 86400 60")
    reply.authority = [soa, signed(zone, soa), denial, signed(zone, denial)]
    return [reply.to_wire(max_size=65535)]


def fault_of(zone, exchange):
    if zone != MIXED:
        return FAULTS[zone]
    if not exchange.is_for_data:
        return lambda exchange: [exchange.reply()]
    # A zone that denies DS sets with too many iterations is Insecure by its own word (RFC 9276 section 3.2).
    return FAULTS[exchange.random.choice([name for name in FAULTS if name != "iterations-without-end."])]


# ---- the envelope ----

@fault
def cut_short(e):
    return [e.reply()[:e.random.randrange(len(e.reply()))]]


@fault
def nothing_at_all(e):
    return [b"", b"\0", e.octets[:2], e.octets[:11]]


@fault
def header_alone(e):
    return [e.octets[:2] + struct.pack("!HHHHH", 0x8400, 0, 1, 0, 0)]


@fault
def other_ids(e):
    poison = e.poison().to_wire()
    guesses = [struct.pack("!H", e.random.randrange(65536)) for _ in range(10)]
    return [each + poison[2:] for each in guesses if each != e.octets[:2]] + [e.reply()]


@fault
def another_id_alone(e):
    return [bytes([e.octets[0] ^ 1]) + e.poison().to_wire()[1:]]


@fault
def from_elsewhere(e):
    e.send_elsewhere(e.poison().to_wire())
    return []


@fault
def another_case(e):
    octets = bytearray(e.poison().to_wire())
    for at in range(HEADER_OCTETS, HEADER_OCTETS + len(e.asked.name.to_wire())):
        if chr(octets[at]).isalpha():
            octets[at] ^= 0x20
    return [bytes(octets)]


@fault
def another_name(e):
    question = dns.message.make_query(dns.name.Name((b"x",) + e.asked.name.labels[1:]), e.asked.rdtype)
    question.id = e.question.id
    return [Exchange(question.to_wire(), e.zone, e.transport, e.random).poison().to_wire()]


@fault
def another_type(e):
    octets = bytearray(e.poison().to_wire())
    octets[HEADER_OCTETS + len(e.asked.name.to_wire())] ^= 0x40
    return [bytes(octets)]


@fault
def no_question(e):
    return [e.octets[:2] + struct.pack("!HHHHH", 0x8400, 0, 1, 0, 0) + poison_record(e.asked.name.to_wire())]


@fault
def two_questions(e):
    question = e.raw()[HEADER_OCTETS:]
    return [e.raw(question + poison_record(), (1, 0, 0), questions=2)]


@fault
def a_question_back(e):
    return [e.octets, e.octets[:2] + b"\0\0" + e.reply()[4:]]


@fault
def other_opcodes(e):
    return [e.raw(poison_record(), (1, 0, 0), flags=0x8400 | opcode << 11) for opcode in (1, 4, 5, 15)]


@fault
def another_class(e):
    return [e.raw(poison_record(rdclass=3), (1, 0, 0))]


@fault
def odd_rcode(e):
    return [e.raw(poison_record(), (1, 0, 0), flags=0x8400 | e.random.choice([1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 15]))]


@fault
def counts_that_lie(e):
    return [e.raw(poison_record(), (65535, 65535, 65535)), e.raw(poison_record(), (0, 0, 0))]


@fault
def octets_behind_the_end(e):
    return [e.reply() + b"\xff" * 20]


@fault
def as_large_as_can_be(e):
    return [e.raw(poison_record(), (1, 0, 0), tail=bytes(60000))]


@fault
def everything_flipped(e):
    octets = bytearray(e.reply())
    for _ in range(e.random.randrange(1, 12)):
        octets[e.random.randrange(2, len(octets))] ^= 1 << e.random.randrange(8)
    return [bytes(octets)]


@fault
def noise(e):
    return [e.octets[:2] + b"\x84\0" + e.random.randbytes(e.random.randrange(400)) for _ in range(3)]


@fault
def truncated_for_ever(e):
    return [e.raw(poison_record(), (1, 0, 0), flags=0x8600)]


# ---- names and records ----

def _behind(e, owner):
    return [e.raw(poison_record(owner), (1, 0, 0))]


@fault
def pointer_to_itself(e):
    at = len(e.raw())
    return _behind(e, struct.pack("!H", 0xC000 | at))


@fault
def pointers_in_a_circle(e):
    at = len(e.raw())
    return _behind(e, b"\1a" + struct.pack("!H", 0xC000 | at))


@fault
def pointer_forward(e):
    return _behind(e, struct.pack("!H", 0xC000 | (len(e.raw()) + 16)))


@fault
def pointer_into_the_header(e):
    return _behind(e, b"\xc0\x00")


@fault
def pointer_behind_the_end(e):
    return _behind(e, b"\xff\xff")


@fault
def chain_of_pointers(e):
    start = len(e.raw())
    first = record(b"\0", 65280, AT_QNAME + b"".join(
        struct.pack("!H", 0xC000 | (start + 11 + 2 * i)) for i in range(300)))
    return [e.raw(first + poison_record(struct.pack("!H", 0xC000 | (start + 11 + 600))), (2, 0, 0))]


@fault
def reserved_labels(e):
    return _behind(e, b"\x41\1a\0") + _behind(e, b"\x80\0")


@fault
def name_too_long(e):
    return _behind(e, (b"\x3f" + b"a" * 63) * 4 + b"\0")


@fault
def rdlength_leads_out(e):
    return [e.raw(poison_record(length=65535), (1, 0, 0))]


@fault
def address_of_no_octets(e):
    return [e.raw(record(AT_QNAME, A, b""), (1, 0, 0))]


@fault
def address_of_five_octets(e):
    return [e.raw(poison_record() + record(AT_QNAME, A, b"\xcb\0\x71\x42\1"), (2, 0, 0))]


@fault
def odd_lengths_everywhere(e):
    kinds = (A, NS, CNAME, SOA, AAAA, DNAME, 43, RRSIG_TYPE, NSEC, DNSKEY, 50, 64, 33, 35)
    records = [record(AT_QNAME, each, e.random.randbytes(e.random.randrange(24))) for each in kinds]
    return [e.raw(b"".join(records), (5, 5, 4))]


@fault
def ttl_with_all_bits(e):
    return [e.raw(poison_record(ttl_s=0xFFFFFFFF), (1, 0, 0))]


@fault
def four_thousand_records(e):
    return [e.raw(b"".join(record(b"\0", 1, struct.pack("!I", n)) for n in range(4000)), (0, 0, 4000))]


@fault
def meta_types_as_data(e):
    return [e.raw(b"".join(record(AT_QNAME, each, b"") for each in (251, 252, 253, 254, 255, 249, 0)), (7, 0, 0))]


@fault
def tsig_in_the_middle(e):
    return [e.raw(record(b"\0", TSIG, b"\0", rdclass=255) + poison_record(), (2, 0, 0))]


# ---- EDNS ----

def _opt(version=0, rcode=0, rdata=b"", owner=b"\0"):
    return owner + struct.pack("!HHBBHH", OPT, 1232, rcode, version, 0x8000, len(rdata)) + rdata


@fault
def opt_twice(e):
    return [e.raw(poison_record() + _opt() + _opt(), (1, 0, 2))]


@fault
def opt_in_answer(e):
    return [e.raw(_opt() + poison_record(), (2, 0, 0))]


@fault
def opt_not_at_the_root(e):
    return [e.raw(poison_record() + _opt(owner=AT_QNAME), (1, 0, 1))]


@fault
def opt_of_another_version(e):
    return [e.raw(poison_record() + _opt(version=1), (1, 0, 1)), e.raw(_opt(version=255, rcode=1), (0, 0, 1))]


@fault
def opt_with_odd_rcodes(e):
    return [e.raw(_opt(rcode=e.random.choice([1, 2, 16, 255])), (0, 0, 1))]


@fault
def opt_with_options_that_lie(e):
    return [e.raw(poison_record() + _opt(rdata=b"\0\x0a\xff\xff" + b"\0" * 8), (1, 0, 1))]


@fault
def opt_with_a_thousand_options(e):
    return [e.raw(poison_record() + _opt(rdata=b"\xff\xfe\0\0" * 1000), (1, 0, 1))]


@fault
def cookies_of_others(e):
    return [e.raw(poison_record() + _opt(rdata=b"\0\x0a\0\x10" + e.random.randbytes(16)), (1, 0, 1))]


@fault
def bad_cookie_for_ever(e):
    cookie = next((option for option in e.question.options if option.otype == 10), None)
    client = cookie.to_wire()[:8] if cookie is not None else bytes(8)
    octets = e.raw(_opt(rcode=1, rdata=b"\0\x0a\0\x10" + client + e.random.randbytes(8)), (0, 0, 1), flags=0x8407)
    return [octets]


@fault
def an_error_report_back(e):
    """RFC 9567: the agent is a name in this very zone."""
    agent = b"\0\x12" + struct.pack("!H", len(e.zone.name.to_wire())) + e.zone.name.to_wire()
    return [e.raw(poison_record() + _opt(rdata=agent), (1, 0, 1))]


# ---- signatures and keys ----

@fault
def not_signed(e):
    return [e.poison().to_wire()] if e.is_for_data else [e.reply()]


@fault
def labels_of_zero(e):
    if not e.is_for_data:
        return [e.reply()]
    return [e.poison(signed(e.zone, address(e.asked.name), labels=0)).to_wire()]


@fault
def labels_of_255(e):
    sig = signed(e.zone, address(e.asked.name))
    return [e.poison(dns.rrset.from_rdata_list(sig.name, TTL_S, [sig[0].replace(labels=255)])).to_wire()]


@fault
def signer_is_another_zone(e):
    if not e.is_for_data:
        return [e.reply()]
    return [e.poison(signed(e.zone, address(e.asked.name), signer=dns.name.from_text("good."))).to_wire()]


@fault
def signer_is_the_owner(e):
    if not e.is_for_data:
        return [e.reply()]
    return [e.poison(signed(e.zone, address(e.asked.name), signer=e.asked.name)).to_wire()]


@fault
def signer_is_the_root(e):
    if not e.is_for_data:
        return [e.reply()]
    return [e.poison(signed(e.zone, address(e.asked.name), signer=dns.name.root)).to_wire()]


@fault
def signatures_over_signatures(e):
    """RRSIG that covers RRSIG, and type 0, and ANY: RFC 4035 section 2.2."""
    sig = signed(e.zone, address(e.asked.name))[0]
    odd = [sig.replace(type_covered=covered) for covered in (RRSIG_TYPE, 0, 255, 65535)]
    return [e.poison(dns.rrset.from_rdata_list(e.asked.name, TTL_S, odd)).to_wire()] if e.is_for_data else [e.reply()]


def _bad_signatures(e, count, make):
    sig = signed(e.zone, address(e.asked.name))[0]
    return e.poison(dns.rrset.from_rdata_list(e.asked.name, TTL_S, [make(sig, n) for n in range(count)]))


@fault
def a_thousand_signatures(e):
    if not e.is_for_data:
        return [e.reply()]
    made = _bad_signatures(e, 600, lambda sig, n: sig.replace(signature=bytes([n % 251, n // 251]) * 32))
    return [made.to_wire(max_size=65535)] if e.transport == "tcp" else [e.raw(flags=0x8600)]


@fault
def signatures_of_no_octets(e):
    return [_bad_signatures(e, 3, lambda sig, n: sig.replace(signature=bytes(n))).to_wire()] if e.is_for_data else [
        e.reply()]


@fault
def signatures_cut_off(e):
    rdata = signed(e.zone, address(e.asked.name))[0].to_wire()
    cuts = [record(AT_QNAME, RRSIG_TYPE, rdata[:cut]) for cut in (0, 1, 2, 17, 18, 19, 25)]
    return [e.raw(poison_record() + b"".join(cuts), (1 + len(cuts), 0, 0))]


@fault
def a_wildcard_of_its_own(e):
    """An answer as of "*.zone", without the proof that the name does not exist."""
    if not e.is_for_data:
        return [e.reply()]
    return [e.poison(signed(e.zone, address(e.asked.name), labels=1)).to_wire()]


def _keys(e, rdatas):
    if e.is_for_data:
        return [e.reply()]
    reply = dns.message.make_response(e.question, our_payload=1232)
    reply.flags |= dns.flags.AA
    keys = dns.rrset.from_rdata_list(e.zone.name, TTL_S, [e.zone.key.dnskey, *rdatas])
    reply.answer = [keys, signed(e.zone, keys)]
    octets = reply.to_wire(max_size=65535)
    return [octets] if e.transport == "tcp" or len(octets) <= 1232 else [e.raw(flags=0x8600)]


def _dnskey(flags, protocol, algorithm, key):
    return dns.rdata.from_wire(IN, DNSKEY, struct.pack("!HBB", flags, protocol, algorithm) + key, 0, 4 + len(key))


@fault
def five_hundred_keys(e):
    return _keys(e, [_dnskey(256, 3, 13, struct.pack("!I", n) * 16) for n in range(500)])


@fault
def keys_of_no_octets(e):
    return _keys(e, [_dnskey(257, 3, algorithm, key) for algorithm in (1, 5, 8, 13, 14, 15, 16, 253, 254)
                     for key in (b"", b"\0", b"\0\xff\xff", b"\3\1\0\1")])


@fault
def keys_of_all_sizes(e):
    return _keys(e, [_dnskey(257, 3, 8, b"\3\1\0\1" + b"\xff" * size) for size in (1, 64, 511, 513, 2048, 8192)])


@fault
def many_ds(e):
    """Its parent has a hundred DS records for it."""
    return [e.reply()]


# ---- denials ----

@fault
def next_name_outside(e):
    if not e.is_for_data:
        return [e.reply()]
    return with_denial(e, e.zone.name, "NSEC", "zzzz. NS SOA RRSIG NSEC DNSKEY")


@fault
def next_name_is_the_root(e):
    return with_denial(e, e.zone.name, "NSEC", ". NS SOA RRSIG NSEC DNSKEY") if e.is_for_data else [e.reply()]


@fault
def bitmaps_that_lie(e):
    name = e.zone.name.to_wire()
    bitmaps = (b"\0", b"\0\0", b"\0\x21" + b"\xff" * 33, b"\1\1\x80\0\1\x80", b"\0\1\x40\0\1\x40", b"\0\x20" + b"\xff" * 32)
    bitmap = e.random.choice(bitmaps)
    return [e.raw(record(AT_QNAME, NSEC, name + bitmap), (0, 1, 0), flags=0x8403)] if e.is_for_data else [e.reply()]


def _nsec3(e, algorithm, iterations, salt, hashed="00000000000000000000000000000000", following=None):
    if not e.is_for_data:
        return [e.reply()]
    following = following or "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"
    return with_denial(e, dns.name.from_text(hashed, e.zone.name), "NSEC3",
                       f"{algorithm} 0 {iterations} {salt} {following} NS SOA RRSIG DNSKEY")


@fault
def salt_of_255_octets(e):
    return _nsec3(e, 1, 50, "ff" * 255)


@fault
def unknown_hash(e):
    return _nsec3(e, 2, 0, "-")


@fault
def iterations_without_end(e):
    return _nsec3(e, 1, 65535, "ff" * 255)


@fault
def hash_of_one_octet(e):
    return _nsec3(e, 1, 0, "-", "00", "08")


@fault
def hash_that_is_none(e):
    return _nsec3(e, 1, 0, "-", "not-base32")


# ---- ways that do not end ----

def _links(e, rdtype, pairs, rcode=0):
    reply = dns.message.make_response(e.question, our_payload=1232)
    reply.flags |= dns.flags.AA
    reply.set_rcode(rcode)
    for owner, target in pairs:
        rrset = dns.rrset.from_text(owner, TTL_S, IN, rdtype, target.to_text())
        reply.answer += [rrset, signed(e.zone, rrset)]
    return [reply.to_wire(max_size=65535)]


@fault
def alias_of_itself(e):
    return _links(e, "CNAME", [(e.asked.name, e.asked.name)]) if e.is_for_data else [e.reply()]


@fault
def aliases_in_a_circle(e):
    other = dns.name.from_text("b" if e.asked.name.labels[0] != b"b" else "a", e.zone.name)
    return _links(e, "CNAME", [(e.asked.name, other)]) if e.is_for_data else [e.reply()]


@fault
def aliases_without_end(e):
    following = dns.name.from_text(f"n{e.random.randrange(1 << 30)}", e.zone.name)
    return _links(e, "CNAME", [(e.asked.name, following)]) if e.is_for_data else [e.reply()]


@fault
def forty_aliases_at_once(e):
    names = [e.asked.name, *(dns.name.from_text(f"n{i}", e.zone.name) for i in range(40))]
    return _links(e, "CNAME", list(zip(names, names[1:]))) if e.is_for_data else [e.reply()]


@fault
def dname_into_itself(e):
    """Each step makes the name longer (RFC 6672 section 2.4)."""
    if not e.is_for_data or e.asked.name == e.zone.name:
        return [e.reply()]
    return _links(e, "DNAME", [(e.zone.name, dns.name.from_text("d", e.zone.name))])


def _referral(e, cut, servers, glue=()):
    reply = dns.message.make_response(e.question, our_payload=1232)
    reply.authority = [dns.rrset.from_text(cut, TTL_S, IN, "NS", *(each.to_text() for each in servers))]
    reply.additional = [address(name, text) for name, text in glue]
    return [reply.to_wire(max_size=65535)]


def _is_apex(e):
    return not e.is_for_data or e.asked.name == e.zone.name


@fault
def referral_to_itself(e):
    return [e.reply()] if not e.is_for_data else _referral(e, e.zone.name, [dns.name.from_text("ns", e.zone.name)])


@fault
def referral_upwards(e):
    return [e.reply()] if not e.is_for_data else _referral(e, dns.name.root, [dns.name.from_text("ns", e.zone.name)])


@fault
def referrals_without_end(e):
    """A cut at each label, and one more."""
    if _is_apex(e):
        return [e.reply()]
    return _referral(e, e.asked.name, [dns.name.from_text("ns", e.asked.name)],
                     [(dns.name.from_text("ns", e.asked.name), e.zone.address)])


@fault
def servers_below_their_cut(e):
    if _is_apex(e):
        return [e.reply()]
    return _referral(e, e.asked.name, [dns.name.from_text(f"ns{i}", e.asked.name) for i in range(5)])


@fault
def servers_that_lead_on(e):
    """NXNSAttack (CVE-2020-8616): the server's name has servers that have no address, and so on."""
    if _is_apex(e):
        return [e.reply()]
    names = [dns.name.from_text(f"ns.x{e.random.randrange(1 << 30)}", e.zone.name) for _ in range(30)]
    return _referral(e, e.asked.name, names)


@fault
def six_hundred_servers(e):
    if _is_apex(e):
        return [e.reply()]
    if e.transport == "udp":
        return [e.raw(flags=0x8200)]
    return _referral(e, e.asked.name, [dns.name.from_text(f"n{i}", e.zone.name) for i in range(600)])


@fault
def servers_at_special_addresses(e):
    if _is_apex(e):
        return [e.reply()]
    names = [dns.name.from_text(f"ns{i}", e.asked.name) for i in range(6)]
    special = ["127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "10.0.0.1", "169.254.1.1"]
    return _referral(e, e.asked.name, names, list(zip(names, special)))


@fault
def bogus_delegations(e):
    """Each name is a zone of its own, with a DS set that fits nothing, at this very server."""
    if _is_apex(e) or len(e.asked.name) <= len(e.zone.name):
        return [e.reply()]
    cut = dns.name.Name(e.asked.name.labels[-len(e.zone.name) - 1:])
    ns = dns.name.from_text("ns", cut)
    reply = dns.message.make_response(e.question, our_payload=1232)
    if e.asked.rdtype == dns.rdatatype.DS or e.asked.name != cut:
        ds = dns.rrset.from_text(cut, TTL_S, IN, "DS", f"4711 13 2 {e.random.randbytes(32).hex()}")
        section = reply.answer if e.asked.rdtype == dns.rdatatype.DS else reply.authority
        section += [ds, signed(e.zone, ds)]
    if e.asked.rdtype == dns.rdatatype.DS:
        reply.flags |= dns.flags.AA
    elif e.asked.name != cut:
        reply.authority.append(dns.rrset.from_text(cut, TTL_S, IN, "NS", ns.to_text()))
        reply.additional = [address(ns, e.zone.address)]
    else:
        return [e.poison().to_wire()]
    return [reply.to_wire()]


# ---- TCP ----

@stream_fault
def closes_at_once(e, connection):
    pass


@stream_fault
def says_nothing(e, connection):
    connection.wait()


@stream_fault
def drips(e, connection):
    reply = e.reply()
    for octet in struct.pack("!H", len(reply)) + reply:
        connection.send(bytes([octet]))
        if connection.wait(0.05):
            return


@stream_fault
def closes_in_the_middle(e, connection):
    reply = e.reply()
    connection.send(struct.pack("!H", len(reply)) + reply[:len(reply) // 2])


@stream_fault
def length_of_zero(e, connection):
    connection.send(b"\0\0" * 50)


@stream_fault
def length_that_is_too_long(e, connection):
    connection.send(b"\xff\xff" + e.poison().to_wire())
    connection.wait(1)


@stream_fault
def length_that_is_too_short(e, connection):
    poison = e.poison().to_wire()
    connection.send(struct.pack("!H", len(poison) // 2) + poison)
    connection.wait(1)


@stream_fault
def replies_to_others_first(e, connection):
    poison, reply = e.poison().to_wire(), e.reply()
    for octets in [bytes([poison[0] ^ n]) + poison[1:] for n in range(1, 6)] + [reply]:
        connection.send(struct.pack("!H", len(octets)) + octets)


@stream_fault
def floods(e, connection):
    poison = bytes([e.octets[0] ^ 1]) + e.poison().to_wire()[1:]
    for _ in range(2000):
        connection.send(struct.pack("!H", len(poison)) + poison)
