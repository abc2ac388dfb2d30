import pathlib
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS.parent), str(TESTS / "support")]

from lab import Lab     # noqa: E402  (the path must be set first)


@pytest.fixture(scope="session")
def lab():
    """secure.demo., insecure.demo. and bogus.demo."""
    with Lab(only=["demo."]) as running:
        yield running
