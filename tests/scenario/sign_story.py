#!/usr/bin/python3
"""Fills in the DNSSEC records of a story, in place: sign_story.py FILE…

Directives are comments of the story; the lines made from one stand behind it, end with ";@", and are made anew each
time.  A key is derived from its zone's name, so that the same story comes out every time.  Zones sign with Ed25519,
those whose first label is "ed448" with Ed448.

    ;@ anchor ZONE                      a trust-anchor line of the configuration
    ;@ dnskey ZONE [how…]               the DNSKEY set of the zone, signed
    ;@ ds ZONE by PARENT [how…]         the DS set of the zone, signed by its parent
    ;@ sign ZONE [how…]                 a signature over the RRset that the record in the line before belongs to
    ;@ nsec3 ZONE at NAME [type…]       the NSEC3 of this name, signed
    ;@ nsec3 ZONE over NAME             an NSEC3 that covers just this name, signed

how: what is wrong or odd, several words if need be:

    unsigned        no signature
    expired         as are those that begin after the story:
    future
    broken          does not verify
    unknown         algorithm 200
    keys=N          the zone has N keys; the first one signs
    first=N         of which the set's first one is the N-th; a DS set is of that one
    key=N           the N-th one signs
    tag=N           but the signature names the tag of the N-th one
    impostors=N     N keys, or DS records, of the same tag besides: they stand first and verify nothing
    times=N         N signatures; they begin a second apart
    labels=N        Labels of the signature: expanded from a wildcard
    signer=ZONE     the Signer's Name, whoever signs
    iterations=N    of the NSEC3
    chain=ZONE      the NSEC3's owner is below this zone
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
from cryptography.hazmat.primitives.asymmetric import ed448, ed25519
from dns.rdtypes.ANY.RRSIG import RRSIG

TTL_S = 3600
MARK = " ;@"
KSK_FLAGS = 257
ED25519, ED448 = 15, 16


def utc(year):
    return datetime.datetime(year, 1, 1, tzinfo=datetime.timezone.utc)


# Stories are told at 2026-01-01: val-override-date: "20260101000000".
VALIDITY = {"good": (utc(2025), utc(2027)), "expired": (utc(2024), utc(2025)), "future": (utc(2027), utc(2028))}


WORDS = {"unsigned", "broken", "unknown", *VALIDITY}
VALUES = {"keys", "first", "key", "tag", "impostors", "times", "labels", "signer", "iterations", "chain"}


class How:
    """The words behind a directive."""

    def __init__(self, words):
        self.words = {word for word in words if "=" not in word}
        self.values = dict(word.split("=") for word in words if "=" in word)
        if not (self.words <= WORDS and self.values.keys() <= VALUES):
            raise ValueError(f"not all of this is known: {' '.join(words)}")

    def has(self, word):
        return word in self.words

    def number(self, word, initial):
        return int(self.values.get(word, initial))

    def name(self, word, initial):
        return dns.name.from_text(self.values[word]) if word in self.values else initial

    def validity(self):
        inception, expiration = VALIDITY[next((word for word in VALIDITY if word in self.words), "good")]
        return int(inception.timestamp()), int(expiration.timestamp())


class Zone:
    def __init__(self, name):
        self.name = dns.name.from_text(name)
        self.algorithm = ED448 if self.name.labels[0] == b"ed448" else ED25519

    def key(self, number=1):
        text = self.name.to_text() + (f"#{number}" if number > 1 else "")
        if self.algorithm == ED448:
            return ed448.Ed448PrivateKey.from_private_bytes(hashlib.shake_256(text.encode()).digest(57))
        return ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(text.encode()).digest())

    def dnskey(self, number=1):
        return dns.dnssec.make_dnskey(self.key(number).public_key(), self.algorithm, KSK_FLAGS)

    def impostor(self, number):
        """A DNSKEY of the first one's tag: the last two octets of its key make up for the rest."""
        wanted = dns.dnssec.key_id(self.dnskey())
        key = hashlib.sha256(f"{self.name} impostor {number}".encode()).digest()[:-2]
        lacking = wanted - dns.dnssec.key_id(self.dnskey().replace(key=key + bytes(2)))
        for carry in range(-2, 3):  # of the ones' complement sum
            dnskey = self.dnskey().replace(key=key + (lacking + carry & 0xFFFF).to_bytes(2, "big"))
            if dns.dnssec.key_id(dnskey) == wanted:
                return dnskey
        raise ValueError("no key has this tag")

    def dnskey_set(self, how):
        keys = [self.impostor(i) for i in range(how.number("impostors", 0))]
        keys += [self.dnskey(how.number("first", 1) + i) for i in range(how.number("keys", 1))]
        return dns.rrset.from_rdata(self.name, TTL_S, *keys)

    def ds_set(self, how):
        ds = dns.dnssec.make_ds(self.name, self.dnskey(how.number("first", 1)), "SHA256")
        wrong = [ds.replace(digest=hashlib.sha256(bytes([i])).digest()) for i in range(how.number("impostors", 0))]
        return dns.rrset.from_rdata(self.name, TTL_S, *wrong, ds)

    def rrsig(self, rrset, how, number):
        """The number-th signature over the set."""
        inception, expiration = how.validity()
        labels = len(rrset.name) - 1 - rrset.name.is_wild()
        key = how.number("key", 1)
        tag = dns.dnssec.key_id(self.dnskey(how.number("tag", key)))
        rrsig = RRSIG(dns.rdataclass.IN, dns.rdatatype.RRSIG, rrset.rdtype, self.algorithm, how.number("labels", labels),
                      rrset.ttl, expiration, inception + number, tag, how.name("signer", self.name), b"")
        signature = self.key(key).sign(dns.dnssec._make_rrsig_signature_data(rrset, rrsig))
        if how.has("broken"):
            signature = signature[:-1] + bytes([signature[-1] ^ 1])
        rrsig = rrsig.replace(signature=signature)
        return rrsig.replace(algorithm=200) if how.has("unknown") else rrsig

    def sign(self, rrset, how):
        rrsigs = [self.rrsig(rrset, how, number) for number in range(how.number("times", 1))]
        return [] if how.has("unsigned") else [dns.rrset.from_rdata(rrset.name, rrset.ttl, *rrsigs)]

    def nsec3(self, where, name, types, how):
        """At a name, or from just before to just behind it."""
        iterations = how.number("iterations", 0)
        hashed = int(dns.dnssec.nsec3_hash(name, None, iterations, "SHA1"), 32)
        first, last = (hashed, hashed + 1) if where == "at" else (hashed - 1, hashed + 1)
        owner = dns.name.from_text(base32hex(first), how.name("chain", self.name))
        return read_record(f"{owner} 60 IN NSEC3 1 0 {iterations} - {base32hex(last)} {' '.join(types)}")


def base32hex(number):
    digits = "0123456789abcdefghijklmnopqrstuv"
    return "".join(digits[number >> 5 * i & 31] for i in reversed(range(32)))


def read_record(line):
    """Owner, TTL, class and type in their usual order; owner and type are there, a final dot too."""
    owner, *fields = line.split()
    ttl_s = int(fields.pop(0)) if fields[0].isdigit() else TTL_S
    if fields[0] == "IN":
        fields.pop(0)
    rdtype = dns.rdatatype.from_text(fields.pop(0))
    if fields[0] == "\\#":  # may be malformed
        rdata = dns.rdata.GenericRdata(dns.rdataclass.IN, rdtype, bytes.fromhex("".join(fields[2:])))
    else:
        rdata = dns.rdata.from_text(dns.rdataclass.IN, rdtype, " ".join(fields), relativize=False)
    return dns.rrset.from_rdata(dns.name.from_text(owner), ttl_s, rdata)


def is_signature(line):
    return line.endswith(MARK) and " RRSIG " in line


def last_rrset(lines):
    """The RRset of the last record that is no signature made here, out of the lines directly before."""
    while is_signature(lines[-1]):
        lines = lines[:-1]
    rrset = read_record(lines[-1].removesuffix(MARK))
    for line in reversed(lines[:-1]):
        if line.lstrip().startswith((";", "SECTION")):
            break
        before = read_record(line.removesuffix(MARK))
        if (before.name, before.rdtype) != (rrset.name, rrset.rdtype):
            break
        rrset.update(before)
    return rrset


def made_by(directive, lines):
    """The lines that a directive stands for."""
    words = directive.split()
    match words:
        case ["anchor", zone]:
            yield f'\ttrust-anchor: "{Zone(zone).ds_set(How([])).to_text()}"'
            return
        case ["dnskey", zone, *rest]:
            sets = [Zone(zone).dnskey_set(How(rest))]
            sets += Zone(zone).sign(sets[0], How(rest))
        case ["ds", zone, "by", parent, *rest]:
            sets = [Zone(zone).ds_set(How(rest))]
            sets += Zone(parent).sign(sets[0], How(rest))
        case ["sign", zone, *rest]:
            sets = Zone(zone).sign(last_rrset(lines), How(rest))
        case ["nsec3", zone, "at" | "over" as where, name, *rest]:
            types = [word for word in rest if word.isupper()]
            how = How([word for word in rest if word not in types])
            sets = [Zone(zone).nsec3(where, name, types, how)]
            sets += Zone(zone).sign(sets[0], how)
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
            text = sign_story(file.read())
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main()
