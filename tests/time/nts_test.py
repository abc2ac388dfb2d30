"""Row D4-run-d: time servers that prove who they are (NTS, RFC 8915).

chronyd is the server, libraries and all; what it would never do, a relay between it and vouchd does, or a server of
TLS alone."""

import contextlib
import datetime
import os
import re
import shutil
import socket
import ssl
import struct
import threading
import time

import client
import pytest
from control import objects, vouchctl
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from serving import Serving
from sntp import TimeServer
from vouchd import faketime, vouchd_in_lab

from lab import network

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a network namespace")
needs_chronyd = pytest.mark.skipif(
    shutil.which("chronyd") is None,
    reason="NTS IS NOT TESTED AGAINST A REAL SERVER: chronyd is not installed (scripts/deps test)")

NAME, KE_PORT, NTP_PORT = "time.demo", 4460, 123
CHRONY, RELAY, PLAIN = "127.0.0.31", "127.0.0.32", ["127.0.0.33", "127.0.0.34"]
HOUR_S, DAY_S = 3600, 86400
PATIENCE_S = 30
COOKIES = 8
HEADER_OCTETS = 48
EDE_NOT_READY = 14
END, PROTOCOL, ALGORITHM = b"\x80\x00\x00\x00", b"\x80\x01\x00\x02\x00\x00", b"\x80\x04\x00\x02\x00\x0f"


# ---- certificates ----

class Authority:
    """Signs for whatever name and time a test wants."""

    def __init__(self, directory):
        self.directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority of the test")])
        self.path = directory / "authority.pem"
        certificate = self._sign(self._name, self._key, -3650, 3650, x509.BasicConstraints(ca=True, path_length=None))
        self.path.write_bytes(certificate)

    def _sign(self, subject, key, from_day, until_day, *extensions):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now + datetime.timedelta(days=from_day))
        builder = builder.not_valid_after(now + datetime.timedelta(days=until_day))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def certify(self, name=NAME, from_day=-30, until_day=30):
        """(path of the certificate, path of the key)"""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        paths = [self.directory / f"{name}{from_day}{until_day}.{kind}" for kind in ("pem", "key")]
        paths[0].write_bytes(self._sign(subject, key, from_day, until_day,
                                        x509.SubjectAlternativeName([x509.DNSName(name)])))
        paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                               serialization.NoEncryption()))
        return paths


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


# ---- servers ----

class Chronyd:
    """A real one, that does not touch the clock."""

    def __init__(self, lab, directory, certificate, environment=None):
        self._lab, self._environment = lab, environment or {}
        path, key = certificate
        self._config = directory / "chrony.conf"
        self._config.write_text(
            f"local stratum 5\nallow 127.0.0.0/8\nbindaddress {CHRONY}\ncmdport 0\nbindcmdaddress /\n"
            f"pidfile {directory}/chrony.pid\nntsserverkey {key}\nntsservercert {path}\n")
        self._log = directory / "chrony.log"
        self._process = None
        self.start()

    def start(self):
        """With keys of its own each time: it keeps none."""
        variables = [f"{name}={value}" for name, value in self._environment.items()]
        with open(self._log, "ab") as log:
            self._process = self._lab.spawn(
                ["env", *variables, "chronyd", "-x", "-d", "-u", "root", "-f", str(self._config)],
                stdout=log, stderr=log)
        self._await()

    def _await(self):
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with network.inside(self._lab.netns), contextlib.suppress(OSError):
                socket.create_connection((CHRONY, KE_PORT), 1).close()
                return
            assert self._process.poll() is None and time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.05)

    def end(self):
        self._process.terminate()
        self._process.wait()


@pytest.fixture
def chronyd(lab, authority, tmp_path):
    """chronyd(environment=…, **certificate) starts it."""
    running = []

    def start(environment=None, **certificate):
        running.append(Chronyd(lab, tmp_path, authority.certify(**certificate), environment))
        return running[-1]
    yield start
    for server in running:
        server.end()


class Relay:
    """Between vouchd and chronyd: hands on TLS as it is, and answers as change_answer(packet) says: a list of those
    to send."""

    def __init__(self, netns):
        self._netns = netns
        self.questions, self.answers, self.handshakes = [], [], 0
        self.change_answer = lambda packet: [packet]
        self._is_over = threading.Event()
        with network.inside(netns):
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._udp.bind((RELAY, NTP_PORT))
        self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._tcp.bind((RELAY, KE_PORT))
        self._tcp.listen()
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._run_udp, self._run_tcp)]
        for each in (self._udp, self._tcp):
            each.settimeout(0.1)
        for thread in self._threads:
            thread.start()

    def _run_udp(self):
        network.enter(self._netns)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as to_server:
            to_server.connect((CHRONY, NTP_PORT))
            to_server.settimeout(1)
            while not self._is_over.is_set():
                with contextlib.suppress(OSError):
                    question, asking = self._udp.recvfrom(4096)
                    self.questions.append(question)
                    to_server.send(question)
                    self.answers.append(to_server.recv(4096))
                    for packet in self.change_answer(self.answers[-1]):
                        self._udp.sendto(packet, asking)

    def _run_tcp(self):
        network.enter(self._netns)
        while not self._is_over.is_set():
            with contextlib.suppress(OSError):
                client_side, _ = self._tcp.accept()
                self.handshakes += 1
                server_side = socket.create_connection((CHRONY, KE_PORT), 5)
                for one, other in ((client_side, server_side), (server_side, client_side)):
                    threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    @staticmethod
    def _pump(one, other):
        with contextlib.suppress(OSError):
            one.settimeout(10)
            while data := one.recv(65536):
                other.sendall(data)
        with contextlib.suppress(OSError):
            other.shutdown(socket.SHUT_WR)

    def end(self):
        self._is_over.set()
        for thread in self._threads:
            thread.join()
        self._udp.close()
        self._tcp.close()


@pytest.fixture
def relay(lab):
    running = Relay(lab.netns)
    yield running
    running.end()


class KeyServer(Serving):
    """TLS with a reply of the test's, to one client after another."""

    BORNE = (OSError,)

    def __init__(self, netns, certificate, reply, alpn="ntske/1", newest=ssl.TLSVersion.TLSv1_3):
        with network.inside(netns):
            super().__init__(socket.create_server((RELAY, KE_PORT)))
        self._reply = reply
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*certificate)
        self._context.maximum_version = newest
        if alpn is not None:
            self._context.set_alpn_protocols([alpn])

    def serve(self):
        plain, _ = self.listening.accept()
        plain.settimeout(10)
        with self._context.wrap_socket(plain, server_side=True) as connection:
            connection.recv(4096)
            connection.sendall(self._reply)
            connection.unwrap()


# ---- vouchd ----

@pytest.fixture
def vouchd(lab, kernel, authority, tmp_path):
    """vouchd(synchronised, address=…, more servers, …): one that has been asked for the time once."""
    def make(synchronised=False, address=CHRONY, name=NAME, also=(), environment=None, **settings):
        directory = tmp_path / "vouchd"
        directory.mkdir()
        servers = [{"address": address, "nts": name}, *also]
        wanted = {"servers": servers, "nts-ca": str(authority.path), "floor": "none"} | settings
        return vouchd_in_lab(lab, directory, {"time": wanted}, environment=kernel(synchronised, environment))
    return make


def first_check(running):
    deadline = time.monotonic() + PATIENCE_S
    while (found := objects(running.socket, "time")[0])["checks"] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def check(running):
    return objects(running.socket, "time", "check")[0]


def source_of(found):
    return found["sources"][0]


def why(running):
    source = source_of(first_check(running))
    assert (source["state"], source["authenticated"]) == ("unauthenticated", False), source
    return source["why"]


# ---- a real server ----

@needs_chronyd
def test_a_server_that_proves_itself(lab, chronyd, vouchd):
    """One is enough to confirm an unsynchronised clock: nobody can pretend to be it."""
    chronyd()
    with vouchd() as running:
        found = first_check(running)
        source = source_of(found)
        assert (found["clock"], found["deciding"]) == ("fit", 1)
        assert (source["state"], source["authenticated"], source["nts"], source["cookies"], source["stratum"]) == \
            ("answered", True, NAME, COOKIES, 5)
        assert abs(source["offset_s"]) < 1 and source["address"] == f"{CHRONY}@{KE_PORT}"
        output = vouchctl(running.socket, "time")[1]
        assert re.search(rf"proven to be {NAME}$", output, re.MULTILINE) and "1 of 1 servers" in output
        assert not re.search("not proven", output)


@needs_chronyd
def test_keys_are_asked_for_once(chronyd, relay, vouchd):
    """And each cookie is spent once (RFC 8915 section 5.7)."""
    chronyd()
    with vouchd(address=RELAY) as running:
        first_check(running)
        for _ in range(2 * COOKIES):
            assert source_of(check(running))["cookies"] == COOKIES
        assert relay.handshakes == 1 and len(relay.questions) >= 2 * COOKIES + 1
        assert len({question[HEADER_OCTETS:] for question in relay.questions}) == len(relay.questions)
        assert all(question[:40] == b"\x23" + bytes(39) for question in relay.questions)     # tells nothing of us


@needs_chronyd
def test_it_decides_alone(lab, chronyd, vouchd):
    """However many others nobody can tell from forgers say something else."""
    chronyd()
    with network.inside(lab.netns):
        liars = [TimeServer(address) for address in PLAIN]
    for liar in liars:
        liar.offset_s = HOUR_S
        liar.start()
    try:
        with vouchd(also=PLAIN) as running:
            found = first_check(running)
            assert [one["state"] for one in found["sources"]] == ["answered"] * 3
            assert (found["clock"], found["deciding"], found["differing"]) == ("fit", 1, 0)
    finally:
        for liar in liars:
            liar.end()


@needs_chronyd
def test_it_alone_can_hold(lab, chronyd, vouchd):
    instant = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 2 * HOUR_S))
    chronyd(environment=faketime(instant))
    with vouchd() as running:
        found = first_check(running)
        assert {one["code"] for one in found["reasons"]} == {"outvoted"} and found["held"]
        assert abs(found["offset_s"] - 2 * HOUR_S) < 60
        with network.inside(lab.netns):
            reply = client.ask("127.0.0.1", "www.secure.demo.", "A")
        assert client.ede_codes(reply) == {EDE_NOT_READY}


@needs_chronyd
def test_who_keeps_it_from_answering_gains_nothing(lab, chronyd, vouchd):
    """Neither does its silence end the hold, nor what others say meanwhile."""
    instant = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 2 * HOUR_S))
    server = chronyd(environment=faketime(instant))
    with network.inside(lab.netns):
        liars = [TimeServer(address) for address in PLAIN]
    for liar in liars:
        liar.start()
    try:
        with vouchd(also=PLAIN) as running:
            assert first_check(running)["held"]
            server.end()
            found = check(running)
            assert [one["state"] for one in found["sources"]] != ["answered"] * 3
            assert found["held"] and {one["code"] for one in found["reasons"]} == {"outvoted"}
    finally:
        for liar in liars:
            liar.end()


def test_plain_servers_do_not_stand_in_for_one_that_proves_itself(lab, vouchd):
    """Nobody has answered who could prove who he is: others neither confirm the clock nor hold validation."""
    with network.inside(lab.netns):
        liars = [TimeServer(address) for address in (*PLAIN, CHRONY)]
    for liar in liars:
        liar.offset_s = HOUR_S
        liar.start()
    try:
        with vouchd(also=[*PLAIN, CHRONY], address=RELAY) as running:
            found = first_check(running)
            assert [one["state"] for one in found["sources"]][1:] == ["answered"] * 3
            assert (found["clock"], found["deciding"], found["held"]) == ("doubtful", 0, False)
            assert {one["code"] for one in found["reasons"]} == {"unconfirmed"}
    finally:
        for liar in liars:
            liar.end()


@needs_chronyd
def test_a_server_that_has_forgotten_its_keys(chronyd, relay, vouchd):
    """RFC 8915 section 5.7: it says NTSN, and new keys are asked for."""
    server = chronyd()
    with vouchd(address=RELAY) as running:
        assert source_of(first_check(running))["authenticated"]
        server.end()
        server.start()
        source = source_of(check(running))
        assert (source["state"], source["authenticated"], relay.handshakes) == ("answered", True, 2)


def forgeries(packet, earlier):
    """What can be made of an answer without the keys."""
    later, kissed, renamed = bytearray(packet), bytearray(packet[:HEADER_OCTETS]), bytearray(packet)
    later[40:44] = struct.pack(">I", struct.unpack(">I", packet[40:44])[0] + HOUR_S)
    kissed[1], kissed[12:16] = 0, b"DENY"
    renamed[HEADER_OCTETS + 4] ^= 1
    return [bytes(later), earlier, packet[:HEADER_OCTETS], bytes(kissed), bytes(renamed)]


@needs_chronyd
def test_what_happens_to_answers_on_their_way(chronyd, relay, vouchd):
    """Altered, replayed, stripped or kissed, none of them is believed; the true one is, even behind them.  Those that
    are lost cost cookies, and the next answer makes that good."""
    chronyd()
    with vouchd(address=RELAY) as running:
        assert source_of(first_check(running))["authenticated"]
        relay.change_answer = lambda packet: [*forgeries(packet, relay.answers[0]), packet]
        source = source_of(check(running))
        assert (source["state"], source["authenticated"]) == ("answered", True) and abs(source["offset_s"]) < 2
        relay.change_answer = lambda packet: forgeries(packet, relay.answers[0])
        source = source_of(check(running))
        assert (source["state"], source["authenticated"], source["cookies"]) == ("silent", False, COOKIES - 2)
        relay.change_answer = lambda packet: [packet]
        source = source_of(check(running))
        assert (source["state"], source["cookies"], relay.handshakes) == ("answered", COOKIES, 1)


@needs_chronyd
def test_reload_keeps_what_was_agreed(chronyd, relay, vouchd):
    chronyd()
    with vouchd(address=RELAY) as running:
        first_check(running)
        assert vouchctl(running.socket, "reload")[0] == 0
        assert source_of(check(running))["authenticated"] and relay.handshakes == 1


# ---- certificates (RFC 8915 section 8.5) ----

EXPIRED, NOT_YET = {"from_day": -20, "until_day": -10}, {"from_day": 10, "until_day": 20}


def test_another_name(lab, authority, vouchd):
    with KeyServer(lab.netns, authority.certify(name="other.demo"), END), vouchd(address=RELAY) as running:
        assert why(running) == "its certificate is another name's"
        assert f"has not proven to be {NAME}" in running.log()
        assert f"not proven to be {NAME}: its certificate" in vouchctl(running.socket, "time")[1]


def test_an_unknown_authority(lab, authority, vouchd):
    with KeyServer(lab.netns, authority.certify(), END), vouchd(address=RELAY, **{"nts-ca": "system"}) as running:
        assert why(running) in ("its certificate is from an unknown authority",
                                "the certificates of the authorities cannot be read")


@pytest.mark.parametrize("days, said", [(EXPIRED, "has expired"), (NOT_YET, "is not valid yet")])
def test_dates_by_a_synchronised_clock(lab, authority, vouchd, days, said):
    with KeyServer(lab.netns, authority.certify(**days), END), \
            vouchd(synchronised=True, address=RELAY) as running:
        assert why(running) == f"its certificate {said}"


def test_a_certificate_that_ended_before_the_floor(lab, authority, vouchd):
    floor = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 5 * DAY_S))
    with KeyServer(lab.netns, authority.certify(**EXPIRED), END), vouchd(address=RELAY, floor=floor) as running:
        assert why(running) == "its certificate has expired"


@needs_chronyd
def test_a_server_outside_its_own_certificate(chronyd, vouchd):
    """Nobody knows the time: an old certificate gives itself away by what its server says."""
    chronyd(**EXPIRED)
    with vouchd() as running:
        assert why(running) == "its time is outside of its own certificate's"


@needs_chronyd
def test_a_clock_in_the_past_finds_out(chronyd, vouchd):
    """It calls every certificate not valid yet, and must not."""
    chronyd()
    with vouchd(environment=faketime("2020-01-02 00:00:00")) as running:
        found = first_check(running)
        assert source_of(found)["authenticated"] and found["held"]
        assert {one["code"] for one in found["reasons"]} == {"outvoted"}


# ---- key establishment ----

@pytest.mark.parametrize("reply, said", [
    (b"\x80\x02\x00\x02\x00\x01", "it calls our request bad"),
    (PROTOCOL + ALGORITHM + END, "it gave no cookies of use"),
    (PROTOCOL + b"\x80\x04\x00\x00" + END, "it has not AEAD_AES_SIV_CMAC_256"),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it hangs up in the middle"),
    (b"\xff\xff\x00\x00", "it sent a critical record that is unknown"),
    (b"", "it hangs up in the middle"),
    (b"\x00\x63\xff\xff" + bytes(0xFFFF) + b"\x00\x63\x00\x00" * 8, "it talks too much"),
    (PROTOCOL + ALGORITHM + b"\x00\x06\x00\x0aother.demo" + b"\x00\x05\x00\x10" + bytes(16) + END,
     "it sends us to a server that must be found by name"),
], ids=["error", "no-cookies", "no-algorithm", "garbage", "critical", "nothing", "huge", "by-name"])
def test_replies_with_faults(lab, authority, vouchd, reply, said):
    with KeyServer(lab.netns, authority.certify(), reply), vouchd(address=RELAY) as running:
        assert why(running) == said


@pytest.mark.parametrize("faults", [{"alpn": None}, {"alpn": "http/1.1"}, {"newest": ssl.TLSVersion.TLSv1_2}])
def test_tls_with_faults(lab, authority, vouchd, faults):
    with KeyServer(lab.netns, authority.certify(), END, **faults), vouchd(address=RELAY) as running:
        assert why(running) != ""


def test_nobody_there_is_not_asked_again_at_once(vouchd):
    """RFC 8915 section 4.2: ten seconds between the first tries, then more."""
    with vouchd(address=RELAY) as running:
        assert why(running) == "it cannot be reached for keys"
        before = time.monotonic()
        assert check(running)["checks"] == 2 and time.monotonic() - before < 5
        assert running.log().count("has not proven to be") == 1
