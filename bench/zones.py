"""The zone set: a signed hierarchy of a root, some top-level domains and thousands of zones, built in seconds.

lab/ signs record set by record set, open to tampering, which is too slow here: this builder knows one kind of sound
zone.  Keys come from lab/keys.py, the same for the same seed.  A thousand pairs are shared among the zones: more than a
resolver keeps parsed, so that sharing them helps nobody.
"""

import base64
import dataclasses
import hashlib
import itertools
import multiprocessing
import pathlib
import signal
import struct
import time

from lab import keys

SEED = "bench"
ALGORITHM = 13
KEY_PAIRS = 1000
KSK_FLAGS, ZSK_FLAGS = 257, 256
TLDS = 10
TTL_S = 86400
INCEPTION_S, EXPIRATION_S = -86400, 30 * 86400      # relative to now
HITS = 10000                                        # names that the hit rows ask for
NAMES_PER_ZONE_LEAST = 2
ZONES_AT_ONCE = 100                                 # handed to a building process in one piece

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "TXT": 16, "AAAA": 28, "DS": 43, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48,
         "NSEC3": 50, "NSEC3PARAM": 51}
ASKED_TYPES = ("A", "AAAA", "TXT")

# Addresses of the servers, none of them special: resolvers refuse to ask those that are.  They exist in the namespace
# alone.
ROOT_ADDRESSES = ["45.83.1.1", "45.83.1.2"]
TLD_ADDRESSES = ["45.83.2.1", "45.83.2.2"]
ZONE_ADDRESSES = [f"45.83.3.{number}" for number in range(1, 33)]
MANY_ADDRESSES = ["45.83.4.1"]
TRAP_ADDRESSES = ["45.83.5.1"]
ADDRESSES = ROOT_ADDRESSES + TLD_ADDRESSES + ZONE_ADDRESSES + MANY_ADDRESSES + TRAP_ADDRESSES

# A zone of a million names, whose records and signatures the server makes while it is asked.
MANY = "many."
MANY_PREFIX = "n-"
MANY_NAMES_MAX = 1 << 24                            # 10.0.0.0/8


@dataclasses.dataclass(frozen=True)
class Zone:
    """What one zone file needs."""
    name: str
    server_addresses: tuple
    hosts: tuple = ()           # relative names with A, AAAA and TXT
    delegations: tuple = ()     # Delegation


@dataclasses.dataclass(frozen=True)
class Delegation:
    name: str
    server_addresses: tuple
    ds: tuple                   # texts of DS RDATA


class Layout:
    """Which zones there are, and which names in them."""

    def __init__(self, zone_count):
        self.zone_count = zone_count
        self.names_per_zone = max(NAMES_PER_ZONE_LEAST, -(-HITS // zone_count))

    def zone_names(self):
        return [f"z{number}.{self._tld(number)}" for number in range(self.zone_count)]

    def tld_names(self):
        return [self._tld(number) for number in range(TLDS)]

    def hosts(self):
        return tuple(f"h{number}" for number in range(self.names_per_zone))

    def hit_names(self):
        """HITS of them, from as many zones as there are."""
        names = (f"{host}.{zone}" for host in self.hosts() for zone in self.zone_names())
        return list(itertools.islice(names, HITS))

    def many_names(self, count):
        assert count <= MANY_NAMES_MAX
        return (f"{MANY_PREFIX}10-{number >> 16 & 255}-{number >> 8 & 255}-{number & 255}.{MANY}"
                for number in range(count))

    def _tld(self, number):
        return f"t{number % TLDS}."


# Records.  All names are lower-case and absolute, all sets small.

def wire_name(name):
    labels = name.rstrip(".").split(".") if name != "." else []
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def _order(name):
    """RFC 4034 section 6.1."""
    return [label.encode() for label in reversed(name.rstrip(".").split("."))] if name != "." else []


def _type_bitmap(types):
    """RFC 4034 section 4.1.2; all types used here are in the first window."""
    numbers = sorted(TYPES[rdtype] for rdtype in types)
    bitmap = bytearray(numbers[-1] // 8 + 1)
    for number in numbers:
        bitmap[number // 8] |= 0x80 >> number % 8
    return bytes([0, len(bitmap)]) + bytes(bitmap)


def _rdata(rdtype, text):
    fields = text.split()
    if rdtype == "A":
        return bytes(map(int, text.split(".")))
    if rdtype == "AAAA":                            # written out in full below
        return bytes.fromhex("".join(group.zfill(4) for group in text.split(":")))
    if rdtype in ("NS", "CNAME"):
        return wire_name(text)
    if rdtype == "TXT":
        octets = text.strip('"').encode()
        return bytes([len(octets)]) + octets
    if rdtype == "SOA":
        return wire_name(fields[0]) + wire_name(fields[1]) + struct.pack("!5I", *map(int, fields[2:]))
    if rdtype == "DS":
        return struct.pack("!HBB", *map(int, fields[:3])) + bytes.fromhex(fields[3])
    if rdtype == "DNSKEY":
        return struct.pack("!HBB", *map(int, fields[:3])) + base64.b64decode(fields[3])
    if rdtype == "NSEC":
        return wire_name(fields[0]) + _type_bitmap(fields[1:])
    if rdtype in ("NSEC3", "NSEC3PARAM"):
        salt = bytes.fromhex(fields[3])
        start = struct.pack("!BBHB", *map(int, fields[:3]), len(salt)) + salt
        if rdtype == "NSEC3PARAM":
            return start
        following = base64.b32hexdecode(fields[4].upper())
        return start + bytes([len(following)]) + following + _type_bitmap(fields[5:])
    raise ValueError(rdtype)


def key_tag(rdata):
    """RFC 4034 appendix B."""
    total = sum(octet if at & 1 else octet << 8 for at, octet in enumerate(rdata))
    return (total + (total >> 16)) & 0xFFFF


class Key:
    def __init__(self, zone, role, flags, algorithm, bits):
        number = int.from_bytes(hashlib.sha256(f"{zone} {role}".encode()).digest()[:4], "big") % KEY_PAIRS
        self.pair = keys.key_pair(algorithm, f"{SEED} {role} {number}", bits)
        self.text = f"{flags} 3 {algorithm} {base64.b64encode(self.pair.public).decode()}"
        self.rdata = _rdata("DNSKEY", self.text)
        self.tag = key_tag(self.rdata)


class KeySet:
    def __init__(self, zone, algorithm=ALGORITHM, bits=0):
        """bits: of RSA."""
        self.zone = zone
        self.algorithm = algorithm
        self.ksk = Key(zone, "ksk", KSK_FLAGS, algorithm, bits)
        self.zsk = Key(zone, "zsk", ZSK_FLAGS, algorithm, bits)

    def ds(self):
        digest = hashlib.sha256(wire_name(self.zone) + self.ksk.rdata).hexdigest()
        return f"{self.ksk.tag} {self.algorithm} 2 {digest}"


class ZoneWriter:
    """Text of one signed zone file."""

    def __init__(self, zone, now, key_set=None):
        self.zone = zone
        self.keys = key_set or KeySet(zone.name)
        self.times = (now + EXPIRATION_S, now + INCEPTION_S)
        self.time_texts = " ".join(time.strftime("%Y%m%d%H%M%S", time.gmtime(each)) for each in self.times)
        self.sets = {}          # (owner, type): RDATA texts
        self.glue = []          # (owner, type, text): not signed

    def write(self, path):
        self._add_apex()
        for delegation in self.zone.delegations:
            self._add_delegation(delegation)
        for host in self.zone.hosts:
            self._add_host(f"{host}.{self.zone.name}" if self.zone.name != "." else f"{host}.")
        self._add_nsec()
        lines = [f"{owner} {TTL_S} IN {rdtype} {text}" for owner, rdtype, text in self.glue]
        for (owner, rdtype), texts in self.sets.items():
            lines += [f"{owner} {TTL_S} IN {rdtype} {text}" for text in texts]
            if rdtype != "NS" or owner == self.zone.name:
                lines += [f"{owner} {TTL_S} IN RRSIG {each}" for each in self._signatures(owner, rdtype, texts)]
        path.write_text("\n".join(lines) + "\n")

    def _add_apex(self):
        name = self.zone.name
        servers = _server_names(name, self.zone.server_addresses)
        self.sets[name, "SOA"] = [f"{servers[0]} hostmaster.{name.lstrip('.')} 1 3600 900 604800 3600"]
        self.sets[name, "NS"] = servers
        self.sets[name, "DNSKEY"] = [self.keys.ksk.text, self.keys.zsk.text]
        for server, address in zip(servers, self.zone.server_addresses):
            self.sets[server, "A"] = [address]

    def _add_delegation(self, delegation):
        servers = _server_names(delegation.name, delegation.server_addresses)
        self.sets[delegation.name, "NS"] = servers
        self.sets[delegation.name, "DS"] = list(delegation.ds)
        self.glue += [(server, "A", address) for server, address in zip(servers, delegation.server_addresses)]

    def _add_host(self, owner):
        digest = hashlib.sha256(owner.encode()).digest()
        self.sets[owner, "A"] = [f"198.18.{digest[0]}.{digest[1]}"]
        self.sets[owner, "AAAA"] = [f"2001:db8:0:0:0:0:{digest[0]:x}:{digest[1]:x}"]
        self.sets[owner, "TXT"] = [f'"{digest.hex()[:32]}"']

    def _add_nsec(self):
        types = {}
        for owner, rdtype in self.sets:
            types.setdefault(owner, {"RRSIG", "NSEC"}).add(rdtype)
        owners = sorted(types, key=_order)
        for owner, following in zip(owners, owners[1:] + owners[:1]):
            listed = " ".join(sorted(types[owner], key=TYPES.get))
            self.sets[owner, "NSEC"] = [f"{following} {listed}"]

    def _signatures(self, owner, rdtype, texts):
        """RDATA texts."""
        key = self.keys.ksk if rdtype == "DNSKEY" else self.keys.zsk
        return [self._signature(owner, rdtype, texts, self.keys.algorithm, key.pair, key.tag)]

    def _signature(self, owner, rdtype, texts, algorithm, pair, tag):
        """RFC 4034 section 3.1.8.1."""
        header = struct.pack("!HBBIIIH", TYPES[rdtype], algorithm, _labels(owner), TTL_S, *self.times, tag)
        prefix = wire_name(owner) + struct.pack("!HHI", TYPES[rdtype], 1, TTL_S)
        records = b"".join(prefix + struct.pack("!H", len(rdata)) + rdata
                           for rdata in sorted(_rdata(rdtype, text) for text in texts))
        octets = pair.sign(header + wire_name(self.zone.name) + records)
        return f"{self._signature_fields(owner, rdtype, algorithm, tag)} {base64.b64encode(octets).decode()}"

    def _signature_fields(self, owner, rdtype, algorithm, tag):
        """All that stands before the signature itself."""
        return f"{rdtype} {algorithm} {_labels(owner)} {TTL_S} {self.time_texts} {tag} {self.zone.name}"


def _labels(owner):
    return 0 if owner == "." else owner.count(".")


def _server_names(zone, addresses):
    return [f"ns{number}.{zone.lstrip('.')}" for number in range(1, len(addresses) + 1)]


def _zone_addresses(name):
    """Two of the servers' addresses, the same for the same zone."""
    first = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    return tuple(ZONE_ADDRESSES[(first + step) % len(ZONE_ADDRESSES)] for step in (0, 1))


# The whole set

_building = {}          # what a building process needs, filled when it starts


def _start_building(directory, hosts, now):
    # The pool ends its processes with SIGTERM.  A handler that was inherited would be put off until Python runs on,
    # which one that waits for work does not.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _building.update(directory=directory, hosts=hosts, now=now)


def _build_zone(name):
    zone = Zone(name, _zone_addresses(name), hosts=_building["hosts"])
    ZoneWriter(zone, _building["now"]).write(_building["directory"] / name.rstrip("."))
    return Delegation(name, zone.server_addresses, (KeySet(name).ds(),))


class ZoneSet:
    """All zone files, hints and trust anchor in one directory."""

    def __init__(self, directory, zone_count):
        self.directory = pathlib.Path(directory)
        self.layout = Layout(zone_count)
        self.hints = self.directory / "root.hints"
        self.anchor = self.directory / "root.anchor"
        self.anchor_ds = KeySet(".").ds()

    def build(self, now, others):
        """others: delegations of the root to zones that are none of the set."""
        self.directory.mkdir()
        delegations = self._build_zones(now)
        tld_delegations = list(others)
        for tld in self.layout.tld_names():
            below = tuple(each for each in delegations if each.name.endswith("." + tld))
            ZoneWriter(Zone(tld, tuple(TLD_ADDRESSES), delegations=below), now).write(self.path(tld))
            tld_delegations.append(Delegation(tld, tuple(TLD_ADDRESSES), (KeySet(tld).ds(),)))
        root = Zone(".", tuple(ROOT_ADDRESSES), delegations=tuple(tld_delegations))
        ZoneWriter(root, now).write(self.path("."))
        self._write_hints()
        self.anchor.write_text(f". IN DS {self.anchor_ds}\n")

    def path(self, zone):
        return self.directory / (zone.rstrip(".") or "root")

    def _build_zones(self, now):
        start = (self.directory, self.layout.hosts(), now)
        with multiprocessing.Pool(initializer=_start_building, initargs=start) as pool:
            return pool.map(_build_zone, self.layout.zone_names(), chunksize=ZONES_AT_ONCE)

    def _write_hints(self):
        servers = _server_names(".", ROOT_ADDRESSES)
        lines = [f". 3600000 IN NS {server}" for server in servers]
        lines += [f"{server} 3600000 IN A {address}" for server, address in zip(servers, ROOT_ADDRESSES)]
        self.hints.write_text("\n".join(lines) + "\n")
