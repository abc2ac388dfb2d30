"""The architecture is the direction of the #include lines in src/: this table, and nothing beside it."""

import os
import pathlib
import re
import subprocess

import pytest

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "src"

# Folder: what it may include, and with that all which those may include.
ARROWS = {
    "base": [],
    "time": ["base"],
    "message": ["time"],
    "crypto": ["message"],
    "trust": ["crypto"],
    "validator": ["trust"],
    "cache": ["message", "crypto"],
    "resolver": ["cache", "validator"],
    "steward": ["resolver"],
    "policy": ["resolver"],
    "front": ["message"],
    "monitor": ["steward", "policy", "front"],
    "transport": ["message"],
    "store": ["trust", "monitor"],
    "config": ["store", "steward", "policy", "front", "transport"],
    "control": ["config"],
    "daemon": ["control", "lib"],
    "lib": ["resolver", "transport"],
    "tools": ["lib", "config"],
}

# Libraries that only some folders know.
LIBRARIES = {
    "openssl/": ["crypto"],
    "nettle/": ["crypto"],  # P-384 alone: doc/decisions/0016
    "gmp.h": ["crypto"],    # nettle's numbers
    "expat.h": ["trust"],
    "curl/": ["transport"],
    "gnutls/": ["transport"],  # TLS; signatures of DNS are crypto/'s
    "xxhash.h": ["base"],
    "ev.h": ["transport", "control", "lib", "daemon", "tools"],
    "yaml.h": ["config"],
    "sqlite3.h": ["store"],
    "jansson.h": ["control", "tools"],
    "cap-ng.h": ["daemon"],
    "seccomp.h": ["daemon"],
    "cmocka.h": [],  # tests alone, which this half of the table does not hold for
}

# The core does no I/O and asks no clock.
CORE = ["base", "time", "message", "crypto", "trust", "validator", "cache", "resolver", "steward", "policy", "front"]
OUTER_WORLD = re.compile(
    r"(sys/(socket|select|epoll|poll|time|timerfd|eventfd|un|uio|ioctl|wait)|net/.*|netinet/.*|arpa/.*|netdb|resolv|poll"
    r"|time|signal|ev)\.h"
)
# Text forms need the conversions of these two; what is called is looked at in the objects below.
TEXT_FORMS = ["arpa/inet.h", "time.h"]

# What the objects of the core may not call, and the files that may.
OUTER_CALLS = re.compile(
    r"(socket|bind|listen|accept4?|connect|send(to|m?msg)?|recv(from|m?msg)?|poll|epoll_\w+|select|getaddrinfo|res_\w+"
    r"|clock_gettime|gettimeofday|time|(nano|u)?sleep|fopen|open|openat|read|write|getrandom|getenv|pthread_create)"
)
OUTER_CALLERS = {"base/log.c": {"write", "getenv"}, "base/random.c": {"getrandom"}, "time/now.c": {"clock_gettime"}}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)


def closure(folder):
    reached, todo = set(), [folder]
    while todo:
        at = todo.pop()
        if at not in reached:
            reached.add(at)
            todo += ARROWS[at]
    return reached


def wrong_own(folder, header):
    if header == "build_info.h":
        return None
    target = header.split("/")[0]
    if "/" not in header or target not in ARROWS:
        return "an own header is named folder/header.h"
    if target not in closure(folder):
        return f"{folder}/ may include {', '.join(sorted(closure(folder)))}"
    return None


def wrong_foreign(path, folder, header):
    for library, folders in LIBRARIES.items():
        if header.startswith(library) and folder not in folders:
            return f"only {', '.join(folders) or 'tests'} may include {library}"
    text_form = folder in ("time", "message") and header in TEXT_FORMS
    if folder in CORE and OUTER_WORLD.fullmatch(header) and not text_form:
        return "the core does no I/O and asks no clock"
    return None


def wrong_includes(path, text):
    """Complaints about one file; path is relative to src/."""
    folder = path.split("/")[0]
    if folder not in ARROWS:
        return [f"{path}: {folder}/ has no row in the table"]
    complaints = []
    for quote, header in INCLUDE.findall(text):
        if quote == '"':
            of_tests = path.endswith("_test.c") and header.startswith("tests/support/")
            wrong = None if of_tests else wrong_own(folder, header)
        else:
            wrong = None if path.endswith(("_test.c", "testing.h")) else wrong_foreign(path, folder, header)
        if wrong is not None:
            complaints.append(f"{path} includes {header}: {wrong}")
    return complaints


def test_every_include_points_the_right_way():
    files = [file for file in sorted(SOURCE.rglob("*")) if file.suffix in (".c", ".h")]
    assert len(files) > 20
    complaints = []
    for file in files:
        complaints += wrong_includes(str(file.relative_to(SOURCE)), file.read_text())
    assert not complaints, "\n".join(complaints)


def outer_calls(listing):
    """Complaints about the output of nm -u on an archive; its objects are named FOLDER_FILE.c.o."""
    complaints, file = [], None
    for line in listing.splitlines():
        if line.endswith(":"):
            file = pathlib.PurePath(line[:-1]).stem.replace("_", "/", 1)
        elif (match := re.match(r"\s+U (\w+)", line)) and OUTER_CALLS.fullmatch(match[1]):
            if match[1] not in OUTER_CALLERS.get(file, ()):
                complaints.append(f"{file} calls {match[1]}")
    return complaints


def test_the_core_calls_nothing_of_the_outer_world():
    archive = pathlib.Path(os.environ.get("VOUCH_BUILD_ASAN", SOURCE.parent / "build-asan")) / "src/libvouch_core.a"
    if not archive.exists():
        pytest.skip(f"{archive} is not built")
    listing = subprocess.run(["nm", "-u", archive], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert "now.c.o" in listing
    assert outer_calls(listing) == []


def test_an_outer_call_is_caught():
    listing = "a.p/resolver_decide.c.o:\n     U memcpy\n     U clock_gettime\n"
    assert outer_calls(listing) == ["resolver/decide.c calls clock_gettime"]
    assert outer_calls("time_now.c.o:\n     U clock_gettime\n") == []


def test_the_table_has_no_cycle():
    for folder, arrows in ARROWS.items():
        for target in arrows:
            assert folder not in closure(target)


@pytest.mark.parametrize(
    "path, text",
    [
        ("message/dname.c", '#include "resolver/resolver.h"'),
        ("transport/udp.c", '#include "validator/validator.h"'),
        ("transport/udp.c", '#include "resolver/resolver.h"'),
        ("base/arena.c", '#  include "time/now.h"'),
        ("front/front.c", '#include "crypto/verify.h"'),
        ("cache/cache.c", '#include "trust/trust.h"'),
        ("validator/chain_test.c", '#include "resolver/resolver.h"'),
        ("resolver/resolver.c", "#include <sys/socket.h>"),
        ("resolver/resolver.c", "#include <time.h>"),
        ("validator/chain.c", "#include <openssl/evp.h>"),
        ("message/dname.c", "#include <ev.h>"),
        ("message/dname.c", "#include <cmocka.h>"),
        ("message/dname.c", '#include "dname.h"'),
        ("message/dname.c", '#include "../message/dname.h"'),
        ("validator/chain.c", '#include "tests/support/signer.h"'),
        ("novelty/new.c", ""),
    ],
)
def test_a_wrong_include_is_caught(path, text):
    assert len(wrong_includes(path, f"#include <stdint.h>\n{text}\n")) == 1


@pytest.mark.parametrize(
    "path, text",
    [
        ("message/dname.c", '#include "base/reader.h"'),
        ("resolver/resolver.c", '#include "crypto/verify.h"'),
        ("crypto/verify.c", "#include <openssl/evp.h>"),
        ("time/now.c", "#include <time.h>"),
        ("transport/udp.c", "#include <sys/socket.h>"),
        ("daemon/main.c", '#include "transport/loop.h"\n#include "resolver/resolver.h"\n#include "build_info.h"'),
        ("message/dname_test.c", "#include <cmocka.h>"),
        ("validator/chain_test.c", '#include "tests/support/signer.h"'),
    ],
)
def test_a_right_include_passes(path, text):
    assert wrong_includes(path, text) == []
