"""vouch, the tool: what it says of the lab's names, by itself, through a resolver, or believing one (R4.3, R4.9)."""

import concurrent.futures

import dns.flags
import dns.rcode
import dns.rdatatype
import pytest
from relay import Relay
from tool import vouch, vouch_json
from vouchd import vouchd_in_lab

EX_BOGUS, EX_NO_ANSWER, EX_USAGE = 1, 2, 64
EXIT_CODES = {"secure": 0, "insecure": 0, "bogus": EX_BOGUS, "indeterminate": EX_NO_ANSWER}
LEFT_OUT = {
    "www.mute.reach. A",        # takes longer than all others together
    "www.private.reach. A",     # with --root-hints private networks are as good as others
}
EDE_CACHED_ERROR, EDE_INDETERMINATE = 13, 5
RESOLVER, RELAY, NOBODY = "127.0.0.1", "127.0.0.2", "127.0.0.3"


def codes(told):
    return {ede["code"] for ede in told["ede"]}


# ---- by itself

@pytest.mark.parametrize("name, state, code, words", [
    ("www.secure.demo", "NOERROR, secure", 0, ["matches a key", "signed by secure.demo. with key"]),
    ("nothing.demo", "NXDOMAIN, secure", 0, ["NSEC", "signed by demo. with key"]),
    ("www.insecure.demo", "NOERROR, insecure (insecure-delegation)", 0, ["insecure.demo.  insecure, no DS: proven"]),
    ("www.rsasha1.alg", "NOERROR, insecure", 0, ["EDE 1 Unsupported DNSKEY Algorithm"]),
    ("www.bogus.demo", "SERVFAIL, bogus (rrsig-expired)", EX_BOGUS, ["EDE 7 Signature Expired", "bogus.demo.  bogus"]),
    ("www.closed.reach", "SERVFAIL, indeterminate", EX_NO_ANSWER, ["EDE 22 No Reachable Authority"]),
])
def test_four_states_with_reason_and_chain(lab, name, state, code, words):
    """R4.3: for people."""
    exit_code, output, complaints = vouch(lab, name)
    assert (exit_code, complaints) == (code, "")
    assert f"\n{name}. A: {state}" in "\n" + output and output[0] != "\n", output
    assert all(word in output for word in words), output
    if code != EX_NO_ANSWER:
        assert "\nchain of trust\n.  secure, trust anchor\n├─ DNSKEY " in output


def test_fields_for_programs(lab):
    code, told = vouch_json(lab, "www.secure.demo")
    assert code == 0
    assert {key: told[key] for key in ("name", "type", "rcode", "security", "ede")} == {
        "name": "www.secure.demo.", "type": "A", "rcode": "NOERROR", "security": "secure", "ede": []}
    link, = told["links"]
    answer, = link["answer"]
    assert (answer["name"], answer["type"], answer["data"]) == ("www.secure.demo.", "A", ["192.0.2.80"])
    assert 0 < answer["ttl_s"] <= 3600 and len(answer["signatures"]) == 1
    zones = link["chain"]["zones"]
    assert [(zone["zone"], zone["security"], zone["anchor"]) for zone in zones] == [
        (".", "secure", True), ("demo.", "secure", False), ("secure.demo.", "secure", False)]
    assert [ds["matched"] for ds in zones[-1]["ds"]] == [True]
    signature = link["chain"]["signature"]
    assert signature["signer"] == "secure.demo."
    assert signature["key_tag"] in [key["key_tag"] for key in zones[-1]["keys"]]
    assert signature["inception"] < signature["expiration"] and signature["expiration"].endswith("Z")


def test_each_alias_is_a_link_of_its_own(lab):
    code, told = vouch_json(lab, "to-plain-to-secure.secure.chain")
    assert code == 0 and told["security"] == "insecure"
    assert [link["security"] for link in told["links"]] == ["secure", "insecure", "secure"]
    assert [link.get("target") for link in told["links"]][-2:] == ["www.target.chain.", None]


def row_complaint(lab, case):
    code, told = vouch_json(lab, "--", str(case.qname), dns.rdatatype.to_text(case.qtype))
    expected = (EXIT_CODES[case.security], case.security)
    if (code, told["security"]) != expected:
        return f"{case.title}: {code} {told['security']}, expected {expected}"
    found = codes(told) - {EDE_CACHED_ERROR, EDE_INDETERMINATE}
    return f"{case.title}: EDE {found}, expected {case.ede}" if case.ede is not None and found != case.ede else None


def test_the_whole_table(lab):
    """Each row is a process with an empty cache."""
    cases = [case for case in lab.description.cases
             if case.security != "any" and case.rcode != dns.rcode.FORMERR and case.title not in LEFT_OUT]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda case: row_complaint(lab, case), cases)
        assert [complaint for complaint in found if complaint] == []


def test_without_validation(lab):
    """R4.6-a, as a call that asks for none."""
    code, output, _ = vouch(lab, "--cd", "www.bogus.demo")
    assert code == 0 and "NOERROR, unchecked" in output and "192.0.2.80" in output
    assert vouch(lab, "--cd", "www.closed.reach")[0] == EX_NO_ANSWER


# ---- anchors and hints

def test_an_anchor_below_the_root(lab):
    """R4.4-a: the parent has no keys, the anchor stands for itself; the rest of the tree is covered by none."""
    anchor = ["--root-hints", lab.hints, "--anchor", lab.anchor_of("signed.island.")]
    code, told = vouch_json(lab, "www.signed.island", *anchor, root=False)
    assert (code, told["security"]) == (0, "secure")
    assert [zone["zone"] for zone in told["links"][0]["chain"]["zones"]] == ["signed.island."]
    assert vouch_json(lab, "www.secure.demo", *anchor, root=False)[1]["security"] == "insecure"


def test_an_anchor_that_does_not_fit(lab, tmp_path):
    anchor = tmp_path / "anchor"
    text = lab.anchor.read_text().rstrip()
    anchor.write_text(text[:-1] + ("0" if text[-1] != "0" else "1") + "\n")
    code, told = vouch_json(lab, "www.secure.demo", "--root-hints", lab.hints, "--anchor", anchor, root=False)
    assert (code, told["security"], codes(told)) == (EX_BOGUS, "bogus", {9})


@pytest.mark.parametrize("arguments", [
    [], ["--stub"], ["a..b"], [f"{'x' * 64}.test"], ["www.test", "NOTYPE"], ["www.test", "A", "again"],
    ["--frobnicate", "www.test"], ["-x", "www.test"], ["--"], ["www.test", "--anchor"], ["www.test", "--root-hints"],
    ["www.test", "@"],
    ["@nowhere", "www.test"], ["@127.0.0.1:0", "www.test"], ["@127.0.0.1:65536", "www.test"],
    ["@127.0.0.1:53x", "www.test"], ["@[::1", "www.test"], ["@::1]:53", "www.test"], ["@[127.0.0.1]:", "www.test"],
    ["--stub", "--anchor", "/dev/null", "www.test"], ["--stub", "--root-hints", "/dev/null", "www.test"],
])
def test_usage(lab, arguments):
    code, output, complaints = vouch(lab, *arguments, root=False)
    assert (code, output) == (EX_USAGE, "") and complaints.startswith("vouch: ") and "usage: vouch" in complaints


@pytest.mark.parametrize("option", ["--anchor", "--root-hints"])
@pytest.mark.parametrize("content, words", [
    pytest.param(None, "No such file", id="missing"),
    pytest.param(b"", "no ", id="empty"),
    pytest.param(b"one two\n", "line 1", id="no-record"),
    pytest.param(b"\xff" * 100, "line 1", id="not-ascii"),
    pytest.param(b"\0" * 100, "", id="nul"),
    pytest.param(b"; nothing\n" * 200_000, "1 MiB", id="large"),
    pytest.param(b". 1 IN A (", "", id="cut-short"),
])
def test_bad_files(lab, tmp_path, option, content, words):
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    code, output, complaints = vouch(lab, "www.test", option, path, root=False)
    assert (code, output) == (EX_USAGE, "") and complaints.startswith(f"vouch: {path}: ") and words in complaints


# ---- through a resolver

@pytest.fixture(scope="module")
def resolver(lab, tmp_path_factory):
    listen = [f"{RESOLVER}@53", "::1@53", f"{RESOLVER}@5300", "::1@5300"]
    with vouchd_in_lab(lab, tmp_path_factory.mktemp("resolver"), {"listen": listen}) as vouchd:
        yield vouchd


@pytest.mark.parametrize("server", [RESOLVER, f"{RESOLVER}:5300", f"{RESOLVER}@5300", "::1", "[::1]:5300", "::1@5300"])
def test_forms_of_servers(lab, resolver, server):
    for way in (["--anchor", lab.anchor], ["--stub"]):
        code, told = vouch_json(lab, f"@{server}", *way, "www.secure.demo", root=False)
        assert (code, told["security"]) == (0, "secure")


def strip(reply):
    """As a forwarder does that knows nothing of DNSSEC, or does not want its clients to."""
    for section in (reply.answer, reply.authority):
        section[:] = [rrset for rrset in section
                      if rrset.rdtype not in (dns.rdatatype.RRSIG, dns.rdatatype.NSEC, dns.rdatatype.NSEC3)]


def strip_and_claim(reply):
    strip(reply)
    reply.flags |= dns.flags.AD


def through(lab, name, **changes):
    with Relay(lab.netns, RELAY, RESOLVER, **changes) as relay:
        code, told = vouch_json(lab, f"@{RELAY}", name, "--anchor", lab.anchor, root=False)
    return code, told, relay.questions


@pytest.mark.parametrize("name, security", [
    ("www.secure.demo", "secure"), ("nothing.demo", "secure"), ("www.insecure.demo", "insecure"),
    ("www.plain.optout", "insecure"), ("any.wild.nsec3.denial", "secure"), ("to-secure.secure.chain", "secure"),
])
def test_validates_what_a_forwarder_says(lab, resolver, name, security):
    """R4.9: DO to get the proofs, CD to be the one who judges."""
    code, told, questions = through(lab, name)
    assert (code, told["security"]) == (0, security)
    assert questions and all(question.flags & dns.flags.CD and question.flags & dns.flags.RD
                             and question.ednsflags & dns.flags.DO for question in questions)


@pytest.mark.parametrize("name, ede", [
    ("www.bogus.demo", 7), ("www.flipped.broken", 6), ("nothing.nsec-missing.gap", 12),
])
def test_finds_what_is_wrong_behind_a_forwarder(lab, resolver, name, ede):
    """At last it is asked with CD=0, so that it can sort the bad data out; its SERVFAIL hides no cause."""
    code, told = vouch_json(lab, f"@{RESOLVER}", name, "--anchor", lab.anchor, root=False)
    assert (code, told["security"], codes(told) - {EDE_CACHED_ERROR}) == (EX_BOGUS, "bogus", {ede})


@pytest.mark.parametrize("change", [strip, strip_and_claim])
def test_a_forwarder_that_strips_is_no_downgrade(lab, resolver, change):
    """D9-strip: not even one that says AD."""
    code, told, _ = through(lab, "www.secure.demo", change_reply=change)
    assert (code, told["security"]) == (EX_BOGUS, "bogus") and codes(told) - {EDE_CACHED_ERROR} == {10}


# ---- believing a resolver

@pytest.mark.parametrize("name, security, code", [
    ("www.secure.demo", "secure", 0), ("nothing.demo", "secure", 0), ("www.insecure.demo", "insecure", 0),
    ("www.bogus.demo", "bogus", EX_BOGUS), ("www.closed.reach", "no answer", EX_NO_ANSWER),
    ("many-keys.odd", "secure", 0),
])
def test_stub_believes_the_ad_bit(lab, resolver, name, security, code):
    """R4.9; the last one's keys do not fit into a datagram."""
    qtype = ["DNSKEY"] if name == "many-keys.odd" else []
    exit_code, told = vouch_json(lab, "--stub", f"@{RESOLVER}", name, *qtype, root=False)
    assert (exit_code, told["security"], told["server"]) == (code, security, f"{RESOLVER}@53")
    exit_code, output, _ = vouch(lab, "--stub", f"@{RESOLVER}", name, *qtype, root=False)
    assert exit_code == code and output.endswith(f"\n{RESOLVER}@53 says: {security}\n")


def test_stub_believes_lies_too(lab, resolver):
    """The way to the resolver must be as trusted as the resolver."""
    with Relay(lab.netns, RELAY, RESOLVER, change_reply=strip_and_claim) as relay:
        code, told = vouch_json(lab, "--stub", f"@{RELAY}", "www.insecure.demo", root=False)
    assert (code, told["security"]) == (0, "secure")
    question, = relay.questions
    assert question.ednsflags & dns.flags.DO and question.flags & dns.flags.AD and not question.flags & dns.flags.CD


def test_stub_that_sets_cd_ignores_ad(lab, resolver):
    """R4.9, RFC 4035 section 4.9.3."""
    with Relay(lab.netns, RELAY, RESOLVER, change_reply=strip_and_claim) as relay:
        code, told = vouch_json(lab, "--stub", "--cd", f"@{RELAY}", "www.bogus.demo", root=False)
    assert (code, told["security"], told["rcode"]) == (0, "unchecked", "NOERROR")
    assert relay.questions[0].flags & dns.flags.CD


def test_stub_without_a_resolver(lab):
    code, output, complaints = vouch(lab, "--stub", f"@{NOBODY}", "www.secure.demo", root=False)
    assert (code, output) == (EX_NO_ANSWER, "") and complaints.startswith(f"vouch: no answer from {NOBODY}@53\n")
    code, told = vouch_json(lab, "--stub", f"@{NOBODY}", "www.secure.demo", root=False)
    assert code == EX_NO_ANSWER and told["error"]["code"] == "unavailable" and NOBODY in told["error"]["text"]
