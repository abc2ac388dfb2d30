"""The root's own DNSKEY sets of three years, from a real server to a vouchd that lives through them (D5-run)."""

import pytest
from rolling_root import DAY_S, HISTORY, Resolver, blocks, seconds

KSK_2017 = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
FIRST_SEEN = seconds("2025-01-11")


def test_the_key_of_2024_is_valid_30_days_after_it_was_seen(root, tmp_path):
    if not HISTORY.exists():
        pytest.skip("NO HISTORY: ../shared/data/root-dnskey-history.txt is missing, nothing was tested")
    steps = blocks()
    root.publish(steps[0][1])
    seen = None
    with Resolver(root, tmp_path, [KSK_2017], steps[0][0] + DAY_S) as resolver:
        assert resolver.await_first_refresh() == {20326: "VALID"}
        for start, keys in steps:
            root.publish(keys)
            states = resolver.refresh(start + DAY_S)
            assert states[20326] == "VALID"
            if start < FIRST_SEEN:
                assert 38696 not in states
                continue
            seen = seen or resolver.now
            if resolver.now >= seen + 30 * DAY_S:
                assert states[38696] == "VALID"
                continue
            assert states[38696] == "ADDPEND"
            resolver.kill_and_start()       # what was seen is not forgotten
            assert resolver.states()[38696] == "ADDPEND"
            due = seen + 30 * DAY_S
            if resolver.now < due <= resolver.now + 9 * DAY_S:
                assert resolver.refresh(due - 1)[38696] == "ADDPEND"
                assert resolver.refresh(due)[38696] == "VALID"
        history = [row["what"] for row in resolver.status()["history"] if row["key_tag"] == 38696]
        assert history == ["ADDPEND -> VALID", "START -> ADDPEND"]
        assert resolver.metric('vouch_anchor_refreshes_total{result="failed"}') == 0
