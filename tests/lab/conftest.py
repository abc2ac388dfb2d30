import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from lab import Lab     # noqa: E402  (the path must be set first)


@pytest.fixture(scope="session")
def lab():
    with Lab() as running:
        yield running
