"""What threads share, under ThreadSanitizer: the cache's concurrent structures, and a UDP socket's receiving thread
with its worker.  Their stress tests, built a third time, with nothing but what they need."""

import concurrent.futures
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOLDERS = ("base", "time", "message", "cache")      # what cache/ may include
# Beside those, of each file what is called: it drags in nothing else.
MORE = {
    "daemon/desk_test": ["daemon/desk", "daemon/at_once", "daemon/worker_stats", "front/cookies", "front/front",
                         "resolver/resolver", "transport/loop", "transport/precedence", "transport/sockaddr",
                         "transport/sockets", "transport/udp_answers", "transport/udp_inbox", "transport/udp_receiver",
                         "transport/udp_server"],
}
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g", "-fsanitize=thread", "-ffunction-sections", f"-I{ROOT / 'src'}"]
LIBRARIES = ["-lcmocka", "-lxxhash", "-lev", "-lm", "-pthread", "-Wl,--gc-sections"]
TIMEOUT_S = 600                                     # generous: only spent when a reader never gets through


def compile_one(source, folder):
    target = folder / f"{source.parent.name}-{source.stem}.o"
    subprocess.run(["clang", *FLAGS, "-c", str(source), "-o", str(target)], check=True)
    return str(target)


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    folder = tmp_path_factory.mktemp("objects")
    sources = [path for name in FOLDERS for path in sorted((ROOT / "src" / name).glob("*.c"))
               if not path.stem.endswith("_test")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda source: compile_one(source, folder), sources))


@pytest.mark.parametrize("name", ["cache/threads_test", "cache/denial_threads_test", "daemon/desk_test"])
def test_no_data_race(objects, tmp_path, name):
    program = tmp_path / "test"
    own = [compile_one(ROOT / "src" / f"{each}.c", tmp_path) for each in [name, *MORE.get(name, [])]]
    subprocess.run(["clang", "-fsanitize=thread", *own, *objects, *LIBRARIES, "-o", str(program)], check=True)
    # Without randomised addresses: the sanitizer's shadow has fixed places, which some kernels give to libraries.
    done = subprocess.run(["setarch", "--addr-no-randomize", str(program)], timeout=TIMEOUT_S, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          env=os.environ | {"TSAN_OPTIONS": "halt_on_error=1"})
    assert done.returncode == 0, done.stdout
    assert "WARNING: ThreadSanitizer" not in done.stdout, done.stdout
