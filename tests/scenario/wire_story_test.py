"""Deckard's stories told to vouchd itself: over real sockets, in a network namespace that holds the story's servers and
nothing else, with the configuration that an operator would write (R4.2).

replay tells the same stories to the core alone; what is proven here is that sockets, timers, clocks and the
configuration file do not change them."""

import concurrent.futures
import os
import pathlib
import re
import subprocess

import pytest

from lab import network
from vouchd import ROOT, SANITIZED, Vouchd, faketime, program

STORIES = ROOT.parent / "shared" / "scenarios" / "deckard"
LISTED = pathlib.Path(__file__).parent / "expected-failures.txt"
RESOLVER = "127.0.0.53"
AT_ONCE = 4             # they wait more than they work
STORY_TIMEOUT_S = 300   # only spent by a story that hangs


def settings_of(text):
    """The flat "key: value" lines of a story's header: [(key, value)]."""
    header = text.split("CONFIG_END", 1)[0]
    lines = (re.sub(r"\s*[;#].*", "", line).strip() for line in header.splitlines())
    return [(key.strip(), value.strip().strip('"')) for key, _, value in (line.partition(":") for line in lines) if key]


def features_of(settings):
    """Deckard's "features: min_ttl = 5", "feature-list: dns64_prefix=64:ff9b::": {name: value}."""
    written = (value.partition("=") for key, value in settings if key in ("features", "feature-list"))
    return {name.strip(): value.strip() for name, _, value in written}


def server_addresses(text):
    """Where the story's servers are asked.  What REPLY steps say is said by whoever is asked, so by all addresses there
    are."""
    places = r"stub-addr:|ADDRESS|RANGE_BEGIN\s+\d+\s+\d+"
    if re.search(r"^STEP\s+\d+\s+REPLY", text, re.MULTILINE):
        places += r"|\S+\s+IN\s+A{1,4}"
    found = re.findall(rf"^\s*(?:{places})[ \t]+([0-9a-fA-F.:]+)", text, re.MULTILINE)
    return sorted(set(found))


def configuration_of(text, directory):
    """vouchd's configuration, in the words of its manual."""
    settings = settings_of(text)
    words, features = dict(settings), features_of(settings)
    resolver = {
        "prime-root": False,            # Deckard's servers fail a story for questions that it does not tell of
        "prefetch": False,
        "ask-ipv4": words.get("do-ip4", "yes") != "no",
        "ask-ipv6": words.get("do-ip6", "yes") != "no",
        "qname-minimisation": "off" if words.get("query-minimization") == "off" else "relaxed",
        "minimisation-type": "ns",
        "query-case": "preserve",       # told answers have their own
        "cookies": False,
        "edns-size": 4096,
        "any-glue": words.get("harden-glue") == "no",
        "query-private": ["0.0.0.0/0", "::/0"],
    }
    if "stub-addr" in words:
        hints = directory / "hints"
        kind = "AAAA" if ":" in words["stub-addr"] else "A"
        hints.write_text(f". 3600 NS k.root-servers.net.\nk.root-servers.net. 3600 {kind} {words['stub-addr']}\n")
        resolver["root-hints"] = str(hints)
    if "forward-addr" in words:
        resolver["forward"] = [{"zone": ".", "to": [words["forward-addr"]]}]
    least_ttl = f"{features.get('min_ttl', 0)}s"
    prefix = features.get("dns64_prefix")
    anchors = [value for key, value in settings if key == "trust-anchor"]
    return {
        "listen": [f"{RESOLVER}@53"],
        "workers": 1,
        "resolver": resolver,
        "answers": {"edns-size": 4096, "minimal": False, "cookies": False, "dns64": f"{prefix}/96" if prefix else "none"},
        "cache": {"min-ttl": least_ttl, "min-negative-ttl": least_ttl},
        "local": {"special-use-names": False},
        "self-test": {"interval": "never"},
        "validation": {"algorithms": {"allow": [5, 7]}, "nsec3-iterations": 150, "report-errors": False},
        "trust": {"model": "configured", "anchors": anchors,
                  "insecure": [{"zone": value, "reason": "the story's"} for key, value in settings
                               if key == "domain-insecure"]},
        "time": {"floor": "none", "on-unfit": "warn"},
    }


def tell(path, directory):
    """None, or what went wrong."""
    text = path.read_text(errors="replace")
    netns = f"vouch-story-{os.getpid()}-{path.stem}"[-60:]
    clock = directory / "clock"
    servers = server_addresses(text)
    network.create(netns, [address for address in servers if address != "127.0.0.1"])
    try:
        command = [str(SANITIZED / "tests" / "scenario" / "replay-wire"), str(path), str(clock), RESOLVER, *servers]
        teller = subprocess.Popen(network.command_inside(netns, command), stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        try:
            first = teller.stdout.readline()
            if first != "ready\n":
                return first + teller.communicate()[0]
            with Vouchd(directory, configuration_of(text, directory), prefix=network.command_inside(netns, []),
                        environment=faketime(file=clock)) as vouchd:
                said = teller.communicate("go\n", timeout=STORY_TIMEOUT_S)[0]
                return None if teller.returncode == 0 else f"{said}\n{vouchd.log()}"
        finally:
            teller.kill()
            teller.wait()
    finally:
        network.delete(netns)


def stories():
    return sorted(STORIES.glob("*.rpl"))


def listed():
    return {line.split()[0] for line in LISTED.read_text().splitlines() if line.startswith("deckard/")}


@pytest.fixture(scope="session")
def told(tmp_path_factory):
    """All stories at once: {path: future}."""
    program("vouchd")
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        yield {path: pool.submit(tell, path, tmp_path_factory.mktemp(path.stem)) for path in stories()}


@pytest.mark.parametrize("path", stories() or [STORIES], ids=lambda path: path.stem)
def test_story_over_the_wire(told, path):
    if path == STORIES:
        pytest.skip(f"{STORIES} IS MISSING: NO STORY IS TOLD TO VOUCHD")
    failure = told[path].result()
    if f"deckard/{path.name}" in listed():
        assert failure is not None, "passes: remove it from the list of expected failures"
    else:
        assert failure is None, failure
