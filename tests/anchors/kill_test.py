"""kill -9 at any moment: what the store holds is the state before a change or after it (D5-run)."""

import random
import sqlite3
import threading
import time

from rolling_root import DAY_S, KSK, Key, Resolver, key_set, seconds

START = seconds("2026-03-01")
KILLS = 30
SEED = 5011


def test_kills_while_keys_come_and_go(root, tmp_path):
    """A key is added and removed without end while vouchd is killed; the other one stays, and every state is whole."""
    key, other = Key(), Key()
    chance = random.Random(SEED)
    root.publish(key_set([(key, KSK)], [(key, KSK)], START))
    with Resolver(root, tmp_path, [key.anchor()], START) as resolver:
        resolver.await_first_refresh()
        for _ in range(KILLS):
            stop = threading.Event()
            orders = threading.Thread(target=change_without_end, args=(resolver, other, stop))
            orders.start()
            time.sleep(chance.uniform(0.0, 0.15))       # how far it comes is what is tested
            resolver.kill_and_start(lambda: (stop.set(), orders.join(), assert_whole(tmp_path, other)))
            states = resolver.states()
            assert states.pop(key.tag()) == "VALID"
            assert list(states.values()) in ([], ["VALID"], ["REMOVED"])
        assert resolver.metric("vouch_store_set_aside_total") == 0
        assert resolver.refresh(START + DAY_S)[key.tag()] == "VALID"


def change_without_end(resolver, key, stop):
    while not stop.is_set():
        resolver.try_order("ta", "add", key.anchor())
        resolver.try_order("ta", "remove", ".", str(key.tag()))


def assert_whole(directory, key):
    """The last row of the history is about the state that is there."""
    states = {2: "VALID", 5: "REMOVED"}         # src/trust/managed.h
    with sqlite3.connect(directory / "state/state.db") as store:
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        last = store.execute("SELECT what FROM history WHERE key_tag = ? ORDER BY id DESC", [key.tag()]).fetchone()
        rows = store.execute("SELECT state FROM anchors WHERE source = 4").fetchall()
    assert [states[state] for state, in rows] == ([last[0].split(" -> ")[1]] if last else [])
