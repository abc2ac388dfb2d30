"""vouchctl ta check: what is believed, what is published, what is signed, what time it is (D5-demand-b)."""

import datetime

import iana
from bootstrap import HTTP, LONG_AGO, PATH, START, publish, resolver_for
from control import objects, vouchctl
from rolling_root import DAY_S, KSK, Key, key_set


def check(resolver):
    found = objects(resolver.socket, "ta", "check")[0]
    assert len({reason["from"] for reason in found["reasons"]}) >= 2 and found["next_step"]
    return found


def test_each_verdict(root, tmp_path, authority, site):
    """One after the other, each a step from the one before."""
    old, new, stranger = Key(), Key(), Key()
    recent = START - 10 * DAY_S

    def stage(published, signing, entries, now=START, by=authority):
        publish(root, now, [(key, KSK) for key in published], [(key, KSK) for key in signing])
        site.files = iana.under(PATH, by.files(iana.document(*entries), now))

    def verdict_of(expected, *codes):
        found = check(resolver)
        assert found["verdict"] == expected, found
        assert set(codes) <= {reason["code"] for reason in found["reasons"]}, found
        assert resolver.status()["last_check"]["verdict"] == expected
        assert resolver.metric(f'vouch_anchor_verdict{{verdict="{expected}"}}') == 1

    current = iana.entry(old, LONG_AGO)
    stage([old], [old], [current])
    with resolver_for(root, tmp_path, [old.anchor()], START, authority, [HTTP], "false") as resolver:
        resolver.await_first_refresh()
        verdict_of("match", "signed-by-anchor", "anchor-listed")
        stage([old, new], [old], [current, iana.entry(new, recent)])
        verdict_of("normal-roll", "new-key-published", "new-key-listed")
        stage([new], [new], [iana.entry(old, LONG_AGO, START - DAY_S), iana.entry(new, recent)])
        verdict_of("emergency-roll", "signer-listed", "signed-by-stranger", "anchor-ended")
        assert resolver.status()["held"]
        stage([old, stranger], [stranger], [current])
        verdict_of("failed-roll", "anchor-silent", "anchor-listed")
        assert not resolver.status()["held"]
        stage([stranger], [stranger], [current])
        verdict_of("possible-attack", "no-anchor-published", "anchor-listed")
        expiring = iana.Authority(tmp_path / "expiring", authority, end=datetime.datetime(2026, 4, 1))
        stage([old], [old], [current], by=expiring)
        resolver.set_time(START + 60 * DAY_S)
        verdict_of("clock-problem", "signature-expired", "xml-outside-validity")
        later = START + 200 * DAY_S
        stage([new], [new], [iana.entry(new, LONG_AGO)], later)
        resolver.set_time(later)
        verdict_of("stale-configuration", "signer-listed", "refreshed")


def test_text_for_people(root, tmp_path, authority, site):
    key = Key()
    root.publish(key_set([(key, KSK)], [(key, KSK)], START) + iana.RECORD)
    site.files = iana.under(PATH, authority.files(iana.document(iana.entry(key, LONG_AGO)), START))
    with resolver_for(root, tmp_path, [key.anchor()], START, authority, [HTTP], "false") as resolver:
        resolver.await_first_refresh()
        code, text, _ = vouchctl(resolver.socket, "ta", "check")
        lines = text.splitlines()
        assert code == 0 and lines[0] == "match" and lines[-1] == "What to do: nothing has to be done."
        assert f"  [dns] key {key.tag()} signed the root's DNSKEY set, an anchor here" in lines
        code, text, _ = vouchctl(resolver.socket, "ta", "status")
        assert "in the configuration, in the store, in use, published" in text
        assert "last check    match" in text
