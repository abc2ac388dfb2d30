"""run.py build: builds vouch twice.  run.py test: runs every test there is, and prints the sum of all as the last line.

build-asan/ (clang, AddressSanitizer, UndefinedBehaviorSanitizer): unit tests, fuzz targets, scenarios.
build/ (the release): what pytest finds under tests/.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import typing
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
SANITIZED = ROOT / "build-asan"
FUZZ_RUNS = 100_000
FUZZ_RUNS_OF_COSTLY = {"resolver": 40_000}      # an input is a whole conversation
FUZZ_SEED = 1
TIMEOUT_S = 1800
SUM_LINE = re.compile(r"(\d+) passed, (\d+) failed, (\d+) skipped")


class Result(typing.NamedTuple):
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Result(*(a + b for a, b in zip(self, other)))

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"

    def checked(self, exit_code):
        """A program that fails has a failed test, whatever it managed to print."""
        return self if exit_code == 0 or self.failed > 0 else self._replace(failed=1)


def environment():
    return os.environ | {
        "VOUCH_BUILD": str(ROOT / "build"),
        "VOUCH_BUILD_ASAN": str(SANITIZED),
        "VOUCH_SOURCE_ROOT": str(ROOT),
        "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "CMOCKA_MESSAGE_OUTPUT": "TAP",
        "PYTHONDONTWRITEBYTECODE": "1",     # root's, in somebody's tree
    }


def run(command, **options):
    return subprocess.run(command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, **options)


def run_captured(command):
    """Exit code and output of a test program; 124, as timeout(1) has it, if it did not end."""
    try:
        done = run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", timeout=TIMEOUT_S)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired as expired:
        output = (expired.stdout or b"").decode(errors="replace")
        return 124, f"{output}\nended after {TIMEOUT_S} seconds\n"


def count_tap(output, exit_code):
    """cmocka 1.1.5 writes "not ok N # SKIP name" for a skipped case; a case that never reported has failed."""
    passed = failed = skipped = 0
    planned = 0
    for line in output.splitlines():
        if plan := re.match(r"1\.\.(\d+)$", line):
            planned += int(plan[1])
        elif report := re.match(r"(not )?ok \d+(.*)", line):
            if report[2].lstrip().startswith("# SKIP"):
                skipped += 1
            elif report[1]:
                failed += 1
            else:
                passed += 1
    missing = max(0, planned - passed - failed - skipped)
    return Result(passed, failed + missing, skipped).checked(exit_code or planned == 0)


def count_sum_line(output, exit_code):
    """The last line of this form counts."""
    found = [match for match in map(SUM_LINE.fullmatch, output.splitlines()) if match]
    if not found:
        return Result(failed=1)
    return Result(*map(int, found[-1].groups())).checked(exit_code)


def count_exit_code(_output, exit_code):
    return Result(failed=1) if exit_code else Result(passed=1)


def count_junit(path):
    total = Result()
    for suite in xml.etree.ElementTree.parse(path).iter("testsuite"):
        failed = int(suite.get("failures")) + int(suite.get("errors"))
        skipped = int(suite.get("skipped"))
        total += Result(int(suite.get("tests")) - failed - skipped, failed, skipped)
    return total


def skip_messages(output):
    """What a program said before each skipped case, and the case."""
    lines = output.splitlines()
    for i, line in enumerate(lines):
        if "# SKIP" in line:
            if i > 0 and not re.match(r"(not )?ok |1\.\.", lines[i - 1]):
                yield lines[i - 1]
            yield line


def run_program(name, command, count):
    began = time.monotonic()
    exit_code, output = run_captured(command)
    result = count(output, exit_code)
    report = f"{'ok    ' if result.failed == 0 else 'FAILED'} {name}: {result} ({time.monotonic() - began:.1f} s)\n"
    if result.failed > 0:
        report += f"--- {' '.join(command)}\n{output}\n--- exit code {exit_code}\n"
    else:
        report += "".join(f"    SKIPPED {line}\n" for line in skip_messages(output))
    sys.stdout.write(report)
    return result


def registered_tests(suite):
    """What meson.build files registered: [(name, command)]."""
    listed = run(["meson", "introspect", "--tests", str(SANITIZED)], stdout=subprocess.PIPE, check=True).stdout
    tests = [(test["name"], test["cmd"]) for test in json.loads(listed) if f"vouch:{suite}" in test["suite"]]
    return sorted(tests)


def run_suite(suite, count, arguments=lambda name: [], at_once=os.cpu_count()):
    print(f"== {suite}")
    tests = registered_tests(suite)
    if not tests:
        print(f"FAILED no {suite} test is registered")
        return Result(failed=1)
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        jobs = [pool.submit(run_program, name, command + arguments(name), count) for name, command in tests]
        return sum((job.result() for job in jobs), Result())


def fuzz_arguments(name):
    return [f"-runs={FUZZ_RUNS_OF_COSTLY.get(name, FUZZ_RUNS)}", f"-seed={FUZZ_SEED}"]


def run_pytest():
    print("== pytest", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", f"--junitxml={report}", "tests"]
        exit_code = run(command).returncode
        return (count_junit(report) if report.exists() else Result()).checked(exit_code)


def build():
    print("== build", flush=True)
    setup = ["meson", "setup", str(SANITIZED), "-Db_sanitize=address,undefined", "-Db_lundef=false",
             "-Doptimization=1", "-Ddebug=true"]
    commands = [["make"]]
    if not (SANITIZED / "build.ninja").exists():
        commands.append(["env", "CC=clang"] + setup)
    commands.append(["ninja", "-C", str(SANITIZED)])
    return all(run(command).returncode == 0 for command in commands)


def run_tests():
    total = run_suite("unit", count_tap)
    total += run_suite("fuzz", count_exit_code, fuzz_arguments)
    total += run_suite("scenario", count_sum_line)
    return total + run_pytest()


def main():
    if sys.argv[1:] == ["build"]:
        if build():
            return 0
        total = Result(failed=1)
    elif sys.argv[1:] == ["test"]:
        total = run_tests()
    else:
        sys.exit("usage: run.py build | run.py test")
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
