"""What somebody without keys can do to a reply: (kind, (Reply, random source, World, Mutant) -> None)."""

import base64

import dns.name
import dns.rcode
import dns.rdata
import dns.rdataset
import dns.rdatatype
import dns.rrset
from dns.rdatatype import A, CNAME, DNAME, NSEC, NSEC3, RRSIG, SOA, TXT

from lab.signer import flip_bit, windows

IN = dns.rdataclass.IN
DAY_S = 86400


def _sets(reply, wanted=lambda rrset: True):
    """(section, RRset) of all that fit."""
    return [(section, rrset) for section in reply.sections() for rrset in section if wanted(rrset)]


def _pick(reply, source, wanted=lambda rrset: True):
    found = _sets(reply, wanted)
    return source.choice(found) if found else (None, None)


def _is_signature(rrset):
    return rrset.rdtype == RRSIG


def _is_data(rrset):
    return rrset.rdtype != RRSIG


def _is_denial(rrset):
    return rrset.rdtype in (NSEC, NSEC3)


def _replace_record(rrset, old, new):
    if new.covers() != old.covers():        # a set of signatures covers one type
        rrset.clear()
        rrset.covers = dns.rdatatype.NONE
    rrset.discard(old)
    rrset.add(new)


def _change_field(wanted, change):
    """change: (record, random source, mutant, World) -> fields"""
    def alter(reply, source, world, mutant):
        _, rrset = _pick(reply, source, wanted)
        if rrset:
            record = source.choice(list(rrset))
            _replace_record(rrset, record, record.replace(**change(record, source, mutant, world)))
    return alter


def _drop(wanted):
    def alter(reply, source, world, mutant):
        section, rrset = _pick(reply, source, wanted)
        if rrset:
            section.remove(rrset)
    return alter


def _drop_with_signatures(reply, source, world, mutant):
    section, rrset = _pick(reply, source, _is_data)
    if rrset:
        section[:] = [r for r in section if not (r.name == rrset.name and rrset.rdtype in (r.rdtype, r.covers))]


def _drop_all_signatures(reply, source, world, mutant):
    for section in reply.sections():
        section[:] = filter(_is_data, section)


def _drop_section(reply, source, world, mutant):
    source.choice(reply.sections()).clear()


def _drop_record(reply, source, world, mutant):
    _, rrset = _pick(reply, source, lambda rrset: len(rrset) > 1)
    if rrset:
        rrset.discard(source.choice(list(rrset)))


def _add_record(reply, source, world, mutant):
    """To a set that is signed."""
    _, rrset = _pick(reply, source, lambda rrset: rrset.rdtype in (A, TXT, SOA))
    if rrset:
        text = {A: "192.0.2.66", TXT: '"forged"', SOA: "a. b. 2 1 1 1 1"}[rrset.rdtype]
        rrset.add(dns.rdata.from_text(IN, rrset.rdtype, text))


def _change_rdata(reply, source, world, mutant):
    """One bit, wherever it is."""
    _, rrset = _pick(reply, source, _is_data)
    if rrset:
        record = source.choice(list(rrset))
        octets = bytearray(record.to_wire())
        octets[source.randrange(len(octets))] ^= 1 << source.randrange(8)
        try:
            changed = dns.rdata.from_wire(IN, rrset.rdtype, bytes(octets), 0, len(octets))
            changed.to_wire()
        except Exception:       # whatever dnspython cannot carry is left as it was
            return
        _replace_record(rrset, record, changed)


def _change_ttl(reply, source, world, mutant):
    _, rrset = _pick(reply, source)
    if rrset:
        rrset.ttl = source.choice([0, 1, 59, 3601, 86400, 604800, 0x7FFFFFFF])


def _change_case(reply, source, world, mutant):
    """Of an owner; signatures do not cover it (RFC 4034 section 6.2)."""
    for section in reply.sections():
        for rrset in section:
            rrset.name = dns.name.Name([label.upper() for label in rrset.name.labels])


def _duplicate(reply, source, world, mutant):
    section, rrset = _pick(reply, source)
    if rrset:
        section.append(rrset)


def _shuffle(reply, source, world, mutant):
    for section in reply.sections():
        source.shuffle(section)


def _swap_sections(reply, source, world, mutant):
    reply.answer, reply.authority = reply.authority, reply.answer


def _move(reply, source, world, mutant):
    section, rrset = _pick(reply, source)
    if rrset:
        section.remove(rrset)
        (reply.authority if section is reply.answer else reply.answer).append(rrset)


def _swap_signatures(reply, source, world, mutant):
    """Each set gets the other's, as if they covered it."""
    signatures = _sets(reply, _is_signature)
    if len(signatures) > 1:
        (_, one), (_, other) = source.sample(signatures, 2)
        for rrset, donor in ((one, list(other)), (other, list(one))):
            covers = rrset.covers
            rrset.clear()
            rrset.covers = covers
            for record in donor:
                rrset.add(record.replace(type_covered=covers))


def _garbage_signature(reply, source, world, mutant):
    """A worthless signature beside, and before, the good one."""
    _, rrset = _pick(reply, source, _is_signature)
    if rrset:
        good = rrset[0]
        records = [good.replace(signature=source.randbytes(len(good.signature))), *rrset]
        rrset.clear()
        for record in records:
            rrset.add(record)


def _rename(reply, source, world, mutant):
    """A set and its signatures stand at another name: a wildcard's expansion, replayed."""
    section, rrset = _pick(reply, source, _is_data)
    if rrset:
        host = source.choice(["www", "nothing", "x.wild", "any.wild", "host.wild", "@", "ent", "below.www"])
        name = mutant.target[0] if source.random() < 0.5 else dns.name.from_text(host, mutant.name)
        name = mutant.name if host == "@" else name
        old = rrset.name
        for other in section:
            if other.name == old and rrset.rdtype in (other.rdtype, other.covers):
                other.name = name


def _change_rcode(reply, source, world, mutant):
    reply.rcode = dns.rcode.NOERROR if reply.rcode == dns.rcode.NXDOMAIN else dns.rcode.NXDOMAIN


OTHERS = (("nothing", "A"), ("www", "TXT"), ("any.wild", "A"), ("any.wild", "AAAA"), ("a.b.wild", "A"), ("zzz", "A"),
          ("below.www", "A"), ("ent", "A"), ("@", "MX"), ("www", "A"), ("x.d", "A"), ("alias", "A"), ("mail", "A"))


def _other_reply(source, world, mutant):
    host, qtype = source.choice(OTHERS)
    name = dns.name.from_text(host, mutant.name) if host != "@" else mutant.name
    return world.zone_of(mutant.number).reply(name, dns.rdatatype.from_text(qtype))


def _replay(reply, source, world, mutant):
    """What was said to another question."""
    other = _other_reply(source, world, mutant)
    reply.rcode, reply.answer, reply.authority = other.rcode, other.answer, other.authority


def _replay_denial(reply, source, world, mutant):
    """The authority section of another reply, with no answer."""
    other = _other_reply(source, world, mutant)
    reply.answer = []
    reply.authority = other.authority or reply.authority
    reply.rcode = source.choice([dns.rcode.NOERROR, dns.rcode.NXDOMAIN])


def _replay_answer(reply, source, world, mutant):
    """A set of another reply, under the name that was asked for."""
    other = _other_reply(source, world, mutant)
    for rrset in other.answer:
        rrset.name = mutant.target[0]
    reply.answer, reply.rcode = other.answer, dns.rcode.NOERROR


def _parents_denial(reply, source, world, mutant):
    """The parent's denial of the DS set, or its NSEC at the cut, as the child's own."""
    tld = world.tlds[mutant.tld]
    reply.answer = []
    reply.authority = tld.reply(mutant.number, mutant.name, dns.rdatatype.DS, world).authority or reply.authority
    reply.rcode = source.choice([dns.rcode.NOERROR, dns.rcode.NXDOMAIN])


def _forge_cname(reply, source, world, mutant):
    target = source.choice(["www", "mail", "nothing", "any.wild"])
    name = mutant.target[0]
    reply.answer.insert(0, dns.rrset.from_text(name, 3600, IN, CNAME, f"{target}.{mutant.name}"))


def _forge_dname(reply, source, world, mutant):
    for rrset in reply.answer:
        if rrset.rdtype == CNAME:
            records = [dns.rdata.from_text(IN, CNAME, f"www.{mutant.name}")]
            rrset.clear()
            rrset.add(records[0])
            return
    reply.answer.insert(0, dns.rrset.from_text(mutant.target[0].parent(), 3600, IN, DNAME, f"ent.{mutant.name}"))


def _forge_answer(reply, source, world, mutant):
    qname, qtype = mutant.target
    if qtype == A:
        reply.answer.append(dns.rrset.from_text(qname, 3600, IN, A, "192.0.2.66"))
    reply.authority, reply.rcode = [], dns.rcode.NOERROR


def _empty(reply, source, world, mutant):
    reply.answer, reply.authority = [], []
    reply.rcode = source.choice([dns.rcode.NOERROR, dns.rcode.NXDOMAIN])


def _change_next(record, source, mutant, world):
    if record.rdtype == NSEC3:
        return {"next": source.choice([flip_bit(record.next), source.randbytes(20), b"\xff" * 20, bytes(20)])}
    return {"next": dns.name.from_text(source.choice(["zzzz", "a", "www", "@"]), mutant.name)}


def _change_bitmap(record, source, mutant, world):
    types = source.choice([{A}, {A, TXT}, {dns.rdatatype.NS}, {CNAME}, {SOA, dns.rdatatype.NS}, {TXT, NSEC, RRSIG}])
    return {"windows": windows(types)}


def _change_nsec3(record, source, mutant, world):
    return source.choice([{"flags": record.flags ^ 1}, {"flags": 255}, {"iterations": record.iterations + 1},
                          {"iterations": 500}, {"salt": b"\xaa"}, {"algorithm": 2}])


def _change_rrsig(record, source, mutant, world):
    return source.choice([
        {"labels": max(0, record.labels + source.choice([-2, -1, 1]))}, {"original_ttl": record.original_ttl + 1},
        {"expiration": record.expiration + DAY_S}, {"inception": record.inception - DAY_S},
        {"expiration": world.now - DAY_S}, {"key_tag": record.key_tag ^ 1},
        {"algorithm": source.choice([5, 8, 13, 14, 15, 100])}, {"signer": mutant.name.parent()},
        {"signer": dns.name.root}, {"signer": dns.name.from_text("www", mutant.name)},
        {"type_covered": TXT}])


def _change_signature(record, source, mutant, world):
    return {"signature": source.choice([
        flip_bit(record.signature), record.signature[:-1], record.signature + b"\0", b"", bytes(len(record.signature)),
        source.randbytes(len(record.signature))])}


def _change_nsec3_owner(reply, source, world, mutant):
    section, rrset = _pick(reply, source, lambda rrset: rrset.rdtype == NSEC3)
    if rrset:
        old = rrset.name
        name = dns.name.Name((base64.b32hexencode(source.randbytes(20)).lower(),) + old.labels[1:])
        for other in section:
            if other.name == old:
                other.name = name


ALTERATIONS = (
    ("set-dropped", _drop(_is_data)),
    ("signature-dropped", _drop(_is_signature)),
    ("denial-dropped", _drop(_is_denial)),
    ("set-and-signature-dropped", _drop_with_signatures),
    ("all-signatures-dropped", _drop_all_signatures),
    ("section-dropped", _drop_section),
    ("record-dropped", _drop_record),
    ("record-added", _add_record),
    ("rdata-changed", _change_rdata),
    ("ttl-changed", _change_ttl),
    ("case-changed", _change_case),
    ("duplicated", _duplicate),
    ("shuffled", _shuffle),
    ("sections-swapped", _swap_sections),
    ("moved", _move),
    ("signatures-swapped", _swap_signatures),
    ("garbage-beside", _garbage_signature),
    ("renamed", _rename),
    ("rcode-changed", _change_rcode),
    ("replayed", _replay),
    ("denial-replayed", _replay_denial),
    ("answer-replayed", _replay_answer),
    ("parents-denial", _parents_denial),
    ("cname-forged", _forge_cname),
    ("dname-forged", _forge_dname),
    ("answer-forged", _forge_answer),
    ("emptied", _empty),
    ("next-changed", _change_field(_is_denial, _change_next)),
    ("bitmap-changed", _change_field(_is_denial, _change_bitmap)),
    ("nsec3-changed", _change_field(lambda rrset: rrset.rdtype == NSEC3, _change_nsec3)),
    ("nsec3-owner-changed", _change_nsec3_owner),
    ("rrsig-changed", _change_field(_is_signature, _change_rrsig)),
    ("signature-changed", _change_field(_is_signature, _change_signature)),
)
