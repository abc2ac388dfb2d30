import os
import pathlib
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS.parent), str(TESTS / "support")]

from lab import Lab     # noqa: E402  (the path must be set first)


@pytest.fixture(scope="session")
def lab():
    if os.geteuid() != 0:
        pytest.skip("needs root, to make a network namespace")
    with Lab() as running:
        yield running
        assert running.ended() == []        # else the last tests saw another lab than the first ones
