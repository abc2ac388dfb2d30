"""A root zone whose keys roll, at a real server, and a vouchd whose clock goes as fast as the test wants."""

import contextlib
import datetime
import glob
import os
import pathlib
import re
import shutil
import signal
import tempfile
import time

import dns.dnssec
import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rrset
import pytest
from control import objects, vouchctl
from cryptography.hazmat.primitives.asymmetric import ec
from vouchd import READY_TIMEOUT_S, ROOT, Vouchd

from lab import network, processes, servers
from lab.description import Server

HISTORY = ROOT / "../shared/data/root-dnskey-history.txt"
ADDRESS = "127.0.0.53"
TTL = 172800
SIGNATURE_LIFE_S = 20 * 86400
KSK, ZSK, REVOKED = 257, 256, 257 | 0x80
POLL_S = 0.01
PATIENCE_S = 30
DAY_S = 86400
RECORDS = (". 86400 IN SOA ns. hostmaster. {serial} 1800 900 604800 86400\n"
           ". 86400 IN NS ns.\n"
           f"ns. 86400 IN A {ADDRESS}\n")


def seconds(text):
    """UNIX time of "2025-01-11" or "2025-01-11 12:00"."""
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc).timestamp())


class Key:
    def __init__(self):
        self._private = ec.generate_private_key(ec.SECP256R1())

    def dnskey(self, flags):
        return dns.dnssec.make_dnskey(self._private.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags)

    def tag(self, flags=KSK):
        return dns.dnssec.key_id(self.dnskey(flags))

    def anchor(self):
        return f". IN DS {dns.dnssec.make_ds(dns.name.root, self.dnskey(KSK), 'SHA256')}"

    def sign(self, rrset, flags, now):
        return dns.dnssec.sign(rrset, self._private, dns.name.root, self.dnskey(flags), inception=now - 3600,
                               expiration=now + SIGNATURE_LIFE_S)


def key_set(published, signing, now):
    """Lines of a zone file.  published, signing: (key, flags)."""
    rrset = dns.rrset.from_rdata_list(dns.name.root, TTL, [key.dnskey(flags) for key, flags in published])
    lines = [f"{rrset}\n"]
    for key, flags in signing:
        lines.append(f". {TTL} IN RRSIG {key.sign(rrset, flags, now)}\n")
    return "".join(lines)


class Root:
    """NSD; publish() changes what it serves."""

    def __init__(self, netns, directory):
        self.netns, self.directory = netns, directory
        self.hints = directory / "hints"
        self.hints.write_text(f". 3600 IN NS ns.\nns. 3600 IN A {ADDRESS}\n")
        self.file = directory / "root.zone"
        self._serial = 0
        self._nsd = None

    def publish(self, keys):
        self._serial += 1
        self.file.write_text(RECORDS.format(serial=self._serial) + keys)
        os.utime(self.file, (self._serial, self._serial))       # NSD looks at the time of the file
        if self._nsd is None:
            self._start()
        else:
            self._nsd.send_signal(signal.SIGHUP)
        self._await_serial()

    def _start(self):
        server = Server("root", "nsd", (ADDRESS,))
        command = servers.prepare(server, {".": self.file}, self.directory / "nsd")
        self._nsd = processes.start(network.command_inside(self.netns, command), self.directory / "nsd")

    def _await_serial(self):
        deadline = time.monotonic() + READY_TIMEOUT_S
        with network.inside(self.netns):
            while True:
                assert self._nsd.poll() is None and time.monotonic() < deadline, \
                    (self.directory / "nsd/log").read_text()
                with contextlib.suppress(OSError, dns.exception.DNSException):
                    reply = dns.query.udp(dns.message.make_query(".", "SOA"), ADDRESS, timeout=1)
                    if reply.answer and reply.answer[0][0].serial == self._serial:
                        return
                time.sleep(POLL_S)

    def stop(self):
        if self._nsd is not None:
            processes.end(self.directory / "nsd/pid")
            self._nsd.wait()


@contextlib.contextmanager
def running():
    netns = f"vouch-anchors-{os.getpid()}"
    directory = pathlib.Path(tempfile.mkdtemp(prefix="vouch-anchors."))
    network.create(netns, [])
    root = Root(netns, directory)
    try:
        yield root
    finally:
        root.stop()
        network.delete(netns)
        shutil.rmtree(directory)


def _faketime(path):
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not found:
        pytest.fail("libfaketime is not installed: scripts/deps test")
    return {"LD_PRELOAD": found[0], "FAKETIME_TIMESTAMP_FILE": str(path), "FAKETIME_NO_CACHE": "1", "TZ": "UTC",
            "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


class Resolver:
    """vouchd in the root's namespace, at a time of the test's choice.  wrap: a command that runs another."""

    def __init__(self, root, directory, anchors, now, wrap=(), **settings):
        self.root = root
        self.socket = directory / "control.sock"
        self._time = directory / "time"
        self.now = now
        self._write_time()
        settings = {
            "listen": ["127.0.0.1@53"],
            "workers": 1,
            "cache": {"size": "8MiB"},
            "resolver": {"root-hints": str(root.hints), "prime-root": False},
            "time": {"floor": "none"},
            "trust": {"anchors": anchors, "automatic-update": True, "signal-anchors": True},
        } | settings
        self.vouchd = Vouchd(directory, settings, prefix=network.command_inside(root.netns, list(wrap)),
                             environment=_faketime(self._time))

    def __enter__(self):
        self.vouchd.__enter__()
        return self

    def __exit__(self, *failure):
        self.vouchd.__exit__(*failure)

    def _write_time(self):
        text = datetime.datetime.fromtimestamp(self.now, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
        new = self._time.with_suffix(".new")
        new.write_text(f"@{text}\n")
        new.rename(self._time)

    def status(self):
        return objects(self.socket, "ta", "status")[0]

    def states(self):
        return {anchor["key_tag"]: anchor["rfc5011"] for anchor in self.status()["anchors"]}

    def stages(self):
        return {anchor["key_tag"]: anchor["rfc7583"] for anchor in self.status()["anchors"]}

    def set_time(self, now):
        self.now = now
        self._write_time()

    def refresh(self, now):
        """At that time; returns the states after it."""
        self.set_time(now)
        before = self._rounds()
        deadline = time.monotonic() + PATIENCE_S
        objects(self.socket, "ta", "refresh")
        while self._rounds() == before:
            assert time.monotonic() < deadline, self.vouchd.log()
            time.sleep(POLL_S)
        return self.states()

    def _rounds(self):
        stats = objects(self.socket, "stats")[0]
        return sum(value for name, value in stats.items() if name.startswith("vouch_anchor_refreshes_total"))

    def metric(self, name):
        return objects(self.socket, "stats")[0][name]

    def order(self, *arguments):
        return objects(self.socket, *arguments)

    def try_order(self, *arguments):
        """vouchd may be gone by now."""
        vouchctl(self.socket, *arguments)

    def refused(self, *arguments):
        return vouchctl(self.socket, *arguments)[0] == 1

    def kill_and_start(self, meanwhile=lambda: None):
        starts = self.vouchd.log().count("ready\n")
        self.vouchd.stop(signal.SIGKILL)
        meanwhile()
        self.vouchd.start(awaited=None)
        self.vouchd.await_log("ready", starts + 1)

    def await_first_refresh(self):
        deadline = time.monotonic() + PATIENCE_S
        while self._rounds() == 0:
            assert time.monotonic() < deadline, self.vouchd.log()
            time.sleep(POLL_S)
        return self.states()


def corrupt(path):
    """And what would repair it: after a kill the last changes, or all of them, stand in the log beside it."""
    path.write_bytes(b"rubbish" * 4096)
    path.with_name(path.name + "-wal").unlink()


def blocks():
    """The root's own DNSKEY sets of three years: (from when on, zone file lines), in order."""
    found = []
    for serial, text in re.findall(r"^; serial (\d{8})\d\d\n(.*?)(?=^; serial|\Z)", HISTORY.read_text(), re.M | re.S):
        found.append((seconds(f"{serial[:4]}-{serial[4:6]}-{serial[6:]}"), text))
    return sorted(found)
