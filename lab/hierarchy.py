"""Builds all zones of a description: templates, delegations, glue, DS sets, signatures, zone files, hints, anchors."""

import itertools
import re

import dns.exception
import dns.name
import dns.rdata
import dns.zone
from dns.rdatatype import A, AAAA, CNAME, DNAME, DNSKEY, DS, NS, NSEC, NSEC3, NSEC3PARAM, RRSIG, SOA, SRV, TXT

from lab.description import Copy, DescriptionError
from lab.signer import IN, KeySet, Signer

# A short SOA MINIMUM keeps negative answers from outliving a test's patience.
TEMPLATE = """\
@ SOA {mname} hostmaster.{origin} 1 3600 900 604800 300
www A 192.0.2.80
www AAAA 2001:db8::80
"""

EVERYWHERE_KNOWN = {A, AAAA, CNAME, DNAME, DNSKEY, DS, NS, NSEC, NSEC3, NSEC3PARAM, RRSIG, SOA, SRV, TXT}


class Hierarchy:
    def __init__(self, description, now, seed):
        self.description = description
        self.now = now
        self.key_sets = {zone.name: KeySet(zone, seed) for zone in description.zones.values()}

    def write(self, directory):
        """Returns what each server has to serve: server name to {zone name: file}."""
        directory.mkdir()
        served = {name: {} for name in self.description.servers}
        for zone in self.description.zones.values():
            for number, edition in enumerate(editions(zone)):
                path = directory / f"{_file_name(zone.name)}.{number}"
                _write_zone(self.content(zone, edition), path)
                for server in edition.servers:
                    served[server][zone.name] = path
        return served

    def write_hints(self, path):
        root = self.description.zones[dns.name.root]
        lines = [f". 3600000 IN NS {host}" for host in _ns_hosts(root)]
        lines += [f"{host} 3600000 IN {rdtype} {address}"
                  for host, rdtype, address in self._addresses(root)]
        path.write_text("\n".join(lines) + "\n")

    def write_anchor(self, zone, path):
        records = self.key_sets[zone.name].ds_records()
        path.write_text("".join(f"{zone.name} IN DS {record}\n" for record in records))

    def content(self, zone, edition):
        """The finished dns.zone.Zone."""
        try:
            content = dns.zone.from_text(self._text(zone), zone.name, relativize=False, check_origin=False)
        except dns.exception.DNSException as error:
            raise DescriptionError(f"zone {zone.name}: records: {error}") from error
        for child in self.description.children[zone.name]:
            self._delegate(content, child)
        if zone.keys and not edition.unsigned:
            Signer(zone, self.key_sets[zone.name], edition.tamper, self.now).sign(content)
        return content

    def _text(self, zone):
        hosts = _ns_hosts(zone)
        lines = [f"$TTL {zone.ttl}", TEMPLATE.format(mname=hosts[0], origin=zone.name).replace(".. ", ". ")]
        lines += [f"@ NS {host}" for host in hosts]
        lines += [f"{host} {rdtype} {address}"
                  for host, rdtype, address in self._addresses(zone)]
        return "\n".join(lines) + "\n" + self._with_addresses(zone.records)

    def _with_addresses(self, records):
        """'HOST SERVER NAME' stands for the address records of that server."""
        return re.sub(r"^(\S+) SERVER (\S+)$", lambda match: "\n".join(
            f"{match[1]} {_address_type(address)} {address}"
            for address in self.description.servers[match[2]].addresses), records, flags=re.MULTILINE)

    def _delegate(self, content, child):
        ttl = self.description.zones[content.origin].ttl
        for host in _ns_hosts(child):
            _add(content, child.name, ttl, "NS", str(host))
        for host, rdtype, address in self._addresses(child):
            _add(content, host, ttl, rdtype, address)
        for record in self.key_sets[child.name].ds_records():
            content.find_rdataset(child.name, DS, create=True).add(record, ttl=ttl)

    def _addresses(self, zone):
        """Host, type and address of the name servers named after the zone."""
        if zone.ns:
            return
        for host, server in zip(_ns_hosts(zone), zone.all_servers):
            for address in self.description.servers[server].addresses:
                yield host, _address_type(address), address


def editions(zone):
    return [Copy(zone.servers, False, zone.tamper), *zone.copies]


def _ns_hosts(zone):
    return zone.ns or tuple(dns.name.from_text(f"ns{number}", zone.name)
                            for number, _ in zip(itertools.count(1), zone.all_servers))


def _write_zone(content, path):
    """Readable where the servers know all types by name; in the form of RFC 3597 section 5 where they may not."""
    types = {rdataset.rdtype for node in content.nodes.values() for rdataset in node}
    if types <= EVERYWHERE_KNOWN:
        content.to_file(str(path), relativize=False)
        return
    with path.open("w") as file:
        for name, rdataset in content.iterate_rdatasets():
            for record in rdataset:
                octets = record.to_wire()
                file.write(f"{name} {rdataset.ttl} IN TYPE{rdataset.rdtype} \\# {len(octets)} {octets.hex()}\n")


def _address_type(address):
    return "AAAA" if ":" in address else "A"


def _add(content, name, ttl, rdtype, text):
    content.find_rdataset(name, rdtype, create=True).add(dns.rdata.from_text(IN, rdtype, text), ttl=ttl)


def _file_name(name):
    return "root" if name == dns.name.root else str(name).rstrip(".")
