"""The zone set of bench/ is what it says: sound signed zones, and enough names."""

import subprocess
import time

import pytest

from bench import zones

MANY = zones.Delegation(zones.MANY, tuple(zones.MANY_ADDRESSES), (f"12345 13 2 {'00' * 32}",))


@pytest.fixture(scope="module")
def zone_set(tmp_path_factory):
    built = zones.ZoneSet(tmp_path_factory.mktemp("bench") / "zones", 12)
    built.layout.names_per_zone = 2         # as with thousands of zones
    built.build(int(time.time()), [MANY])
    return built


@pytest.mark.parametrize("zone", [".", "t0.", "t9.", "z0.t0.", "z11.t1."])
def test_zone_is_signed_as_rfc_4035_wants(zone_set, zone):
    path = zone_set.path(zone)
    command = ["dnssec-verify", "-o", zone, path]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


def test_anchor_is_the_root_key_signing_key(zone_set):
    key = next(line for line in zone_set.path(".").read_text().splitlines() if " DNSKEY 257 " in line)
    command = ["dnssec-dsfromkey", "-2", "-f", "-", "."]
    done = subprocess.run(command, input=key, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.split()[3:] == zone_set.anchor.read_text().upper().split()[3:]


def test_parent_holds_the_ds_of_each_zone(zone_set):
    for zone, parent in (("z0.t0.", "t0."), ("z11.t1.", "t1."), ("t1.", ".")):
        assert f"{zone} {zones.TTL_S} IN DS {zones.KeySet(zone).ds()}" in zone_set.path(parent).read_text().splitlines()


@pytest.mark.parametrize("zone_count", [1, 7, 5000, 100000])
def test_hit_names_are_distinct_and_served(zone_count):
    layout = zones.Layout(zone_count)
    names = layout.hit_names()
    assert len(names) == len(set(names)) == zones.HITS
    served = set(layout.zone_names())
    assert all(name.split(".", 1)[1] in served and name.split(".", 1)[0] in layout.hosts() for name in names[::97])


def test_many_names_are_distinct():
    names = list(zones.Layout(1).many_names(70000))
    assert len(set(names)) == 70000
    assert names[65536] == "n-10-1-0-0.many."
