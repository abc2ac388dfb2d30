"""The judge of the table: what it lets pass and what it complains of."""

import dataclasses

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from lab import check
from lab.description import Case

SECURE = Case(dns.name.from_text("www.a."), dns.rdatatype.A, dns.rcode.NOERROR, "secure", frozenset(), None, ("A",),
              dns.rcode.NOERROR, "")
INSECURE = dataclasses.replace(SECURE, security="insecure")
BOGUS = dataclasses.replace(SECURE, security="bogus", ede=frozenset({6}))
MANNERS = {manner.name: manner for manner in check.MANNERS}


def reply(rcode="NOERROR", ad=False, ede=(), records=("300 IN A 192.0.2.1",)):
    message = dns.message.make_response(dns.message.make_query("www.a.", "A", use_edns=0))
    message.set_rcode(dns.rcode.from_text(rcode))
    message.flags |= dns.flags.AD if ad else 0
    message.use_edns(0, options=[dns.edns.EDEOption(code) for code in ede])
    for record in records:
        ttl, rdclass, rdtype, rdata = record.split(maxsplit=3)
        message.answer.append(dns.rrset.from_text("www.a.", int(ttl), rdclass, rdtype, rdata))
    return message


FAILURE = {"rcode": "SERVFAIL", "records": ()}


@pytest.mark.parametrize("case, manner, answer", [
    (SECURE, "do", reply(ad=True)),
    (SECURE, "ad", reply(ad=True)),
    (SECURE, "plain", reply()),
    (SECURE, "cd", reply()),
    (SECURE, "cd", reply(ad=True)),
    (INSECURE, "do", reply()),
    (BOGUS, "do", reply(ede=[6], **FAILURE)),
    (BOGUS, "do+tcp", reply(ede=[6, 13], **FAILURE)),
    (BOGUS, "cd", reply()),
    (dataclasses.replace(BOGUS, ede=None), "do", reply(ede=[9], **FAILURE)),
    (dataclasses.replace(SECURE, security="any"), "do", reply(rcode="REFUSED")),
    (dataclasses.replace(SECURE, ttl_max=300), "do", reply(ad=True)),
])
def test_expected_replies_pass(case, manner, answer):
    assert not list(check.judge(case, MANNERS[manner], answer))


@pytest.mark.parametrize("case, manner, answer, complaint", [
    (SECURE, "do", reply(), "no AD on secure data"),
    (SECURE, "plain", reply(ad=True), "neither DO nor AD"),
    (SECURE, "do", reply(ad=True, ede=[6]), "EDE 6, expected none"),
    (SECURE, "do", reply(rcode="NXDOMAIN", ad=True), "rcode NXDOMAIN"),
    (SECURE, "do", reply(ad=True, records=()), "answer holds nothing"),
    (SECURE, "ad", reply(ad=True, records=("300 IN A 192.0.2.1", "300 IN NSEC b.a. A")), "DO was not set"),
    (dataclasses.replace(SECURE, ttl_max=299), "do", reply(ad=True), "TTL 300"),
    (INSECURE, "do", reply(ad=True), "AD on insecure data"),
    (BOGUS, "do", reply(ede=[6]), "rcode NOERROR"),
    (BOGUS, "do", reply(rcode="SERVFAIL", ede=[6]), "data in a SERVFAIL"),
    (BOGUS, "do", reply(**FAILURE), "EDE none, expected 6"),
    (BOGUS, "do", reply(ede=[6, 9], **FAILURE), "EDE 6,9, expected 6"),
    (BOGUS, "cd", reply(ad=True), "AD on bogus data"),
    (BOGUS, "cd", reply(**FAILURE), "rcode SERVFAIL"),
    (dataclasses.replace(BOGUS, security="indeterminate"), "cd", reply(), "expected SERVFAIL"),
])
def test_other_replies_do_not(case, manner, answer, complaint):
    assert any(complaint in text for text in check.judge(case, MANNERS[manner], answer))


def test_servers_are_written_with_or_without_port():
    assert check.Server.from_text("192.0.2.1@5300") == check.Server("192.0.2.1", 5300)
    assert check.Server.from_text("::1") == check.Server("::1", 53)
