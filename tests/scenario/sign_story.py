#!/usr/bin/python3
"""Fills in the DNSSEC records of a story, in place: sign_story.py FILE…

Directives are comments of the story; the lines made from one stand behind it, end with ";@", and are made anew each
time.  A key is derived from its zone's name, so that the same story comes out every time.

    ;@ anchor ZONE            a trust-anchor line of the configuration
    ;@ dnskey ZONE [unsigned] the DNSKEY set of the zone, signed
    ;@ ds ZONE by PARENT      the DS set of the zone, signed by its parent
    ;@ sign ZONE [spoilt]     a signature over the RRset that the record in the line before belongs to

spoilt: expired, future (begins after the story), broken (does not verify), unknown (algorithm 200).
"""

import datetime
import hashlib
import sys

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ed25519

TTL_S = 3600
MARK = " ;@"
KSK_FLAGS = 257
ED25519 = 15


def utc(year):
    return datetime.datetime(year, 1, 1, tzinfo=datetime.timezone.utc)


# Stories are told at 2026-01-01: val-override-date: "20260101000000".
VALIDITY = {"good": (utc(2025), utc(2027)), "expired": (utc(2024), utc(2025)), "future": (utc(2027), utc(2028))}


class Zone:
    def __init__(self, name):
        self.name = dns.name.from_text(name)
        seed = hashlib.sha256(self.name.to_text().encode()).digest()
        self.key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        self.dnskey = dns.dnssec.make_dnskey(self.key.public_key(), ED25519, KSK_FLAGS)

    def dnskey_set(self):
        return dns.rrset.from_rdata(self.name, TTL_S, self.dnskey)

    def ds_set(self):
        return dns.rrset.from_rdata(self.name, TTL_S, dns.dnssec.make_ds(self.name, self.dnskey, "SHA256"))

    def sign(self, rrset, how="good"):
        inception, expiration = VALIDITY.get(how, VALIDITY["good"])
        rrsig = dns.dnssec.sign(rrset, self.key, self.name, self.dnskey, inception, expiration)
        if how == "broken":
            rrsig = rrsig.replace(signature=rrsig.signature[:-1] + bytes([rrsig.signature[-1] ^ 1]))
        elif how == "unknown":
            rrsig = rrsig.replace(algorithm=200)
        elif how not in VALIDITY:
            raise ValueError(f"no such way to spoil a signature: {how}")
        return dns.rrset.from_rdata(rrset.name, rrset.ttl, rrsig)


def read_record(line):
    """Owner, TTL, class and type in their usual order; owner and type are there, a final dot too."""
    owner, *fields = line.split()
    ttl_s = int(fields.pop(0)) if fields[0].isdigit() else TTL_S
    if fields[0] == "IN":
        fields.pop(0)
    rdtype = dns.rdatatype.from_text(fields.pop(0))
    rdata = dns.rdata.from_text(dns.rdataclass.IN, rdtype, " ".join(fields), relativize=False)
    return dns.rrset.from_rdata(dns.name.from_text(owner), ttl_s, rdata)


def last_rrset(lines):
    """The RRset of the last record, out of the lines directly before."""
    rrset = read_record(lines[-1])
    for line in reversed(lines[:-1]):
        if line.endswith(MARK) or line.lstrip().startswith((";", "SECTION")):
            break
        before = read_record(line)
        if (before.name, before.rdtype) != (rrset.name, rrset.rdtype):
            break
        rrset.update(before)
    return rrset


def made_by(directive, lines):
    """The lines that a directive stands for."""
    words = directive.split()
    match words:
        case ["anchor", zone]:
            yield f'\ttrust-anchor: "{Zone(zone).ds_set().to_text()}"'
            return
        case ["dnskey", zone]:
            sets = [Zone(zone).dnskey_set()]
            sets.append(Zone(zone).sign(sets[0]))
        case ["dnskey", zone, "unsigned"]:
            sets = [Zone(zone).dnskey_set()]
        case ["ds", zone, "by", parent]:
            sets = [Zone(zone).ds_set()]
            sets.append(Zone(parent).sign(sets[0]))
        case ["sign", zone, *how]:
            sets = [Zone(zone).sign(last_rrset(lines), *how)]
        case _:
            raise ValueError(f"no such directive: {directive}")
    for rrset in sets:
        yield from rrset.to_text().splitlines()


def sign_story(text):
    lines = []
    for line in text.splitlines():
        if line.endswith(MARK):
            continue
        records = [before for before in lines if not before.lstrip().startswith(";@")]
        lines.append(line)
        if line.lstrip().startswith(";@ "):
            lines += [made + MARK for made in made_by(line.lstrip()[3:], records)]
    return "\n".join(lines) + "\n"


def main():
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(sign_story(text))


if __name__ == "__main__":
    main()
