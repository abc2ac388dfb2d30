"""A vouchd whose anchors may come out of root-anchors.xml, and a root for it."""

import time

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import iana
from control import vouchctl
from rolling_root import DAY_S, Resolver, key_set, seconds
from vouchd import READY_TIMEOUT_S

from lab import network

HTTPS, HTTP = "https://data/root-anchors/", "http://data/root-anchors/"
PATH = "/root-anchors/"
START = seconds("2026-03-01")
LONG_AGO = START - 400 * DAY_S


def ask(resolver, checking_disabled=False):
    flags = dns.flags.RD | (dns.flags.CD if checking_disabled else 0)
    question = dns.message.make_query(".", "DNSKEY", flags=flags, want_dnssec=True)
    with network.inside(resolver.root.netns):
        return dns.query.tcp(question, "127.0.0.1", timeout=20)


def is_secure(resolver):
    reply = ask(resolver)
    return reply.rcode() == dns.rcode.NOERROR and bool(reply.flags & dns.flags.AD)


def edes(reply):
    return [(option.code, option.text) for option in reply.options if option.otype == dns.edns.EDE]


def publish(root, now, published, signing):
    root.publish(key_set(published, signing, now) + iana.RECORD)


def settings(anchors, authority, sources, enabled="true", **more):
    bootstrap = {"enabled": enabled, "sources": sources, "authorities": [authority.root.fingerprint()]} | more
    return {"trust": {"anchors": anchors, "automatic-update": True, "bootstrap": bootstrap}}


def resolver_for(root, directory, anchors, now, authority, sources=(), enabled="true", more=None, **bootstrap):
    of_resolver = {"root-hints": str(root.hints), "prime-root": False, "query-private": ["127.0.0.0/8"]}
    return Resolver(root, directory, [], now, **(settings(anchors, authority, list(sources), enabled, **bootstrap) |
                                                 {"resolver": of_resolver} | (more or {})))


def bootstrap_with(resolver, directory, files):
    """(exit code, complaints) of `vouchctl ta bootstrap` from files."""
    iana.write(directory, files)
    arguments = ["--file", directory / iana.XML, "--signature", directory / iana.SIGNATURE]
    if iana.BUNDLE in files:
        arguments += ["--bundle", directory / iana.BUNDLE]
    code, _, complaints = vouchctl(resolver.socket, "ta", "bootstrap", *map(str, arguments))
    return code, complaints


def wait_for(condition, resolver):
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, resolver.vouchd.log()
        time.sleep(0.05)
