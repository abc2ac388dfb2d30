"""One running lab: its directory, its namespace, its servers."""

import itertools
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode

from lab import description as descriptions
from lab import network, processes, servers
from lab.hierarchy import Hierarchy

DESCRIPTION = pathlib.Path(__file__).with_name("lab.yaml")
SEED = "lab"
AUTHORITATIVE = ("nsd", "knot")
UNHEARD = ("closed", "absent")
STATE_FILE = "state.json"
READY_TIMEOUT_S = 12       # generous: it is only spent when a server does not come up
READY_REPLY_S = 2
READY_POLL_S = 0.05

_numbers = itertools.count(1)


class LabError(Exception):
    pass


class Lab:
    """with Lab(only=["demo."]) as lab: lab.exec(["dig", …]); lab.hints; lab.anchor"""

    def __init__(self, directory=None, netns=None, only=(), now=None, description=DESCRIPTION):
        """directory: must not exist; without one, a temporary one is made.  now: seconds since 1970."""
        number = next(_numbers)
        self.netns = netns or f"vouch-lab-{os.getpid()}-{number}"
        self._wanted_directory = directory
        self.now = int(time.time()) if now is None else now
        self.description = descriptions.load(description)
        if only:
            self.description = self.description.only(only)
        self.directory = None
        self._children = {}

    def __enter__(self):
        self.up()
        return self

    def __exit__(self, *exception):
        self.down()

    @property
    def hints(self):
        return self.directory / "root.hints"

    @property
    def anchor(self):
        return self.directory / "root.anchor"

    def anchor_of(self, zone):
        """The trust anchor file of a zone described with 'anchor: true'."""
        return self.directory / f"{zone.rstrip('.')}.anchor"

    def log_of(self, server):
        return self.directory / "servers" / server / "log"

    def ended(self):
        """The servers that are no more, though nobody has ended them."""
        return [name for name, child in self._children.items() if child.poll() is not None]

    def up(self):
        if os.geteuid() != 0:
            raise LabError("only root may make network namespaces")
        if network.exists(self.netns):
            raise LabError(f"the network namespace {self.netns} exists: bring that lab down, or choose another name")
        self._make_directory()
        try:
            served = self._write_zones()
            self._start_servers(served)
            self._await_servers(served)
        except BaseException:
            self.down()
            raise

    def down(self):
        bring_down(self.directory, self._children)

    def exec(self, command, **options):
        """subprocess.run inside the namespace."""
        return subprocess.run(network.command_inside(self.netns, command), **options)

    def spawn(self, command, **options):
        """subprocess.Popen inside the namespace; the caller ends it before the lab goes down."""
        return subprocess.Popen(network.command_inside(self.netns, command), **options)

    def _make_directory(self):
        if self._wanted_directory is None:
            self.directory = pathlib.Path(tempfile.mkdtemp(prefix="vouch-lab."))
        else:
            self.directory = pathlib.Path(self._wanted_directory).absolute()
            try:
                self.directory.mkdir(mode=0o700)
            except OSError as error:
                raise LabError(f"cannot make the lab's directory: {error}") from error
        # A resolver that gives up its rights reads the hints and anchors all the same.
        self.directory.chmod(0o755)
        (self.directory / STATE_FILE).write_text(json.dumps({"netns": self.netns}) + "\n")
        (self.directory / "servers").mkdir()

    def _write_zones(self):
        hierarchy = Hierarchy(self.description, self.now, SEED)
        served = hierarchy.write(self.directory / "zones")
        zones = self.description.zones
        hierarchy.write_hints(self.hints)
        hierarchy.write_anchor(zones[dns.name.root], self.anchor)
        for zone in zones.values():
            if zone.anchor:
                hierarchy.write_anchor(zone, self.anchor_of(str(zone.name)))
        return served

    def _start_servers(self, served):
        all_servers = self.description.servers.values()
        network.create(self.netns, [address for server in all_servers if server.software != "absent"
                                    for address in server.addresses])
        for server in all_servers:
            directory = self.directory / "servers" / server.name
            command = servers.prepare(server, served[server.name], directory)
            if command:
                self._children[server.name] = processes.start(network.command_inside(self.netns, command), directory)

    def _await_servers(self, served):
        deadline = time.monotonic() + READY_TIMEOUT_S
        with network.inside(self.netns):
            for server in self.description.servers.values():
                if server.software not in UNHEARD:
                    for address in server.addresses:
                        self._await(lambda: accepts(address), server.name, deadline)
                if server.software in AUTHORITATIVE:
                    for zone in served[server.name]:
                        self._await(lambda: answers_for(server.addresses[0], zone), server.name, deadline)

    def _await(self, is_ready, server, deadline):
        while not is_ready():
            if self._children[server].poll() is not None:
                raise LabError(f"{server} ended:\n{self.log_of(server).read_text()}")
            if time.monotonic() > deadline:
                raise LabError(f"{server} does not answer as it should:\n{self.log_of(server).read_text()}")
            time.sleep(READY_POLL_S)


def accepts(address):
    try:
        socket.create_connection((address, 53), READY_REPLY_S).close()
    except OSError:
        return False
    return True


def answers_for(address, zone):
    try:
        reply = dns.query.udp(dns.message.make_query(zone, "SOA"), address, timeout=READY_REPLY_S)
    except (OSError, dns.exception.DNSException):
        return False
    return reply.rcode() == dns.rcode.NOERROR and bool(reply.flags & dns.flags.AA)


def bring_down(directory, children=None):
    """Ends what is noted in the directory, deletes namespace and directory.

    children: processes of ours, to be waited for; without them the lab was started by another process."""
    state = directory / STATE_FILE
    for pid_file in directory.glob("servers/*/pid"):
        processes.end(pid_file)
    for child in (children or {}).values():
        child.wait()
    network.delete(json.loads(state.read_text())["netns"])
    shutil.rmtree(directory)
