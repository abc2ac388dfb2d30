import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "support"), str(HERE)]

import real_root        # noqa: E402  (the path must be set first)


@pytest.fixture(scope="session")
def root_zone():
    if not real_root.ZONE_FILE.exists():
        pytest.skip("NO REAL ROOT ZONE: ../shared/data/root-20170821.zone.gz is missing, nothing was tested")
    if os.geteuid() != 0:
        pytest.skip("needs root, to make a network namespace")
    return real_root.read_zone()


@pytest.fixture(scope="session")
def root_servers(root_zone):
    with real_root.running(root_zone.zone, serves_root_addresses=True) as net:
        yield net


@pytest.fixture(scope="session")
def nsd_behind(root_zone):
    """NSD out of vouchd's sight: the root servers' addresses are free for servers that alter its answers."""
    with real_root.running(root_zone.zone, serves_root_addresses=False) as net:
        yield net
