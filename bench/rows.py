"""The rows of the table: what is asked, and what is measured meanwhile.

A row's function yields one (subject's name, measures) for each run.  Measures: "cpu_us" a query, "memory_octets" a name
or zone, "ms"; with "right", "replies" and "lost" of the questions asked.
"""

import contextlib
import dataclasses
import itertools
import random
import time

from bench import peers, traps, zones
from bench.subject import Echo, Failed, Resolver

RIGHT_RECORDS = {False: 1, True: 2}     # without and with the signature
MIB = 1 << 20
HIT_CACHE_OCTETS = 1024 * MIB
RESTART_CACHE_OCTETS = 256 * MIB
OCTETS_PER_NAME_MAX = 4096              # generous, so that no cache is full
VOUCHD_OCTETS_PER_NAME = 512            # what vouchd has room for with some to spare
POLLS_PER_S = 2000
POLL_TIMEOUT_S = 10
POLLS_BEGIN_S = 0.02                    # the generator polls before the resolver is started
COLD_TIMEOUT_S = 10
ZIPF_EXPONENT = 1.0
SETTLE_S = 3                            # who gives memory back after a burst has the time to do so

PLAIN, DNSSEC_OK = "ea", "ed"
MIXED = ("ea", "ed", "a", "-", "e", "edc", "ec", "eam", "edm", "edcm", "m")


def question(name, rdtype, manner):
    """A line for the load generator."""
    return f"{name} {zones.TYPES[rdtype]} {manner} 0 {RIGHT_RECORDS['d' in manner]}"


def uniform(manner):
    return lambda layout: [question(name, "A", manner) for name in layout.hit_names()]


def mixed(layout):
    """Each name with three types; half of the questions with DO, some with CD, in mixed case, without EDNS."""
    source = random.Random(1)
    return [question(name, rdtype, source.choice(MIXED)) for name in layout.hit_names() for rdtype in zones.ASKED_TYPES]


# Cache hits

@dataclasses.dataclass(frozen=True)
class Hits:
    questions: object
    load: dict
    echoes: dict                        # name to way
    choose: object = list               # of the peers that are measured, those that this row is about

    def run(self, bench):
        """All resolvers stand side by side, idle but for the one that is asked."""
        questions = self.questions(bench.world.zone_set.layout)
        tcp = self.load.get("tcp", False)
        with contextlib.ExitStack() as stack:
            subjects, octets = [], []
            chosen = self.choose(bench.peers)
            for number, peer in enumerate(chosen):
                subject = stack.enter_context(Resolver(bench, peer, number, HIT_CACHE_OCTETS))
                try:
                    subject.await_answer(questions[0])
                    octets.append(subject.warm(questions, tcp)["octets"])
                    subjects.append(subject)
                except Failed as failure:
                    bench.complain(failure)
            # The echo's replies are as large as the smallest: a limit that is not too easy to reach.
            for number, (name, way) in enumerate(self.echoes.items(), len(chosen)):
                subjects.append(stack.enter_context(Echo(bench, way, name, number, round(min(octets, default=0)))))
            path = bench.write_questions(questions)
            for _ in range(bench.options.runs):
                for subject in subjects:
                    yield subject.name, measure(bench, subject, path, **self.load)


def measure(bench, subject, questions, **load):
    before = subject.cpu_ns()
    report = bench.load(subject, questions, **load)
    spent = subject.cpu_ns() - before
    return counts(report) | {"cpu_us": spent / 1000 / max(1, report["replies"]),
                             "p50_us": report["p50_ns"] / 1000, "p99_us": report["p99_ns"] / 1000}


def counts(report):
    faults = ("malformed", "question", "truncated", "rcode", "ad", "records")
    return {field: report[field] for field in ("sent", "replies", "right", "lost")} | {
        "wrong": {fault: report[fault] for fault in faults if report[fault]}}


def many_hits(bench):
    """One vouchd with a few names in its cache and one with many, each asked for all that it has."""
    few = [peer for peer in bench.peers if peer.name == peers.VOUCHD_NAME]
    many = [peers.with_many_names(peer) for peer in few]
    with contextlib.ExitStack() as stack:
        subjects = []
        for number, (peer, count) in enumerate([(peer, zones.HITS) for peer in few] +
                                               [(peer, bench.options.names) for peer in many]):
            names = bench.world.zone_set.layout.many_names(count)
            questions = bench.write_questions([question(name, "A", PLAIN) for name in names], f"names-{number}")
            subject = stack.enter_context(Resolver(bench, peer, number, HIT_CACHE_OCTETS + VOUCHD_OCTETS_PER_NAME * count))
            subject.await_answer(question(next(bench.world.zone_set.layout.many_names(1)), "A", PLAIN))
            bench.load(subject, questions, mode="once", timeout=COLD_TIMEOUT_S)
            subjects.append((subject, questions))
        for _ in range(bench.options.runs):
            for subject, questions in subjects:
                yield subject.name, measure(bench, subject, questions, mode="hits", window=bench.options.window,
                                            seconds=bench.options.seconds)


def one_and_two_workers(found):
    """Of vouchd, if it is among them."""
    ours = [peer for peer in found if peer.name == peers.VOUCHD_NAME]
    return ours + [peers.with_two_workers(peer) for peer in ours]


# Cold

def cold(bench):
    """One question to each zone, each through a resolver that has only been started."""
    layout = bench.world.zone_set.layout
    host = layout.hosts()[-1]
    questions = [question(f"{host}.{zone}", "A", PLAIN) for zone in layout.zone_names()]
    yield from fill(bench, questions, HIT_CACHE_OCTETS + OCTETS_PER_NAME_MAX * len(questions) * 4)


def many_names(bench):
    count = bench.options.names
    questions = [question(name, "A", PLAIN) for name in bench.world.zone_set.layout.many_names(count)]
    yield from fill(bench, questions, HIT_CACHE_OCTETS + OCTETS_PER_NAME_MAX * count)


def fill(bench, questions, cache_octets):
    path = bench.write_questions(questions)
    first = question(f"h0.{bench.world.zone_set.layout.zone_names()[0]}", "A", PLAIN)
    for _ in range(bench.options.runs):
        for number, peer in enumerate(bench.peers):
            with Resolver(bench, peer, number, cache_octets) as subject:
                try:
                    subject.await_answer(first)
                except Failed as failure:
                    bench.complain(failure)
                    continue
                before = subject.memory()
                measures = measure(bench, subject, path, mode="once", timeout=COLD_TIMEOUT_S)
                time.sleep(SETTLE_S)
                grown = subject.memory() - before
                yield subject.name, measures | {"memory_octets": grown / max(1, measures["right"])}


# Traps

TRAP_SOUND_ZONES = 500                  # that a trap is compared with
TRAP_RATE = 50                          # questions a second into a trap, while others ask for what is in the cache
TRAP_WHILE = "both"


def keytrap(bench):
    """What a question into a trap costs, beside one to a zone like any other, and what others notice of it."""
    sound = [question(f"h0.{zone}", "A", PLAIN) for zone in bench.world.zone_set.layout.zone_names()]
    first, sound = sound[-1], sound[:TRAP_SOUND_ZONES]
    for _ in range(bench.options.runs):
        for number, peer in enumerate(bench.peers):
            try:
                with Resolver(bench, peer, number, HIT_CACHE_OCTETS) as subject:
                    subject.await_answer(first)
                    measures = trap_costs(bench, subject, sound)
                with Resolver(bench, peer, number, HIT_CACHE_OCTETS) as subject:
                    subject.await_answer(first)
                    subject.warm(sound)
                    yield subject.name, measures | trap_latency(bench, subject, sound)
            except Failed as failure:
                bench.complain(failure)


def trap_costs(bench, subject, sound):
    """Times a cold query: of each trap, under its name."""
    cold = measure(bench, subject, bench.write_questions(sound), mode="once", timeout=COLD_TIMEOUT_S)
    measures = dict(cold)
    for trap in traps.TRAPS:
        path = bench.write_questions(trap.questions())
        spent = measure(bench, subject, path, mode="once", timeout=COLD_TIMEOUT_S)
        total_us = spent["cpu_us"] * max(1, spent["replies"])       # what is not answered costs, too
        measures[f"{trap.name}_ratio"] = total_us / spent["sent"] / cold["cpu_us"]
    return measures


def trap_latency(bench, subject, sound):
    """Others' p99 while somebody asks into a trap, times what it is without.  As on the wire: the traps' servers and
    the attacker have the generator's core, too, and what it waits for there is none of the resolver's doing."""
    trap = next(each for each in traps.TRAPS if each.name == TRAP_WHILE)
    path = bench.write_questions(sound)
    rate = {"mode": "rate", "wire": True, "rate": bench.options.rate, "seconds": bench.options.seconds}
    alone = measure(bench, subject, path, **rate)
    load = bench.begin_load(subject, trap.questions(), mode="rate", rate=TRAP_RATE, seconds=bench.options.seconds)
    beside = measure(bench, subject, path, **rate)
    load.report()
    return {"p99_ratio": beside["p99_us"] / max(1, alone["p99_us"]), "alone_p99_us": alone["p99_us"],
            "beside_p50_us": beside["p50_us"], "beside_p99_us": beside["p99_us"]}


# A cache that is too small

def udp_received():
    """Datagrams that anybody in this network namespace has received."""
    with open("/proc/net/snmp", encoding="ascii") as file:
        names, values = (line.split() for line in file if line.startswith("Udp:"))
    return int(values[names.index("InDatagrams")])


def zipf_trace(names, exponent, length, seed=1):
    weights = itertools.accumulate(1 / (rank + 1) ** exponent for rank in range(len(names)))
    return random.Random(seed).choices(names, cum_weights=list(weights), k=length)


def pressure(bench):
    """The same questions to all, of which each has room for a tenth, more or less.  What nobody but the zone's server
    can answer is two more datagrams."""
    options = bench.options
    names = list(bench.world.zone_set.layout.many_names(options.pressure_names))
    random.Random(2).shuffle(names)     # else the rank would be in the name
    trace = [question(name, "A", PLAIN) for name in zipf_trace(names, ZIPF_EXPONENT, 2 * options.pressure_questions)]
    warming = bench.write_questions(trace[:options.pressure_questions], "warming")
    measured = bench.write_questions(trace[options.pressure_questions:])
    for _ in range(options.runs):
        for number, peer in enumerate(bench.peers):
            with Resolver(bench, peer, number, options.pressure_mib * MIB) as subject:
                try:
                    subject.await_answer(trace[0])
                except Failed as failure:
                    bench.complain(failure)
                    continue
                bench.load(subject, warming, mode="once", timeout=COLD_TIMEOUT_S)
                before = udp_received()
                measures = measure(bench, subject, measured, mode="once", timeout=COLD_TIMEOUT_S)
                upstream = (udp_received() - before - measures["sent"] - measures["replies"]) / 2
                yield subject.name, measures | {"miss_percent": 100 * upstream / measures["sent"]}


# Starting

def starts(bench):
    """The state directory is there, the cache is not."""
    asked = question(f"h0.{bench.world.zone_set.layout.zone_names()[0]}", "A", PLAIN)
    subjects = [Resolver(bench, peer, number, RESTART_CACHE_OCTETS) for number, peer in enumerate(bench.peers)]
    for start in range(1 + bench.options.starts):
        for subject in subjects:
            subject.forget()
            measures = start_and_poll(bench, subject, asked)
            subject.stop()
            if start > 0:           # the first one made the state
                yield subject.name, measures


def restarts(bench):
    """The zones' servers stand still meanwhile: what is answered was in the cache."""
    layout = bench.world.zone_set.layout
    questions = [question(name, "A", PLAIN) for name in layout.many_names(bench.options.fill)]
    for _ in range(bench.options.runs):
        for number, peer in enumerate(bench.peers):
            subject = Resolver(bench, peer, number, RESTART_CACHE_OCTETS)
            try:
                with subject:
                    subject.await_answer(questions[0])
                    bench.load(subject, questions, mode="once", timeout=COLD_TIMEOUT_S)
                bench.world.freeze()
                with contextlib.closing(Stopping(subject)):
                    yield subject.name, start_and_poll(bench, subject, questions[-1])
            except Failed as failure:
                bench.complain(failure)
            finally:
                bench.world.thaw()


class Stopping:
    """Ends a subject that was started without a with statement."""

    def __init__(self, subject):
        self.close = subject.stop


def start_and_poll(bench, subject, asked):
    """Measures without "ms" if no right answer came."""
    load = bench.begin_load(subject, [asked], mode="first", seconds=POLL_TIMEOUT_S, rate=POLLS_PER_S)
    time.sleep(POLLS_BEGIN_S)
    began_ns = time.monotonic_ns()
    subject.start()
    report = load.report()
    measures = counts(report)
    return measures | {"ms": (report["ended_ns"] - began_ns) / 1e6} if report["right"] else measures


@dataclasses.dataclass(frozen=True)
class Row:
    run: object
    titles: dict                # measure to the title of its table
    says: str                   # for the reader


ECHO, ECHO_SINGLE, ECHO_POLLED, ECHO_STREAM = "echo (recvmmsg)", "echo (recvfrom)", "echo (epoll)", "echo (TCP)"
UDP_ECHOES = {ECHO: "mmsg", ECHO_SINGLE: "msg"}
WAKEUP_ECHOES = {ECHO: "mmsg", ECHO_SINGLE: "msg", ECHO_POLLED: "epoll"}
WORKERS_SOCKETS = 8                     # that ask: the kernel shares them out among the workers by their addresses
TCP_ECHOES = {ECHO_STREAM: "tcp"}


def rows(options):
    """All of them, in the order of the table."""
    window = {"mode": "hits", "window": options.window, "seconds": options.seconds}
    rate = {"mode": "rate", "rate": options.rate, "seconds": options.seconds}
    tcp = window | {"tcp": True, "connections": options.connections}
    hits = f"{zones.HITS:,} names, all in the cache"
    mix = f"{zones.HITS:,} names with three types; DO, CD, AD, EDNS and letter case vary"
    return {
        "udp": _hit_row("UDP cache hit", hits, uniform(PLAIN), window, UDP_ECHOES),
        "udp-do": _hit_row("UDP cache hit with DO", f"{hits}, signatures in the answer", uniform(DNSSEC_OK), window,
                           UDP_ECHOES),
        "udp-mix": _hit_row("UDP cache hit, mixed questions", mix, mixed, window, UDP_ECHOES),
        "rate": _hit_row(f"UDP cache hit at {options.rate:,} queries a second", hits, uniform(PLAIN), rate,
                         WAKEUP_ECHOES),
        "rate-mix": _hit_row(f"UDP cache hit at {options.rate:,} queries a second, mixed questions", mix, mixed, rate,
                             WAKEUP_ECHOES),
        "rate-workers": _hit_row(f"UDP cache hit at {options.rate:,} queries a second, one worker and two",
                                 f"{hits}; {WORKERS_SOCKETS} sockets ask", uniform(PLAIN),
                                 rate | {"connections": WORKERS_SOCKETS}, {}, one_and_two_workers),
        "udp-many": Row(many_hits, {"cpu_us": "UDP cache hit, few names and many"},
                        f"vouchd with {zones.HITS:,} and with {options.names:,} names in its cache, asked at random"),
        "tcp": _hit_row("TCP cache hit", f"{hits}; {options.connections} connections, pipelined", uniform(PLAIN), tcp,
                        TCP_ECHOES),
        "tcp-mix": _hit_row("TCP cache hit, mixed questions", f"{mix}; {options.connections} connections, pipelined",
                            mixed, tcp, TCP_ECHOES),
        "cold": Row(cold, {"cpu_us": "CPU time of a cold query", "memory_octets": "Memory of a zone visited"},
                    f"one name in each of {options.zones:,} signed zones, validated"),
        "names": Row(many_names, {"memory_octets": "Memory of a name", "cpu_us": "CPU time of a name not yet known"},
                     f"{options.names:,} names of one signed zone, validated"),
        "keytrap": Row(keytrap, {"cpu_us": "CPU time of a cold query, that traps are compared with"} | {
            f"{trap.name}_ratio": f"CPU time of a query into a trap: {trap.says}" for trap in traps.TRAPS} | {
            "p99_ratio": "Latency of others, p99, during an attack"},
                       f"{traps.NAMES} names in zones that are costly to validate, beside a cold query; p99 of cache "
                       f"hits with {TRAP_RATE} such questions a second, beside p99 without"),
        "pressure": Row(pressure, {"miss_percent": "Misses under memory pressure"},
                        f"{options.pressure_questions:,} questions by Zipf's law (exponent {ZIPF_EXPONENT}) to "
                        f"{options.pressure_names:,} names, after as many others; caches of {options.pressure_mib} MiB"),
        "start": Row(starts, {"ms": "Start to the first validated answer"},
                     f"{options.starts} starts, asked every {1000 / POLLS_PER_S} ms; empty cache, state directory "
                     "present"),
        "restart": Row(restarts, {"ms": "Restart to the first answer from the old cache"},
                       f"after {options.fill:,} names in a cache of {RESTART_CACHE_OCTETS // MIB} MiB; the zones' "
                       "servers do not answer meanwhile"),
    }


def _hit_row(title, says, questions, load, echoes, choose=list):
    return Row(Hits(questions, load, echoes, choose).run, {"cpu_us": title}, says)
