"""The description: what it means and what it refuses."""

import dns.rcode
import pytest

from lab import description
from lab.instance import DESCRIPTION

HEAD = """
network: {ipv4: 45.83.0.0/24, ipv6: "2a0b:5300::/64"}
servers: {one: nsd, two: {software: knot, family: 6}}
zones:
  .: {servers: [one], below: [two]}
"""


def load(tmp_path, zones):
    path = tmp_path / "lab.yaml"
    path.write_text(HEAD + zones)
    return description.load(path)


def only_case(tmp_path, line):
    return load(tmp_path, f"  a.:\n    cases: '{line}'\n").cases[0]


def test_a_case_with_everything(tmp_path):
    case = only_case(tmp_path, "www A NXDOMAIN insecure ede=27,1 ttl=60 answer=CNAME,A do0=NOERROR ; why")
    assert (case.title, case.rcode, case.security) == ("www.a. A", dns.rcode.NXDOMAIN, "insecure")
    assert (case.ede, case.ttl_max, case.answer) == ({1, 27}, 60, ("CNAME", "A"))
    assert (case.rcode_without_do, case.shows) == (dns.rcode.NOERROR, "why")


def test_a_case_with_nothing(tmp_path):
    case = only_case(tmp_path, "@ SOA secure")
    assert (case.title, case.rcode, case.ede) == ("a. SOA", dns.rcode.NOERROR, frozenset())
    assert case.ttl_max is None and case.answer is None


def test_zones_inherit_their_servers(tmp_path):
    described = load(tmp_path, "  a.: {}\n  b.a.: {servers: [one]}\n")
    assert [zone.servers for zone in described.zones.values()] == [("one",), ("two",), ("one",)]


def test_a_family_limits_addresses(tmp_path):
    servers = load(tmp_path, "  a.: {}\n").servers
    assert len(servers["one"].addresses) == 2 and len(servers["two"].addresses) == 1
    assert ":" in servers["two"].addresses[0]


@pytest.mark.parametrize("zones, complaint", [
    ("  a.: {colour: red}\n", "unknown field colour"),
    ("  a.: {servers: [three]}\n", "no server is named three"),
    ("  a.: {keys: {odd: {}}}\n", "role is one of"),
    ("  a.: {nsec3: {depth: 3}}\n", "unknown field depth"),
    ("  a.: {cases: www A}\n", "secure, insecure"),
    ("  a.: {cases: www A secure edee=3}\n", "unknown field edee"),
    ("  a.: {cases: www B4 secure}\n", "unknown"),
    ("differences: {peer: {rows: {why: [no-such-row]}}}\n", "no row is like"),
])
def test_what_is_not_understood_is_refused(tmp_path, zones, complaint):
    with pytest.raises(description.DescriptionError, match=complaint):
        load(tmp_path, zones)


def test_differences_take_rows_away(tmp_path):
    described = load(tmp_path, """
  a.: {cases: "www A secure\\nmail A bogus ede=6"}
differences:
  peer: {ede: false, rows: {it has its reasons: [www.a. *]}}
""")
    assert [(case.title, case.ede) for case in described.cases_for("peer")] == [("mail.a. A", None)]
    with pytest.raises(description.DescriptionError, match="no differences"):
        described.cases_for("stranger")


@pytest.mark.parametrize("text, expected", [("300", 300), (300, 300), ("-2d", -172800), ("12h", 43200), ("5m", 300)])
def test_time_spans(text, expected):
    assert description.seconds(text) == expected


def test_the_table_says_what_each_row_shows_and_asks_nothing_twice():
    cases = description.load(DESCRIPTION).cases
    assert [case.title for case in cases if not case.shows] == []
    titles = [case.title for case in cases]
    assert sorted(titles) == sorted(set(titles))
    assert {case.security for case in cases} == set(description.SECURITY)
