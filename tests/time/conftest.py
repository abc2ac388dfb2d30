import pathlib
import subprocess
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS.parent), str(TESTS / "support")]

from lab import Lab     # noqa: E402  (the path must be set first)


KERNEL = """
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
int adjtimex(struct timex *timex)
{
    memset(timex, 0, sizeof(*timex));
    timex->status = getenv("KERNEL_IS_SYNCHRONISED") != NULL ? 0 : STA_UNSYNC;
    return timex->status != 0 ? TIME_ERROR : TIME_OK;
}
"""


@pytest.fixture(scope="session")
def lab():
    """secure.demo., insecure.demo. and bogus.demo."""
    with Lab(only=["demo."]) as running:
        yield running


@pytest.fixture(scope="session")
def kernel(tmp_path_factory):
    """kernel(synchronised, environment=…): an environment in which the kernel says so."""
    directory = tmp_path_factory.mktemp("kernel")
    (directory / "kernel.c").write_text(KERNEL)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", directory / "kernel.so", directory / "kernel.c"], check=True)

    def environment(synchronised, environment=None):
        before = dict(environment or {})
        libraries = [library for library in (before.get("LD_PRELOAD"), str(directory / "kernel.so")) if library]
        return before | {"LD_PRELOAD": ":".join(libraries)} | ({"KERNEL_IS_SYNCHRONISED": "1"} if synchronised else {})
    return environment
