"""Rows D4: the clock is judged before anything is validated, and ever after.

What the kernel says of its clock is the test's word: a library in front of adjtimex(2).  libfaketime makes clocks
wrong."""

import os
import re
import shutil
import time

import client
import dns.rcode
import pytest
import yaml
from client import ede_codes, is_authentic
from control import objects, vouchctl
from sntp import TimeServer
from vouchd import faketime, run_vouchd, vouchd_in_lab, write_config

from lab import network

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a network namespace")

HOST, SERVERS = "127.0.0.1", ["127.0.0.11", "127.0.0.12", "127.0.0.13"]
EDE_EXPIRED, EDE_NOT_READY = 7, 14
EX_TEMPFAIL = 75
HOUR_S, DAY_S, MONTH_S = 3600, 86400, 31 * 86400
PATIENCE_S = 20
SECURE, HELD, UNJUDGED = ("NOERROR", True, set()), ("SERVFAIL", False, {EDE_NOT_READY}), ("NOERROR", False, set())


@pytest.fixture
def servers(lab):
    """Three that are right."""
    with network.inside(lab.netns):
        running = [TimeServer(address) for address in SERVERS]
    for server in running:
        server.start()
    yield running
    for server in running:
        server.end()


def start(lab, directory, time_settings, environment):
    """One that has got an answer for whatever it asked so far."""
    return vouchd_in_lab(lab, directory, {"time": time_settings}, environment=environment)


def ask(lab, cd=False, qname="www.secure.demo."):
    """rcode, AD, EDE."""
    with network.inside(lab.netns):
        reply = client.ask(HOST, qname, "A", checking_disabled=cd)
    return dns.rcode.to_text(reply.rcode()), is_authentic(reply), ede_codes(reply)


def time_of(vouchd, *arguments):
    return objects(vouchd.socket, "time", *arguments)[0]


def reasons(found):
    return {reason["code"] for reason in found["reasons"]}


def await_time(vouchd, condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition(found := time_of(vouchd)):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def configure(vouchd, **settings):
    """Changes time.*, and reloads."""
    config = yaml.safe_load(vouchd.config_path.read_text())
    config["time"] = config["time"] | settings
    vouchd.config_path.write_text(yaml.safe_dump(config))
    assert vouchctl(vouchd.socket, "reload")[0] == 0


# ---- floors (D4-init-b)

def test_below_the_floor_validation_is_held(lab, kernel, tmp_path):
    """CD=1 goes on, so that a host can find its time servers; it ends by itself."""
    with start(lab, tmp_path, {"floor": "2090-01-01T00:00:00Z"}, kernel(True)) as vouchd:
        assert ask(lab) == HELD
        assert ask(lab, cd=True) == UNJUDGED
        found = time_of(vouchd)
        assert (found["clock"], found["held"], reasons(found)) == ("unfit", True, {"below-set"})
        assert found["floors"] == {"build": None, "seen": None, "set": "2090-01-01T00:00:00Z"}
        assert not objects(vouchd.socket, "status")[0]["clock_is_fit"]
        assert objects(vouchd.socket, "stats")[0]["vouch_time_fit"] == 0
        configure(vouchd, floor="none")
        assert ask(lab) == SECURE
        assert time_of(vouchd)["clock"] == "fit"


def test_what_was_secure_is_not_served_while_held(lab, kernel, tmp_path):
    """Neither out of the cache nor as a ready answer, and to CD=1 without AD."""
    with start(lab, tmp_path, {"floor": "none"}, kernel(True)) as vouchd:
        for _ in range(3):
            assert ask(lab) == SECURE
        configure(vouchd, floor="2090-01-01T00:00:00Z")
        for _ in range(3):
            assert ask(lab) == HELD
            assert ask(lab, cd=True) == UNJUDGED
        configure(vouchd, floor="none")
        assert ask(lab) == SECURE


@pytest.mark.parametrize("on_unfit", ["hold", "warn", "exit"])
def test_a_machine_that_wakes_up_in_1970(lab, kernel, tmp_path, on_unfit):
    """No built-in anchor is valid yet, and still it starts: the clock is wrong, not the anchors."""
    environment = kernel(False, faketime("1970-01-02 00:00:00"))
    vouchd = start(lab, tmp_path, {"on-unfit": on_unfit}, environment)
    if on_unfit == "exit":
        code, log = run_vouchd(["-c", vouchd.config_path], env=os.environ | environment)
        assert code == EX_TEMPFAIL and "the clock is unfit" in log
        return
    with vouchd:
        found = time_of(vouchd)
        assert "below-build" in reasons(found) and found["held"] == (on_unfit == "hold")
        assert (ask(lab) == HELD) == (on_unfit == "hold")


def test_built_in_anchors_survive_1970(kernel, tmp_path):
    path = write_config(tmp_path, {"listen": [f"{HOST}@5398"]})
    code, log = run_vouchd(["-c", path, "--check"], env=os.environ | faketime("1970-01-02 00:00:00"))
    assert code == 0, log


@pytest.fixture
def run(lab, kernel, tmp_path):
    """run(days, floor, synchronised=…): starts vouchd that many days ahead, with the same state each time; what it says
    of the time."""
    (tmp_path / "state").mkdir(mode=0o700)

    def run_once(days, floor, synchronised=True):
        directory = tmp_path / str(len(list(tmp_path.iterdir())))
        directory.mkdir()
        instant = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(lab.now + days * DAY_S))
        settings = {"time": {"floor": floor}, "state-directory": str(tmp_path / "state")}
        with vouchd_in_lab(lab, directory, settings, environment=kernel(synchronised, faketime(instant))) as vouchd:
            return time_of(vouchd)
    return run_once


def test_the_latest_time_is_a_floor_of_later_runs(run):
    """And if it was wrong, another floor lets the right one take its place."""
    assert run(2, "stored")["clock"] == "fit"
    found = run(1, "stored")
    assert (found["held"], reasons(found)) == (True, {"below-seen"}) and found["floors"]["seen"] > found["now"]
    assert run(1, "build")["clock"] == "fit"
    assert run(1, "stored")["clock"] == "fit"


def test_what_nobody_vouches_for_is_no_floor(run):
    assert reasons(run(2, "stored", synchronised=False)) == {"no-servers"}
    found = run(1, "stored")
    assert (found["clock"], found["floors"]["seen"]) == ("fit", None)


# ---- servers (D4-init-a, D4-run-a, D4-demand)

def test_servers_that_agree(lab, kernel, servers, tmp_path):
    """An unsynchronised kernel: the first answer waits for them."""
    with start(lab, tmp_path, {"servers": SERVERS}, kernel(False)) as vouchd:
        assert ask(lab) == SECURE
        found = time_of(vouchd)
        assert (found["clock"], found["deciding"], found["differing"], found["checks"]) == ("fit", 3, 0, 1)
        assert all(one["state"] == "answered" and abs(one["offset_s"]) < 1 for one in found["sources"])
        asked = [len(server.questions) for server in servers]
        assert time_of(vouchd, "check")["checks"] == 2
        assert all(len(server.questions) == before + 1 for server, before in zip(servers, asked))
        stats, = objects(vouchd.socket, "stats")
        assert abs(stats[f'vouch_time_offset_seconds{{source="{SERVERS[0]}@123"}}']) <= 1
        assert abs(stats["vouch_time_last_check_timestamp_seconds"] - time.time()) < 60


def test_servers_that_disagree_hold(lab, kernel, servers, tmp_path):
    for server in servers[:2]:
        server.offset_s = HOUR_S
    with start(lab, tmp_path, {"servers": SERVERS}, kernel(False)) as vouchd:
        assert ask(lab) == HELD and ask(lab, cd=True) == UNJUDGED
        found = time_of(vouchd)
        assert (reasons(found), found["deciding"], found["differing"]) == ({"outvoted"}, 3, 2)
        assert abs(found["offset_s"] - HOUR_S) < 1
        output = vouchctl(vouchd.socket, "time")[1]
        assert "unfit" in output and re.search(r"\+(3599|3600)\.", output) and "What to do" in output
        for server in servers:
            server.offset_s = 0
        assert time_of(vouchd, "check")["clock"] == "fit"
        assert ask(lab) == SECURE


def test_a_synchronised_kernel_is_believed(lab, kernel, servers, tmp_path):
    """Servers cannot hold it, anybody may have forged them; but it is said."""
    for server in servers:
        server.offset_s = -HOUR_S
    with start(lab, tmp_path, {"servers": SERVERS}, kernel(True)) as vouchd:
        found = await_time(vouchd, lambda found: found["checks"] > 0)
        assert (found["clock"], found["held"], reasons(found)) == ("doubtful", False, {"contradicted"})
        assert ask(lab) == SECURE and "say another time" in vouchd.log()


def test_two_servers_cannot_hold(lab, kernel, servers, tmp_path):
    for server in servers:
        server.offset_s = HOUR_S
    with start(lab, tmp_path, {"servers": SERVERS[:2]}, kernel(False)) as vouchd:
        found = time_of(vouchd)
        assert (found["clock"], reasons(found)) == ("doubtful", {"unconfirmed"})
        assert ask(lab) == SECURE


def test_nobody_to_ask(lab, kernel, tmp_path):
    with start(lab, tmp_path, {"servers": []}, kernel(False)) as vouchd:
        assert reasons(time_of(vouchd)) == {"no-servers"} and ask(lab) == SECURE


def test_servers_with_faults(lab, kernel, servers, tmp_path):
    """Silent, forged, unsynchronised: none of them is a vote."""
    servers[0].is_silent = servers[1].forges = True
    servers[2].first = 0xE4
    for server in servers:
        server.offset_s = HOUR_S
    with start(lab, tmp_path, {"servers": SERVERS + ["127.0.0.14"]}, kernel(False)) as vouchd:
        found = time_of(vouchd)
        assert [one["state"] for one in found["sources"]] == ["silent", "silent", "unsynchronised", "unreachable"]
        assert (found["deciding"], reasons(found)) == (0, {"unconfirmed"})
        assert ask(lab) == SECURE


def test_kisses_are_obeyed(lab, kernel, servers, tmp_path):
    """RFC 5905 section 7.4: who has said DENY or RATE is not asked again."""
    for server, kiss in zip(servers, [b"DENY", b"RATE", b"STEP"]):
        server.stratum, server.reference = 0, kiss
    with start(lab, tmp_path, {"servers": SERVERS}, kernel(False)) as vouchd:
        found = time_of(vouchd, "check")
        assert [(one["state"], one["kiss"]) for one in found["sources"]] == [
            ("refuses", "DENY"), ("refuses", "RATE"), ("refuses", "STEP")]
        assert [len(server.questions) for server in servers] == [1, 1, 2]


def test_no_start_without_an_end(lab, kernel, servers, tmp_path):
    """A signal ends it while servers are awaited."""
    for server in servers:
        server.is_silent = True
    vouchd = start(lab, tmp_path, {"servers": SERVERS}, kernel(False))
    vouchd.start(awaited="before the first answer")
    assert vouchd.stop() == 0


@pytest.mark.skipif(shutil.which("chronyd") is None, reason="chronyd is not installed (scripts/deps test)")
def test_with_chronyd(lab, kernel, tmp_path):
    """A real server."""
    config = tmp_path / "chrony.conf"
    config.write_text(f"local stratum 5\nallow 127.0.0.0/8\nbindaddress {SERVERS[0]}\ncmdport 0\n"
                      f"pidfile {tmp_path}/chrony.pid\nbindcmdaddress /\n")
    process = lab.spawn(["chronyd", "-x", "-d", "-u", "root", "-f", str(config)])
    try:
        with start(lab, tmp_path, {"servers": [SERVERS[0]]}, kernel(True)) as vouchd:
            found = await_time(vouchd, lambda found: time_of(vouchd, "check")["deciding"] == 1)
            assert found["sources"][0]["stratum"] == 5 and abs(found["offset_s"]) < 1
            assert found["clock"] == "fit"
    finally:
        process.terminate()
        process.wait()


# ---- jumps, and faults by time (D4-run-b)

def set_clock(lab, path, offset_s):
    new = path.with_suffix(".new")
    new.write_text(time.strftime("%Y-%m-%d %H:%M:%S\n", time.gmtime(lab.now + offset_s)))
    new.replace(path)


def test_jumps_are_noticed(lab, kernel, tmp_path):
    clock = tmp_path / "clock"
    set_clock(lab, clock, 0)
    with start(lab, tmp_path, {"floor": "none"}, kernel(True, faketime(file=clock))) as vouchd:
        assert ask(lab) == SECURE
        set_clock(lab, clock, HOUR_S)
        found = await_time(vouchd, lambda found: found["jumps"] == 1)
        assert HOUR_S - 60 <= found["last_jump"]["by_s"] <= HOUR_S
        set_clock(lab, clock, 0)
        found = await_time(vouchd, lambda found: found["jumps"] == 2)
        assert -HOUR_S - 60 <= found["last_jump"]["by_s"] <= -HOUR_S + 60
        assert ask(lab) == SECURE
        assert objects(vouchd.socket, "stats")[0]["vouch_time_jumps_total"] == 2


def test_a_clock_that_is_ahead_is_suspected(lab, kernel, tmp_path):
    """When the root's own signatures seem to have expired."""
    instant = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(lab.now + 3 * MONTH_S))
    with start(lab, tmp_path, {"floor": "none"}, kernel(True, faketime(instant))) as vouchd:
        assert ask(lab)[2] == {EDE_EXPIRED}
        found = await_time(vouchd, lambda found: found["reasons"] != [])
        assert (found["clock"], reasons(found)) == ("doubtful", {"seems-fast"})
        assert objects(vouchd.socket, "stats")[0]['vouch_validation_failures_total{reason="expired"}'] == 1


def test_a_bogus_zone_is_not_our_clock(lab, kernel, tmp_path):
    with start(lab, tmp_path, {"floor": "none"}, kernel(True)) as vouchd:
        assert ask(lab, qname="www.bogus.demo.")[0] == "SERVFAIL"
        assert time_of(vouchd)["reasons"] == []
