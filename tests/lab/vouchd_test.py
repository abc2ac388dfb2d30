"""The whole table, asked of vouchd: R4.2-a to R4.2-d, R4.3, R4.6-a, R4.6-b, R4.7, R4.8, D9-run-a."""

import concurrent.futures
import contextlib
import functools
import itertools

import client
import dns.flags
import dns.query
import dns.rcode
import pytest
from client import REPLY_TIMEOUT_S, ede_codes, is_authentic, make_question
from control import objects
from relay import Relay
from vouchd import vouchd_in_lab

from lab import check, network

HOSTS = ("127.0.0.1", "::1")
RELAY = "127.0.0.2"
EDE_CACHED_ERROR = 13
FAILURE_TTL_S_MAX = 300         # RFC 9520 section 3.2
FLAGS = ("do", "ad", "cd")


def manner(flags, tcp=False):
    name = "+".join([*flags, *(["tcp"] if tcp else [])]) or "plain"
    return check.Manner(name, tcp=tcp, **dict.fromkeys(flags, True))


def combinations(tcp=False):
    """Those without CD first: they validate."""
    chosen = [flags for count in range(len(FLAGS), -1, -1) for flags in itertools.combinations(FLAGS, count)]
    return [manner(flags, tcp) for flags in sorted(chosen, key=lambda flags: "cd" in flags)]


def complaints(lab, server, manners, cases):
    outcomes = check.walk(cases, [server], manners, functools.partial(network.enter, lab.netns))
    return [str(outcome) for outcome in outcomes if outcome.complaints]


def swift_cases(lab):
    """Without the zone whose servers never answer: to find that out takes longer than all else together."""
    return [case for case in lab.description.cases if case.title != "www.mute.reach. A"]


# ---- one vouchd for all that follows, in this order: the first questions find an empty cache

@pytest.fixture(scope="module")
def running(lab, tmp_path_factory):
    listen = [f"{host}@53" for host in HOSTS]
    with vouchd_in_lab(lab, tmp_path_factory.mktemp("vouchd"), {"listen": listen}) as vouchd:
        yield vouchd


def test_every_combination_of_flags(lab, running):
    """DO, AD and CD in all combinations."""
    assert complaints(lab, check.Server(HOSTS[0]), combinations(), lab.description.cases) == []


@pytest.mark.parametrize("host, tcp", [(HOSTS[0], True), (HOSTS[1], False), (HOSTS[1], True)])
def test_every_combination_of_flags_out_of_the_cache(lab, running, host, tcp):
    """The same answers once more, over the other transport and family."""
    assert complaints(lab, check.Server(host), combinations(tcp), swift_cases(lab)) == []


# ---- the BAD cache

def upstream_questions(running):
    stats, = objects(running.socket, "stats")
    return sum(value for name, value in stats.items() if name.startswith("vouch_upstream_questions_total"))


def ask(lab, qname, qtype="A", **options):
    with network.inside(lab.netns):
        return client.ask(HOSTS[0], qname, qtype, **options)


@pytest.mark.parametrize("qname, ede", [("www.flipped.broken.", 6), ("www.closed.reach.", 22)])
def test_failures_are_remembered(lab, running, qname, ede):
    """R4.7, RFC 9520: a bounded time, without asking anybody again; what is kept is told as such."""
    objects(running.socket, "flush", "all")
    first = ask(lab, qname)
    assert first.rcode() == dns.rcode.SERVFAIL and ede_codes(first) - {EDE_CACHED_ERROR} == {ede}
    asked = upstream_questions(running)
    again = ask(lab, qname)
    assert again.rcode() == dns.rcode.SERVFAIL and ede_codes(again) == {ede, EDE_CACHED_ERROR}
    assert upstream_questions(running) == asked
    rows = [row for row in objects(running.socket, "dump-cache") if row["name"] == qname and row["type"] == "A"]
    assert rows and all(row["security"] in ("bogus", None) for row in rows)
    assert all(0 <= row["ttl_s"] <= FAILURE_TTL_S_MAX for row in rows)
    objects(running.socket, "flush", "name", qname)
    assert ede_codes(ask(lab, qname)) - {EDE_CACHED_ERROR} == {ede} and upstream_questions(running) > asked


def test_a_remembered_failure_behind_an_alias(lab, running):
    """R4.7: the alias is new, what it leads to has been judged before; the cause is told all the same."""
    objects(running.socket, "flush", "all")
    for qname in "www.expired.chain.", "to-bogus.secure.chain.", "to-bogus.plain.chain.":
        reply = ask(lab, qname)
        assert reply.rcode() == dns.rcode.SERVFAIL and ede_codes(reply) - {EDE_CACHED_ERROR} == {7}


def test_bogus_data_is_for_those_who_check_themselves(lab, running):
    """R4.7, R4.6-a: the data are in the cache, and CD=1 alone gets them."""
    for _ in range(2):
        assert not ask(lab, "www.flipped.broken.").answer
        unchecked = ask(lab, "www.flipped.broken.", checking_disabled=True)
        assert unchecked.answer and not is_authentic(unchecked)


# ---- sizes of messages

@pytest.mark.parametrize("server_size", [1232, 4096])
def test_sizes_of_answers_over_udp(lab, tmp_path, server_size):
    """R4.1-a, D10-a: whole up to the smaller of the client's size and answers.edns-size, else cut short with TC."""
    settings = {"listen": [f"{HOSTS[0]}@5300"], "answers": {"edns-size": server_size}}
    with vouchd_in_lab(lab, tmp_path, settings), network.inside(lab.netns):
        for qname in ("www.secure.demo.", "t1300.big.odd.", "t4000.big.odd.", "many-keys.odd."):
            qtype = {"many-keys.odd.": "DNSKEY", "www.secure.demo.": "A"}.get(qname, "TXT")
            question = make_question(qname, qtype)
            whole = len(dns.query.tcp(question, HOSTS[0], REPLY_TIMEOUT_S, 5300).to_wire())
            for client_size in (512, 1220, 1232, 1452, 4000, 4096, 65535):
                question.use_edns(0, dns.flags.DO, client_size)
                limit = min(client_size, server_size)
                reply = dns.query.udp(question, HOSTS[0], REPLY_TIMEOUT_S, 5300)
                is_cut = bool(reply.flags & dns.flags.TC)
                assert is_cut == (whole > limit), (qname, whole, client_size)
                assert reply.payload == server_size and len(reply.to_wire()) <= limit


@pytest.mark.parametrize("size", [1232, 4096])
def test_size_offered_to_servers(lab, tmp_path, size):
    """R4.1-a: resolver.edns-size."""
    settings = {"resolver": {"edns-size": size, "forward": [{"zone": ".", "to": [RELAY]}]}}
    with Relay(lab.netns, RELAY, lab.description.servers["root-nsd"].addresses[0]) as relay:
        with vouchd_in_lab(lab, tmp_path, settings | {"listen": [f"{HOSTS[0]}@5300"]}):
            ask(lab, ".", "SOA", port=5300)
    assert relay.questions and {question.payload for question in relay.questions} == {size}


# ---- settings that change how is asked, never what is found

VARIANTS = {
    "data-first-asked-with-cd": {},                 # R4.6-a: others get it validated all the same
    "query-case-preserve": {"resolver": {"query-case": "preserve"}},
    "minimisation-strict": {"resolver": {"qname-minimisation": "strict"}},
    "minimisation-off": {"resolver": {"qname-minimisation": "off"}},
    "minimisation-by-ns": {"resolver": {"minimisation-type": "ns"}},
    "without-priming": {"resolver": {"prime-root": False}},
    "edns-4096": {"resolver": {"edns-size": 4096}, "answers": {"edns-size": 4096}},
}


def test_settings_that_change_no_answer(lab, tmp_path):
    """All at once, for some of the time goes by in waiting for servers."""
    with contextlib.ExitStack() as started, concurrent.futures.ThreadPoolExecutor(len(VARIANTS)) as pool:
        walks = {}
        for port, (name, settings) in enumerate(VARIANTS.items(), 5301):
            directory = tmp_path / name
            directory.mkdir()
            listening = {"listen": [f"{HOSTS[0]}@{port}"], "workers": 1}
            started.enter_context(vouchd_in_lab(lab, directory, listening | settings))
            manners = [manner(["do", "cd"]), manner(["do"])] if name == "data-first-asked-with-cd" else [manner(["do"])]
            walks[name] = pool.submit(complaints, lab, check.Server(HOSTS[0], port), manners, swift_cases(lab))
        assert {name: walk.result() for name, walk in walks.items() if walk.result()} == {}
