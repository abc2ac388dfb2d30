"""vouchd as dig and kdig see it: what people look at when they wonder about a name (R4.3, R4.6-b, R4.9, D9-run-a)."""

import re

import pytest
from control import objects
from vouchd import END_TIMEOUT_S, vouchd_in_lab

HOST = "127.0.0.1"


@pytest.fixture(scope="module", autouse=True)
def running(lab, tmp_path_factory):
    with vouchd_in_lab(lab, tmp_path_factory.mktemp("clients")) as vouchd:
        yield vouchd


def output_of(lab, *command):
    done = lab.exec([*command], capture_output=True, text=True, timeout=END_TIMEOUT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def statuses(output):
    """Of each reply: rcode and flags."""
    flags = re.findall(r"^;; flags: ([a-z ]+);", output, re.MULTILINE | re.IGNORECASE)
    return list(zip(re.findall(r"status: (\w+)", output), flags))


@pytest.mark.parametrize("program", ["dig", "kdig"])
@pytest.mark.parametrize("options, name, status, words", [
    ([], "www.secure.demo", ("NOERROR", "qr rd ra"), ["192.0.2.80"]),
    (["+dnssec"], "www.secure.demo", ("NOERROR", "qr rd ra ad"), ["192.0.2.80", "RRSIG", "secure.demo."]),
    (["+adflag"], "www.secure.demo", ("NOERROR", "qr rd ra ad"), ["192.0.2.80"]),
    (["+dnssec"], "www.insecure.demo", ("NOERROR", "qr rd ra"), ["192.0.2.80"]),
    (["+dnssec"], "nothing.demo", ("NXDOMAIN", "qr rd ra ad"), ["NSEC", "SOA"]),
    (["+dnssec"], "www.bogus.demo", ("SERVFAIL", "qr rd ra"),
     ["EDE: 7 (Signature Expired)", "RRSIG DNSKEY bogus.demo. by bogus.demo. key"]),
    (["+dnssec", "+cdflag"], "www.bogus.demo", ("NOERROR", "qr rd ra cd"), ["192.0.2.80"]),
    ([], "www.bogus.demo", ("SERVFAIL", "qr rd ra"), []),
    (["+dnssec"], "www.rsasha1.alg", ("NOERROR", "qr rd ra"), ["EDE: 1 (Unsupported DNSKEY Algorithm)"]),
    (["+dnssec"], "www.closed.reach", ("SERVFAIL", "qr rd ra"), ["EDE: 22 (No Reachable Authority)"]),
    (["+dnssec", "+tcp"], "www.secure.demo", ("NOERROR", "qr rd ra ad"), ["(TCP)"]),
    (["+dnssec", "-t", "TXT"], "t4000.big.odd", ("NOERROR", "qr rd ra ad"), ["(TCP)"]),
])
def test_flags_and_reasons(lab, program, options, name, status, words):
    output = output_of(lab, program, f"@{HOST}", "+noadflag", *options, name)      # both would set AD of themselves
    assert statuses(output)[-1] == status, output
    assert all(word in output for word in words), output


@pytest.mark.parametrize("program", ["dig", "kdig"])
def test_many_questions_on_one_connection(lab, running, program):
    """RFC 7766 section 6.2.1: the connection stays open between questions."""
    names = ["www.secure.demo", "www.insecure.demo", "www.bogus.demo", "nothing.demo"]
    accepted = 'vouch_tcp_connections_total{end="accepted"}'
    before = objects(running.socket, "stats")[0][accepted]
    output = output_of(lab, program, f"@{HOST}", "+tcp", "+keepopen", "+dnssec", *names)
    assert [rcode for rcode, _ in statuses(output)] == ["NOERROR", "NOERROR", "SERVFAIL", "NXDOMAIN"]
    assert ["ad" in flags.split() for _, flags in statuses(output)] == [True, False, False, True]
    assert objects(running.socket, "stats")[0][accepted] == before + 1
