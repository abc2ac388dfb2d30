"""vouchctl as an operator has it, with a real vouchd behind the socket."""

import json
import os

import pytest
from client import ask
from control import objects, vouchctl
from others import NOBODY, as_user, program_for_others
from vouchd import END_TIMEOUT_S, Vouchd

EX_REFUSED, EX_USAGE, EX_UNAVAILABLE = 1, 64, 69
PORT = 5397
SETTINGS = {"listen": [f"127.0.0.1@{PORT}"], "workers": 1, "resolver": {"ask-ipv4": False, "ask-ipv6": False}}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One that asks nobody: failures are all it caches."""
    with Vouchd(tmp_path_factory.mktemp("vouchctl"), SETTINGS) as vouchd:
        yield vouchd


@pytest.fixture
def socket(running):
    return running.directory / "control.sock"


@pytest.mark.parametrize("arguments", [
    [], ["frobnicate"], ["flush"], ["flush", "name"], ["flush", "all", "now"], ["status", "now"], ["--frobnicate"],
    ["flush", "key", "example.", "65536"], ["flush", "key", "example.", "-1"], ["flush", "key", "example.", "1x"],
])
def test_usage(tmp_path, arguments):
    """Said without asking anybody."""
    assert vouchctl(tmp_path / "none", *arguments)[0] == EX_USAGE


@pytest.mark.parametrize("arguments, told, others", [
    (["frobnicate"], "unknown command: frobnicate", []),
    (["nta", "add"], "nta add ZONE", ["nta list", "status"]),
    (["nta"], "nta list", ["status"]),
    (["stats", "--zone", "example."], "stats: takes no --zone", ["status"]),
    (["ta", "bootstrap", "--file", "/nonexistent"], "/nonexistent: No such file", ["status"]),
])
def test_usage_names_what_is_wrong(tmp_path, arguments, told, others):
    code, output, complaints = vouchctl(tmp_path / "none", *arguments)
    assert (code, output) == (EX_USAGE, "") and complaints.startswith("vouchctl: ") and told in complaints
    assert not any(other in complaints for other in others)


def test_nobody_there(tmp_path):
    code, output, complaints = vouchctl(tmp_path / "none", "status")
    assert (code, output) == (EX_UNAVAILABLE, "") and str(tmp_path / "none") in complaints
    code, output, _ = vouchctl(tmp_path / "none", "--json", "status")
    error = json.loads(output)["error"]
    assert code == EX_UNAVAILABLE and error["code"] == "unavailable" and error["text"] and error["hint"]


def test_status(running, socket):
    status, = objects(socket, "status")
    assert status["pid"] == running.process.pid and status["listen"] == [f"127.0.0.1@{PORT}"]
    assert [(one["zone"], one["key_tag"]) for one in status["trust"]["anchors"]] == [(".", 20326), (".", 38696)]
    code, output, _ = vouchctl(socket, "status")
    assert code == 0 and f"process       {running.process.pid}\n" in output and ". 38696 (algorithm 8" in output


def test_stats(socket):
    before, = objects(socket, "stats")
    ask("127.0.0.1", "localhost.", "A", port=PORT)
    after, = objects(socket, "stats")
    name = 'vouch_answers_total{rcode="NOERROR"}'
    assert after[name] == before[name] + 1
    assert all(type(value) is int for value in after.values())
    assert all(one == "version" or one.startswith("vouch_") for one in after)
    assert f"{name} " in vouchctl(socket, "stats")[1]


def test_dump_and_flush(socket):
    """D7-flush: a name, a zone, a key, everything."""
    ask("127.0.0.1", "www.example.com.", "A", port=PORT)
    rows = [row for row in objects(socket, "dump-cache") if row["name"].lower() == "www.example.com."]
    assert rows and set(rows[0]) == {"version", "kind", "name", "type", "security", "ede", "ttl_s", "lineage"}
    assert rows[0]["type"] == "A" and rows[0]["kind"] == "failure"
    assert "www.example.com.\tA\tfailure\t-\t" in vouchctl(socket, "dump-cache")[1].lower().replace("\ta\t", "\tA\t")
    assert objects(socket, "flush", "name", "www.example.com")[0]["entries"] >= 1
    assert not [row for row in objects(socket, "dump-cache") if row["name"].lower() == "www.example.com."]
    ask("127.0.0.1", "www.example.com.", "A", port=PORT)
    assert objects(socket, "flush", "zone", "com.")[0]["entries"] >= 1
    assert objects(socket, "flush", "key", ".", "20326")[0]["keys"] == 0
    assert "no key of . with tag 20326" in vouchctl(socket, "flush", "key", ".", "20326")[1]
    assert vouchctl(socket, "flush", "all")[0] == 0
    assert objects(socket, "dump-cache") == []


def test_bad_name(socket):
    code, output, complaints = vouchctl(socket, "flush", "name", "a..b")
    assert (code, output) == (EX_REFUSED, "") and "expected a domain name" in complaints


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
def test_rights(tmp_path):
    """Who can reach the socket may look; orders need more."""
    program_for_others("vouchctl", tmp_path)
    as_other = {"prefix": as_user(NOBODY, gid=os.getegid()), "build": tmp_path}
    with Vouchd(tmp_path, SETTINGS | {"listen": [f"127.0.0.1@{PORT + 1}"]}) as vouchd:
        socket = tmp_path / "control.sock"
        assert vouchctl(socket, "status", **as_other)[0] == 0
        code, output, complaints = vouchctl(socket, "flush", "all", **as_other)
        assert (code, output) == (EX_REFUSED, "") and "control.admins" in complaints
        config = vouchd.config_path.read_text()
        vouchd.config_path.write_text(config + f"control: {{admins: [{NOBODY}]}}\n")
        assert vouchctl(socket, "reload")[0] == 0
        assert vouchctl(socket, "flush", "all", **as_other)[0] == 0


def test_more_anchors_than_are_kept(tmp_path):
    """D5-run: an order that is not carried out is refused."""
    records = [f"example. DS {tag} 8 2 {tag:064x}" for tag in range(1, 66)]
    with Vouchd(tmp_path, SETTINGS | {"listen": [f"127.0.0.1@{PORT + 3}"]}):
        socket = tmp_path / "control.sock"
        assert vouchctl(socket, "ta", "add", "\n".join(records[:64]))[0] == 0
        code, _, complaints = vouchctl(socket, "ta", "add", records[64])
        assert code == EX_REFUSED and "no more than 64 keys" in complaints
        assert vouchctl(socket, "ta", "add", records[0])[0] == 0        # is there already


def test_a_bundle_alone_is_refused(running, socket):
    """D5-init: whoever names one means files, not the sources of the configuration."""
    code, _, complaints = vouchctl(socket, "ta", "bootstrap", "--bundle", str(running.config_path))
    assert code == EX_REFUSED and "file: expected" in complaints


def test_reload_and_stop(tmp_path):
    with Vouchd(tmp_path, SETTINGS | {"listen": [f"127.0.0.1@{PORT + 2}"]}) as vouchd:
        socket = tmp_path / "control.sock"
        good = vouchd.config_path.read_text()
        vouchd.config_path.write_text(good.replace("workers: 1", "workers: 2"))
        assert objects(socket, "reload")[0]["notes"] == ["workers: stays 1 until a restart makes it 2"]
        vouchd.config_path.write_text(good + "cash: none\n")
        code, _, complaints = vouchctl(socket, "reload")
        assert code == EX_REFUSED and "cash: unknown key" in complaints
        assert vouchctl(socket, "stop")[:2] == (0, "stopping\n")
        assert vouchd.process.wait(END_TIMEOUT_S) == 0
        assert vouchctl(socket, "status")[0] == EX_UNAVAILABLE
