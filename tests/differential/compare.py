#!/usr/bin/python3
"""Asks several resolvers the same questions about mutated zones and tells where they differ.

    compare.py [--seed N] [--first N] [--count N] [--slice N] [--subjects vouchd,Unbound,…] [--number N] [--vouchd PROGRAM]

--number asks about one mutant alone and shows everything.  Needs root: all of it runs in a network namespace.
"""

import argparse
import collections
import contextlib
import dataclasses
import os
import pathlib
import selectors
import socket
import subprocess
import sys
import tempfile
import time

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE)]
sys.dont_write_bytecode = True

import explained                                # noqa: E402  (the path must be set first)
import mutants                                  # noqa: E402
import reference                                # noqa: E402
from bench import peers                         # noqa: E402
from lab import network, processes              # noqa: E402

CACHE_OCTETS = 64 << 20
READY_TIMEOUT_S = 60
REPLY_TIMEOUT_S = 30            # longer than any of them tries: a resolver that does not answer is told as such
SLICE = 500
AT_ONCE = 48                    # mutants that are asked about at any time
EDNS_SIZE = 4096
POLL_S = 0.05
SUBJECT_ADDRESSES = [f"127.0.0.{number}" for number in range(1, 6)]
LINK, LINK_ADDRESSES = "between", ("10.99.0.1", "10.99.0.2")
TIMEOUT = "timeout"
EDE_UNREACHABLE = 22


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a resolver said."""
    rcode: int                  # None: nothing, in time
    is_authentic: bool = False
    data: frozenset = frozenset()
    is_unreachable: bool = dataclasses.field(default=False, compare=False)      # it says so: EDE 22

    @property
    def word(self):
        """Short, for patterns."""
        if self.rcode is None:
            return TIMEOUT
        words = {dns.rcode.SERVFAIL: "fail", dns.rcode.NOERROR: "data" if self.data else "nodata",
                 dns.rcode.NXDOMAIN: "nxdomain"}
        return ("secure-" if self.is_authentic else "") + words.get(self.rcode, dns.rcode.to_text(self.rcode).lower())


@dataclasses.dataclass
class Row:
    """One question about one mutant."""
    mutant: mutants.Mutant
    question: tuple
    expected: reference.Judgement
    outcomes: dict              # subject to Outcome

    @property
    def title(self):
        return f"{self.mutant.number} {self.question[0]} {dns.rdatatype.to_text(self.question[1])}"

    @property
    def kind(self):
        return f"{self.mutant.where}/{self.mutant.kind}"

    @property
    def pattern(self):
        return " ".join([f"reference={self.expected}", *(f"{name}={self.outcomes[name].word}" for name in sorted(self.outcomes))])

    def has_difference(self):
        return len(set(self.outcomes.values())) > 1

    def deviation(self, subject):
        return explained.deviation(self.outcomes[subject], self.expected)

    def has_fault(self, subject):
        """What may not be, whatever the others say."""
        return self.deviation(subject) in explained.FAULTS

    def is_refused(self, subject):
        """A failure where the reference finds an answer.  That servers are too slow is no judgement."""
        return self.deviation(subject) in (explained.REFUSED, explained.NO_REPLY)


class Asker:
    """One resolver: its socket and what is on its way to it."""

    def __init__(self, name, address):
        self.name, self.address = name, address
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((address, 53))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.waiting = {}           # id to (job, deadline)
        self._next_id = 0

    def send(self, job):
        question = dns.message.make_query(*job.question, use_edns=0, want_dnssec=True, payload=EDNS_SIZE)
        self._next_id = question.id = (self._next_id + 1) & 0xFFFF
        job.octets = question.to_wire()
        self.waiting[question.id] = (job, time.monotonic() + REPLY_TIMEOUT_S)
        self.socket.send(job.octets)

    def receive(self):
        """Yields (job, Outcome) of all that has come."""
        while True:
            try:
                octets = self.socket.recv(65535, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            yield from self._read(octets)

    def _read(self, octets):
        job, _ = self.waiting.pop(int.from_bytes(octets[:2], "big"), (None, None))
        if job is None:
            return
        try:
            if octets[2] & dns.flags.TC >> 8:
                octets = dns.query.tcp(dns.message.from_wire(job.octets), self.address, REPLY_TIMEOUT_S).to_wire()
            yield job, outcome_of(dns.message.from_wire(octets))
        except (OSError, EOFError, dns.exception.DNSException):
            yield job, Outcome(None)

    def expire(self):
        """To be called when nothing more is to be received: it may be us who are late."""
        now = time.monotonic()
        for number in [number for number, (_, deadline) in self.waiting.items() if deadline < now]:
            yield self.waiting.pop(number)[0], Outcome(None)


def outcome_of(reply):
    data = {f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)} {record}".lower()
            for rrset in reply.answer if rrset.rdtype != dns.rdatatype.RRSIG for record in rrset}
    codes = {int(option.code) for option in reply.options if option.otype == dns.edns.OptionType.EDE}
    return Outcome(int(reply.rcode()), bool(reply.flags & dns.flags.AD), frozenset(data), EDE_UNREACHABLE in codes)


class Job:
    """The questions about one mutant, one after the other, for one resolver."""

    def __init__(self, rows, asker):
        self.number = rows[0].mutant.number
        self._rows, self._asker = iter(rows), asker
        self._row = self.octets = None

    def go_on(self):
        """False: it is done."""
        self._row = next(self._rows, None)
        if self._row is None:
            return False
        self._asker.send(self)
        return True

    @property
    def question(self):
        return self._row.question

    def note(self, outcome):
        self._row.outcomes[self._asker.name] = outcome


def ask_all(world, numbers, askers):
    """Yields rows."""
    judge = reference.Reference(world)
    left = iter(numbers)
    under_way = {}              # number to [rows, jobs left]
    finished = 0

    def begin():
        """False: nothing is left."""
        for number in left:
            mutant = world.mutant(number)
            rows = [Row(mutant, question, judge.judge(mutant, *question), {}) for question in mutant.questions]
            under_way[number] = [rows, len(askers)]
            for asker in askers:
                Job(rows, asker).go_on()
            return True
        return False

    with selectors.DefaultSelector() as waiting:
        for asker in askers:
            waiting.register(asker.socket, selectors.EVENT_READ, asker)
        begin()
        while under_way:
            done = [pair for key, _ in waiting.select(POLL_S) for pair in key.data.receive()]
            if not done:
                done = [pair for asker in askers for pair in asker.expire()]
            for job, outcome in done:
                job.note(outcome)
                if not job.go_on():
                    under_way[job.number][1] -= 1
                    if under_way[job.number][1] == 0:
                        yield from under_way.pop(job.number)[0]
                        # Slowly at first: some take it to heart when servers that they do not know yet are slow.
                        while len(under_way) < min(AT_ONCE, 8 + (finished := finished + 1)) and begin():
                            pass


# ---- what runs

@contextlib.contextmanager
def running(seed, now, subjects):
    """Yields the askers, one for each resolver that is installed."""
    name = f"vouch-differ-{os.getpid()}"
    world = mutants.World(seed, now)
    with tempfile.TemporaryDirectory(prefix="vouch-differ.") as path, contextlib.ExitStack() as started:
        directory = pathlib.Path(path)
        directory.chmod(0o755)
        servers = started.enter_context(networks(name))
        authority = [sys.executable, HERE / "authority.py", seed, now]
        started.enter_context(process(servers, directory / "authority", authority))
        await_log(directory / "authority" / "log", "ready\n")
        askers = []
        with network.inside(name):
            for address, peer in zip(SUBJECT_ADDRESSES, subjects):
                setting = write_setting(directory / peer.name, address, world)
                for index, command in enumerate(peer.prepare(peer.find(), setting)):
                    started.enter_context(process(name, setting.directory / f"process{index}", command))
                askers.append(Asker(peer.name, setting.address))
            for asker in askers:
                for name in (".", *mutants.TLDS):
                    await_answer(asker, name)
            yield world, askers


@contextlib.contextmanager
def networks(name):
    """The resolvers' namespace, and one for the servers, in which every address of theirs is local; yields its name."""
    servers = f"{name}-servers"
    links = [f"-n {servers} link add {LINK} type veth peer name {LINK} netns {name}"]
    for end, address in ((servers, LINK_ADDRESSES[0]), (name, LINK_ADDRESSES[1])):
        links += [f"-n {end} addr add {address}/30 dev {LINK}", f"-n {end} link set {LINK} up"]
    links += [f"-n {servers} route add local {prefix} dev lo" for prefix in mutants.NETWORKS]
    links += [f"-n {name} route add default via {LINK_ADDRESSES[0]}"]
    with contextlib.ExitStack() as made:
        for end, own in ((name, SUBJECT_ADDRESSES[1:]), (servers, ())):     # BIND wants to see its address
            network.create(end, own)
            made.callback(network.delete, end)
        for link in links:
            subprocess.run(["ip", *link.split()], check=True)
        yield servers


@contextlib.contextmanager
def process(netns, directory, command):
    directory.mkdir(exist_ok=True)
    processes.start(network.command_inside(netns, list(map(str, command))), directory)
    try:
        yield
    finally:
        processes.end(directory / "pid")


def write_setting(directory, address, world):
    directory.mkdir()
    (directory / "cache").mkdir(mode=0o700)
    (directory / "state").mkdir(mode=0o700)
    hints, anchor = directory / "hints", directory / "anchor"
    hints.write_text(f". 3600000 IN NS ns.\nns. 3600000 IN A {mutants.ROOT_ADDRESS}\n")
    anchor.write_text(f". IN DS {world.anchor[0]}\n")
    for path in (directory, directory / "cache", hints, anchor):
        path.chmod(0o777 if path.is_dir() and path.name != "cache" else path.stat().st_mode)
    return peers.Setting(directory, address, hints, anchor, str(world.anchor[0]), CACHE_OCTETS)


def await_log(path, words):
    """A resolver that finds no server remembers that for a while: it starts when they are there."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not path.read_text().endswith(words):
        if time.monotonic() > deadline:
            raise TimeoutError(path.read_text())
        time.sleep(POLL_S)


def await_answer(asker, name):
    """Until it answers for a sound zone."""
    question = dns.message.make_query(name, "SOA", want_dnssec=True)
    deadline = time.monotonic() + READY_TIMEOUT_S
    while True:
        try:
            reply = dns.query.udp(question, asker.address, timeout=2)
            if reply.rcode() == dns.rcode.NOERROR and reply.flags & dns.flags.AD:
                return
        except (OSError, dns.exception.DNSException):
            time.sleep(POLL_S)
        if time.monotonic() > deadline:
            raise TimeoutError(f"{asker.name} does not come up")


def prepare_vouchd(program, setting):
    """As it is by default, but for the use of earlier denials: that is held against the reply to the one question."""
    command, = peers.prepare_vouchd(program, setting)
    config = yaml.safe_load(command[-1].read_text())
    config["resolver"]["aggressive-nsec"] = {"enabled": False}
    config["resolver"]["nxdomain-cut"] = False
    command[-1].write_text(yaml.safe_dump(config))
    return [command]


def available(names, vouchd_path):
    """(peers that are installed, names of those that are not)"""
    vouchd = dataclasses.replace(peers.vouchd(vouchd_path), prepare=prepare_vouchd)
    known = {peer.name: peer for peer in (vouchd, *peers.PEERS)}
    chosen = [known[name] for name in names]
    return [peer for peer in chosen if peer.find()], [peer.name for peer in chosen if not peer.find()]


# ---- the report

def report(findings, subjects):
    """Lines: what each paragraph of doc/differences.md explains; what none does; the sums of what each resolver did."""
    yield table_row("", subjects)
    counts = collections.Counter((finding.paragraph, finding.subject) for finding in findings)
    for paragraph in dict.fromkeys(rule.paragraph for rule in explained.RULES):
        yield table_row(paragraph, [counts[paragraph, subject] for subject in subjects])
    for did in dict.fromkeys(finding.did for finding in findings):
        sums = collections.Counter(finding.subject for finding in findings if finding.did == did)
        yield table_row(f"({did})", [sums[subject] for subject in subjects])
    for finding in findings:
        if finding.paragraph is None:
            yield f"UNEXPLAINED {finding.subject}, {finding.did}: {finding.row.title} ({finding.row.kind}) {finding.row.pattern}"
        elif finding.subject == explained.VOUCHD and finding.did in explained.FAULTS:
            yield f"FAULT {finding.did}: {finding.row.title} ({finding.row.kind}) {finding.row.pattern}"


def table_row(title, cells):
    return "| " + " | ".join([title, *map(str, cells)]) + " |"


def ask_in_slices(arguments, subjects):
    """All resolvers are started anew for each slice, so that none has filled its cache, or lost faith in a server."""
    end = arguments.first + arguments.count
    rows, findings = [], []
    for first in range(arguments.first, end, arguments.slice):
        with running(arguments.seed, int(time.time()), subjects) as (world, askers):
            found = list(ask_all(world, range(first, min(first + arguments.slice, end)), askers))
        rows += found
        findings += explained.explain(found, world)
    return rows, findings


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--slice", type=int, default=SLICE)
    parser.add_argument("--number", type=int)
    parser.add_argument("--subjects", default="vouchd,Unbound,Knot,PowerDNS,BIND")
    parser.add_argument("--vouchd", default=ROOT / "build" / "vouchd")
    arguments = parser.parse_args()
    if arguments.number is not None:
        arguments.first, arguments.count = arguments.number, 1
        show(mutants.World(arguments.seed, int(time.time())), arguments.number)
    subjects, missing = available(arguments.subjects.split(","), arguments.vouchd)
    if missing:
        print(f"not installed: {', '.join(missing)}")
    rows, findings = ask_in_slices(arguments, subjects)
    if arguments.number is not None:
        print(*(f"{row.title} {row.pattern}" for row in rows), sep="\n")
    print(*report(findings, [peer.name for peer in subjects]), sep="\n")
    print(f"{len(rows)} questions, {sum(row.has_difference() for row in rows)} answered differently")
    return any(finding.subject == explained.VOUCHD and (finding.paragraph is None or finding.did in explained.FAULTS)
               for finding in findings)


def show(world, number):
    mutant = world.mutant(number)
    print(mutant)
    for server, qname, qtype in (("parent", mutant.name, dns.rdatatype.DS), ("child", mutant.name, dns.rdatatype.DNSKEY),
                                 *(("child", *question) for question in mutant.questions)):
        reply = world.reply(server, number, qname, qtype)
        print(f"\n{server} {qname} {dns.rdatatype.to_text(qtype)}: {dns.rcode.to_text(reply.rcode)}")
        for rrset in (*reply.answer, "authority", *reply.authority):
            print(rrset)


if __name__ == "__main__":
    sys.exit(main())
