"""RFC 8145: what servers see of the anchors in use (D5-signal, D5-demand-c)."""

import contextlib
import socket
import threading

import dns.edns
import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset
from rolling_root import ADDRESS, KSK, Key, Resolver, key_set, seconds

from lab import network

START = seconds("2026-03-01")
KEY_TAG = 14


@contextlib.contextmanager
def recorder(netns, answers):
    """A server at the root's address that notes each question; answers: type to RRsets."""
    seen = []
    with network.inside(netns):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((ADDRESS, 53))

    def serve():
        while True:
            wire, client = server.recvfrom(4096)
            if not wire:
                return
            question = dns.message.from_wire(wire)
            seen.append(question)
            reply = dns.message.make_response(question)
            reply.flags |= dns.flags.AA
            reply.answer = answers.get(question.question[0].rdtype, [])
            server.sendto(reply.to_wire(), client)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield seen
    finally:
        with network.inside(netns), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"", (ADDRESS, 53))
        thread.join()
        server.close()


def signalled(question):
    """The key tags in the EDNS option; None: there is no such option."""
    for option in question.options:
        if option.otype == KEY_TAG:
            data = option.data
            return [int.from_bytes(data[i:i + 2], "big") for i in range(0, len(data), 2)]
    return None


def answers_of(keys, signing):
    found = {}
    for line in key_set(keys, signing, START).splitlines():
        owner, ttl, _, rdtype, rdata = line.split(" ", 4)
        rrset = dns.rrset.from_text(owner, int(ttl), "IN", rdtype, rdata)
        found.setdefault(rdtype, []).append(rrset)
    merged = found["DNSKEY"][0]
    for more in found["DNSKEY"][1:]:
        merged.update(more)
    return {dns.rdatatype.DNSKEY: [merged, *found["RRSIG"]]}


def test_option_and_query_agree_with_the_status(root, tmp_path):
    first, second = Key(), Key()
    tags = sorted([first.tag(), second.tag()])
    anchors = [first.anchor(), second.anchor()]
    with recorder(root.netns, answers_of([(first, KSK), (second, KSK)], [(first, KSK)])) as seen:
        with Resolver(root, tmp_path, anchors, START) as resolver:
            resolver.await_first_refresh()
            resolver.refresh(START + 1)
            running = sorted(anchor["key_tag"] for anchor in resolver.status()["anchors"] if anchor["running"])
    assert running == tags
    name = "_ta-" + "-".join(f"{tag:04x}" for tag in tags) + "."
    queries = [question.question[0] for question in seen if question.question[0].rdtype == dns.rdatatype.NULL]
    assert len(queries) == 2                    # one a refresh, whatever the cache knows
    assert all(str(query.name).lower() == name for query in queries)
    for question in seen:
        is_for_keys = question.question[0].rdtype == dns.rdatatype.DNSKEY
        assert signalled(question) == (tags if is_for_keys else None)


def test_no_signal_when_it_is_switched_off(root, tmp_path):
    key = Key()
    trust = {"anchors": [key.anchor()], "automatic-update": True, "signal-anchors": False}
    with recorder(root.netns, answers_of([(key, KSK)], [(key, KSK)])) as seen:
        with Resolver(root, tmp_path, [], START, trust=trust) as resolver:
            resolver.await_first_refresh()
    assert seen and all(signalled(question) is None for question in seen)
    assert all(question.question[0].rdtype != dns.rdatatype.NULL for question in seen)
