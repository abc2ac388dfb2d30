"""The cache's concurrent structures under ThreadSanitizer: their stress tests, built a third time, with nothing but what they need."""

import concurrent.futures
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOLDERS = ("base", "time", "message", "cache")      # what cache/ may include
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g", "-fsanitize=thread", f"-I{ROOT / 'src'}"]
LIBRARIES = ["-lcmocka", "-lxxhash", "-lm", "-pthread"]
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


@pytest.mark.parametrize("name", ["threads_test", "denial_threads_test"])
def test_no_data_race(objects, tmp_path, name):
    program = tmp_path / name
    test = compile_one(ROOT / "src" / "cache" / f"{name}.c", tmp_path)
    subprocess.run(["clang", "-fsanitize=thread", test, *objects, *LIBRARIES, "-o", str(program)], check=True)
    # Without randomised addresses: the sanitizer's shadow has fixed places, which some kernels give to libraries.
    done = subprocess.run(["setarch", "--addr-no-randomize", str(program)], timeout=TIMEOUT_S, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          env=os.environ | {"TSAN_OPTIONS": "halt_on_error=1"})
    assert done.returncode == 0, done.stdout
    assert "WARNING: ThreadSanitizer" not in done.stdout, done.stdout
