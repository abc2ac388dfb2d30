"""Signs a zone, and spoils it where the description says so.

A zone is a dns.zone.Zone with absolute names.  Signing is done here, record set by record set, because every field of
every RRSIG, NSEC and NSEC3 must be open to tampering; no signer made for production would produce the broken zones.
"""

import base64
import dataclasses
import hashlib
import struct

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rdtypes.ANY.DNSKEY
import dns.rdtypes.ANY.NSEC
import dns.rdtypes.ANY.NSEC3
import dns.rdtypes.ANY.NSEC3PARAM
import dns.rdtypes.ANY.RRSIG
import dns.rdtypes.util
import dns.tokenizer
from dns.rdatatype import DNSKEY, DS, NS, NSEC, NSEC3, NSEC3PARAM, RRSIG, SOA

from lab import keys
from lab.description import DescriptionError, relative_name, seconds

IN = dns.rdataclass.IN
NXNAME = 128                        # RFC 9824 section 2
NSEC3_OPT_OUT = 1
BASE32_TO_HEX = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789ABCDEFGHIJKLMNOPQRSTUV")
INCEPTION_S, EXPIRATION_S = -86400, 30 * 86400     # relative to the lab's time
DIGESTS = {1: "sha1", 2: "sha256", 4: "sha384"}

RRSIG_TAMPER = {"rrsig", "inception", "expiration", "original-ttl", "labels", "signer", "algorithm", "key-tag", "by",
                "flip", "drop", "repeat", "of-algorithm"}
NSEC_TAMPER = {"nsec", "next", "types"}
NSEC3_TAMPER = {"nsec3", "flip", "narrow"}


class KeySet:
    """The key pairs of one zone, by the names they have in the description."""

    def __init__(self, zone, seed, owner=None):
        """owner: zones that have the same one have the same keys; without one, each has its own."""
        self.zone = zone
        owner = owner or zone.name
        self.pairs = {key.name: keys.key_pair(key.algorithm, f"{seed} {owner} {key.name}", key.bits, key.exponent)
                      for key in zone.keys}
        self.records = {}
        for key in zone.keys:
            self.records[key.name] = self._record(key)

    def _record(self, key):
        public = self.pairs[key.name].public
        record = dns.rdtypes.ANY.DNSKEY.DNSKEY(IN, DNSKEY, key.flags, key.protocol, key.algorithm, public)
        if key.same_tag_as is None:
            return record
        return _with_key_tag(record, dns.dnssec.key_id(self.records[key.same_tag_as]))

    def published(self):
        return [self.records[key.name] for key in self.zone.keys if key.published]

    def signing(self, rdtype):
        """The keys whose signatures belong over a set of this type."""
        roles = ("ksk", "csk") if rdtype == DNSKEY else ("zsk", "csk")
        return [key.name for key in self.zone.keys if key.role in roles]

    def ds_records(self):
        """What the parent publishes."""
        records = []
        for ds in self.zone.ds:
            names = [ds.key] if ds.key else [key.name for key in self.zone.keys if key.role in ("ksk", "csk")]
            records.extend(self._ds_record(ds, name) for name in names)
        return records

    def _ds_record(self, ds, key_name):
        record = self.records[key_name]
        digest_of = DIGESTS.get(ds.digest, "sha256")
        digest = hashlib.new(digest_of, self.zone.name.to_digestable() + record.to_wire()).digest()
        if ds.flip:
            digest = flip_bit(digest)
        tag = dns.dnssec.key_id(record) if ds.tag is None else ds.tag
        return dns.rdata.from_text(IN, DS, f"{tag} {ds.algorithm or record.algorithm} {ds.digest} {digest.hex()}")


@dataclasses.dataclass
class Signature:
    """What goes into one RRSIG before it is made."""
    key: str
    algorithm: int
    labels: int
    original_ttl: int
    inception: int
    expiration: int
    key_tag: int
    signer: dns.name.Name
    flip: bool = False


class Signer:
    def __init__(self, zone, key_set, tamper, now):
        """zone: the description; tamper: its list of changes (a copy of the zone has its own); now: seconds."""
        self.origin = zone.name
        self.description = zone
        self.keys = key_set
        self.now = now
        self.rrsig_tamper = [self._selector(t, "rrsig", RRSIG_TAMPER) for t in tamper if "rrsig" in t]
        self.nsec_tamper = [self._selector(t, "nsec", NSEC_TAMPER) for t in tamper if "nsec" in t]
        self.nsec3_tamper = [self._nsec3_selector(t) for t in tamper if "nsec3" in t]
        self.other_tamper = [t for t in tamper if not {"rrsig", "nsec", "nsec3"} & set(t)]

    def sign(self, content):
        """content: a dns.zone.Zone with delegations and DS in place; becomes signed."""
        self.prepare(content)
        for name in [name for name in content.nodes if not is_glue(content, name)]:
            self._sign_node(content, name)
        self.change(content)

    def prepare(self, content):
        """Adds what is to be signed: keys and denial."""
        minimum = content.find_rdataset(self.origin, SOA)[0].minimum
        for record in self.keys.published():
            content.find_rdataset(self.origin, DNSKEY, create=True).add(record, ttl=self.description.ttl)
        if self.description.compact is not None:
            self._add_compact_denial(content, minimum)
        elif self.description.nsec3 is not None:
            self._add_nsec3(content, minimum)
        else:
            self._add_nsec(content, minimum)

    def change(self, content):
        """What is done to the zone behind the back of its signatures."""
        for change in self.other_tamper:
            self._change(content, change)

    # Denial of existence

    def _add_nsec(self, content, ttl):
        names = sorted(name for name in content.nodes if not is_glue(content, name))
        for name, following in zip(names, names[1:] + names[:1]):
            self._put_nsec(content, name, following, self._types_at(content, name) | {RRSIG, NSEC}, ttl)

    def _add_compact_denial(self, content, ttl):
        """RFC 9824 section 3.1: each name has an NSEC of its own whose next name is its immediate successor."""
        present = [name for name in content.nodes if not is_glue(content, name)]
        for name in present:
            types = self._types_at(content, name) | {RRSIG, NSEC}
            self._put_nsec(content, name, _successor(name), types, ttl)
        for text in self.description.compact:
            name = relative_name(text, self.origin)
            self._put_nsec(content, name, _successor(name), {RRSIG, NSEC, NXNAME}, ttl)

    def _put_nsec(self, content, name, following, types, ttl):
        for change in self.nsec_tamper:
            if change["owner"] == name:
                following = relative_name(change["next"], self.origin) if "next" in change else following
                types = _read_types(change["types"]) if "types" in change else types
        record = dns.rdtypes.ANY.NSEC.NSEC(IN, NSEC, following, windows(types))
        content.find_rdataset(name, NSEC, create=True).add(record, ttl=ttl)

    def _add_nsec3(self, content, ttl):
        """RFC 5155 section 7.1."""
        nsec3 = self.description.nsec3
        salt = bytes.fromhex(nsec3.salt)
        parameters = dns.rdtypes.ANY.NSEC3PARAM.NSEC3PARAM(IN, NSEC3PARAM, 1, 0, nsec3.iterations, salt)
        content.find_rdataset(self.origin, NSEC3PARAM, create=True).add(parameters, ttl=0)
        types_by_hash = {self._hash(name): self._nsec3_types(content, name) for name in self._nsec3_names(content)}
        hashes = sorted(types_by_hash)
        flags = NSEC3_OPT_OUT if nsec3.opt_out else 0
        for own, following in zip(hashes, hashes[1:] + hashes[:1]):
            shown, following = self._nsec3_span(own, following)
            record = dns.rdtypes.ANY.NSEC3.NSEC3(
                IN, NSEC3, 1, flags, nsec3.iterations, salt, following, windows(types_by_hash[own]))
            content.find_rdataset(self._nsec3_owner(shown), NSEC3, create=True).add(record, ttl=ttl)

    def _nsec3_span(self, own, following):
        """Owner and next hash as they are published."""
        shown = own
        for change in self.nsec3_tamper:
            if change["hash"] in (None, own):
                shown = flip_bit(own) if change.get("flip") else shown
                following = _incremented(own) if change.get("narrow") else following
        return shown, following

    def _nsec3_names(self, content):
        names = {self.origin}
        for name in content.nodes:
            if is_glue(content, name) or (self.description.nsec3.opt_out and _is_insecure_delegation(content, name)):
                continue
            while name != self.origin:      # with the empty non-terminals above it
                names.add(name)
                name = name.parent()
        return names

    def _nsec3_types(self, content, name):
        if content.get_node(name) is None:
            return set()
        types = self._types_at(content, name)
        return types if types == {NS} else types | {RRSIG}

    def _types_at(self, content, name):
        types = {rdataset.rdtype for rdataset in content.nodes[name]}
        return types & {NS, DS} if is_delegation(content, name) else types

    def _hash(self, name):
        nsec3 = self.description.nsec3
        salt = bytes.fromhex(nsec3.salt)
        digest = hashlib.sha1(name.to_digestable() + salt).digest()
        for _ in range(nsec3.iterations):
            digest = hashlib.sha1(digest + salt).digest()
        return digest

    def _nsec3_owner(self, digest):
        label = base64.b32encode(digest).translate(BASE32_TO_HEX).decode().lower()
        return dns.name.from_text(label, self.origin)

    # Signatures

    def _sign_node(self, content, name):
        signable = [rdataset for rdataset in content.nodes[name]
                    if not is_delegation(content, name) or rdataset.rdtype in (DS, NSEC)]
        for rdataset in signable:
            if signatures := self.signatures_over(name, rdataset):
                content.nodes[name].replace_rdataset(signatures)

    def signatures_over(self, name, rdataset):
        """The set of RRSIGs; may be empty."""
        signatures = dns.rdataset.Rdataset(IN, RRSIG, rdataset.rdtype, rdataset.ttl)
        for signature in self._wanted_signatures(name, rdataset):
            signatures.add(self._make_rrsig(name, rdataset, signature))
        return signatures

    def _wanted_signatures(self, name, rdataset):
        for key_name in self.keys.signing(rdataset.rdtype):
            record = self.keys.records[key_name]
            signature = Signature(
                key=key_name, algorithm=record.algorithm, labels=_label_count(name), original_ttl=rdataset.ttl,
                inception=self.now + INCEPTION_S, expiration=self.now + EXPIRATION_S,
                key_tag=dns.dnssec.key_id(record), signer=self.origin)
            repeat = 1
            for change in self.rrsig_tamper:
                if self._concerns(change, name, rdataset.rdtype, signature):
                    signature = self._change_signature(signature, change)
                    repeat = change.get("repeat", 1)
                if signature is None:
                    break
            else:
                # Repeated signatures differ in their inception, for a set holds no record twice.
                for number in range(repeat):
                    yield dataclasses.replace(signature, inception=signature.inception - number)

    def _concerns(self, change, name, rdtype, signature):
        return (change["owner"] in (None, name) and change["type"] in (None, rdtype)
                and change.get("of-algorithm", signature.algorithm) == signature.algorithm)

    def _change_signature(self, signature, change):
        """None: there shall be no such signature."""
        if change.get("drop"):
            return None
        fields = {}
        for field in ("inception", "expiration"):
            if field in change:
                fields[field] = self.now + seconds(change[field])
        for field in ("labels", "algorithm", "flip"):
            if field in change:
                fields[field] = change[field]
        if "original-ttl" in change:
            fields["original_ttl"] = seconds(change["original-ttl"])
        if "key-tag" in change:
            fields["key_tag"] = change["key-tag"]
        if "signer" in change:
            fields["signer"] = relative_name(change["signer"], self.origin)
        if "by" in change:
            record = self.keys.records[change["by"]]
            fields.update(key=change["by"], algorithm=record.algorithm, key_tag=dns.dnssec.key_id(record))
        return dataclasses.replace(signature, **fields)

    def _make_rrsig(self, name, rdataset, signature):
        """RFC 4034 section 3.1.8.1."""
        header = struct.pack("!HBBIIIH", rdataset.rdtype, signature.algorithm, signature.labels,
                             signature.original_ttl, signature.expiration & 0xFFFFFFFF,
                             signature.inception & 0xFFFFFFFF, signature.key_tag)
        owner = _signed_owner(name, signature.labels).to_digestable()
        prefix = owner + struct.pack("!HHI", rdataset.rdtype, IN, signature.original_ttl)
        records = b"".join(prefix + struct.pack("!H", len(wire)) + wire
                           for wire in sorted(record.to_digestable() for record in rdataset))
        octets = self.keys.pairs[signature.key].sign(header + signature.signer.to_digestable() + records)
        return dns.rdtypes.ANY.RRSIG.RRSIG(
            IN, RRSIG, rdataset.rdtype, signature.algorithm, signature.labels, signature.original_ttl,
            signature.expiration & 0xFFFFFFFF, signature.inception & 0xFFFFFFFF, signature.key_tag, signature.signer,
            flip_bit(octets) if signature.flip else octets)

    # Tampering

    def _selector(self, change, field, known):
        """Adds what the selector ("*", "NAME *", "* TYPE", "NAME TYPE" or, for NSEC, "NAME") stands for."""
        unknown = set(change) - known
        if unknown:
            raise DescriptionError(f"{self.origin}: tamper: unknown field {', '.join(sorted(unknown))}")
        name, rdtype = self._read_selector(change[field])
        return {**change, "owner": name, "type": rdtype}

    def _nsec3_selector(self, change):
        """"*", or the name that the NSEC3 stands for."""
        unknown = set(change) - NSEC3_TAMPER
        if unknown:
            raise DescriptionError(f"{self.origin}: tamper: unknown field {', '.join(sorted(unknown))}")
        name = change["nsec3"]
        return {**change, "hash": None if name == "*" else self._hash(relative_name(name, self.origin))}

    def _read_selector(self, text):
        name, _, rdtype = text.partition(" ")
        rdtype = None if rdtype in ("", "*") else dns.rdatatype.from_text(rdtype)
        if name == "*":
            return None, rdtype
        owner = relative_name(name, self.origin)
        # An NSEC3 record is selected by the name that it stands for.
        return (self._nsec3_owner(self._hash(owner)) if rdtype == NSEC3 else owner), rdtype

    def _change(self, content, change):
        """After signing: a set disappears with its signatures, or one appears that nobody has signed."""
        if "remove" in change:
            name, rdtype = self._read_selector(change["remove"])
            for owner in [name] if name else list(content.nodes):
                content.delete_rdataset(owner, rdtype)
                content.delete_rdataset(owner, RRSIG, rdtype)
        elif "replace" in change:
            name, rdtype = self._read_selector(change["replace"])
            rdataset = content.find_rdataset(name, rdtype)
            record = dns.rdata.from_text(IN, rdtype, change["with"], self.origin)
            content.replace_rdataset(name, dns.rdataset.from_rdata(rdataset.ttl, record))
        else:
            raise DescriptionError(f"{self.origin}: tamper: unknown change {change}")


def is_delegation(content, name):
    return name != content.origin and content.get_rdataset(name, NS) is not None


def is_glue(content, name):
    """True below a zone cut: nothing there belongs to this zone's authoritative data."""
    while name != content.origin:
        name = name.parent()
        if is_delegation(content, name):
            return True
    return False


def windows(types):
    """RFC 4034 section 4.1.2."""
    text = " ".join(dns.rdatatype.to_text(rdtype) for rdtype in sorted(types))
    tokens = dns.tokenizer.Tokenizer(text)
    return dns.rdtypes.util.Bitmap.from_text(tokens).windows


def flip_bit(octets):
    """The lowest bit of the last octet: the length, and for RSA the range, stay right."""
    return octets[:-1] + bytes([octets[-1] ^ 1])


def _incremented(octets):
    """The hash that follows immediately."""
    return ((int.from_bytes(octets, "big") + 1) % (1 << 8 * len(octets))).to_bytes(len(octets), "big")


def _read_types(text):
    return {dns.rdatatype.from_text(word) for word in text.split()}


def _is_insecure_delegation(content, name):
    return is_delegation(content, name) and content.get_rdataset(name, DS) is None


def _label_count(name):
    """RFC 4034 section 3.1.3: without the root and without a leading asterisk."""
    return len(name) - 1 - (1 if name.is_wild() else 0)


def _signed_owner(name, labels):
    """The wildcard from which a name with more labels than the RRSIG says must have come (RFC 4035 section 5.3.2)."""
    if labels >= len(name) - 1:
        return name
    return dns.name.Name((b"*",) + name.labels[len(name) - 1 - labels:])


def _successor(name):
    """The name that immediately follows in canonical order."""
    return dns.name.Name((b"\0",) + name.labels)


def _with_key_tag(record, wanted):
    """The same RSA key with other octets in the middle of its modulus, such that the key tag is the wanted one.

    The tag is a sum of 16-bit words with end-around carry (RFC 4034 appendix B), hence the neighbours are tried."""
    at = len(record.key) // 2 & ~1
    word = int.from_bytes(record.key[at:at + 2], "big") + wanted - dns.dnssec.key_id(record)
    for value in (word, word - 1, word + 1):
        key = record.key[:at] + (value % 0x10000).to_bytes(2, "big") + record.key[at + 2:]
        changed = dns.rdtypes.ANY.DNSKEY.DNSKEY(IN, DNSKEY, record.flags, record.protocol, record.algorithm, key)
        if dns.dnssec.key_id(changed) == wanted:
            return changed
    raise AssertionError("no modulus gives that key tag")
