"""vouchd as a process: exit codes, signals, rights, and an edge that hostile clients cannot wear out.

Nothing here leaves loopback: what is asked is localhost. (RFC 6761), which vouchd answers by itself.
"""

import os
import pathlib
import random
import re
import signal
import socket
import struct
import subprocess
import threading
import time

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from loopback import HOST, PATIENCE_S, ask_for_localhost, assert_answers, free_port
from others import NOBODY, as_user, program_for_others
from vouchd import SANITIZED, Vouchd, run_vouchd, write_config

EDE_NOT_AUTHORITATIVE = 20


# ---- exit codes: those of sysexits.h


def test_version():
    code, text = run_vouchd(["--version"])
    assert code == 0 and text.startswith("vouchd ")


def test_usage():
    assert run_vouchd(["--nonsense"])[0] == 64
    code, text = run_vouchd(["operand"])
    assert code == 64 and "operand" in text
    code, text = run_vouchd(["--help"])
    assert code == 0 and text.startswith("usage: vouchd ") and "--check" in text


def test_print_config_reads_back(tmp_path):
    code, text = run_vouchd(["--print-config"])
    assert code == 0
    (tmp_path / "printed.yaml").write_text(text)
    assert run_vouchd(["--check", "-c", tmp_path / "printed.yaml"])[0] == 0


def test_what_others_rely_on(tmp_path):
    """The defaults that the outer contract promises, written out: all are taken, and nothing changes by them."""
    contract = pathlib.Path(__file__).parents[3] / "shared" / "design.md"
    if not contract.exists():
        pytest.skip(f"{contract} IS MISSING: ITS DEFAULTS ARE NOT TRIED")
    text = contract.read_text().split("```yaml")[1].split("```")[0]
    path = tmp_path / "vouch.yaml"
    path.write_text(re.sub(r"^user:.*$", "", text, flags=re.MULTILINE))
    code, said = run_vouchd(["--check", "-c", path])
    assert code == 0, said
    printed, defaults = (run_vouchd(["--print-config", *arguments])[1].splitlines() for arguments in (["-c", path], []))
    changed = [line for line in printed if line not in defaults and "not available yet" not in line]
    assert changed == ["  interval: 6h"]    # of self-test, which is not there yet


@pytest.mark.parametrize("settings, code, words", [
    ({"nonsense": 1}, 78, "nonsense"),
    ({"listen": ["192.0.2.1@5300"]}, 78, "vouch.yaml:4: listen: cannot listen on 192.0.2.1@5300: this host does not have"),
    ({"user": "nobody-of-that-name"}, 78, "vouch.yaml:3: user: expected a user of this host, got \"nobody-of-that-name\""),
    ({"trust": {"anchors": []}}, 69, "trust anchor"),       # D5-model
    ({"listen": ["127.0.0.1@5300"], "state": "required", "state-directory": "/proc/nowhere"}, 73, "/proc/nowhere"),
])
def test_what_is_wrong_with_the_configuration(tmp_path, settings, code, words):
    got, text = run_vouchd(["-c", write_config(tmp_path, settings)])
    assert got == code and words in text


def test_check_knows_the_user(tmp_path):
    """What it finds nothing wrong with starts, on this host."""
    code, text = run_vouchd(["--check", "-c", write_config(tmp_path, {"user": "nobody-of-that-name"})])
    assert code == 78 and "expected a user of this host" in text
    assert run_vouchd(["--check", "-c", write_config(tmp_path, {"user": "nobody"})])[0] == 0


def test_one_state_directory_for_two(tmp_path):
    """The second says so and remembers nothing, or does not start: it would write over what the first one learns."""
    settings = {"state-directory": str(tmp_path / "state"), "listen": [f"{HOST}@{free_port()}"]}
    first, second = (tmp_path / name for name in ("first", "second"))
    first.mkdir()
    second.mkdir()
    with Vouchd(first, settings):
        beside = settings | {"listen": [f"{HOST}@{free_port()}"]}
        with Vouchd(second, beside) as vouchd:
            assert f"store: {tmp_path / 'state'}: another vouchd uses it" in vouchd.log()
        assert run_vouchd(["-c", write_config(second, beside | {"state": "required"})])[0] == 73


def test_address_in_use(tmp_path):
    port = free_port()
    for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
        with socket.socket(socket.AF_INET, kind) as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            other.bind((HOST, port))
            if kind == socket.SOCK_STREAM:
                other.listen()
            code, text = run_vouchd(["-c", write_config(tmp_path, {"listen": [f"{HOST}@{port}"]})])
            assert code == 69 and str(port) in text


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to give it up")
def test_no_permission(tmp_path):
    path = write_config(tmp_path, {"listen": [f"{HOST}@53"]})
    path.chmod(0o644)
    done = subprocess.run([*as_user(NOBODY), program_for_others("vouchd", tmp_path), "-c", path],
                          stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S)
    assert done.returncode == 77 and "53" in done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to give it up")
def test_no_thread_to_receive_with(tmp_path):
    """Who cannot hear UDP must not say that it is ready: the main thread and a worker are all that this user may
    have."""
    nobody_else = 54321
    os.chown(tmp_path, nobody_else, nobody_else)
    path = write_config(tmp_path, {"listen": [f"{HOST}@{free_port()}"], "workers": 1})
    path.chmod(0o644)
    done = subprocess.run([*as_user(nobody_else), "prlimit", "--nproc=2", program_for_others("vouchd", tmp_path), "-c", path],
                          stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S)
    assert done.returncode == 71 and "by UDP" in done.stderr and "ready" not in done.stderr


def test_without_any_anchor(tmp_path):
    """D5-model: `configured` starts and names what is not covered, all; an anchor file that gives none is refused."""
    trust = {"model": "configured", "anchors": []}
    with Vouchd(tmp_path, {"listen": [f"{HOST}@{free_port()}"], "trust": trust}) as vouchd:
        assert vouchd.log().count("none is configured, nothing is validated") == 1
    empty = tmp_path / "anchors"
    empty.write_text("; none\n")
    code, text = run_vouchd(["-c", write_config(tmp_path, {"trust": trust | {"anchor-files": [str(empty)]}})])
    assert code == 69 and "no usable trust anchor at all" in text


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to make a network")
def test_default_address_that_the_host_lacks(tmp_path):
    """A host without ::1 is no reason not to start."""
    prepare = "ip link set lo up && echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 && exec \"$@\""
    with Vouchd(tmp_path, {}, prefix=["unshare", "-n", "sh", "-c", prepare, "sh"]) as vouchd:
        assert "not listening on ::1@53" in vouchd.log()


def test_a_start_loads_no_more_than_it_needs(tmp_path):
    """libcurl and the thirty libraries behind it take longer to load than all else takes: they wait until something is
    fetched.  Nor does telling the service manager need compression."""
    with Vouchd(tmp_path, {"listen": [f"{HOST}@{free_port()}"]}) as vouchd:
        mapped = pathlib.Path(f"/proc/{vouchd.process.pid}/maps").read_text()
    assert "libcrypto" in mapped and "libcurl" not in mapped and "liblzma" not in mapped


# ---- signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_clean_end(tmp_path, number):
    with Vouchd(tmp_path, {"listen": [f"{HOST}@{free_port()}"]}) as vouchd:
        assert vouchd.stop(number) == 0


class Asking(threading.Thread):
    """Asks one question after the other; counts those that nobody answered."""

    def __init__(self, port, way):
        super().__init__()
        self.port, self.way = port, way
        self.asked = self.lost = 0
        self.is_over = threading.Event()

    def run(self):
        while not self.is_over.is_set():
            try:
                ask_for_localhost(self.port, way=self.way)
            except (dns.exception.Timeout, OSError, EOFError):
                self.lost += 1
            self.asked += 1


def test_reload_loses_no_question(tmp_path):
    port, other = free_port(), free_port()
    stays = {"listen": [f"{HOST}@{port}"]}
    more = {"listen": [f"{HOST}@{port}", f"{HOST}@{other}"], "answers": {"minimal": False}}
    with Vouchd(tmp_path, stays) as vouchd:
        threads = [Asking(port, way) for way in (dns.query.udp, dns.query.tcp)]
        for thread in threads:
            thread.start()
        for round_ in range(1, 7):
            write_config(tmp_path, more if round_ % 2 else stays)
            vouchd.send_signal(signal.SIGHUP)
            vouchd.await_log("reloaded", round_)
            if round_ % 2:
                assert_answers(other)
        for thread in threads:
            thread.is_over.set()
            thread.join()
            assert thread.asked > 20 and thread.lost == 0
        with pytest.raises(ConnectionRefusedError):
            ask_for_localhost(other, way=dns.query.tcp)


def threads_of(pid):
    """Name and blocked signals of each but the main one."""
    texts = [path.read_text() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/status") if path.parts[4] != str(pid)]
    return sorted((re.search(r"Name:\s(.*)", text)[1], int(re.search(r"SigBlk:\s(.*)", text)[1], 16)) for text in texts)


def test_each_udp_socket_has_a_thread(tmp_path):
    """They come and go with the addresses, and leave signals to the main thread."""
    port, other = free_port(), free_port()
    one = {"listen": [f"{HOST}@{port}"], "workers": 2}
    with Vouchd(tmp_path, one) as vouchd:
        for round_, count in enumerate([1, 2, 1, 2, 1]):
            if round_ > 0:
                write_config(tmp_path, one | {"listen": [f"{HOST}@{port}", f"{HOST}@{other}"][:count]})
                vouchd.send_signal(signal.SIGHUP)
                vouchd.await_log("reloaded", round_)
            threads = threads_of(vouchd.process.pid)
            assert [name for name, _ in threads] == ["udp 0"] * count + ["udp 1"] * count + ["worker 0", "worker 1"]
            assert all(blocked >> number - 1 & 1 for _, blocked in threads
                       for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
            assert_answers(port)


def test_refused_reload_changes_nothing(tmp_path):
    port = free_port()
    with Vouchd(tmp_path, {"listen": [f"{HOST}@{port}"]}) as vouchd:
        for wrong in {"nonsense": 1}, {"listen": ["192.0.2.1@5300"]}, {"trust": {"anchors": []}}:
            write_config(tmp_path, {"listen": [f"{HOST}@{port}"]} | wrong)
            before = vouchd.log().count("not reloaded")
            vouchd.send_signal(signal.SIGHUP)
            deadline = time.monotonic() + PATIENCE_S
            while vouchd.log().count("not reloaded") == before and time.monotonic() < deadline:
                time.sleep(0.02)
            assert vouchd.log().count("not reloaded") == before + 1
            assert_answers(port)


def test_what_waits_for_a_restart_is_named_each_time(tmp_path):
    """Compared with what runs, not with what was read last."""
    settings = {"listen": [f"{HOST}@{free_port()}"], "workers": 1}
    with Vouchd(tmp_path, settings) as vouchd:
        for workers in 2, 2, 1:
            write_config(tmp_path, settings | {"workers": workers})
            before = vouchd.log().count("reloaded")
            vouchd.send_signal(signal.SIGHUP)
            vouchd.await_log("reloaded", before + 1)
        vouchd.stop()
        waiting = [line for line in vouchd.log().splitlines() if "needs a restart" in line]
        assert waiting == ["warning: needs a restart: workers: stays 1 until a restart makes it 2"] * 2


@pytest.mark.parametrize("is_abstract", [False, True])
def test_systemd_is_told(tmp_path, is_abstract):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        path = f"@vouch-notify-{os.getpid()}" if is_abstract else str(tmp_path / "notify")
        manager.bind(path.replace("@", "\0", 1) if is_abstract else path)
        manager.settimeout(PATIENCE_S)
        settings = {"listen": [f"{HOST}@{free_port()}"]}
        with Vouchd(tmp_path, settings, environment={"NOTIFY_SOCKET": path}) as vouchd:
            assert manager.recv(4096) == b"READY=1"
            vouchd.send_signal(signal.SIGHUP)
            assert manager.recv(4096).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            assert manager.recv(4096) == b"READY=1"
            vouchd.stop()
            assert manager.recv(4096) == b"STOPPING=1"


# ---- rights


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        return dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)


def nice_values(pid, name):
    """Of the threads whose names begin like that."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        called, fields = task.joinpath("stat").read_text().split("(", 1)[1].rsplit(")", 1)
        if called.startswith(name):
            yield int(fields.split()[16])               # proc(5): field 19


def may_be_nicer():
    return subprocess.run(["prlimit", "--nice=25:25", "true"], check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to give it up")
def test_user(tmp_path):
    port = free_port()
    with Vouchd(tmp_path, {"listen": [f"{HOST}@{port}"], "user": "nobody"}) as vouchd:
        assert_answers(port)
        pid = vouchd.process.pid
        status = status_of(pid)
        assert status["Uid"].split() == ["65534"] * 4
        assert status["Groups"].split() == []
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
        assert status["NoNewPrivs"] == "1"
        assert set(nice_values(pid, "udp ")) == {-5 if may_be_nicer() else 0}
        assert set(nice_values(pid, "worker ")) == {0 if may_be_nicer() else 5}


def test_root_of_a_namespace_without_others(tmp_path):
    if subprocess.run(["unshare", "-r", "true"], check=False).returncode != 0:
        pytest.skip("NO USER NAMESPACES HERE, nothing was tested")
    port = free_port()
    with Vouchd(tmp_path, {"listen": [f"{HOST}@{port}"]}, prefix=["unshare", "-r"]) as vouchd:
        assert_answers(port)
        assert "running as root" in vouchd.log()


# ---- the edge


@pytest.fixture(scope="module")
def edge(tmp_path_factory):
    """A vouchd with sanitizers where there is one: what it survives here it survives for a reason."""
    port = free_port()
    build = {"build": SANITIZED} if (SANITIZED / "vouchd").exists() else {}
    with Vouchd(tmp_path_factory.mktemp("edge"), {"listen": [f"{HOST}@{port}"]}, **build) as vouchd:
        vouchd.port = port
        yield vouchd


def malformed(rng, good):
    kind = rng.randrange(3)
    if kind == 0:
        return rng.randbytes(rng.randrange(600))
    if kind == 1:
        return good[:rng.randrange(len(good))]
    octets = bytearray(good)
    for _ in range(rng.randrange(1, 6)):
        octets[rng.randrange(2, 12)] = rng.randrange(256)   # the header: counts, opcode, flags
    return bytes(octets)


def test_malformed_datagrams(edge):
    """R4.2 stands on a process that stands: no crash, no leak (LeakSanitizer at its end), no blocking."""
    rng = random.Random(1)
    good = dns.message.make_query("localhost.", "A", want_dnssec=True).to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect((HOST, edge.port))
        client.setblocking(False)
        for sent in range(200_000):
            try:
                client.send(malformed(rng, good))
            except BlockingIOError:
                pass
            if sent % 16 == 0:
                try:
                    while client.recv(4096):
                        pass
                except BlockingIOError:
                    pass
    assert edge.is_running()
    assert_answers(edge.port)


def frame(message):
    return struct.pack("!H", len(message)) + message


def read_exactly(stream, count):
    octets = b""
    while len(octets) < count:
        part = stream.recv(count - len(octets))
        if not part:
            raise EOFError
        octets += part
    return octets


def read_frame(stream):
    return dns.message.from_wire(read_exactly(stream, struct.unpack("!H", read_exactly(stream, 2))[0]))


def test_pipelined_questions(edge):
    """RFC 7766 section 6.2.1.1: many in one segment; all are answered, in whatever order."""
    queries = [dns.message.make_query("localhost.", "A", id=i) for i in range(200)]
    with socket.create_connection((HOST, edge.port), PATIENCE_S) as stream:
        stream.sendall(b"".join(frame(query.to_wire()) for query in queries))
        stream.shutdown(socket.SHUT_WR)
        assert {read_frame(stream).id for _ in queries} == set(range(200))
        assert stream.recv(1) == b""


def test_garbage_over_tcp(edge):
    rng = random.Random(2)
    for _ in range(300):
        with socket.create_connection((HOST, edge.port), PATIENCE_S) as stream:
            try:
                stream.sendall(rng.randbytes(rng.randrange(1, 5000)))
            except OSError:
                pass    # it was closed already: better still
    assert_answers(edge.port)


def test_recursion_not_desired(edge):
    """Answered from what is known (local names too), else REFUSED with EDE 20."""
    for qname, rcode in ("localhost.", dns.rcode.NOERROR), ("www.example.com.", dns.rcode.REFUSED):
        query = dns.message.make_query(qname, "A", use_edns=0)
        query.flags &= ~dns.flags.RD
        reply = dns.query.udp(query, HOST, port=edge.port, timeout=PATIENCE_S)
        assert reply.rcode() == rcode
        codes = [int(option.code) for option in reply.options if option.otype == dns.edns.OptionType.EDE]
        assert codes == ([EDE_NOT_AUTHORITATIVE] if rcode == dns.rcode.REFUSED else [])


@pytest.mark.parametrize("qtype, qclass, rcode", [
    ("AXFR", "IN", dns.rcode.REFUSED),
    ("IXFR", "IN", dns.rcode.REFUSED),
    ("TXT", "CH", dns.rcode.REFUSED),
    ("TYPE128", "IN", dns.rcode.FORMERR),       # RFC 9824 section 3.5
    ("TYPE200", "IN", dns.rcode.NOTIMP),        # RFC 6895 section 3.1
])
def test_what_is_no_question(edge, qtype, qclass, rcode):
    query = dns.message.make_query("localhost.", qtype, qclass, use_edns=0)
    assert dns.query.tcp(query, HOST, port=edge.port, timeout=PATIENCE_S).rcode() == rcode


def test_edns_version(edge):
    """RFC 6891 section 6.1.3."""
    query = dns.message.make_query("localhost.", "A", use_edns=0)
    query.ednsflags |= 1 << 16
    reply = dns.query.udp(query, HOST, port=edge.port, timeout=PATIENCE_S)
    assert reply.rcode() == dns.rcode.BADVERS and reply.edns == 0
