"""What clients get by EDNS options and CHAOS names, as dig sees it (X-cookies, X-nsid, X-keepalive, X-identity)."""

import re

import dns.edns
import dns.message
import dns.query
import dns.rcode
import pytest
import yaml
from client import EDNS_SIZE, REPLY_TIMEOUT_S
from control import objects
from vouchd import END_TIMEOUT_S, SANITIZED, vouchd_in_lab

from lab import network

HOST = "127.0.0.1"
NAME = "www.secure.demo"
SECRETS = ["e5e973e5a6b2a43f48e7dc849e37bfcf", "445536bcd2513298075a5d379663c962"]
SETTINGS = {"answers": {"nsid": "resolver 1", "identity": "one.example", "cookie-secrets": SECRETS[:1]}}
CLIENT_COOKIE = "2464c4abcf10c957"


@pytest.fixture
def running(lab, tmp_path):
    with vouchd_in_lab(lab, tmp_path, SETTINGS, build=SANITIZED) as vouchd:
        yield vouchd


def use(vouchd, **answers):
    settings = yaml.safe_load(vouchd.config_path.read_text())
    settings["answers"] = SETTINGS["answers"] | answers
    vouchd.config_path.write_text(yaml.safe_dump(settings))
    objects(vouchd.socket, "reload")


def dig(lab, *options):
    done = lab.exec(["dig", f"@{HOST}", *options], capture_output=True, text=True, timeout=END_TIMEOUT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def cookie_of(output):
    """The server's part, and what dig thinks of it."""
    found = re.search(r"^; COOKIE: [0-9a-f]{16}([0-9a-f]{32})? \((\w+)\)", output, re.MULTILINE)
    return found and (found[1], found[2])


def ready(vouchd):
    return objects(vouchd.socket, "stats")[0]["vouch_answers_ready_total"]


def test_options_of_made_and_of_ready_answers(lab, running):
    for way in range(3):                            # resolved, out of the cache or ready-made
        before = ready(running)
        output = dig(lab, "+nsid", f"+cookie={CLIENT_COOKIE}", "+subnet=192.0.2.0/24", "+padding=64", NAME)
        assert "status: NOERROR" in output and '("resolver 1")' in output and "192.0.2.80" in output
        server_part, judged = cookie_of(output)
        assert judged == "good" and server_part.startswith("01000000")
        assert "CLIENT-SUBNET" not in output and "KEEPALIVE" not in output
    assert ready(running) == before + 1
    for options in ([], ["+tcp"], ["+tcp", "+keepalive"], ["+keepalive"]):
        output = dig(lab, "+nocookie", *options, NAME)
        assert ("KEEPALIVE: 10.0 secs" in output) == ("+tcp" in options), output
        assert "COOKIE" not in output and "NSID" not in output
    assert ready(running) == before + 5


def test_cookies_prove_where_a_client_is(lab, running):
    learnt, _ = cookie_of(dig(lab, f"+cookie={CLIENT_COOKIE}", NAME))
    good, wrong = CLIENT_COOKIE + learnt, CLIENT_COOKIE + "0" * 32
    use(running, **{"require-cookie": ["127.0.0.0/8"]})
    assert cookie_of(dig(lab, f"+cookie={good}", NAME)) == (learnt, "good")
    for cookie in (CLIENT_COOKIE, wrong):
        output = dig(lab, "+nobadcookie", f"+cookie={cookie}", NAME)
        assert "status: BADCOOKIE" in output and "192.0.2.80" not in output
    assert "status: NOERROR" in dig(lab, f"+cookie={wrong}", NAME)      # dig asks again with the right one
    output = dig(lab, "+nocookie", "+ignore", NAME)
    assert "status: REFUSED" in output and " tc " in output
    assert "status: NOERROR" in dig(lab, "+nocookie", NAME)             # over TCP
    use(running, **{"require-cookie": ["127.0.0.0/8"], "cookie-secrets": SECRETS[::-1]})
    renewed, judged = cookie_of(dig(lab, f"+cookie={good}", NAME))      # of the secret before
    assert judged == "good" and renewed != learnt
    use(running, **{"require-cookie": ["127.0.0.0/8"], "cookie-secrets": SECRETS[1:]})
    assert "status: BADCOOKIE" in dig(lab, "+nobadcookie", f"+cookie={good}", NAME)
    use(running, cookies=False)
    assert "COOKIE" not in dig(lab, f"+cookie={good}", NAME)
    stats = objects(running.socket, "stats")[0]
    assert stats['vouch_questions_cookie_total{cookie="wrong"}'] >= 3


def test_malformed_cookies(lab, running):
    """RFC 7873 section 5.2.2"""
    for octets in (b"", b"1234567", b"123456789", b"1" * 15, b"1" * 41):
        question = dns.message.make_query(NAME, "A", use_edns=0, payload=EDNS_SIZE,
                                          options=[dns.edns.GenericOption(dns.edns.OptionType.COOKIE, octets)])
        with network.inside(lab.netns):
            reply = dns.query.udp(question, HOST, REPLY_TIMEOUT_S)
        assert dns.rcode.to_text(reply.rcode()) == "FORMERR", octets


def test_names_that_ask_who_answers(lab, running):
    for name in ("id.server", "hostname.bind", "ID.Server"):
        assert dig(lab, "+short", "CH", "TXT", name) == '"one.example"\n'
    for name in ("version.bind", "version.server", "authors.bind"):
        assert "status: REFUSED" in dig(lab, "CH", "TXT", name)
    use(running, identity="none", version="1.0", nsid="0x00ff")
    assert "status: REFUSED" in dig(lab, "CH", "TXT", "id.server")
    assert dig(lab, "+short", "CH", "TXT", "version.bind") == '"1.0"\n'
    assert "; NSID: 00 ff" in dig(lab, "+nsid", NAME)
