"""Walks the table: asks a resolver each question in several ways and compares the replies with what is expected."""

import concurrent.futures
import dataclasses

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

# Longer than any resolver tries before it gives up on servers that do not answer.
REPLY_TIMEOUT_S = 60
EDNS_SIZE = 1232
ASKED_AT_ONCE = 8

EDE_CACHED_ERROR = 13       # RFC 8914 section 4.14: may stand beside the cause whenever a question is repeated
DENIAL_TYPES = (dns.rdatatype.NSEC, dns.rdatatype.NSEC3)


@dataclasses.dataclass(frozen=True)
class Manner:
    """One way to ask."""
    name: str
    do: bool = False
    ad: bool = False
    cd: bool = False
    tcp: bool = False


MANNERS = (
    Manner("do", do=True),
    Manner("do+tcp", do=True, tcp=True),
    Manner("ad", ad=True),
    Manner("plain"),
    Manner("cd", do=True, cd=True),
)


@dataclasses.dataclass(frozen=True)
class Server:
    address: str
    port: int = 53

    @classmethod
    def from_text(cls, text):
        """ADDRESS or ADDRESS@PORT."""
        address, _, port = text.partition("@")
        return cls(address, int(port or 53))


@dataclasses.dataclass(frozen=True)
class Outcome:
    case: object
    manner: Manner
    server: Server
    complaints: tuple       # empty: as expected

    def __str__(self):
        return f"{self.case.title} ({self.manner.name}, {self.server.address}): {'; '.join(self.complaints)}"


def walk(cases, servers, manners=MANNERS, enter=lambda: None):
    """Yields an Outcome for every case, server and manner, in that order.

    Each case is first asked in the first manner, so that its EDE is not that of a cached failure.
    enter: called once by each asking thread, to move it to where the resolver is."""
    with concurrent.futures.ThreadPoolExecutor(ASKED_AT_ONCE, initializer=enter) as pool:
        yield from (outcome for outcomes in pool.map(lambda case: _walk_case(case, servers, manners), cases)
                    for outcome in outcomes)


def _walk_case(case, servers, manners):
    return [check(case, manner, server) for server in servers for manner in manners]


def check(case, manner, server):
    try:
        reply = ask(case, manner, server)
    except (OSError, EOFError, dns.exception.DNSException) as error:
        return Outcome(case, manner, server, (f"no reply: {error!r}",))
    return Outcome(case, manner, server, tuple(judge(case, manner, reply)))


def ask(case, manner, server):
    question = dns.message.make_query(case.qname, case.qtype, use_edns=0, want_dnssec=manner.do, payload=EDNS_SIZE)
    if manner.ad:
        question.flags |= dns.flags.AD
    if manner.cd:
        question.flags |= dns.flags.CD
    if manner.tcp:
        return dns.query.tcp(question, server.address, REPLY_TIMEOUT_S, server.port)
    # A late reply of a server, to a port that was the resolver's before it became ours, is nothing to wonder at.
    return dns.query.udp_with_fallback(question, server.address, REPLY_TIMEOUT_S, server.port, ignore_unexpected=True)[0]


def judge(case, manner, reply):
    """Yields what is wrong with the reply."""
    if case.security == "any":
        return
    failed = case.security == "indeterminate" or (case.security == "bogus" and not manner.cd)
    yield from _judge_header(case, manner, reply, failed)
    yield from _judge_ede(case, manner, reply)
    if failed:
        if reply.answer:
            yield "data in a SERVFAIL"
    else:
        yield from _judge_data(case, manner, reply)


def _judge_header(case, manner, reply, failed):
    data_rcode = case.rcode if manner.do else case.rcode_without_do
    expected = dns.rcode.SERVFAIL if failed else data_rcode
    if reply.rcode() != expected:
        yield f"rcode {dns.rcode.to_text(reply.rcode())}, expected {dns.rcode.to_text(expected)}"
    authentic = bool(reply.flags & dns.flags.AD)
    if authentic and case.security != "secure":
        yield f"AD on {case.security} data"
    if authentic and not (manner.do or manner.ad):
        yield "AD though neither DO nor AD was asked (RFC 6840 section 5.8)"
    # With CD a resolver need not have validated.
    if not authentic and case.security == "secure" and (manner.do or manner.ad) and not manner.cd:
        yield "no AD on secure data"


def _judge_ede(case, manner, reply):
    # With CD the failure is the client's to find, and no code is promised.
    if case.ede is None or manner.cd:
        return
    found = ede_codes(reply) - {EDE_CACHED_ERROR}
    if found != case.ede:
        yield f"EDE {_list(found)}, expected {_list(case.ede)}"


def _judge_data(case, manner, reply):
    found = {rrset.rdtype for rrset in reply.answer} - {dns.rdatatype.RRSIG}
    if case.answer is not None:
        expected = {dns.rdatatype.from_text(text) for text in case.answer}
        if found != expected:
            yield f"answer holds {_types(found)}, expected {_types(expected)}"
    ttls = [rrset.ttl for rrset in reply.answer]
    if case.ttl_max is not None and not manner.cd and ttls and max(ttls) > case.ttl_max:
        yield f"TTL {max(ttls)}, at most {case.ttl_max}"
    if not manner.do:
        unasked = {rrset.rdtype for rrset in reply.answer + reply.authority} - {case.qtype}
        if unasked & {dns.rdatatype.RRSIG, *DENIAL_TYPES}:
            yield "DNSSEC records though DO was not set (RFC 3225 section 3)"


def ede_codes(reply):
    return {int(option.code) for option in reply.options if option.otype == dns.edns.OptionType.EDE}


def _list(codes):
    return ",".join(map(str, sorted(codes))) or "none"


def _types(types):
    return ",".join(sorted(map(dns.rdatatype.to_text, types))) or "nothing"
