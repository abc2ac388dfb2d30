"""Disks that are full, read-only or rotten: loud, never an end, and what is known goes on counting (D5-run)."""

import contextlib
import shutil
import sqlite3

import iana
import pytest
from bootstrap import HTTP, LONG_AGO, PATH, START, ask, bootstrap_with, edes, is_secure, publish, resolver_for, wait_for
from rolling_root import DAY_S, HISTORY, KSK, REVOKED, Key, Resolver, blocks, corrupt, key_set

TINY = "300k"       # an empty state.db with its log takes less; a few hundred rows do not fit


def inside_tmpfs(directory):
    """Mounted for vouchd alone; begins empty, of user root, closed to others."""
    script = f'mount -t tmpfs -o size={TINY},mode=700 vouch "$0" && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, str(directory)]


def read_only(directory):
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, str(directory)]


def fill(directory):
    """Until nothing more fits; returns the file that takes the room."""
    path = directory / "fill"
    with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return path


def test_a_disk_that_becomes_full(root, tmp_path):
    key, first, second = Key(), Key(), Key()
    root.publish(key_set([(key, KSK)], [(key, KSK)], START))
    state = tmp_path / "state"
    state.mkdir()
    with Resolver(root, tmp_path, [key.anchor()], START, wrap=inside_tmpfs(state)) as resolver:
        resolver.await_first_refresh()
        assert resolver.status()["store"] == "good" and resolver.metric("vouch_store_available") == 1
        seen = type(state)(f"/proc/{resolver.vouchd.process.pid}/root{state}")      # as vouchd sees it
        filler = fill(seen)
        for _ in range(50):         # pages that are there may take some
            resolver.order("ta", "add", first.anchor())
            resolver.order("ta", "remove", ".", str(first.tag()))
            if resolver.status()["store"] == "failing":
                break
        assert resolver.status()["store"] == "failing" and resolver.metric("vouch_store_available") == 0
        assert resolver.metric("vouch_store_failures_total") > 0
        assert "changes of trust would be lost" in resolver.vouchd.log()
        resolver.order("ta", "add", second.anchor())
        assert resolver.states()[second.tag()] == "VALID"       # memory counts
        assert resolver.refresh(START + DAY_S)[key.tag()] == "VALID"
        assert is_secure(resolver)
        filler.unlink()
        resolver.order("ta", "add", first.anchor())
        assert resolver.status()["store"] == "good"
        assert "can be written again" in resolver.vouchd.log()
        copy = tmp_path / "copy"
        shutil.copytree(seen, copy)         # SQLite would look for it where the path leads, and that is not here
        with sqlite3.connect(copy / "state.db") as store:
            states = store.execute("SELECT state FROM anchors WHERE source = 4").fetchall()
        assert states == [(2,), (2,)]           # both, VALID: what could not be written before is there now


def test_a_directory_that_is_read_only(root, tmp_path):
    """What was learnt before counts; what is learnt now does, too, and is lost with the process, which is said."""
    key, kept, lost = Key(), Key(), Key()
    root.publish(key_set([(key, KSK)], [(key, KSK)], START))
    with Resolver(root, tmp_path, [key.anchor()], START) as resolver:
        resolver.await_first_refresh()
        resolver.order("ta", "add", kept.anchor())
    (tmp_path / "log").unlink()
    with Resolver(root, tmp_path, [key.anchor()], START + DAY_S, wrap=read_only(tmp_path / "state")) as resolver:
        assert resolver.states() == {key.tag(): "VALID", kept.tag(): "VALID"}
        assert resolver.status()["store"] == "failing" and resolver.metric("vouch_store_available") == 0
        resolver.order("ta", "add", lost.anchor())
        assert resolver.states()[lost.tag()] == "VALID"
        assert is_secure(resolver)
        assert "changes of trust would be lost" in resolver.vouchd.log()


class Loss:
    """Of the store's knowledge that one key was revoked, that another was learnt."""

    def __init__(self, root, directory, authority, sources):
        self.root, self.state = root, directory / "state/state.db"
        self.gone, self.kept, self.learnt = Key(), Key(), Key()
        publish(root, START, [(self.gone, REVOKED), (self.kept, KSK)], [(self.gone, REVOKED), (self.kept, KSK)])
        self.files = authority.files(iana.document(iana.entry(self.kept, LONG_AGO)), START)
        anchors = [self.gone.anchor(), self.kept.anchor()]
        self.resolver = resolver_for(root, directory, anchors, START, authority, sources)

    def happen(self):
        resolver = self.resolver
        assert resolver.await_first_refresh() == {self.gone.tag(): "REVOKED", self.kept.tag(): "VALID"}
        resolver.order("ta", "add", self.learnt.anchor())
        publish(self.root, START, [(self.kept, KSK)], [(self.kept, KSK)])
        resolver.kill_and_start(lambda: corrupt(self.state))
        assert resolver.metric("vouch_store_set_aside_total") == 1
        assert "revocations that were seen are forgotten: 2 anchors are not believed" in resolver.vouchd.log()

    def assert_over(self):
        """The one that root-anchors.xml does not list stays doubted, whatever the configuration says."""
        wait_for(lambda: self.resolver.states() == {self.gone.tag(): "DOUBTED", self.kept.tag(): "VALID"}, self.resolver)
        wait_for(lambda: not self.resolver.status()["held"], self.resolver)
        assert is_secure(self.resolver)


def test_a_bootstrap_must_agree_with_anchors_whose_revocations_are_lost(root, tmp_path, authority, site):
    loss = Loss(root, tmp_path, authority, [HTTP])
    site.files = iana.under(PATH, loss.files)
    with loss.resolver as resolver:
        loss.happen()
        loss.assert_over()
        rows = [(row["what"], row["who"]) for row in resolver.status()["history"] if row["key_tag"] == loss.kept.tag()]
        assert rows == [("DOUBTED -> VALID", "bootstrap")]
        resolver.kill_and_start()
        assert resolver.states() == {loss.gone.tag(): "DOUBTED", loss.kept.tag(): "VALID"}


def test_no_bootstrap_can_be_had_and_revocations_are_lost(root, tmp_path, authority):
    """Validation is held, over restarts too, until files or an order tell what is good; CD=1 goes on."""
    loss = Loss(root, tmp_path, authority, ["http://192.0.2.1/"])
    with loss.resolver as resolver:
        loss.happen()
        doubted = {loss.gone.tag(): "DOUBTED", loss.kept.tag(): "DOUBTED"}
        for _ in range(2):
            assert resolver.states() == doubted and resolver.status()["held"]
            assert edes(ask(resolver)) == [(14, "anchors")]
            assert ask(resolver, checking_disabled=True).rcode() == 0
            assert resolver.metric('vouch_anchors{state="DOUBTED"}') == 2
            resolver.kill_and_start()
        assert {finding["code"] for finding in resolver.order("ta", "check")[0]["reasons"]} >= {"anchor-doubted"}
        assert bootstrap_with(resolver, tmp_path / "files", loss.files) == (0, "")
        loss.assert_over()
        resolver.order("ta", "add", loss.gone.anchor())        # an operator's word ends the doubt, too
        assert resolver.states()[loss.gone.tag()] == "VALID"
        resolver.kill_and_start()
        assert resolver.states() == {loss.gone.tag(): "VALID", loss.kept.tag(): "VALID"}


@pytest.mark.parametrize("damage", ["rubbish", "a directory"])
def test_built_in_anchors_need_no_store(root, tmp_path, damage):
    """The root's real keys, and a state.db that is none."""
    if not HISTORY.exists():
        pytest.skip("NO HISTORY: ../shared/data/root-dnskey-history.txt is missing, nothing was tested")
    since, keys = blocks()[0]
    root.publish(keys)
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    if damage == "rubbish":
        (state / "state.db").write_bytes(b"rubbish" * 4096)
    else:
        (state / "state.db").mkdir()
    trust = {"anchors": "built-in", "automatic-update": True, "bootstrap": {"enabled": "false"}}
    with Resolver(root, tmp_path, [], since + DAY_S, trust=trust) as resolver:
        resolver.await_first_refresh()
        assert resolver.states() == {20326: "VALID", 38696: "VALID"}
        assert is_secure(resolver)
        assert ("corrupted" if damage == "rubbish" else "nothing is remembered") in resolver.vouchd.log()
