"""Reads the description (lab.yaml) into plain records and complains about what it does not understand."""

import dataclasses
import fnmatch
import functools
import ipaddress
import itertools
import re

import dns.exception
import dns.name
import dns.rcode
import dns.rdatatype
import yaml

SECURITY = ("secure", "insecure", "bogus", "indeterminate", "any")
SOFTWARE = ("nsd", "knot", "mute", "closed", "absent")
ROLES = ("ksk", "zsk", "csk", "idle")
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class DescriptionError(Exception):
    pass


@dataclasses.dataclass(frozen=True)
class Server:
    name: str
    software: str       # nsd | knot | mute (open ports, no reply) | closed (address, no server) | absent (no address)
    addresses: tuple


@dataclasses.dataclass(frozen=True)
class Key:
    name: str
    algorithm: int
    role: str           # ksk signs the DNSKEY set, zsk the rest, csk both, idle nothing
    flags: int
    protocol: int = 3
    bits: int = 1024
    exponent: int = 65537
    published: bool = True
    same_tag_as: str = None


@dataclasses.dataclass(frozen=True)
class DelegationSigner:
    key: str = None     # None: every key that signs the DNSKEY set
    digest: int = 2
    flip: bool = False  # one bit of the digest is wrong
    tag: int = None
    algorithm: int = None


@dataclasses.dataclass(frozen=True)
class Nsec3:
    iterations: int = 0
    salt: str = ""
    opt_out: bool = False


@dataclasses.dataclass(frozen=True)
class Copy:
    """An edition of a zone; each is on servers of its own."""
    servers: tuple
    unsigned: bool
    tamper: tuple


@dataclasses.dataclass(frozen=True)
class Case:
    """One row of the table: a question and what a validating resolver makes of it."""
    qname: dns.name.Name
    qtype: int
    rcode: int          # what the data say; a Bogus answer is SERVFAIL unless CD is set
    security: str
    ede: frozenset      # None: not judged
    ttl_max: int        # None: not judged
    answer: tuple       # types that the answer section must hold, RRSIG aside; None: not judged
    rcode_without_do: int
    shows: str

    @property
    def title(self):
        return f"{self.qname} {dns.rdatatype.to_text(self.qtype)}"


@dataclasses.dataclass(frozen=True)
class Zone:
    name: dns.name.Name
    servers: tuple
    lame: tuple         # named in the NS set, but without the zone
    ns: tuple           # host names for the NS set; empty: ns1, ns2 … in the zone, with addresses
    keys: tuple
    ds: tuple
    nsec3: Nsec3        # None: NSEC
    compact: tuple      # RFC 9824: the names for which a denial is prepared; None: ordinary denial
    ttl: int
    records: str
    tamper: tuple
    copies: tuple
    anchor: bool        # a trust anchor file is written for it
    cases: tuple

    @property
    def all_servers(self):
        """In the order of the NS set."""
        copies = itertools.chain.from_iterable(copy.servers for copy in self.copies)
        return tuple(dict.fromkeys((*self.servers, *copies, *self.lame)))


@dataclasses.dataclass(frozen=True)
class Differences:
    """Where a known resolver departs from the table."""
    judges_ede: bool    # false: its Extended DNS Errors are not compared
    rows: dict          # title of a row to the reason


@dataclasses.dataclass(frozen=True)
class Description:
    servers: dict
    zones: dict
    differences: dict   # name of the resolver to Differences

    @property
    def cases(self):
        return [case for zone in self.zones.values() for case in zone.cases]

    def cases_for(self, resolver):
        """All cases, or those in which a known resolver is not known to differ."""
        if resolver is None:
            return self.cases
        if resolver not in self.differences:
            raise DescriptionError(f"no differences are described for {resolver}")
        differences = self.differences[resolver]
        cases = [case for case in self.cases if case.title not in differences.rows]
        return cases if differences.judges_ede else [dataclasses.replace(case, ede=None) for case in cases]

    def parent_of(self, name):
        while name != dns.name.root:
            name = name.parent()
            if name in self.zones:
                return name
        return None

    @functools.cached_property
    def children(self):
        """Zone name to the zones delegated there."""
        children = {name: [] for name in self.zones}
        for zone in self.zones.values():
            if zone.name != dns.name.root:
                children[self.parent_of(zone.name)].append(zone)
        return children

    def only(self, names):
        """The zones named, all below them and all above them."""
        wanted = [dns.name.from_text(name) for name in names]
        for name in wanted:
            if name not in self.zones:
                raise DescriptionError(f"--only {name}: no such zone")
        zones = {name: zone for name, zone in self.zones.items()
                 if any(name.is_subdomain(w) or w.is_subdomain(name) for w in wanted)}
        for name, zone in zones.items():
            if not any(name.is_subdomain(w) for w in wanted):
                zones[name] = dataclasses.replace(zone, cases=())
        used = {server for zone in zones.values() for server in zone.all_servers}
        servers = {name: server for name, server in self.servers.items() if name in used}
        return Description(servers, zones, self.differences)


def load(path):
    with open(path, encoding="utf-8") as file:
        top = yaml.safe_load(file)
    _check_fields("description", top, {"network", "servers", "zones", "differences"})
    servers = _read_servers(top["network"], top["servers"])
    zones, below = {}, {}
    for text, fields in top["zones"].items():
        name = dns.name.from_text(text)
        try:
            zone, below[name] = read_zone(name, fields or {}, below, servers)
        except (DescriptionError, dns.exception.DNSException, ValueError, KeyError, TypeError) as error:
            raise DescriptionError(f"zone {text}: {error}") from error
        zones[name] = zone
    return Description(servers, zones, _read_differences(top.get("differences", {}), zones))


def seconds(value):
    """300, 12h, -30d."""
    match = re.fullmatch(r"([+-]?\d+)([smhd]?)", str(value))
    if not match:
        raise DescriptionError(f"{value!r} is no time span; expected a number with s, m, h or d")
    return int(match[1]) * UNIT_SECONDS.get(match[2], 1)


def relative_name(text, origin):
    """'@' is the zone itself, a final dot makes a name absolute."""
    if text == "@":
        return origin
    return dns.name.from_text(text, origin)


def _check_fields(where, fields, known):
    unknown = set(fields) - set(known)
    if unknown:
        raise DescriptionError(f"{where}: unknown field {', '.join(sorted(map(str, unknown)))}")


def _read_servers(network, described):
    hosts4 = ipaddress.ip_network(network["ipv4"]).hosts()
    hosts6 = ipaddress.ip_network(network["ipv6"]).hosts()
    servers = {}
    for name, fields in described.items():
        if isinstance(fields, str):
            fields = {"software": fields}
        _check_fields(f"server {name}", fields, {"software", "family", "addresses"})
        if fields["software"] not in SOFTWARE:
            raise DescriptionError(f"server {name}: software is one of {', '.join(SOFTWARE)}")
        own = {4: str(next(hosts4)), 6: str(next(hosts6))}
        families = [fields["family"]] if "family" in fields else [4, 6]
        addresses = fields.get("addresses", [own[family] for family in families])
        servers[name] = Server(name, fields["software"], tuple(addresses))
    return servers


ZONE_FIELDS = {"servers", "below", "lame", "ns", "algorithm", "keys", "unsigned", "ds", "nsec3", "compact", "ttl",
               "records", "tamper", "copies", "anchor", "shows", "cases"}


def read_zone(name, fields, below, servers):
    """The zone, and the servers that zones below it have unless they name their own."""
    _check_fields("fields", fields, ZONE_FIELDS)
    inherited = next((below[ancestor] for ancestor in _ancestors(name) if ancestor in below), ())
    keys = _read_keys(fields)
    zone = Zone(
        name=name,
        servers=tuple(fields.get("servers", inherited)),
        lame=tuple(fields.get("lame", ())),
        ns=tuple(relative_name(host, name) for host in fields.get("ns", ())),
        keys=keys,
        ds=_read_ds(fields, keys),
        nsec3=_read_nsec3(fields),
        compact=tuple(fields["compact"]) if "compact" in fields else None,
        ttl=seconds(fields.get("ttl", 3600)),
        records=fields.get("records", ""),
        tamper=tuple(fields.get("tamper", ())),
        copies=tuple(_read_copy(copy) for copy in fields.get("copies", ())),
        anchor=fields.get("anchor", False),
        cases=tuple(_read_cases(fields, name)))
    for server in zone.all_servers:
        if server not in servers:
            raise DescriptionError(f"no server is named {server}")
    if not zone.all_servers:
        raise DescriptionError("no servers, and no zone above names any for it")
    return zone, tuple(fields.get("below", inherited))


def _ancestors(name):
    while name != dns.name.root:
        name = name.parent()
        yield name


def _read_keys(fields):
    if fields.get("unsigned"):
        return ()
    if "keys" in fields:
        return tuple(_read_key(name, key) for name, key in fields["keys"].items())
    algorithms = fields.get("algorithm", 13)
    if isinstance(algorithms, int):
        return (_read_key("ksk", {"algorithm": algorithms}), _read_key("zsk", {"algorithm": algorithms}))
    return tuple(_read_key(f"{role}{number}", {"algorithm": number, "role": role})
                 for number in algorithms for role in ("ksk", "zsk"))


def _read_key(name, fields):
    _check_fields(f"key {name}", fields, {field.name for field in dataclasses.fields(Key)} - {"name"})
    role = fields.get("role", name)
    if role not in ROLES:
        raise DescriptionError(f"key {name}: role is one of {', '.join(ROLES)}")
    own = {"algorithm": 13, "role": role, "flags": 256 if role == "zsk" else 257}
    return Key(name, **{**own, **fields})


def _read_ds(fields, keys):
    if not any(key.role in ("ksk", "csk") for key in keys) and "ds" not in fields:
        return ()
    return tuple(DelegationSigner(digest=ds) if isinstance(ds, int) else DelegationSigner(**ds)
                 for ds in fields.get("ds", [2]))


def _read_nsec3(fields):
    if "nsec3" not in fields:
        return None
    given = fields["nsec3"] or {}
    _check_fields("nsec3", given, {"iterations", "salt", "opt-out"})
    return Nsec3(given.get("iterations", 0), str(given.get("salt", "")), given.get("opt-out", False))


def _read_copy(fields):
    _check_fields("copy", fields, {"servers", "unsigned", "tamper"})
    return Copy(tuple(fields["servers"]), fields.get("unsigned", False), tuple(fields.get("tamper", ())))


def _read_cases(fields, origin):
    for line in fields.get("cases", "").splitlines():
        if line.strip():
            yield _read_case(line, origin, fields.get("shows"))


def _read_case(line, origin, shows_by_zone):
    """NAME TYPE [RCODE] SECURITY [ede=7,22] [ttl=300] [answer=CNAME,A] [do0=NXDOMAIN] [; what it shows]"""
    row, _, shows = line.partition(";")
    qname, qtype, *words = row.split()
    rcode, security, options = "NOERROR", None, {}
    for word in words:
        option, equals, value = word.partition("=")
        if equals:
            options[option] = value
        elif word in SECURITY:
            security = word
        else:
            rcode = word
    if security is None:
        raise DescriptionError(f"case {line!r}: one of {', '.join(SECURITY)} is missing")
    _check_fields(f"case {line!r}", options, {"ede", "ttl", "answer", "do0"})
    ede = options.get("ede", "")
    return Case(
        qname=relative_name(qname, origin),
        qtype=dns.rdatatype.from_text(qtype),
        rcode=dns.rcode.from_text(rcode),
        security=security,
        ede=None if ede == "any" else frozenset(int(code) for code in ede.split(",") if code),
        ttl_max=int(options["ttl"]) if "ttl" in options else None,
        answer=tuple(filter(None, options["answer"].split(","))) if "answer" in options else None,
        rcode_without_do=dns.rcode.from_text(options.get("do0", rcode)),
        shows=", ".join(filter(None, [shows_by_zone, shows.strip()])))


def _read_differences(described, zones):
    titles = [case.title for zone in zones.values() for case in zone.cases]
    differences = {}
    for resolver, fields in described.items():
        _check_fields(f"differences of {resolver}", fields, {"ede", "rows"})
        rows = {}
        for why, patterns in fields["rows"].items():
            for pattern in patterns:
                found = fnmatch.filter(titles, pattern)
                if not found:
                    raise DescriptionError(f"differences of {resolver}: no row is like {pattern!r}")
                rows.update(dict.fromkeys(found, why))
        differences[resolver] = Differences(fields.get("ede", True), rows)
    return differences
