"""What an authoritative server finds in a signed zone: RFC 1034 section 4.3.2, RFC 4035 section 3.1, RFC 5155 section
7.2.

Spoilt zones are served as they are: a denial is taken from where the sound zone would have it.
"""

import base64
import bisect
import dataclasses

import dns.dnssec
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdatatype import A, CNAME, DNAME, DS, NS, NSEC, NSEC3, NSEC3PARAM, RRSIG, SOA

IN = dns.rdataclass.IN
LINKS_MAX = 8


@dataclasses.dataclass
class Reply:
    """Sections hold RRsets; signatures are RRsets of their own behind what they cover."""
    rcode: int = dns.rcode.NOERROR
    authoritative: bool = True
    answer: list = dataclasses.field(default_factory=list)
    authority: list = dataclasses.field(default_factory=list)
    additional: list = dataclasses.field(default_factory=list)

    def sections(self):
        return self.answer, self.authority


def add(section, name, rdataset, signatures=None):
    """Nothing stands twice in a section."""
    for found in (rdataset, signatures):
        if found and not any(r.name == name and r.rdtype == found.rdtype and r.covers == found.covers for r in section):
            section.append(dns.rrset.from_rdata_list(name, found.ttl, list(found)))


class ServedZone:
    def __init__(self, content, signatures=None):
        """content: a dns.zone.Zone with absolute names, signed; or signatures: (name, type) -> RRSIG set or None."""
        self._signatures = signatures or (lambda name, rdtype: content.get_rdataset(name, RRSIG, rdtype))
        self.origin = content.origin
        self._content = content
        self._names = sorted(content.nodes)
        self._existing = {ancestor for name in self._names for ancestor in self._up_to_origin(name)}
        self._nsec_owners = [name for name in self._names if content.get_rdataset(name, NSEC)]
        self._nsec3 = sorted((name.labels[0].upper(), name) for name in self._names
                             if content.get_rdataset(name, NSEC3))
        parameters = content.get_rdataset(self.origin, NSEC3PARAM)
        first = self._nsec3 and content.get_rdataset(self._nsec3[0][1], NSEC3)[0]
        self._nsec3_parameters = parameters and first and (first.salt, first.iterations)

    def reply(self, qname, qtype):
        reply = Reply()
        if not qname.is_subdomain(self.origin):
            return Reply(rcode=dns.rcode.REFUSED, authoritative=False)
        for _ in range(LINKS_MAX):
            following = self._find(reply, qname, qtype)
            if following is None or not following.is_subdomain(self.origin):
                break
            qname = following
        return reply

    def _up_to_origin(self, name):
        while name != self.origin:
            yield name
            name = name.parent()
        yield self.origin

    def _find(self, reply, qname, qtype):
        """Fills the reply; returns the target of an alias."""
        ancestors = list(self._up_to_origin(qname))
        for name in reversed(ancestors):
            if name != self.origin and self._get(name, NS) and (name != qname or qtype != DS):
                self._refer(reply, name)
                return None
            if name != qname and self._get(name, DNAME):
                return self._redirect(reply, qname, name)
        if qname in self._existing:
            return self._answer(reply, qname, qname, qtype)
        encloser = next(name for name in ancestors[1:] if name in self._existing)
        wildcard = dns.name.Name((b"*",) + encloser.labels)
        next_closer = ancestors[ancestors.index(encloser) - 1]
        if wildcard not in self._existing:
            reply.rcode = dns.rcode.NXDOMAIN
            self._add_soa(reply)
            self._deny(reply, encloser, next_closer, qname, wildcard)
            return None
        following = self._answer(reply, wildcard, qname, qtype)
        self._deny(reply, None if reply.answer else encloser, next_closer, qname)
        return following

    def _answer(self, reply, owner, shown, qtype):
        """The node at owner, under the name that was asked for."""
        for rdtype in (qtype, CNAME):
            if found := self._get(owner, rdtype):
                add(reply.answer, shown, found, self._signatures(owner, rdtype))
                return found[0].target if rdtype == CNAME != qtype else None
        self._add_soa(reply)
        if self._nsec3_parameters:
            self._add_nsec3(reply, owner, matches=True)
        else:
            self._add_nsec(reply, owner)
        return None

    def _redirect(self, reply, qname, owner):
        found = self._get(owner, DNAME)
        add(reply.answer, owner, found, self._signatures(owner, DNAME))
        target = dns.name.Name(qname.labels[:len(qname) - len(owner)] + found[0].target.labels)
        add(reply.answer, qname, dns.rdataset.from_text(IN, CNAME, found.ttl, str(target)))
        return target

    def _refer(self, reply, cut):
        reply.authoritative = False
        add(reply.authority, cut, self._get(cut, NS))
        if self._get(cut, DS):
            add(reply.authority, cut, self._get(cut, DS), self._signatures(cut, DS))
        else:
            self._add_nsec(reply, cut)
        for host in self._get(cut, NS):
            if glue := self._get(host.target, A):
                add(reply.additional, host.target, glue)

    def _deny(self, reply, encloser, *names):
        if self._nsec3_parameters:
            if encloser is not None:
                self._add_nsec3(reply, encloser, matches=True)
            for name in [names[0], *names[2:]]:
                self._add_nsec3(reply, name, matches=False)
        else:
            for name in names[1:]:
                self._add_nsec(reply, name)

    def _add_soa(self, reply):
        add(reply.authority, self.origin, self._get(self.origin, SOA), self._signatures(self.origin, SOA))

    def _add_nsec(self, reply, name):
        if self._nsec_owners:
            owner = self._nsec_owners[bisect.bisect_right(self._nsec_owners, name) - 1]
            add(reply.authority, owner, self._get(owner, NSEC), self._signatures(owner, NSEC))

    def _add_nsec3(self, reply, name, matches):
        wanted = dns.dnssec.nsec3_hash(name, *self._nsec3_parameters, "SHA1").encode()
        hashed, owner = self._nsec3[bisect.bisect_right([hashed for hashed, _ in self._nsec3], wanted) - 1]
        if not matches or hashed == wanted:
            add(reply.authority, owner, self._get(owner, NSEC3), self._signatures(owner, NSEC3))

    def _get(self, name, rdtype):
        return self._content.get_rdataset(name, rdtype)


def nsec3_owner(digest, zone):
    """RFC 5155 section 1.3"""
    return dns.name.Name((base64.b32hexencode(digest).lower(),) + zone.labels)
