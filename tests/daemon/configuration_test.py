"""What vouchd says of its configuration: file, line, key and what was expected; what --check and --print-config do."""

import os
import re
import socket
import subprocess

import pytest
import yaml
from others import NOBODY, as_user, program_for_others
from vouchd import END_TIMEOUT_S, program, run_vouchd

EX_UNAVAILABLE, EX_NOPERM, EX_CONFIG = 69, 77, 78       # sysexits.h

NOT_DEFAULTS = """\
listen: [127.0.0.1@5300, "::1@5300"]
allow: [192.0.2.0/24, "2001:db8::/32"]
workers: 3
log-level: debug
state: optional
cache:
  size: 64MiB
  max-ttl: 2h
  max-negative-ttl: 30m
answers: {edns-size: 1400, minimal: false, ede: false, original-ttl: true}
resolver:
  prime-root: false
  ask-ipv6: false
  qname-minimisation: strict
  minimisation-type: ns
  query-case: preserve
  query-case-except: [odd.example., "."]
  edns-size: 4096
  query-private: [10.0.0.0/8]
  forward:
    - {zone: "corp.example.", to: [192.0.2.1@5353], mode: first}
  stub:
    - {zone: "lab.example.", to: ["2001:db8::1"], names: [ns.lab.example., ns2.lab.example.]}
    - {zone: "other.example.", names: [ns.lab.example.], prime: true}
validation:
  algorithms: {allow: [5], deny: [ED448]}
  nsec3-iterations: 100
  signature-ttl-cap: false
  ignore-cd: true
trust:
  model: configured
  anchors: ["example. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"]
  negative:
    - {zone: "broken.example.", until: 2099-12-01T00:00:00Z, reason: "a \\"quoted\\" word, \\xe4 and: more"}
  insecure:
    - {zone: "lab.example.", reason: "no signatures"}
local:
  special-use-names: false
  data: ["host.lan. 300 IN A 192.0.2.1", "host.lan. TXT \\"a word\\""]
  zones: [{zone: "lan.", type: static}, {zone: "portal.", type: redirect}]
time: {floor: none}
"""


# ---- faults: what is written, and where and what vouchd sees

@pytest.mark.parametrize("text, line, key, words", [
    ("workers: 2\ncache:\n  size: big\n", 3, "cache.size", "expected .*big"),
    ("workers: 2\n\nlissten: [127.0.0.1]\n", 3, "lissten", "did you mean listen"),
    ("listen: [127.0.0.1@99999]\n", 1, "listen", "expected"),
    ("listen: [localhost@53]\n", 1, "listen", "expected"),
    ("answers: {edns-size: 1000}\n", 1, "answers.edns-size", "expected"),       # RFC 4035 section 3
    ("validation:\n  nsec3-iterations: 151\n", 2, "validation.nsec3-iterations", "expected"),
    ("resolver:\n  qname-minimisation: sometimes\n", 2, "resolver.qname-minimisation", "expected"),
    ("resolver:\n  forward:\n    - {zone: example., to: [nowhere]}\n", 3, "resolver.forward", "expected"),
    ("resolver:\n  forward:\n    - {zone: a., to: [192.0.2.1], prime: true}\n", 3, "resolver.forward", "prime: expected"),
    ("resolver:\n  stub:\n    - {zone: example., names: []}\n", 3, "resolver.stub", "to: expected"),
    ("resolver:\n  stub:\n    - {zone: a., names: [a, b, c, d, e, f, g, h, i]}\n", 3, "resolver.stub", "more than 8 names"),
    ("resolver:\n  stub:\n    - {zone: example., names: [a..b]}\n", 3, "resolver.stub", "names: expected"),
    ("trust:\n  anchors:\n    - \". IN DS 20326 8 2\"\n", 3, "trust.anchors", ""),
    ("workers: 1\nworkers: 2\n", 2, "workers", "first in line 1"),
    ("workers: 1\n\tcache: {}\n", 2, None, ""),                                 # YAML has no tabs there
    ("listen: [\n", None, None, ""),
    ("resolver: 7\n", 1, "resolver", "expected"),
    ("local: {data: [\"host.lan. A here\"]}\n", 1, "local.data", "expected a record"),
    ("local: {data: [\"host.lan. A 192.0.2.1\\nhost.lan. A 192.0.2.2\"]}\n", 1, "local.data", "something follows the record"),
    ("local: {data: [\"a.lan. CNAME b.\", \"a.lan. A 192.0.2.1\"]}\n", 1, "local.data", "nothing else stands beside a CNAME"),
    ("local: {data: [\"a.lan. DNAME b.\"]}\n", 1, "local.data", "records of this type cannot be local data"),
    ("local: {data: [\"a.lan. CH A 192.0.2.1\"]}\n", 1, "local.data", "its class is not IN"),
    ("local:\n  zones: [{zone: lan., type: odd}]\n", 2, "local.zones", "expected transparent, type-transparent"),
    ("local:\n  zones: [{zone: a., type: static}, {zone: A, type: refuse}]\n", 2, "local.zones", "listed twice"),
    ("trust: {insecure: [{zone: corp.example., reason: r}]}\n", 1, "trust.insecure", ""),   # only at a stub or forward zone
])
def test_fault_is_named(tmp_path, text, line, key, words):
    path = tmp_path / "vouch.yaml"
    path.write_text(text)
    for arguments in (["--check", "-c", path], ["-c", path]):
        code, log = run_vouchd(arguments)
        where = f"{re.escape(str(path))}:{line or '[0-9]+'}: "
        assert code == EX_CONFIG and re.search(where + re.escape(f"{key}: " if key else "") + f".*{words}", log), log


def test_missing_file(tmp_path):
    code, log = run_vouchd(["-c", tmp_path / "none.yaml"])
    assert code == EX_CONFIG and "none.yaml" in log


@pytest.mark.parametrize("content", [
    pytest.param(b"\xff\xfe\x00w", id="utf-16"),
    pytest.param(b"workers: \x00\n", id="nul"),
    pytest.param(b"\x00" * 4096, id="many-nuls"),
    pytest.param(b"a: &a [*a]\n", id="alias"),
    pytest.param(b"[" * 100_000, id="deep"),
    pytest.param(b"workers: " + b"9" * 10_000, id="long-number"),
    pytest.param(b"#" * (2 << 20), id="large"),
])
def test_hostile_file(tmp_path, content):
    path = tmp_path / "vouch.yaml"
    path.write_bytes(content)
    assert run_vouchd(["--check", "-c", path])[0] == EX_CONFIG


# ---- permission

@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
@pytest.mark.parametrize("text, mode, words", [
    ("workers: 1\n", 0o600, "vouch.yaml"),
    ("listen: [127.0.0.1@5399]\nuser: root\n", 0o644, "root"),
    ("listen: [127.0.0.1@5399]\ncontrol-socket: /sys/control.sock\n", 0o644, "/sys/control.sock"),
])
def test_no_permission(tmp_path, text, mode, words):
    path = tmp_path / "vouch.yaml"
    path.write_text(text)
    path.chmod(mode)
    done = subprocess.run([*as_user(NOBODY), program_for_others("vouchd", tmp_path), "-c", path],
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=END_TIMEOUT_S)
    assert done.returncode == EX_NOPERM and words in done.stderr


# ---- --check and --print-config

def test_check_touches_nothing(tmp_path):
    """A taken address is no fault of the configuration."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        path = tmp_path / "vouch.yaml"
        path.write_text(f"listen: [127.0.0.1@{other.getsockname()[1]}]\nstate-directory: {tmp_path}/state\n")
        code, log = run_vouchd(["--check", "-c", path])
    assert code == 0, log
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["vouch.yaml"]


def test_check_wants_a_trust_anchor(tmp_path):
    path = tmp_path / "vouch.yaml"
    path.write_text("trust: {anchors: []}\n")
    assert run_vouchd(["--check", "-c", path])[0] == EX_UNAVAILABLE     # D5-model


@pytest.mark.parametrize("anchor", [
    pytest.param(". IN DS 20326 8 2 E06D", id="short-digest"),
    pytest.param(f". IN DS 20326 12 2 {'00' * 32}", id="algorithm"),
    pytest.param(f". IN DS 20326 8 3 {'00' * 32}", id="digest-type"),
])
def test_check_warns_of_an_anchor_that_nothing_can_match(tmp_path, anchor):
    """It fails closed; the operator is told before."""
    path = tmp_path / "vouch.yaml"
    path.write_text(f"trust: {{anchors: [\"{anchor}\"]}}\n")
    code, log = run_vouchd(["--check", "-c", path])
    assert code == 0 and "warning: trust anchor .: " in log and "SERVFAIL" in log


def test_check_warns_when_nobody_can_be_asked(tmp_path):
    path = tmp_path / "vouch.yaml"
    path.write_text("resolver:\n  ask-ipv6: false\n  ask-ipv4: false\n")
    code, log = run_vouchd(["--check", "-c", path])
    assert code == 0 and ":2: resolver.ask-ipv6: false, as resolver.ask-ipv4: nobody is ever asked" in log


def test_check_warns_when_the_least_ttl_is_above_the_most(tmp_path):
    path = tmp_path / "vouch.yaml"
    path.write_text("cache:\n  max-ttl: 60s\n  min-ttl: 5m\n  max-negative-ttl: 5s\n  min-negative-ttl: 10s\n")
    code, log = run_vouchd(["--check", "-c", path])
    assert code == 0 and ":3: cache.min-ttl: more than cache.max-ttl, which counts" in log
    assert ":5: cache.min-negative-ttl: more than cache.max-negative-ttl, which counts" in log


def print_config(path):
    done = subprocess.run([program("vouchd"), "--print-config", "-c", path], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=END_TIMEOUT_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("text", ["", NOT_DEFAULTS], ids=["defaults", "everything-else"])
def test_what_is_printed_reads_back(tmp_path, text):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(text)
    second.write_text(print_config(first))
    assert print_config(second) == second.read_text()


def test_secrets_are_not_printed(tmp_path):
    """Nor is what stands in their place taken for some: who reads it back is told."""
    path, printed = tmp_path / "vouch.yaml", tmp_path / "printed.yaml"
    path.write_text(f"answers: {{ cookie-secrets: [{'0123456789abcdef' * 2}, {'f' * 32}] }}\n")
    printed.write_text(print_config(path))
    assert "  cookie-secrets: [(hidden), (hidden)]\n" in printed.read_text()
    code, log = run_vouchd(["--check", "-c", printed])
    assert code == 78 and "answers.cookie-secrets: expected 32 hexadecimal digits" in log


def test_what_was_written_is_printed(tmp_path):
    path = tmp_path / "vouch.yaml"
    path.write_text(NOT_DEFAULTS)
    printed = yaml.safe_load(print_config(path))
    assert printed["workers"] == 3
    assert printed["resolver"]["query-case"] == "preserve"
    assert printed["resolver"]["forward"][0]["mode"] == "first"
    assert printed["trust"]["negative"][0]["reason"] == 'a "quoted" word, ä and: more'
