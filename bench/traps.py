"""Zones that cost a validator more than others: KeyTrap (CVE-2023-50387) in its forms, and NSEC3 that is costly to hash
(CVE-2023-50868).  For the row `keytrap`.

All of a trap's keys have one tag.  Nothing needs to be searched for: a tag is a sum of the DNSKEY's octets, and
fourteen bits of its flags mean nothing to a validator (RFC 4034 section 2.1.1).
"""

import base64
import dataclasses
import hashlib
import itertools

from bench import zones
from lab import keys

TAG = 12345
ZONE_KEY, REVOKE = 0x0100, 0x0080
KEYS, SIGNATURES, DS_RECORDS = 40, 30, 15
NAMES = 200                     # that are asked for, of each trap
ZONES = 25                      # where each question takes a zone of its own: what is known of its keys is kept
LONG_NAME_LABELS = 60
ITERATIONS = 50                 # as many as validators take
SALT = "ab" * 200


@dataclasses.dataclass(frozen=True)
class Trap:
    name: str
    says: str
    algorithm: int = zones.ALGORITHM
    keys: int = 1
    signatures: int = 1         # none of which verifies
    ds: int = 0                 # that many keys have a DS, and the key set's signatures do not verify either
    nsec3: bool = False
    aliases: int = 0            # on the way to each name; they and nothing else are signed by a key of the trap: well
    chain: int = 0              # so many zones, each leading to the next one, signed by nothing but keys of the trap: well
    bits: int = 0               # of RSA

    @property
    def zone_names(self):
        if self.chain:
            return [self.zone_name(number, link) for number in range(ZONES) for link in range(self.chain)]
        return [f"trap-{self.name}-{number}." for number in range(ZONES)] if self.ds else [f"trap-{self.name}."]

    def zone_name(self, number, link):
        return f"trap-{self.name}-{number}-{link}."

    def following(self, zone_name):
        """The zone that a name of this one leads to; None if it has an address."""
        if not self.chain:
            return None
        number, link = map(int, zone_name.rstrip(".").split("-")[-2:])
        return self.zone_name(number, link + 1) if link + 1 < self.chain else None

    def questions(self):
        """Lines for the load generator; what else is answered than SERVFAIL differs from resolver to resolver."""
        if self.chain:
            return [_question(f"h0.{self.zone_name(number, 0)}", 2) for number in range(ZONES)]
        if self.ds:
            return [_question(f"h0.{zone}", 2) for zone in self.zone_names]
        zone = self.zone_names[0]
        if self.nsec3:
            return [_question(f"{'a.' * LONG_NAME_LABELS}n{number}.{zone}", 3) for number in range(NAMES)]
        return [_question(f"h{number}.{zone}", 2) for number in range(NAMES)]


def _question(name, rcode):
    return f"{name} {zones.TYPES['A']} - {rcode} -"


TRAPS = (
    Trap("keys", "many keys of one tag", keys=KEYS),
    Trap("signatures", "many signatures", signatures=SIGNATURES),
    Trap("both", "many keys of one tag, many signatures", keys=KEYS, signatures=SIGNATURES),
    Trap("ds", "many DS, keys of one tag and signatures", keys=KEYS, signatures=SIGNATURES, ds=DS_RECORDS),
    Trap("slow", "many keys of one tag and signatures, P-384", algorithm=14, keys=KEYS, signatures=SIGNATURES),
    Trap("good", "eleven aliases, each signed well, P-384", algorithm=14, aliases=11),
    Trap("chain", "eleven aliases through twelve zones, each signed well", chain=12),
    Trap("nsec3", "NSEC3 that is costly to hash, long names", nsec3=True),
)


class TrapKey:
    """The number of a key pair, and flags that give the key its tag."""

    def __init__(self, algorithm, number):
        self.pair = keys.key_pair(algorithm, f"trap {number}")
        flags = (TAG - zones.key_tag(self._rdata(0, algorithm, self.pair))) % 0xFFFF
        self.rdata = self._rdata(flags, algorithm, self.pair)
        self.text = f"{flags} 3 {algorithm} {base64.b64encode(self.pair.public).decode()}"
        self.fits = (flags & (ZONE_KEY | REVOKE)) == ZONE_KEY and zones.key_tag(self.rdata) == TAG
        self.signature_octets = len(self.pair.sign(b""))

    @staticmethod
    def _rdata(flags, algorithm, pair):
        return flags.to_bytes(2, "big") + bytes([3, algorithm]) + pair.public


def _trap_keys(algorithm, count):
    fitting = (key for key in map(TrapKey, itertools.repeat(algorithm), itertools.count()) if key.fits)
    return list(itertools.islice(fitting, count))


class TrapWriter(zones.ZoneWriter):
    def __init__(self, trap, name, now):
        hosts = () if trap.nsec3 else tuple(f"h{number}" for number in range(1 if trap.ds or trap.chain else NAMES))
        key_set = zones.KeySet(name, trap.algorithm, trap.bits) if trap.chain else None
        super().__init__(zones.Zone(name, tuple(zones.TRAP_ADDRESSES), hosts=hosts), now, key_set)
        self.trap = trap
        self.trap_keys = [] if trap.nsec3 or trap.chain else _trap_keys(trap.algorithm, trap.keys)

    def delegation(self):
        if not self.trap.ds:
            return zones.Delegation(self.zone.name, tuple(zones.TRAP_ADDRESSES), (self.keys.ds(),))
        digests = (hashlib.sha256(zones.wire_name(self.zone.name) + key.rdata).hexdigest()
                   for key in self.trap_keys[:self.trap.ds])
        ds = tuple(f"{TAG} {self.trap.algorithm} 2 {digest}" for digest in digests)
        return zones.Delegation(self.zone.name, tuple(zones.TRAP_ADDRESSES), ds)

    def _add_apex(self):
        super()._add_apex()
        self.sets[self.zone.name, "DNSKEY"] += [key.text for key in self.trap_keys]

    def _add_host(self, owner):
        following = self.trap.following(self.zone.name)
        if following:
            self.sets[owner, "CNAME"] = [f"h0.{following}"]
            return
        names = [owner, *(f"a{number}{owner}" for number in range(self.trap.aliases))]
        for alias, target in zip(names, names[1:]):
            self.sets[alias, "CNAME"] = [target]
        self.sets[names[-1], "A"] = ["198.18.0.1"]

    def _add_nsec(self):
        if not self.trap.nsec3:
            super()._add_nsec()
            return
        self.sets[self.zone.name, "NSEC3PARAM"] = [f"1 0 {ITERATIONS} {SALT}"]
        types = {}
        for owner, rdtype in self.sets:
            types.setdefault(owner, {"RRSIG"}).add(rdtype)
        hashes = sorted((_nsec3_hash(owner), owner) for owner in types)
        for (hashed, owner), (following, _) in zip(hashes, hashes[1:] + hashes[:1]):
            listed = " ".join(sorted(types[owner], key=zones.TYPES.get))
            self.sets[f"{hashed}.{self.zone.name}", "NSEC3"] = [f"1 0 {ITERATIONS} {SALT} {following} {listed}"]

    def _signatures(self, owner, rdtype, texts):
        if self.trap.chain:
            return super()._signatures(owner, rdtype, texts)
        if rdtype == "CNAME":
            return [self._signature(owner, rdtype, texts, self.trap.algorithm, self.trap_keys[0].pair, TAG)]
        is_trapped = owner.startswith("h") and rdtype == "A" or self.trap.ds and rdtype == "DNSKEY"
        if self.trap.nsec3 or not is_trapped:
            return super()._signatures(owner, rdtype, texts)
        return [self._bad_signature(owner, rdtype, number) for number in range(self.trap.signatures)]

    def _bad_signature(self, owner, rdtype, number):
        octets = keys.stream(f"trap {owner} {rdtype} {number}", self.trap_keys[0].signature_octets)
        fields = self._signature_fields(owner, rdtype, self.trap.algorithm, TAG)
        return f"{fields} {base64.b64encode(bytes([0x7f]) + octets[1:]).decode()}"


def _nsec3_hash(name):
    """RFC 5155 section 5, in its text form."""
    digest = zones.wire_name(name)
    for _ in range(1 + ITERATIONS):
        digest = hashlib.sha1(digest + bytes.fromhex(SALT)).digest()
    return base64.b32hexencode(digest).decode().lower()


def build(directory, now):
    """Files of all traps in the directory: {zone name: path}, and their delegations."""
    directory.mkdir()
    files, delegations = {}, []
    for trap in TRAPS:
        for name in trap.zone_names:
            writer = TrapWriter(trap, name, now)
            files[name] = directory / name.rstrip(".")
            writer.write(files[name])
            delegations.append(writer.delegation())
    return files, delegations
