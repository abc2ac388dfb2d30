import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "support"), str(HERE)]

import iana     # noqa: E402  (the path must be set first)
import rolling_root     # noqa: E402


@pytest.fixture
def root():
    """NSD with a root zone whose keys the test chooses, in a namespace that nothing leaves."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to make a network namespace")
    with rolling_root.running() as server:
        yield server


@pytest.fixture
def authority(tmp_path):
    """Who signs root-anchors.xml."""
    return iana.Authority(tmp_path / "authority")


@pytest.fixture
def site(root, tmp_path):
    """The web server that root-anchors.xml comes from."""
    served = iana.Site(root.netns, tmp_path, {})
    yield served
    served.stop()
