"""What is measured: a resolver, or an echo loop in its place."""

import pathlib
import shutil
import time

from bench import peers
from bench.process import Process

READY_TIMEOUT_S = 30


class Failed(Exception):
    """A subject that does not do what it is measured at."""


class Resolver:
    def __init__(self, bench, peer, number, cache_octets):
        self.bench = bench
        self.peer = peer
        self.name = peer.name
        self.judged = True
        self.address = bench.address(number)
        directory = bench.directory / f"resolver-{number}"
        shutil.rmtree(directory, ignore_errors=True)
        zone_set = bench.world.zone_set
        self.setting = peers.Setting(directory, self.address, zone_set.hints, zone_set.anchor, zone_set.anchor_ds,
                                     cache_octets)
        for made in (directory, self.setting.cache, directory / "state"):
            made.mkdir(mode=0o700)
        # Profiles of AppArmor go by a program's path, and would keep a packaged one from reading what lies here.
        program = directory / pathlib.Path(peer.program).name
        shutil.copy(peer.find(), program)
        self.commands = peer.prepare(program, self.setting)
        self.processes = []

    def start(self):
        for command in self.commands:
            log = self.setting.directory / "log"
            self.processes.append(Process(command, log, {self.bench.subject_cpu}))
            # The second one wants the files that the first one makes.
            if command is not self.commands[-1]:
                time.sleep(0.1)
        return self

    def await_answer(self, question, timeout_s=READY_TIMEOUT_S):
        """Until the question is answered as it should be.  Raises Failed if it never is."""
        report = self.bench.load(self, [question], mode="first", seconds=timeout_s, rate=100)
        if report["right"] == 0:
            raise Failed(f"{self.name} does not answer: {report}\n{self.log()}")

    def warm(self, questions, tcp=False):
        """Until all are answered right twice in a row; the last report."""
        report = None
        for _ in range(self.bench.options.warm_rounds):
            before, report = report, self.bench.load(self, questions, mode="once", timeout=10, tcp=tcp)
            if before is not None and before["right"] == report["right"] == len(questions):
                break
        return report

    def cpu_ns(self):
        return sum(process.cpu_ns() for process in self.processes)

    def memory(self):
        return sum(process.memory() for process in self.processes)

    def forget(self):
        """What its cache keeps in files."""
        shutil.rmtree(self.setting.cache)
        self.setting.cache.mkdir(mode=0o700)

    def log(self):
        return (self.setting.directory / "log").read_text(errors="replace")[-2000:]

    def stop(self):
        for process in reversed(self.processes):
            process.stop()
        self.processes = []

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()


class Echo:
    def __init__(self, bench, way, name, number, reply_octets):
        self.bench = bench
        self.name = name
        self.judged = False
        self.address = bench.address(number)
        self.command = [bench.programs / "echo", way, self.address, 53, reply_octets]
        self.process = None

    def __enter__(self):
        self.process = Process(self.command, self.bench.directory / "echo.log", {self.bench.subject_cpu})
        return self

    def __exit__(self, *_):
        self.process.stop()

    def cpu_ns(self):
        return self.process.cpu_ns()
