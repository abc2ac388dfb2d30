"""Key rolls with and without twists: a real server, a real vouchd, months in seconds (D5-run, D5-demand-a)."""

import sqlite3

import dns.flags
import dns.message
import dns.query
import dns.rcode
from rolling_root import DAY_S, KSK, REVOKED, ZSK, Key, Resolver, corrupt, key_set, seconds
from vouchd import run_vouchd

from lab import network

START = seconds("2026-03-01")


def publish(root, now, published, signing):
    root.publish(key_set(published, signing, now))


def keys_answer(resolver):
    """Is the root's DNSKEY set good for a client?"""
    with network.inside(resolver.root.netns):
        question = dns.message.make_query(".", "DNSKEY", want_dnssec=True)
        reply = dns.query.tcp(question, "127.0.0.1", timeout=20)
    return reply.rcode() == dns.rcode.NOERROR and bool(reply.flags & dns.flags.AD)


def test_a_whole_roll(root, tmp_path):
    """Published, added, in use, the old one revoked and removed; vouchd is killed between all of it."""
    old, new, zsk = Key(), Key(), Key()
    tags = old.tag(), new.tag()
    now = START
    publish(root, now, [(old, KSK), (zsk, ZSK)], [(old, KSK)])
    with Resolver(root, tmp_path, [old.anchor()], now) as resolver:
        assert resolver.await_first_refresh() == {tags[0]: "VALID"}
        now += DAY_S
        publish(root, now, [(old, KSK), (new, KSK), (zsk, ZSK)], [(old, KSK)])
        assert resolver.refresh(now) == {tags[0]: "VALID", tags[1]: "ADDPEND"}
        assert resolver.stages()[tags[1]] == "published"
        resolver.kill_and_start()
        now += 30 * DAY_S
        publish(root, now, [(old, KSK), (new, KSK), (zsk, ZSK)], [(old, KSK)])
        assert resolver.refresh(now)[tags[1]] == "VALID"
        assert resolver.stages() == {tags[0]: "active", tags[1]: "ready"}
        resolver.kill_and_start()
        now += DAY_S
        publish(root, now, [(old, KSK), (new, KSK), (zsk, ZSK)], [(new, KSK)])
        resolver.refresh(now)
        assert resolver.stages() == {tags[0]: "retired", tags[1]: "active"}
        assert keys_answer(resolver)
        now += DAY_S
        publish(root, now, [(old, REVOKED), (new, KSK), (zsk, ZSK)], [(old, REVOKED), (new, KSK)])
        assert resolver.refresh(now) == {tags[0]: "REVOKED", tags[1]: "VALID"}
        assert keys_answer(resolver)
        resolver.kill_and_start()
        assert resolver.states() == {tags[0]: "REVOKED", tags[1]: "VALID"}      # the configuration does not revive it
        now += 31 * DAY_S
        publish(root, now, [(new, KSK), (zsk, ZSK)], [(new, KSK)])
        assert resolver.refresh(now) == {tags[0]: "REMOVED", tags[1]: "VALID"}
        assert keys_answer(resolver)
        resolver.kill_and_start()
        assert keys_answer(resolver)


def test_a_key_that_goes_while_it_waits_starts_over(root, tmp_path):
    old, new = Key(), Key()
    now = START
    publish(root, now, [(old, KSK), (new, KSK)], [(old, KSK)])
    with Resolver(root, tmp_path, [old.anchor()], now) as resolver:
        assert resolver.await_first_refresh()[new.tag()] == "ADDPEND"
        now += 20 * DAY_S
        publish(root, now, [(old, KSK)], [(old, KSK)])
        assert new.tag() not in resolver.refresh(now)
        now += DAY_S
        publish(root, now, [(old, KSK), (new, KSK)], [(old, KSK)])
        assert resolver.refresh(now)[new.tag()] == "ADDPEND"
        now += 15 * DAY_S
        publish(root, now, [(old, KSK), (new, KSK)], [(old, KSK)])
        assert resolver.refresh(now)[new.tag()] == "ADDPEND"


def test_a_set_with_a_wrong_signature_changes_nothing(root, tmp_path):
    old, new, stranger = Key(), Key(), Key()
    now = START
    publish(root, now, [(old, KSK), (new, KSK)], [(old, KSK)])
    with Resolver(root, tmp_path, [old.anchor()], now) as resolver:
        assert resolver.await_first_refresh()[new.tag()] == "ADDPEND"
        bad = key_set([(old, KSK), (stranger, KSK)], [], now)
        bad += key_set([(stranger, KSK)], [(stranger, KSK)], now).splitlines(keepends=True)[-1]
        root.publish(bad)
        now += DAY_S
        assert resolver.refresh(now) == {old.tag(): "VALID", new.tag(): "ADDPEND"}
        zone = resolver.status()["zones"][0]
        assert zone["failures"] == 1 and zone["failure"]
        assert "not refreshed" in resolver.vouchd.log()


def test_two_new_keys_and_an_early_removal(root, tmp_path):
    old, first, second = Key(), Key(), Key()
    now = START
    publish(root, now, [(old, KSK), (first, KSK), (second, KSK)], [(old, KSK)])
    with Resolver(root, tmp_path, [old.anchor()], now) as resolver:
        resolver.await_first_refresh()
        now += 30 * DAY_S
        publish(root, now, [(old, KSK), (first, KSK), (second, KSK)], [(old, KSK)])
        assert set(resolver.refresh(now).values()) == {"VALID"}
        now += DAY_S
        publish(root, now, [(first, KSK), (second, KSK)], [(first, KSK)])       # without a revocation
        assert resolver.refresh(now)[old.tag()] == "MISSING"
        assert keys_answer(resolver)
        now += DAY_S
        publish(root, now, [(old, KSK), (first, KSK)], [(old, KSK)])            # what is missing still vouches
        assert resolver.refresh(now) == {old.tag(): "VALID", first.tag(): "VALID", second.tag(): "MISSING"}


def test_revoked_without_a_successor_fails_closed(root, tmp_path):
    """Held, not ended; at the next start there is no usable anchor: exit 69, and what to do."""
    old, new = Key(), Key()
    now = START
    publish(root, now, [(old, KSK), (new, KSK)], [(old, KSK)])
    with Resolver(root, tmp_path, [old.anchor()], now) as resolver:
        resolver.await_first_refresh()
        now += DAY_S
        publish(root, now, [(old, REVOKED), (new, KSK)], [(old, REVOKED), (new, KSK)])
        assert resolver.refresh(now) == {old.tag(): "REVOKED", new.tag(): "ADDPEND"}
        assert not keys_answer(resolver)
        assert "none is left that can be trusted" in resolver.vouchd.log()
    code, log = run_vouchd(["-c", str(resolver.vouchd.config_path)], env={"PATH": "/usr/sbin:/usr/bin"})
    assert code == 69 and "no usable trust anchor" in log


def test_a_directory_that_cannot_be_used_stops_nothing(root, tmp_path):
    key = Key()
    publish(root, START, [(key, KSK)], [(key, KSK)])
    (tmp_path / "state").write_text("not a directory")
    with Resolver(root, tmp_path, [key.anchor()], START) as resolver:
        assert resolver.await_first_refresh() == {key.tag(): "VALID"}
        assert resolver.status()["store"] == "none"
        assert resolver.metric("vouch_store_available") == 0
        assert keys_answer(resolver)
        assert "nothing is remembered" in resolver.vouchd.log()


def test_a_corrupted_store_is_set_aside(root, tmp_path):
    key = Key()
    publish(root, START, [(key, KSK)], [(key, KSK)])
    with Resolver(root, tmp_path, [key.anchor()], START) as resolver:
        resolver.await_first_refresh()
        resolver.kill_and_start(lambda: corrupt(tmp_path / "state/state.db"))
        assert resolver.states() == {key.tag(): "VALID"}
        assert resolver.metric("vouch_store_set_aside_total") == 1
        assert "trust.bootstrap does not ask whether the anchors are good still" in resolver.vouchd.log()
        assert keys_answer(resolver)
    assert list((tmp_path / "state").glob("state.db.corrupt-*"))


def test_an_anchor_that_nothing_can_match_is_not_added(root, tmp_path):
    """All of its zone would be answered with SERVFAIL: a digest that was cut short, an algorithm that is not verified."""
    key = Key()
    publish(root, START, [(key, KSK)], [(key, KSK)])
    with Resolver(root, tmp_path, [key.anchor()], START) as resolver:
        resolver.await_first_refresh()
        for record in ("z. DS 4711 8 2 E06D", f"z. DS 4711 12 2 {'00' * 32}", f"z. DS 4711 8 3 {'00' * 32}"):
            assert resolver.refused("ta", "add", record)
        assert resolver.states() == {key.tag(): "VALID"}


def test_history_says_who_and_why(root, tmp_path):
    """And survives: it can be read with other tools."""
    key, other = Key(), Key()
    publish(root, START, [(key, KSK)], [(key, KSK)])
    with Resolver(root, tmp_path, [key.anchor()], START) as resolver:
        resolver.await_first_refresh()
        resolver.order("ta", "add", other.anchor())
        assert resolver.states()[other.tag()] == "VALID"
        resolver.kill_and_start()
        assert resolver.states()[other.tag()] == "VALID"
        resolver.order("ta", "remove", ".", str(key.tag()))
        assert not keys_answer(resolver)
        resolver.kill_and_start()
        assert resolver.states()[key.tag()] == "REMOVED"
        resolver.order("ta", "add", key.anchor())
        assert keys_answer(resolver)
    with sqlite3.connect(tmp_path / "state/state.db") as store:
        rows = store.execute("SELECT key_tag, what, why, who FROM history ORDER BY id").fetchall()
    who = "uid 0 (root)"
    assert rows == [(other.tag(), "START -> VALID", "added", who), (key.tag(), "VALID -> REMOVED", "removed", who),
                    (key.tag(), "REMOVED -> VALID", "added", who)]


def test_nothing_is_asked_when_it_is_switched_off(root, tmp_path):
    key = Key()
    publish(root, START, [(key, KSK)], [(key, KSK)])
    trust = {"anchors": [key.anchor()], "automatic-update": False}
    with Resolver(root, tmp_path, [], START, trust=trust) as resolver:
        assert keys_answer(resolver)
        assert resolver.status()["zones"][0]["last_asked"] is None
        assert resolver.metric("vouch_anchor_signals_total") == 0
        assert resolver.refused("ta", "refresh")
