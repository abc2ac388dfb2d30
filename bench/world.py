"""What the resolvers live in: loopback addresses, and the servers of the zone set."""

import subprocess
import time
import types

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode

from bench import traps, zones
from bench.process import Process
from lab import servers

READY_TIMEOUT_S = 300       # a hundred thousand zones take their time
READY_REPLY_S = 2
READY_POLL_S = 0.1

RESOLVER_ADDRESS = "127.0.1.{}"     # one each, so that they run side by side
RESOLVERS_MAX = 16

# Signs what it makes up: no zone file could hold so many names.
MANY_ZONE = """\
{name} 3600 SOA ns1.{name} hostmaster.{name} 1 3600 900 604800 3600
{name} 3600 NS ns1.{name}
ns1.{name} 3600 A {address}
"""
MANY_SERVER = """\
server:
    rundir: {directory}
    listen: {address}@53
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: {directory}
log:
  - target: stderr
    any: warning
policy:
  - id: one-key
    manual: on
    single-type-signing: on
    algorithm: ecdsap256sha256
mod-onlinesign:
  - id: sign
    policy: one-key
mod-synthrecord:
  - id: make
    type: forward
    prefix: {prefix}
    ttl: {ttl}
    network: 10.0.0.0/8
zone:
  - domain: {name}
    file: {directory}/zone
    module: [ mod-synthrecord/make, mod-onlinesign/sign ]
"""


def make_addresses():
    # BIND listens on no address that an interface does not have, in 127/8 either.
    resolvers = [RESOLVER_ADDRESS.format(number + 1) for number in range(RESOLVERS_MAX)]
    commands = ["link set lo up"] + [f"addr add {address}/32 dev lo" for address in zones.ADDRESSES + resolvers]
    subprocess.run(["ip", "-batch", "-"], input="\n".join(commands), text=True, check=True)


class World:
    """with World(directory, zone_count, cpus): … — zones built and served inside, servers ended afterwards."""

    def __init__(self, directory, zone_count, cpus):
        self.directory = directory / "servers"
        self.cpus = cpus
        self.zone_set = zones.ZoneSet(directory / "zones", zone_count)
        self._processes = []

    def __enter__(self):
        try:
            self.directory.mkdir()
            many = self._prepare_many()
            now = int(time.time())
            trap_files, delegations = traps.build(self.directory / "trap-zones", now)
            delegations.append(zones.Delegation(zones.MANY, tuple(zones.MANY_ADDRESSES), tuple(self._many_ds(many))))
            self.zone_set.build(now, delegations)
            self._start("many", ["knotd", "-c", many])
            self._serve("root", zones.ROOT_ADDRESSES, self._files(["."]))
            self._serve("tld", zones.TLD_ADDRESSES, self._files(self.zone_set.layout.tld_names()))
            self._serve("zones", zones.ZONE_ADDRESSES, self._files(self.zone_set.layout.zone_names()))
            self._serve("traps", zones.TRAP_ADDRESSES, trap_files)
            self._await(next(iter(trap_files)))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self._processes:
            process.stop()

    def freeze(self):
        """No server answers any more until thaw()."""
        for process in self._processes:
            process.freeze()

    def thaw(self):
        for process in self._processes:
            process.thaw()

    def _prepare_many(self):
        directory = self.directory / "many"
        directory.mkdir()
        names = {"name": zones.MANY, "address": zones.MANY_ADDRESSES[0]}
        (directory / "zone").write_text(MANY_ZONE.format(**names))
        path = directory / "knot.conf"
        path.write_text(MANY_SERVER.format(directory=directory, prefix=zones.MANY_PREFIX, ttl=zones.TTL_S, **names))
        return path

    def _many_ds(self, path):
        keymgr = ["keymgr", "-c", path, zones.MANY]
        subprocess.run([*keymgr, "generate", "algorithm=ecdsap256sha256", "ksk=yes", "zsk=yes"], check=True,
                       stdout=subprocess.DEVNULL)
        lines = subprocess.run([*keymgr, "ds"], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        records = [line.split(maxsplit=2)[2] for line in lines]
        return [record for record in records if record.split()[2] == "2"]

    def _files(self, zone_names):
        return {zone: self.zone_set.path(zone) for zone in zone_names}

    def _serve(self, name, addresses, files):
        server = types.SimpleNamespace(software="nsd", addresses=addresses)
        self._start(name, servers.prepare(server, files, self.directory / name))

    def _start(self, name, command):
        self._processes.append(Process(command, self.directory / f"{name}.log", self.cpus))

    def _await(self, trap):
        deadline = time.monotonic() + READY_TIMEOUT_S
        names = self.zone_set.layout.zone_names()
        for address, zone in ((zones.MANY_ADDRESSES[0], zones.MANY), (zones.ROOT_ADDRESSES[0], "."),
                              (zones.TLD_ADDRESSES[0], "t0."), (zones.ZONE_ADDRESSES[0], names[0]),
                              (zones.ZONE_ADDRESSES[0], names[-1]),
                              (zones.TRAP_ADDRESSES[0], trap)):
            while not _answers_for(address, zone):
                if time.monotonic() > deadline:
                    logs = "\n".join(process.log.read_text()[-1000:] for process in self._processes)
                    raise TimeoutError(f"no answer for {zone}\n{logs}")
                time.sleep(READY_POLL_S)


def _answers_for(address, zone):
    try:
        reply = dns.query.udp(dns.message.make_query(zone, "SOA"), address, timeout=READY_REPLY_S)
    except (OSError, dns.exception.DNSException):
        return False
    return reply.rcode() == dns.rcode.NOERROR and bool(reply.flags & dns.flags.AA)
