"""Why resolvers differ from the reference: each deviation belongs to a paragraph of doc/differences.md, by the first
rule that fits.

A rule names resolvers, what they did, and a condition over the case: what was altered, what was asked, what the servers
say.
"""

import dataclasses
import functools

import dns.rcode
from dns.rdatatype import CNAME, DNSKEY, NSEC, NSEC3, RRSIG, SOA

import reference

VOUCHD, UNBOUND, KNOT, POWERDNS, BIND = "vouchd", "Unbound", "Knot", "PowerDNS", "BIND"
ANYBODY = (VOUCHD, UNBOUND, KNOT, POWERDNS, BIND)
OTHERS = ANYBODY[1:]

# What a resolver can make of a question otherwise than the reference.
NO_REPLY, SLOW, REFUSED = "no reply", "servers too slow", "failed, though there is an answer"
BELIEVED, OTHER_AD, PASSED = "AD, not proven", "AD on other data", "passed on, though Bogus"
NO_AD, OTHER = "no AD, though Secure", "another answer"
FAULTS = (BELIEVED, OTHER_AD, PASSED)
RESERVED_FLAGS = 0xFFFF & ~(reference.ZONE_FLAG | reference.REVOKE_FLAG | 1)
ANSWERS = (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)


def deviation(outcome, expected):
    """None: as the reference, or one of several verdicts that it allows."""
    is_same = (outcome.rcode, outcome.data) == (expected.rcode, expected.data)
    if outcome.rcode is None:
        return NO_REPLY
    if outcome.rcode not in ANSWERS:
        if reference.BOGUS in expected.allowed:
            return None
        return SLOW if outcome.is_unreachable else REFUSED
    if outcome.is_authentic:
        if reference.SECURE not in expected.allowed:
            return BELIEVED
        return None if is_same else OTHER_AD
    if expected.allowed == {reference.BOGUS}:
        return PASSED
    if not is_same:
        return OTHER
    return None if reference.INSECURE in expected.allowed else NO_AD


class Case:
    """One resolver's deviation, as the rules see it."""

    def __init__(self, row, subject, world, is_slow):
        self.row, self.subject, self.world = row, subject, world
        self.is_slow = is_slow          # the servers were too slow for somebody, at some question about this mutant
        self.mutant, self.expected, self.outcome = row.mutant, row.expected, row.outcomes[subject]
        self.did = deviation(self.outcome, row.expected)
        self.kind, self.where, self.alteration = row.kind, row.mutant.where, row.mutant.kind
        self.host = row.question[0].relativize(row.mutant.name).to_text()
        self.is_target = row.question == row.mutant.target
        self.tamper = (row.mutant.fields.get("tamper") or [{}])[0]
        nsec3 = row.mutant.fields.get("nsec3")
        self.is_opt_out = bool(nsec3 and nsec3.get("opt-out"))
        self.is_nsec3 = nsec3 is not None
        self.is_negative = not row.expected.data
        self.is_below_dname = self.host.endswith(".d")
        self.is_aliased = self.is_below_dname or self.host in ("alias", "any.walias")
        self.is_expanded = self.host in ("any.wild", "a.b.wild", "any.walias")

    @functools.cached_property
    def reply(self):
        return self.world.reply("child", self.mutant.number, *self.row.question)

    @functools.cached_property
    def records(self):
        return self.reply.answer + self.reply.authority

    @property
    def nobody_answers(self):
        """Of the others."""
        return all(outcome.rcode not in ANSWERS for subject, outcome in self.row.outcomes.items() if subject != self.subject)

    @property
    def has_own_soa(self):
        return any(rrset.rdtype == SOA and rrset.name == self.mutant.name for rrset in self.reply.authority)

    @property
    def has_foreign_soa(self):
        return any(rrset.rdtype == SOA and rrset.name != self.mutant.name for rrset in self.reply.authority)

    @property
    def has_another_cname(self):
        """Than the DNAME above the name yields."""
        return any(rrset.rdtype == CNAME and f"{rrset.name} CNAME {record.target}".lower() not in self.expected.data
                   for rrset in self.reply.answer for record in rrset)

    @property
    def has_expanded_denial(self):
        """An NSEC or NSEC3 whose signature says that it was made for a wildcard."""
        return any(rrset.rdtype == RRSIG and rrset.covers in (NSEC, NSEC3) and record.labels < reference.label_count(rrset.name)
                   for rrset in self.records for record in rrset)

    @property
    def is_denied_above(self):
        """A reply to another question proves that a name above this one does not exist."""
        judge = reference.Reference(self.world)
        name = self.row.question[0].parent()
        while name.is_subdomain(self.mutant.name) and name != self.mutant.name:
            if judge.judge(self.mutant, name, self.row.question[1]).rcode == dns.rcode.NXDOMAIN:
                return True
            name = name.parent()
        return False

    def keys_with_flags(self, wanted):
        """Are there keys whose flags are so?"""
        return any(wanted(key.get("flags", 256)) for key in self.mutant.fields.get("keys", {}).values())


@dataclasses.dataclass(frozen=True)
class Rule:
    paragraph: str              # in bold in doc/differences.md
    subjects: tuple
    did: tuple
    fits: object                # Case -> bool


def always(case):
    return True


def altered(*alterations):
    return lambda case: case.alteration in alterations


RULES = (
    Rule("Slow servers", ANYBODY, (NO_REPLY, SLOW), always),

    Rule("Signed records in another section", (KNOT, POWERDNS, BIND), (REFUSED,), altered("moved")),
    Rule("Signed records in another section", (VOUCHD, UNBOUND), (REFUSED,),
         lambda case: case.alteration == "moved" and case.nobody_answers),
    Rule("Signed records in another section", ANYBODY, (REFUSED,), altered("sections-swapped")),

    Rule("A CNAME that its DNAME does not yield", ANYBODY, (REFUSED, OTHER),
         lambda case: case.alteration in ("dname-forged", "cname-forged") and case.is_below_dname),
    Rule("A CNAME that its DNAME does not yield", OTHERS, (OTHER_AD,),
         lambda case: case.alteration in ("dname-forged", "cname-forged") and case.is_below_dname),
    Rule("A CNAME that its DNAME does not yield", (VOUCHD, KNOT), (REFUSED,),
         lambda case: case.alteration == "rdata-changed" and case.is_below_dname and case.has_another_cname),
    Rule("A forged CNAME beside the data", OTHERS, (REFUSED, OTHER), altered("cname-forged")),
    Rule("A forged CNAME beside the data", (VOUCHD,), (REFUSED,),
         lambda case: case.alteration == "cname-forged" and case.is_aliased and case.nobody_answers),
    Rule("A forged DNAME", OTHERS, (REFUSED,), altered("dname-forged")),

    Rule("An RCODE that contradicts what is signed", OTHERS, (REFUSED,),
         lambda case: case.kind in ("data/rcode-changed", "dnskey/rcode-changed")),
    Rule("An RCODE that contradicts what is signed", OTHERS, (REFUSED,),
         lambda case: case.is_target and case.where == "data" and case.reply.rcode != case.expected.rcode),

    Rule("An RCODE that contradicts what is signed", (KNOT,), (OTHER_AD,), altered("rcode-changed")),

    Rule("A worthless SOA of another name", OTHERS, (REFUSED, NO_AD),
         lambda case: case.is_negative and case.has_foreign_soa),
    Rule("A denial without its SOA", OTHERS, (REFUSED, NO_AD),
         lambda case: case.is_negative and not case.has_own_soa),

    Rule("Keys with the REVOKE flag", (UNBOUND, KNOT), FAULTS,
         lambda case: case.kind == "zone/flags" and case.keys_with_flags(lambda flags: flags & reference.REVOKE_FLAG)),
    Rule("Key-signing keys that are no zone keys", (BIND,), FAULTS,
         lambda case: case.kind == "zone/protocol"
         or case.kind == "zone/flags" and case.keys_with_flags(lambda flags: not flags & reference.ZONE_FLAG)),
    Rule("SHA-1 DS records beside a wrong SHA-256", (UNBOUND,), FAULTS,
         lambda case: case.kind == "zone/ds" and 1 in case.mutant.fields["ds"]),
    Rule("Labels below the signer's", (UNBOUND, KNOT, POWERDNS), FAULTS,
         lambda case: case.kind == "zone/labels" and case.tamper["labels"] < len(case.mutant.name) - 1),
    Rule("NSEC that ends the zone without naming its apex", (KNOT, POWERDNS), FAULTS,
         lambda case: case.kind == "zone/nsec-next" and not case.is_expanded),
    Rule("An apex whose NSEC has no SOA", (UNBOUND, POWERDNS), FAULTS,
         lambda case: case.kind == "zone/nsec-types" and case.tamper["nsec"] == "@" and "SOA" not in case.tamper["types"]),
    Rule("A wildcard's NSEC under another name", (UNBOUND, KNOT, POWERDNS), FAULTS,
         lambda case: case.has_expanded_denial),

    Rule("Negative answers whose SOA does not verify", (BIND,), (PASSED,),
         lambda case: case.outcome.rcode == dns.rcode.NXDOMAIN or not case.outcome.data),
    Rule("Denial out of other replies", OTHERS, (BELIEVED, OTHER, PASSED),
         lambda case: case.outcome.rcode == dns.rcode.NXDOMAIN and case.is_denied_above),
    Rule("More checks than a question may take", (VOUCHD,), (REFUSED,),
         lambda case: case.host == "nothing.d" and case.mutant.fields.get("algorithm") == 14 and case.is_nsec3),

    Rule("BIND: an unrelated denial in the referral", (BIND,), (REFUSED,), lambda case: case.where == "ds"),
    Rule("BIND: an RRSIG without a signature", (BIND,), (REFUSED,),
         lambda case: any(rrset.rdtype == RRSIG and not record.signature for rrset in case.records for record in rrset)),
    Rule("BIND: one bad signature beside a good one", (BIND,), (REFUSED, NO_AD), altered("garbage-beside")),
    Rule("An alias into a span with opt-out", (VOUCHD,), (OTHER,),
         lambda case: case.is_opt_out and case.is_aliased and case.outcome.rcode == dns.rcode.NOERROR),
    Rule("A name error that lacks a part of its proof", ANYBODY, (REFUSED, OTHER),
         lambda case: case.is_opt_out and case.is_negative and case.reply.rcode == dns.rcode.NXDOMAIN and case.has_own_soa
         and (case.where == "zone" or case.is_target)),
    Rule("Unsigned data in a span with opt-out", ANYBODY, (REFUSED, OTHER),
         lambda case: case.where == "data" and reference.SECURE not in case.expected.allowed),
    Rule("The parent's reply in the zone's place", (VOUCHD,), (OTHER,),
         lambda case: case.where == "ds" and reference.INSECURE in case.expected.allowed),
    Rule("Knot Resolver and PowerDNS: too little proof for a wildcard", (KNOT, POWERDNS), FAULTS,
         lambda case: case.kind in ("zone/labels", "zone/nsec-next") and case.is_expanded),
    Rule("PowerDNS: wildcards without proof", (POWERDNS,), FAULTS, lambda case: case.is_expanded),
    Rule("PowerDNS: AD in zones that nobody vouches for", (POWERDNS,), (BELIEVED,),
         lambda case: reference.INSECURE in case.expected.allowed),
    Rule("PowerDNS: altered replies to DNSKEY", (POWERDNS,), FAULTS, lambda case: case.where == "dnskey" or case.mutant.target[1] == DNSKEY),
    Rule("PowerDNS: forged data beside an alias", (POWERDNS,), (OTHER_AD,),
         lambda case: case.alteration == "answer-forged" and case.is_aliased),
    Rule("Labels above the owner's", (POWERDNS, BIND), FAULTS,
         lambda case: case.kind == "zone/labels" and case.tamper["labels"] > len(case.mutant.name) - 1),
    Rule("PowerDNS: absent below a DNAME", (POWERDNS,), (OTHER_AD, OTHER),
         lambda case: case.is_below_dname and case.outcome.rcode == dns.rcode.NXDOMAIN),
    Rule("What a signer denies though it exists", OTHERS, (OTHER_AD, OTHER),
         lambda case: case.kind in ("zone/nsec-next", "zone/nsec-types", "zone/nsec3-lie") and not case.is_target),
    Rule("Knot Resolver: reserved flags of keys", (KNOT,), (REFUSED,),
         lambda case: case.kind == "zone/flags" and case.keys_with_flags(lambda flags: flags & RESERVED_FLAGS)),
    Rule("Knot Resolver: a DNAME without its CNAME", (KNOT,), (OTHER_AD,),
         lambda case: case.is_below_dname and case.outcome.rcode == dns.rcode.NOERROR),
    Rule("Unbound: a DNAME told twice", (UNBOUND,), (REFUSED,),
         lambda case: case.alteration == "duplicated" and case.is_below_dname),
    Rule("What stands behind an alias", (UNBOUND, KNOT, POWERDNS), (REFUSED, NO_AD),
         lambda case: case.is_aliased and case.is_target and case.where == "data"),
    Rule("One broken reply spoils others", (POWERDNS, KNOT), (REFUSED,),
         lambda case: case.where == "zone" or (case.where == "data" and not case.is_target)),
    Rule("Knot Resolver: altered Ed448 signatures", (KNOT,), FAULTS,
         lambda case: case.mutant.fields.get("algorithm") == 16 and (case.tamper.get("flip") or case.alteration == "signature-changed")),
    Rule("Data of another type beside a denial", (KNOT, BIND), (REFUSED,),
         lambda case: case.alteration == "answer-replayed" and case.is_negative),
    Rule("Slow servers", OTHERS, (REFUSED,), lambda case: case.is_slow),
)


@dataclasses.dataclass(frozen=True)
class Finding:
    """A deviation, and why; paragraph: None if no rule fits."""
    paragraph: str
    subject: str
    did: str
    row: object


def explain(rows, world):
    """Yields findings."""
    slow = {row.mutant.number for row in rows for outcome in row.outcomes.values()
            if deviation(outcome, row.expected) in (NO_REPLY, SLOW)}
    for row in rows:
        for subject, outcome in row.outcomes.items():
            if deviation(outcome, row.expected):
                case = Case(row, subject, world, row.mutant.number in slow)
                rule = next((rule for rule in RULES if subject in rule.subjects and case.did in rule.did and rule.fits(case)), None)
                yield Finding(rule and rule.paragraph, subject, case.did, row)
