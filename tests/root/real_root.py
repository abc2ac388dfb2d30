"""The root zone of 2017-08-21 at the root servers' own addresses, in a namespace that nothing leaves."""

import contextlib
import gzip
import os
import pathlib
import random
import shutil
import tempfile
import time
import types

import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.zone
import vouchd

from lab import instance, network, processes, servers
from lab.description import Server

ZONE_FILE = vouchd.ROOT / "../shared/data/root-20170821.zone.gz"
# Inside the validity of every signature: those of the zone begin on 2017-08-21 and end on 2017-09-03.
THEN = "2017-08-22 00:00:00"
KSK_2010 = ". IN DS 19036 8 2 49AAC11D7B6F6446702E54A1607371607A1A41855200FD2CE1CDDE32F24E8FB5"
KSK_2017 = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
# b.root-servers.net has moved since; the built-in hints know where to.
MOVED_SINCE = ("170.247.170.2", "2801:1b8:10::b")
NSD_ALONE = "127.0.0.53"    # where NSD answers while something else holds the root servers' addresses
SEED = 20170821
# RFC 6761 and its like: a resolver answers these by itself.
SPECIAL_USE = {b"test", b"invalid", b"localhost", b"onion", b"local", b"alt", b"internal"}


def read_zone():
    """The zone, and the names of its delegations."""
    with gzip.open(ZONE_FILE, "rt") as file:
        zone = dns.zone.from_text(file, origin=dns.name.root, relativize=False, check_origin=False)
    tlds = sorted(name for name, node in zone.items()
                  if name != dns.name.root and node.get_rdataset(dns.rdataclass.IN, dns.rdatatype.NSEC))
    return types.SimpleNamespace(zone=zone, tlds=tlds)


def root_addresses(zone):
    found = set(MOVED_SINCE)
    for ns in zone.get_rdataset(dns.name.root, dns.rdatatype.NS):
        for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
            found.update(rdata.address for rdata in zone.get_rdataset(ns.target, rdtype))
    return sorted(found)


@contextlib.contextmanager
def running(zone, serves_root_addresses):
    """Namespace and NSD: at the root servers' addresses, or alone on loopback."""
    netns = f"vouch-root-{os.getpid()}-{int(serves_root_addresses)}"
    directory = pathlib.Path(tempfile.mkdtemp(prefix="vouch-root."))
    addresses = root_addresses(zone)
    nsd = None
    try:
        network.create(netns, addresses)
        with gzip.open(ZONE_FILE, "rb") as packed, open(directory / "root.zone", "wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
        listen = tuple(addresses) if serves_root_addresses else (NSD_ALONE,)
        server = Server("root", "nsd", listen)
        command = servers.prepare(server, {".": directory / "root.zone"}, directory / "nsd")
        nsd = processes.start(network.command_inside(netns, command), directory / "nsd")
        await_answers(netns, listen, nsd, directory / "nsd/log")
        yield types.SimpleNamespace(netns=netns, directory=directory, addresses=addresses)
    finally:
        if nsd is not None:
            processes.end(directory / "nsd/pid")
            nsd.wait()
        network.delete(netns)
        shutil.rmtree(directory)


def await_answers(netns, addresses, process, log):
    deadline = time.monotonic() + vouchd.READY_TIMEOUT_S
    with network.inside(netns):
        for address in addresses:
            while not instance.answers_for(address, dns.name.root):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, f"{address} does not answer\n{log.read_text()}"
                time.sleep(vouchd.POLL_S)


def vouchd_of_2017(net, directory, anchor=KSK_2010, **settings):
    settings = {
        "listen": ["127.0.0.1@53"],
        "workers": 2,
        "time": {"floor": "none"},
        "trust": {"anchors": [anchor]},
    } | settings
    prefix = network.command_inside(net.netns, [])
    return vouchd.Vouchd(directory, settings, prefix=prefix, environment=vouchd.faketime(THEN))


def names_outside(tlds, count):
    """Names that do not exist, the same ones in every run: labels of all lengths, one to four of them."""
    chance = random.Random(SEED)
    existing = {tld.labels[0].lower() for tld in tlds}
    alphabet = b"abcdefghijklmnopqrstuvwxyz0123456789-_"
    names = set()
    while len(names) < count:
        labels = [bytes(chance.choices(alphabet, k=chance.randint(1, 20))) for _ in range(chance.randint(1, 4))]
        if labels[-1] not in existing and labels[-1] not in SPECIAL_USE:
            names.add(dns.name.Name([*labels, b""]))
    return sorted(names)
