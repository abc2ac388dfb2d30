"""A small validator that knows what every server says, and shares no code with any resolver: the judge of the mutants.

It looks at the replies to the one question, the DNSKEY set and the DS set, and is slow and plain.  What is signed
counts in whatever section it stands.  Keys and signatures are dnspython's.
"""

import base64
import dataclasses

import dns.dnssec
import dns.exception
import dns.name
import dns.rcode
import dns.rdataset
import dns.rdatatype
import dns.rrset
from dns.rdatatype import CNAME, DNAME, DNSKEY, DS, NS, NSEC, NSEC3, RRSIG, SOA

SUPPORTED_ALGORITHMS = {8, 10, 13, 14, 15, 16}      # RFC 9904, RFC 9905
SUPPORTED_DIGESTS = {1: "SHA1", 2: "SHA256", 4: "SHA384"}
ZONE_FLAG, REVOKE_FLAG, OPT_OUT_FLAG = 0x100, 0x80, 1
PROTOCOL = 3
NXNAME = 128
LINKS_MAX = 8
SECURE, INSECURE, BOGUS = "secure", "insecure", "bogus"
ORDER = (SECURE, INSECURE, BOGUS)


def weakest(*found):
    return max(found, key=ORDER.index)


@dataclasses.dataclass(frozen=True)
class Judgement:
    """allowed: more than one where the parent's replies differ, and it is the resolver's choice which it believes."""
    allowed: frozenset
    rcode: int = dns.rcode.NOERROR
    data: frozenset = frozenset()

    def __str__(self):
        return "/".join(sorted(self.allowed))


class Reference:
    def __init__(self, world):
        self._world = world

    def judge(self, mutant, qname, qtype):
        found = [self._follow(mutant, qname, qtype, *zone, is_lenient)
                 for zone in self._zones(mutant) for is_lenient in (False, True)]
        best = min(found, key=lambda one: ORDER.index(one[0]))
        return Judgement(frozenset(security for security, _, _ in found), *best[1:])

    def _follow(self, mutant, qname, qtype, zone_security, keys, is_lenient):
        """(security, rcode, data) through all aliases.  is_lenient: what
        does not verify may be of an unsigned child, or known from another reply."""
        earlier = []
        security, rcode, data = zone_security, dns.rcode.NOERROR, set()
        for _ in range(LINKS_MAX):
            reply = self._world.reply("child", mutant.number, qname, qtype)
            asked = qname
            found, rcode, more, qname = self._step(mutant, reply, qname, qtype, keys)
            if found == BOGUS and is_lenient and keys:
                known = self._elsewhere(mutant, asked, qtype, keys, earlier)
                found, rcode, more, qname = known or (found, rcode, more, qname)
            if found == BOGUS and is_lenient and keys and self._may_be_delegated(mutant, asked, keys):
                found = INSECURE
            if zone_security == SECURE:
                security = weakest(security, found)
            data |= more
            earlier.append(reply)
            if qname is None or not qname.is_subdomain(mutant.name):
                break
        return security, rcode, frozenset(data)

    # ---- the chain

    def _zones(self, mutant):
        """By the DS reply and by a referral: (security, DNSKEY set or None)."""
        return [self._zone(mutant, self._world.reply("parent", mutant.number, mutant.name, qtype))
                for qtype in (DS, dns.rdatatype.A)]

    def _zone(self, mutant, reply):
        tld = self._world.tlds[mutant.tld]
        parent_keys = tld.keys.published()
        records = reply.answer + reply.authority
        ds_set = _find(records, mutant.name, DS)
        if ds_set is None:
            proofs = Proofs(self, records, tld.zone.name, parent_keys)
            return (INSECURE, None) if proofs.no_ds(mutant.name) else (BOGUS, None)
        if not self.verifies(records, ds_set, tld.zone.name, parent_keys):
            return BOGUS, None
        usable = [ds for ds in ds_set if ds.algorithm in SUPPORTED_ALGORITHMS and ds.digest_type in SUPPORTED_DIGESTS]
        if any(ds.digest_type != 1 for ds in usable):       # RFC 4509 section 3
            usable = [ds for ds in usable if ds.digest_type != 1]
        return self._keys(mutant, usable) if usable else (INSECURE, None)

    def _keys(self, mutant, ds_set):
        reply = self._world.reply("child", mutant.number, mutant.name, DNSKEY)
        keys = _find(reply.answer, mutant.name, DNSKEY)
        if keys is None:
            return BOGUS, None
        entry = [key for key in keys if any(
            dns.dnssec.make_ds(mutant.name, key, SUPPORTED_DIGESTS[ds.digest_type], validating=True) == ds
            for ds in ds_set)]
        if not self.verifies(reply.answer + reply.authority, keys, mutant.name, entry):
            return BOGUS, None
        return SECURE, list(keys)

    def _elsewhere(self, mutant, qname, qtype, keys, earlier):
        """The reply about an alias has its target too; and an alias is told in reply to any type, DS for one."""
        for reply in (*earlier, self._world.reply("child", mutant.number, qname, DS)):
            found = self._step(mutant, reply, qname, qtype, keys)
            if found[0] == SECURE and found[2]:
                return found
        return None

    def _may_be_delegated(self, mutant, qname, keys):
        """RFC 5155 section 9.2: in a span with opt-out there may be an unsigned delegation, and nobody can tell."""
        while qname != mutant.name:
            reply = self._world.reply("child", mutant.number, qname, DS)
            proofs = Proofs(self, reply.authority, mutant.name, keys)
            if proofs.no_ds(qname) or proofs.is_left_open(qname):
                return True
            qname = qname.parent()
        return False

    def verified_labels(self, section, rrset, zone, keys):
        """The Labels field of a signature that holds; None: none does."""
        usable = [key for key in keys or () if key.flags & ZONE_FLAG and not key.flags & REVOKE_FLAG
                  and key.protocol == PROTOCOL and key.algorithm in SUPPORTED_ALGORITHMS]
        for signatures in section:
            if signatures.name != rrset.name or (signatures.rdtype, signatures.covers) != (RRSIG, rrset.rdtype):
                continue
            for rrsig in signatures:
                if rrsig.signer == zone and len(zone) - 1 <= rrsig.labels <= label_count(rrset.name) \
                        and self._holds(rrset, rrsig, zone, usable):
                    return rrsig.labels
        return None

    def _holds(self, rrset, rrsig, zone, keys):
        matching = [key for key in keys if key.algorithm == rrsig.algorithm and dns.dnssec.key_id(key) == rrsig.key_tag]
        for key in matching:
            try:
                dns.dnssec.validate_rrsig(rrset, rrsig, {zone: dns.rdataset.from_rdata(0, key)}, now=self._world.now)
                return True
            except Exception:       # dnspython lets some errors of the crypto library through
                continue
        return False

    def verifies(self, section, rrset, zone, keys):
        return self.verified_labels(section, rrset, zone, keys) == label_count(rrset.name)

    # ---- one reply

    def _step(self, mutant, reply, qname, qtype, keys):
        """(security, RCODE, data, target of an alias).  An RCODE is not signed: what is there says what it ought to
        be."""
        proofs = Proofs(self, reply.answer + reply.authority, mutant.name, keys)
        for rrset in (_find(reply.answer, qname, rdtype) for rdtype in (qtype, CNAME)):
            if rrset is not None and not _is_synthesized(reply.answer, rrset):
                target = rrset[0].target if rrset.rdtype == CNAME != qtype else None
                return self._positive(mutant, reply, rrset, keys, proofs), dns.rcode.NOERROR, _data(rrset), target
        for dname in reply.answer:
            is_above = qname != dname.name and qname.is_subdomain(dname.name)
            if dname.rdtype == DNAME and is_above and dname.name.is_subdomain(mutant.name):
                target = dns.name.Name(qname.labels[:len(qname) - len(dname.name)] + dname[0].target.labels)
                data = _data(dname) | {f"{qname} CNAME {target}".lower()}
                return self._positive(mutant, reply, dname, keys, proofs), dns.rcode.NOERROR, data, target
        if not self._negative_holds(mutant, reply, keys):
            return BOGUS, reply.rcode, set(), None
        if reply.rcode == dns.rcode.NXDOMAIN and (security := proofs.name_error(qname)) != BOGUS:
            return security, reply.rcode, set(), None
        # Absent, says the server; there without data, say the records: that is a truth too.
        return proofs.no_data(qname, qtype), dns.rcode.NOERROR, set(), None

    def _negative_holds(self, mutant, reply, keys):
        """RFC 4035 section 3.2.3: AD speaks for the authority section too.  A SOA of another zone has no business
        there."""
        return all(self.verifies(reply.answer + reply.authority, rrset, mutant.name, keys)
                   for rrset in reply.authority if rrset.rdtype == SOA and rrset.name == mutant.name)

    def _positive(self, mutant, reply, rrset, keys, proofs):
        labels = self.verified_labels(reply.answer + reply.authority, rrset, mutant.name, keys)
        if labels is None:
            return BOGUS
        if labels == label_count(rrset.name):
            return SECURE
        return BOGUS if rrset.rdtype in (SOA, DNSKEY, DS) else proofs.expansion(rrset.name, labels)


class Proofs:
    """The NSEC and NSEC3 records of a reply that hold."""

    def __init__(self, reference, records, zone, keys):
        self._zone = zone
        verified = [rrset for rrset in records if rrset.rdtype in (NSEC, NSEC3) and len(rrset) == 1
                    and reference.verifies(records, rrset, zone, keys)]
        self._nsec = [(rrset.name, rrset[0]) for rrset in verified if rrset.rdtype == NSEC
                      and rrset[0].next.is_subdomain(zone)]
        spans = [(rrset.name.labels[0].upper(), rrset[0]) for rrset in verified if rrset.rdtype == NSEC3
                 and rrset.name.parent() == zone and rrset[0].algorithm == 1 and rrset[0].flags in (0, 1)]
        self._nsec3 = [span for span in spans
                       if (span[1].salt, span[1].iterations) == (spans[0][1].salt, spans[0][1].iterations)]

    def name_error(self, qname):
        for owner, record in self._nsec:
            if self._denies(owner, record, qname):
                wildcard = _wildcard(self._encloser(owner, record, qname))
                if any(self._denies(*other, wildcard) for other in self._nsec):
                    return SECURE
        encloser, cover = self._encloser3(qname)
        if cover is not None and self._cover3(_wildcard(encloser)) is not None:
            return INSECURE if cover.flags & OPT_OUT_FLAG else SECURE
        return BOGUS

    def no_data(self, qname, qtype):
        if any(owner == qname and _lacks(record, qtype) for owner, record in self._nsec):
            return SECURE
        for owner, record in self._nsec:
            if not self._covers(owner, record, qname):
                continue
            if record.next.is_subdomain(qname):
                return SECURE
            wildcard = _wildcard(self._encloser(owner, record, qname))
            if any(other == wildcard and _lacks(found, qtype) for other, found in self._nsec):
                return SECURE
        match = self._match3(qname)
        if match is not None:
            return SECURE if _lacks(match, qtype) else BOGUS
        encloser, cover = self._encloser3(qname)
        if cover is None:
            return BOGUS
        if cover.flags & OPT_OUT_FLAG:
            return INSECURE
        match = self._match3(_wildcard(encloser))
        return SECURE if match is not None and _lacks(match, qtype) else BOGUS

    def expansion(self, qname, labels):
        for owner, record in self._nsec:
            if self._denies(owner, record, qname) and len(self._encloser(owner, record, qname)) - 1 == labels:
                return SECURE
        cover = self._cover3(dns.name.Name(qname.labels[-(labels + 2):]))
        if cover is None:
            return BOGUS
        return INSECURE if cover.flags & OPT_OUT_FLAG else SECURE

    def no_ds(self, cut):
        records = [record for owner, record in self._nsec if owner == cut]
        match = self._match3(cut)
        records += [match] if match is not None else []
        if any(_has(record, NS) and not _has(record, DS) and not _has(record, SOA) for record in records):
            return True
        _, cover = self._encloser3(cut)
        return cover is not None and bool(cover.flags & OPT_OUT_FLAG)

    def is_left_open(self, name):
        """By a span with opt-out, in a reply that shows otherwise that the name above exists: a wildcard's, say."""
        cover = self._cover3(name)
        return cover is not None and bool(cover.flags & OPT_OUT_FLAG)

    # NSEC

    def _covers(self, owner, record, name):
        """RFC 4034 section 6.1; the zone above a cut or a DNAME says nothing about what lies below."""
        if name != owner and name.is_subdomain(owner) and _ends_authority(record):
            return False
        if owner < record.next:
            return owner < name < record.next
        return owner < name and record.next == self._zone

    def _denies(self, owner, record, name):
        return self._covers(owner, record, name) and not record.next.is_subdomain(name)

    def _encloser(self, owner, record, name):
        return max(_common(name, owner), _common(name, record.next), key=len)

    # NSEC3

    def _hash(self, name):
        record = self._nsec3[0][1]
        return dns.dnssec.nsec3_hash(name, record.salt, record.iterations, "SHA1").encode()

    def _match3(self, name):
        if not self._nsec3:
            return None
        wanted = self._hash(name)
        return next((record for owner, record in self._nsec3 if owner == wanted), None)

    def _cover3(self, name):
        if not self._nsec3:
            return None
        wanted = self._hash(name)
        for owner, record in self._nsec3:
            following = base64.b32hexencode(record.next)
            if owner < following and owner < wanted < following:
                return record
            if owner >= following and (wanted > owner or wanted < following):
                return record
        return None

    def _encloser3(self, qname):
        """RFC 5155 section 8.3: the closest encloser, and the record that covers the next closer name."""
        name, next_closer = qname, None
        while self._nsec3 and name.is_subdomain(self._zone):
            match = self._match3(name)
            if match is not None:
                if next_closer is None or _ends_authority(match):
                    return None, None
                return name, self._cover3(next_closer)
            name, next_closer = name.parent(), name
        return None, None


def _find(section, name, rdtype):
    """All records of that name and type, which are one set wherever they stand."""
    records = [record for rrset in section if rrset.name == name and rrset.rdtype == rdtype for record in rrset]
    return dns.rrset.from_rdata_list(name, 0, records) if records else None


def _is_synthesized(section, rrset):
    return rrset.rdtype == CNAME and any(other.rdtype == DNAME and rrset.name.is_subdomain(other.name)
                                         and rrset.name != other.name for other in section)


def label_count(name):
    return len(name) - 1 - name.is_wild()


def _wildcard(name):
    return dns.name.Name((b"*",) + name.labels)


def _common(one, other):
    return one.split(one.fullcompare(other)[2])[1]


def _types(record):
    return {256 * window + 8 * octet + bit for window, bitmap in record.windows
            for octet, bits in enumerate(bitmap) for bit in range(8) if bits & 0x80 >> bit}


def _has(record, rdtype):
    return rdtype in _types(record)


def _ends_authority(record):
    types = _types(record)
    return DNAME in types or (NS in types and SOA not in types)


def _lacks(record, qtype):
    types = _types(record)
    is_cut = NS in types and SOA not in types
    return qtype not in types and CNAME not in types and not is_cut


def _data(rrset):
    return {f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)} {record}".lower() for record in rrset}
