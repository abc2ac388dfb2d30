"""The mutated zones: each is made from a seed and its number alone.

A zone is spoilt in one of two ways: by somebody who has its keys (a signer's mistakes and lies, told as the lab's
descriptions tell them), or by somebody who has not (a reply is altered on its way).
"""

import base64
import dataclasses
import functools
import ipaddress
import random

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataset
import dns.rdatatype
import dns.rdtypes.ANY.NSEC
import dns.rdtypes.ANY.NSEC3
import dns.zone
from dns.rdatatype import A, AAAA, DNSKEY, DS, NS, NSEC, NSEC3, SOA, TXT

import alterations
import lookup
from lab import description
from lab.signer import KeySet, NSEC3_OPT_OUT, Signer, windows
from lookup import IN, Reply

ROOT_ADDRESS, TLD_ADDRESS = "45.83.0.1", "45.83.0.2"
FIRST_ADDRESS = ipaddress.ip_address("45.84.0.0")
NETWORKS = ("45.83.0.0/24", "45.84.0.0/14")     # nobody's special networks: a resolver asks there
MUTANTS_MAX = 1 << 18
TTL_S = 3600
KEYS = "differential"
ZONES_KEPT = 512

# Their own denials cover nothing: what lies between is made when it is asked for, and may not be denied before.
NARROW = [{"nsec3": "*", "narrow": True}]
TLDS = {
    "nsec": {"compact": []},
    "nsec3": {"nsec3": {}, "tamper": NARROW},
    "optout": {"nsec3": {"opt-out": True}, "tamper": NARROW},
}
RECORDS = """\
@ SOA ns hostmaster 1 3600 900 604800 300
@ NS ns
ns A 192.0.2.53
www A 192.0.2.80
www AAAA 2001:db8::80
www A 192.0.2.81
mail A 192.0.2.25
mail MX 10 mail
alias CNAME www
*.wild A 192.0.2.2
*.wild TXT "expanded"
host.wild A 192.0.2.3
*.walias CNAME www
x.ent A 192.0.2.4
d DNAME ent
"""
QUESTIONS = (
    ("@", "SOA"), ("@", "DNSKEY"), ("@", "MX"), ("www", "A"), ("www", "A"), ("www", "AAAA"), ("www", "TXT"), ("alias", "A"),
    ("nothing", "A"), ("nothing", "A"), ("zzz", "A"), ("a.b.nothing", "A"), ("below.www", "A"), ("any.wild", "A"), ("any.wild", "A"),
    ("a.b.wild", "A"), ("any.wild", "AAAA"), ("host.wild", "A"), ("host.wild", "TXT"), ("any.walias", "A"), ("x.ent", "A"),
    ("ent", "A"), ("x.d", "A"), ("nothing.d", "A"), ("mail", "MX"), ("*.wild", "A"),
)
NAMELESS = (A, AAAA, TXT)


def described(name, fields):
    """A zone as the lab describes it."""
    return description.read_zone(name, {"servers": ["one"], **fields}, {}, {"one"})[0]


def lower(name):
    return dns.name.Name([label.lower() for label in name.labels])


def address_of(number):
    return str(FIRST_ADDRESS + number)


@dataclasses.dataclass
class Mutant:
    number: int
    name: dns.name.Name
    tld: str
    fields: dict                # as in the lab's descriptions
    kind: str                   # what was done to it
    where: str = "zone"         # zone: by a signer; else which reply is altered: data, dnskey or ds
    alter: object = None        # (Reply, random source, World, Mutant) -> None
    target: tuple = None        # the question whose reply is altered
    questions: tuple = ()

    @property
    def is_forged(self):
        """By somebody without keys."""
        return self.alter is not None


# ---- spoilt by a signer: (kind, (random source, fields, target) -> None)

SELECTED = ("*", "target", "target", "target", "* NSEC", "* NSEC3", "@ DNSKEY", "@ SOA")


def _select(source, target):
    chosen = source.choice(SELECTED)
    return f"{_owner_of(target)} {target[1]}" if chosen == "target" else chosen


def _owner_of(target):
    """Where the data for a question stand."""
    host = target[0]
    for below in ("wild", "walias"):
        if host.endswith(f".{below}") and not host.startswith("host."):
            return f"*.{below}"
    return host


def _signature(change):
    def spoil(source, fields, target):
        fields.setdefault("tamper", []).append({"rrsig": _select(source, target), **change(source)})
    return spoil


def _tamper(make, nsec3=None):
    """nsec3: whether the zone must have it; None: no matter."""
    def spoil(source, fields, target):
        if nsec3 is True:
            fields.setdefault("nsec3", {})
        elif nsec3 is False:
            fields.pop("nsec3", None)
        fields.setdefault("tamper", []).append(make(source))
    return spoil


def _field(name, make):
    def spoil(source, fields, target):
        fields[name] = make(source)
    return spoil


def _keys(make):
    """make: -> (fields of the KSK, fields of the ZSK, other keys)"""
    def spoil(source, fields, target):
        ksk, zsk, others = make(source)
        algorithm = fields.pop("algorithm")
        fields["keys"] = {"ksk": {"algorithm": algorithm} | ksk, "zsk": {"algorithm": algorithm} | zsk} | others
    return spoil


FLAGS = (0, 1, 128, 255, 256 + 128, 256, 257, 257 + 128, 0x8101)
NAMES = ("@", "www", "ns", "zzz", "a", "any.wild", "*.wild", "ent", "nothing", "x.ent", ".", "outside.example.")
BITMAPS = ("A RRSIG NSEC", "RRSIG NSEC", "NS RRSIG NSEC", "CNAME RRSIG NSEC", "DNAME RRSIG NSEC", "A AAAA TXT MX RRSIG NSEC",
           "NS SOA RRSIG NSEC DNSKEY", "NS DS RRSIG NSEC", "TYPE128 RRSIG NSEC")
OWNERS = ("@", "ns", "www", "ent", "x.ent", "*.wild", "host.wild", "wild", "mail", "d", "alias")

BY_SIGNERS = (
    ("sound", lambda source, fields, target: None),
    ("expired", _signature(lambda s: {"inception": "-60d", "expiration": f"-{s.randint(2, 40)}d"})),
    ("not-yet-valid", _signature(lambda s: {"inception": f"{s.randint(2, 40)}d", "expiration": "60d"})),
    ("inverted", _signature(lambda s: {"inception": "10d", "expiration": "-10d"})),
    ("labels", _signature(lambda s: {"labels": s.randint(0, 6)})),
    ("original-ttl", _signature(lambda s: {"original-ttl": s.choice([0, 1, 60, 7200, 604800])})),
    ("signer", _signature(lambda s: {"signer": s.choice(["www", ".", "nsec.", "z.nsec.", "*", "ent"])})),
    ("algorithm", _signature(lambda s: {"algorithm": s.choice([5, 8, 10, 13, 14, 15, 16, 100, 253])})),
    ("key-tag", _signature(lambda s: {"key-tag": s.randrange(65536)})),
    ("flipped", _signature(lambda s: {"flip": True})),
    ("unsigned-set", _signature(lambda s: {"drop": True})),
    ("signed-by", _signature(lambda s: {"by": s.choice(["ksk", "zsk"])})),
    ("repeated", _signature(lambda s: {"repeat": s.randint(2, 12), "flip": s.random() < 0.5})),
    ("ds", _field("ds", lambda s: s.choice([
        [{"flip": True}], [{"tag": s.randrange(65536)}], [{"algorithm": s.choice([8, 13, 14, 15, 100])}],
        [s.choice([1, 3, 4, 5, 99])], [1, {"digest": 2, "flip": True}], [{"digest": 1, "flip": True}, 2],
        [{"digest": 2, "flip": True}, 4], [{"digest": 4, "flip": True}, 2], [99, {"digest": 2, "flip": True}], [1, 2, 4], []]))),
    ("flags", _keys(lambda s: ({"flags": s.choice(FLAGS)}, {"flags": s.choice(FLAGS)}, {}))),
    ("protocol", _keys(lambda s: s.choice([({"protocol": 2}, {}, {}), ({}, {"protocol": 0}, {})]))),
    ("unpublished", _keys(lambda s: s.choice([({"published": False}, {}, {}), ({}, {"published": False}, {})]))),
    ("more-keys", _keys(lambda s: ({}, {}, {f"k{i}": {"role": "idle", "algorithm": s.choice([8, 13, 15, 16, 100])}
                                            for i in range(s.randint(1, 4))}))),
    ("zsk-algorithm", _keys(lambda s: ({}, {"algorithm": s.choice([8, 13, 14, 15, 16, 100])}, {}))),
    ("ksk-algorithm", _keys(lambda s: ({"algorithm": s.choice([8, 13, 14, 15, 16, 100])}, {}, {}))),
    ("two-algorithms", _field("algorithm", lambda s: s.sample([8, 13, 14, 15, 16, 100], 2))),
    ("nsec-next", _tamper(lambda s: {"nsec": s.choice(OWNERS), "next": s.choice(NAMES)}, nsec3=False)),
    ("nsec-types", _tamper(lambda s: {"nsec": s.choice(OWNERS), "types": s.choice(BITMAPS)}, nsec3=False)),
    ("nsec3-lie", _tamper(lambda s: {"nsec3": s.choice([*OWNERS, "*"]), s.choice(["flip", "narrow"]): True}, nsec3=True)),
    ("nsec-removed", _tamper(lambda s: {"remove": f"{s.choice([*OWNERS, '*', '*'])} NSEC"}, nsec3=False)),
    ("nsec3-removed", _tamper(lambda s: {"remove": f"{s.choice([*OWNERS, '*', '*'])} NSEC3"}, nsec3=True)),
    ("set-removed", _tamper(lambda s: {"remove": s.choice(["@ DNSKEY", "@ NSEC3PARAM", "@ SOA", "www A"])})),
    ("replaced", _tamper(lambda s: {"replace": "www A", "with": "192.0.2.66"})),
    ("unsigned-zone", _field("unsigned", lambda s: True)),
)


class World:
    """Everything that is served."""

    def __init__(self, seed, now):
        self.seed, self.now = seed, now
        self._root = self._make_root()
        self._template = dns.zone.from_text(f"$TTL {TTL_S}\n{RECORDS}", "template.", relativize=True)
        self.tlds = {name: Tld(name, fields, seed, now) for name, fields in TLDS.items()}
        self.zone_of = functools.lru_cache(ZONES_KEPT)(self._zone_of)
        self.mutant = functools.lru_cache(ZONES_KEPT)(self._mutant)
        self.reply = functools.lru_cache(ZONES_KEPT * 8)(self._reply)

    def reply_from(self, address, qname, qtype):
        """What the server at that address says."""
        if address == ROOT_ADDRESS:
            return self._root.reply(qname, qtype)
        number = number_of(qname)
        if address == TLD_ADDRESS:
            return self.reply("parent", number, qname, qtype)
        if number is None:
            return Reply(rcode=dns.rcode.REFUSED, authoritative=False)
        return self.reply("child", number, qname, qtype)

    def _reply(self, server, number, qname, qtype):
        if server == "parent":
            tld = self.tlds.get(qname.labels[-2].decode()) if len(qname) > 1 else None
            if tld is None:
                return Reply(rcode=dns.rcode.REFUSED, authoritative=False)
            return self._altered(number, qname, qtype, tld.reply(number, qname, qtype, self), is_parent=True)
        reply = self.zone_of(number).reply(qname, qtype)
        return self._altered(number, qname, qtype, reply, is_parent=False)

    def _altered(self, number, qname, qtype, reply, is_parent):
        if number is None:
            return reply
        mutant = self.mutant(number)
        is_target = {
            "zone": False,
            "ds": is_parent and (qname != mutant.name or qtype == DS) and qname.is_subdomain(mutant.name),
            "dnskey": not is_parent and (qname, qtype) == (mutant.name, DNSKEY),
            "data": not is_parent and (qname, qtype) == mutant.target,
        }[mutant.where]
        if is_target:
            mutant.alter(reply, random.Random(f"{self.seed} {number} {mutant.where}"), self, mutant)
        return reply

    # ---- zones

    def key_set(self, zone):
        """All mutants have the same keys: that spares time, and what one zone's keys signed is no use to another."""
        return KeySet(zone, KEYS, owner="mutants")

    def described(self, number):
        mutant = self.mutant(number)
        return described(mutant.name, mutant.fields)

    def _zone_of(self, number):
        zone = self.described(number)
        content = self._content(zone.name, address_of(number))
        if not zone.keys:
            return lookup.ServedZone(content)
        signer = Signer(zone, self.key_set(zone), zone.tamper, self.now)
        signer.prepare(content)
        # Signed when it is asked for, and as it was before it was changed: most of a zone nobody ever asks for.
        signed = {(name, rdataset.rdtype): rdataset for name, rdataset in content.iterate_rdatasets()}
        signer.change(content)

        @functools.cache
        def signatures(name, rdtype):
            return content.get_rdataset(name, rdtype) and signer.signatures_over(name, signed[name, rdtype])

        return lookup.ServedZone(content, signatures)

    def _content(self, origin, address):
        """The records of every mutant; those with names in them are read anew, which takes its time."""
        content = dns.zone.Zone(origin, relativize=False)
        for relative, rdataset in self._template.iterate_rdatasets():
            name = relative.derelativize(origin)
            if rdataset.rdtype in NAMELESS:
                found = dns.rdataset.from_rdata_list(TTL_S, list(rdataset))
            else:
                found = dns.rdataset.from_text_list(IN, rdataset.rdtype, TTL_S, map(str, rdataset), origin=origin,
                                                    relativize=False)
            content.replace_rdataset(name, found)
        content.replace_rdataset(dns.name.from_text("ns", origin), dns.rdataset.from_text(IN, A, TTL_S, address))
        return content

    def _make_root(self):
        zone = described(dns.name.root, {})
        lines = [f"$TTL {TTL_S}", "@ SOA ns. hostmaster. 1 3600 900 604800 300", "@ NS ns.", f"ns. A {ROOT_ADDRESS}"]
        for name, fields in TLDS.items():
            tld = described(dns.name.from_text(name), fields)
            lines += [f"{name}. NS ns.{name}.", f"ns.{name}. A {TLD_ADDRESS}"]
            lines += [f"{name}. DS {record}" for record in KeySet(tld, KEYS, owner=name).ds_records()]
        content = dns.zone.from_text("\n".join(lines) + "\n", dns.name.root, relativize=False)
        keys = KeySet(zone, KEYS)
        self.anchor = keys.ds_records()
        Signer(zone, keys, (), self.now).sign(content)
        return lookup.ServedZone(content)

    # ---- what is done to them

    def _mutant(self, number):
        source = random.Random(f"{self.seed} {number}")
        tld = source.choice(sorted(TLDS))
        name = dns.name.from_text(f"z{number:06}.{tld}.")
        fields = {"algorithm": source.choices([13, 15, 8, 14, 16], [60, 20, 10, 5, 5])[0]}
        if source.random() < 0.5:
            fields["nsec3"] = {"iterations": source.choice([0, 0, 1, 10]), "salt": source.choice(["", "", "abcd"]),
                               "opt-out": source.random() < 0.2}
        target = source.choice(QUESTIONS)
        mutant = Mutant(number, name, tld, fields, "", target=absolute(target, name))
        if source.random() < 0.45:
            mutant.kind, spoil = source.choice(BY_SIGNERS)
            spoil(source, fields, target)
        else:
            mutant.where = source.choices(["data", "ds", "dnskey"], [70, 15, 15])[0]
            mutant.kind, mutant.alter = source.choice(alterations.ALTERATIONS)
            if mutant.where == "ds" and source.random() < 0.4:
                fields["ds"] = []
        others = source.sample([absolute(question, name) for question in QUESTIONS], 2)
        mutant.questions = tuple(dict.fromkeys([mutant.target, *others]))
        return mutant


def absolute(question, origin):
    return description.relative_name(question[0], origin), dns.rdatatype.from_text(question[1])


def number_of(qname):
    """Which mutant's zone a name lies in; None: none."""
    if len(qname) < 3:
        return None
    label, tld = qname.labels[-3], qname.labels[-2].decode(errors="replace")
    if tld not in TLDS or not (len(label) == 7 and label[:1] == b"z" and label[1:].isdigit()):
        return None
    return int(label[1:])


class Tld:
    """A zone with a delegation for each mutant, signed as it is asked for."""

    def __init__(self, name, fields, seed, now):
        self.zone = described(dns.name.from_text(name), fields)
        self.keys = KeySet(self.zone, KEYS, owner=name)
        self._signer = Signer(self.zone, self.keys, self.zone.tamper, now)
        text = f"$TTL {TTL_S}\n@ SOA ns hostmaster 1 3600 900 604800 300\n@ NS ns\nns A {TLD_ADDRESS}\n"
        content = dns.zone.from_text(text, self.zone.name, relativize=False)
        self._signer.sign(content)
        self._content = content
        self._apex = lookup.ServedZone(content)

    def reply(self, number, qname, qtype, world):
        cut = dns.name.Name(qname.labels[-3:]) if number is not None else None
        if cut is None or world.mutant(number).name != cut:
            return self._apex.reply(qname, qtype)
        ds = dns.rdataset.Rdataset(IN, DS)
        for record in world.key_set(world.described(number)).ds_records():
            ds.add(record, ttl=TTL_S)
        if qname == cut and qtype == DS:
            return self._ds_reply(cut, ds)
        reply = Reply(authoritative=False)
        host = dns.name.from_text("ns", cut)
        lookup.add(reply.authority, cut, dns.rdataset.from_text(IN, NS, TTL_S, str(host)))
        self._add_ds(reply.authority, cut, ds)
        lookup.add(reply.additional, host, dns.rdataset.from_text(IN, A, TTL_S, address_of(number)))
        return reply

    def _ds_reply(self, cut, ds):
        reply = Reply()
        if ds:
            self._add_ds(reply.answer, cut, ds)
        else:
            soa = self._apex.reply(self.zone.name, SOA).answer
            reply.authority.extend(soa)
            self._add_ds(reply.authority, cut, ds)
        return reply

    def _add_ds(self, section, cut, ds):
        """With signature; or the proof that there is none."""
        if ds:
            self._add_signed(section, cut, ds)
        elif self.zone.nsec3 is None:
            following = dns.name.Name((b"\0",) + cut.labels)
            record = dns.rdtypes.ANY.NSEC.NSEC(IN, NSEC, following, windows({NS, dns.rdatatype.RRSIG, NSEC}))
            self._add_signed(section, cut, dns.rdataset.from_rdata(300, record))
        elif self.zone.nsec3.opt_out:
            self._add_nsec3_of_apex(section)
            self._add_nsec3(section, hash_of(cut, -1), hash_of(cut, +1), set(), NSEC3_OPT_OUT)
        else:
            self._add_nsec3(section, hash_of(cut), hash_of(cut, +1), {NS}, 0)

    def _add_nsec3_of_apex(self, section):
        found = self._apex.reply(self.zone.name, dns.rdatatype.TXT).authority
        section.extend(rrset for rrset in found if NSEC3 in (rrset.rdtype, rrset.covers))

    def _add_nsec3(self, section, own, following, types, flags):
        record = dns.rdtypes.ANY.NSEC3.NSEC3(IN, NSEC3, 1, flags, 0, b"", following, windows(types) if types else ())
        self._add_signed(section, lookup.nsec3_owner(own, self.zone.name), dns.rdataset.from_rdata(300, record))

    def _add_signed(self, section, name, rdataset):
        lookup.add(section, name, rdataset, self._signer.signatures_over(name, rdataset))


def hash_of(name, offset=0):
    digest = base64.b32hexdecode(dns.dnssec.nsec3_hash(name, "", 0, "SHA1"))
    number = int.from_bytes(digest, "big") + offset
    return (number % (1 << 160)).to_bytes(20, "big")
