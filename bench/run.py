#!/usr/bin/python3
"""Measures vouchd and its peers; see README.md.  Run by `make bench`, as root."""

import dataclasses
import datetime
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench import peers, report, rows, world         # noqa: E402: behind the path that leads to them

INSIDE = "--inside"
EX_USAGE, EX_UNAVAILABLE, EX_NOPERM = 64, 69, 77     # sysexits.h
DOCUMENT = ROOT / "doc" / "benchmarks.md"
RESULTS = "bench-results.json"
RUNS_FOR_DOCUMENT = 3
LOAD_TIMEOUT_S = 6000


def _environment(name, default):
    return dataclasses.field(default_factory=lambda: type(default)(os.environ.get(name, default)))


@dataclasses.dataclass(frozen=True)
class Options:
    """From the environment."""
    build: str = _environment("BUILD", str(ROOT / "build-bench"))
    zones: int = _environment("ZONES", 5000)
    rows: str = _environment("ROWS", "all")
    peers: str = _environment("PEERS", "all")
    runs: int = _environment("RUNS", 3)
    seconds: float = _environment("SECONDS", 3.0)
    window: int = _environment("WINDOW", 128)
    connections: int = _environment("CONNECTIONS", 8)
    rate: int = _environment("RATE", 20000)
    names: int = _environment("NAMES", 1000000)
    fill: int = _environment("FILL", 200000)
    pressure_names: int = _environment("PRESSURE_NAMES", 300000)
    pressure_questions: int = _environment("PRESSURE_QUESTIONS", 400000)
    pressure_mib: int = _environment("PRESSURE_MIB", 8)
    starts: int = _environment("STARTS", 15)
    warm_rounds: int = 6


class Load:
    """A run of the generator that is under way."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def report(self):
        try:
            output, _ = self.process.communicate(timeout=LOAD_TIMEOUT_S)
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        if self.process.returncode != 0:
            raise RuntimeError(f"the generator ended with {self.process.returncode}")
        return json.loads(output)


class Bench:
    """What all rows share."""

    def __init__(self, options, directory, found):
        cpus = sorted(os.sched_getaffinity(0))
        self.options = options
        self.directory = directory
        self.peers = found
        self.programs = pathlib.Path(options.build) / "bench"
        self.subject_cpu, self.load_cpu = cpus[-1], cpus[0]
        # Zones are built on all cores; they are served beside the generator.
        self.world = world.World(directory, options.zones, {self.load_cpu})

    @staticmethod
    def address(number):
        assert number < world.RESOLVERS_MAX
        return world.RESOLVER_ADDRESS.format(number + 1)

    def write_questions(self, lines, name="questions"):
        path = self.directory / name
        path.write_text("\n".join(lines) + "\n")
        return path

    def begin_load(self, subject, questions, **options):
        """questions: lines, or a file of them that was written before."""
        path = questions if isinstance(questions, pathlib.Path) else self.write_questions(questions, "asked")
        command = [self.programs / "load", "--questions", path, "--server", subject.address]
        for name, value in options.items():
            if value is True:
                command.append(f"--{name}")
            elif value is not False:
                command += [f"--{name}", value]
        if not subject.judged:
            command.append("--unjudged")
        return Load(["taskset", "-c", str(self.load_cpu), *map(str, command)])

    def load(self, subject, questions, **options):
        return self.begin_load(subject, questions, **options).report()

    @staticmethod
    def complain(what):
        print(f"bench: {what}", file=sys.stderr)


def _listed_peers(options):
    return [peers.vouchd(pathlib.Path(options.build) / "vouchd"), *peers.PEERS]


def _find_peers(options):
    """vouchd of the build, and what is installed."""
    listed = _listed_peers(options)
    wanted = None if options.peers == "all" else options.peers.split(",")
    found = [peer for peer in listed if (wanted is None or peer.name in wanted) and peer.find()]
    for peer in listed:
        if peer not in found and wanted is None:
            print(f"bench: there is no {peer.program}: without {peer.name}", file=sys.stderr)
    return found


def _choose_rows(options):
    table = rows.rows(options)
    if options.rows == "all":
        return table
    names = options.rows.split(",")
    unknown = set(names) - set(table)
    if unknown:
        print(f"bench: ROWS: {', '.join(sorted(unknown))}: not among {', '.join(table)}", file=sys.stderr)
        sys.exit(EX_USAGE)
    return {name: table[name] for name in names}


def _commit():
    """Which vouchd: versions are too coarse.  What this command itself writes changes none."""
    commit = _git("describe", "--always")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", f":!{DOCUMENT.relative_to(ROOT)}")
    return "" if commit is None else f", commit {commit}{'-dirty' if changed else ''}"


def _git(*arguments):
    done = subprocess.run(["git", "-C", ROOT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def _measure(bench, results, chosen):
    for name, row in chosen.items():
        print(f"bench: {name}: {row.says}", file=sys.stderr)
        runs = {}
        for subject, measures in row.run(bench):
            runs.setdefault(subject, []).append(measures)
            print(f"bench: {name}: {subject}: {measures}", file=sys.stderr)
        when = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d") + _commit()
        measured = {"when": when, "says": row.says, "titles": row.titles, "runs": runs}
        print("\n".join(report.tables(name, measured)), flush=True)
        if bench.options.runs >= RUNS_FOR_DOCUMENT:
            results.put(name, measured)
            report.write_document(DOCUMENT, results, rows.rows(bench.options))


def run_inside(directory):
    """In namespaces of our own: network, mounts and processes end with us."""
    options = Options()
    chosen = _choose_rows(options)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "bench", directory], check=True)
    _, files_max = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files_max, files_max))
    found = _find_peers(options)
    where = {"machine": report.machine(), "cores": f"{os.cpu_count()} cores",
             "versions": {peer.name: peer.version(peer.find()) for peer in _listed_peers(options) if peer.find()}}
    results = report.Results(pathlib.Path(options.build) / RESULTS, where)
    world.make_addresses()
    bench = Bench(options, directory, found)
    print(f"bench: building and serving {options.zones} zones", file=sys.stderr)
    with bench.world:
        _measure(bench, results, chosen)


def run_outside():
    if os.geteuid() != 0:
        print("bench: only root may make network namespaces", file=sys.stderr)
        return EX_NOPERM
    if len(os.sched_getaffinity(0)) < 2:
        print("bench: one core for the resolver, another for the generator: two are needed", file=sys.stderr)
        return EX_UNAVAILABLE
    with tempfile.TemporaryDirectory(prefix="vouch-bench.") as directory:
        # What is mounted and started inside is gone when the first process inside is, and that one when we are: nothing
        # is left behind.
        command = ["setpriv", "--pdeathsig", "KILL",
                   "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                   sys.executable, __file__, INSIDE, directory]
        return subprocess.run(command).returncode


def main(arguments):
    if arguments[:1] == [INSIDE]:
        return run_inside(pathlib.Path(arguments[1]))
    if arguments:
        print("usage: bench/run.py (settings come from the environment; see bench/README.md)", file=sys.stderr)
        return EX_USAGE
    return run_outside()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
