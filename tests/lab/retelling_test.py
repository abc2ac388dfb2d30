"""What clients are told instead of what was resolved, by a vouchd under AddressSanitizer: DNS64 (RFC 6147) and the root
key sentinel (RFC 8509, D5-signal)."""

import client
import dns.message
import dns.rcode
import dns.rdatatype
import dns.reversename
import pytest
import yaml
from client import ede_codes, is_authentic
from control import objects
from vouchd import SANITIZED, vouchd_in_lab

from lab import network

HOST, PREFIX = "127.0.0.1", "64:ff9b::/96"
EDE_SYNTHESIZED = 29


@pytest.fixture
def vouchd(lab, tmp_path):
    with vouchd_in_lab(lab, tmp_path, build=SANITIZED) as running:
        yield running


def use(vouchd, **answers):
    config = yaml.safe_load(vouchd.config_path.read_text())
    config["answers"] = config.get("answers", {}) | answers
    vouchd.config_path.write_text(yaml.safe_dump(config, sort_keys=False))
    objects(vouchd.socket, "reload")


def ask(lab, qname, qtype, **options):
    with network.inside(lab.netns):
        return client.ask(HOST, qname, qtype, **options)


def records(reply, qtype):
    return sorted(str(rdata) for rrset in reply.answer if rrset.rdtype == dns.rdatatype.from_text(qtype) for rdata in rrset)


def test_dns64(lab, vouchd):
    """Synthesized for all but those who validate by themselves, however often it was asked before the switch."""
    name = "any.wild.nsec.denial."
    for _ in range(3):
        plain = ask(lab, name, "AAAA")
        assert records(plain, "AAAA") == [] and is_authentic(plain)
    use(vouchd, dns64=PREFIX)
    for _ in range(3):
        told = ask(lab, name, "AAAA")
        assert [address.partition("::")[0] for address in records(told, "AAAA")] == ["64:ff9b"]
        assert not is_authentic(told) and ede_codes(told) == {EDE_SYNTHESIZED}
        assert not any(rrset.rdtype == dns.rdatatype.RRSIG for rrset in told.answer)
        raw = ask(lab, name, "AAAA", checking_disabled=True)
        assert records(raw, "AAAA") == [] and any(rrset.rdtype == dns.rdatatype.NSEC for rrset in raw.authority)
        address = records(told, "AAAA")[0]
        back = ask(lab, str(dns.reversename.from_address(address)), "PTR", dnssec_ok=False)
        assert len(records(back, "CNAME")) == 1 and records(back, "CNAME")[0].endswith(".192.in-addr.arpa.")
        assert ask(lab, "www.expired.broken.", "AAAA").rcode() == dns.rcode.SERVFAIL
    reverse = str(dns.reversename.from_address(records(told, "AAAA")[0]))
    use(vouchd, **{"dns64-reverse": "direct"})
    direct = ask(lab, reverse, "PTR", dnssec_ok=False)
    assert direct.rcode() == back.rcode() and records(direct, "CNAME") == [] and ede_codes(direct) >= {EDE_SYNTHESIZED}
    use(vouchd, dns64="none")
    assert records(ask(lab, name, "AAAA"), "AAAA") == []


def test_the_name_that_shows_dns64(lab, vouchd):
    """RFC 8880 section 7.1: a resolver with DNS64 answers for ipv4only.arpa. by itself; others ask, and the lab has none."""
    name, back = "ipv4only.arpa.", "170.0.0.192.in-addr.arpa."
    assert {ask(lab, name, "A").rcode() for _ in range(3)} == {dns.rcode.NXDOMAIN}
    use(vouchd, dns64=PREFIX)
    for _ in range(3):
        assert records(ask(lab, name, "A"), "A") == ["192.0.0.170", "192.0.0.171"]
        told = ask(lab, name, "AAAA")
        assert records(told, "AAAA") == ["64:ff9b::c000:aa", "64:ff9b::c000:ab"]
        assert not is_authentic(told) and ede_codes(told) == {EDE_SYNTHESIZED}
        assert records(ask(lab, back, "PTR"), "PTR") == [name]
    reverse = str(dns.reversename.from_address("64:ff9b::192.0.0.170"))
    assert records(ask(lab, reverse, "PTR"), "PTR") == [name]
    use(vouchd, dns64="none")
    assert ask(lab, name, "A").rcode() == dns.rcode.NXDOMAIN


def test_trust_anchors_are_told(lab, vouchd):
    """D5-signal, D13-b: what vouchctl says, and switched off like all other names of class CHAOS."""
    status, = objects(vouchd.socket, "ta", "status")
    tags = sorted(anchor["key_tag"] for anchor in status["anchors"] if anchor["zone"] == ".")
    question = dns.message.make_query("trustanchor.vouch.", "TXT", "CH")
    with network.inside(lab.netns):
        told, = client.ask_all(HOST, [question])
    assert told.answer[0][0].strings == ((". " + " ".join(map(str, tags))).encode(),)
    use(vouchd, **{"trust-anchors": False})
    with network.inside(lab.netns):
        assert client.ask_all(HOST, [question])[0].rcode() == dns.rcode.REFUSED


def test_root_key_sentinel(lab, vouchd):
    """No such zone is needed: a name that is proven not to exist is Secure, too."""
    status, = objects(vouchd.socket, "ta", "status")
    trusted = next(anchor["key_tag"] for anchor in status["anchors"] if anchor["zone"] == ".")
    for _ in range(3):
        assert ask(lab, f"root-key-sentinel-is-ta-{trusted:05}.", "A").rcode() == dns.rcode.NXDOMAIN
        assert ask(lab, f"root-key-sentinel-not-ta-{trusted:05}.", "A").rcode() == dns.rcode.SERVFAIL
        assert ask(lab, "root-key-sentinel-is-ta-00001.", "A").rcode() == dns.rcode.SERVFAIL
        assert ask(lab, "root-key-sentinel-is-ta-00001.", "A", checking_disabled=True).rcode() == dns.rcode.NXDOMAIN
