import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "support"), str(HERE)]

import rolling_root     # noqa: E402  (the path must be set first)


@pytest.fixture
def root():
    """NSD with a root zone whose keys the test chooses, in a namespace that nothing leaves."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to make a network namespace")
    with rolling_root.running() as server:
        yield server
