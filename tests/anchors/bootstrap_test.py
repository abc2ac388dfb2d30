"""Trust anchors out of root-anchors.xml: genuine ones, and all kinds that are not (D5-init, RFC 9718)."""

import datetime

import iana
from bootstrap import LONG_AGO, START, bootstrap_with, is_secure, publish, resolver_for
from rolling_root import DAY_S, KSK, REVOKED, Key


def test_files_by_order(root, tmp_path, authority):
    """Each one with a flaw is refused and changes nothing; the good one is taken; what was taken outlives a kill."""
    old, new, other = Key(), Key(), Key()
    now = START
    publish(root, now, [(new, KSK)], [(new, KSK)])
    good = iana.document(iana.entry(new, LONG_AGO))
    files = authority.files(good, now - DAY_S)
    stranger = iana.Authority(tmp_path / "stranger")
    with resolver_for(root, tmp_path, [old.anchor()], now, authority, enabled="false") as resolver:
        def refused(changed, why):
            code, complaints = bootstrap_with(resolver, tmp_path / "files", changed)
            assert (code, why in complaints) == (1, True), complaints
            assert resolver.states() == {old.tag(): "VALID"}

        refused(stranger.files(good, now), "no pinned certification authority")
        refused(stranger.files(good, now) | {iana.BUNDLE: authority.root.pem()}, "its certificates")
        refused(files | {iana.XML: good.replace("validFrom", "validfrom").encode()}, "does not match the document")
        refused(files | {iana.SIGNATURE: files[iana.SIGNATURE][:-9]}, "not a CMS message")
        refused(files | {iana.SIGNATURE: authority.sign(good, now, "-nodetach")}, "not a detached")
        refused(files | {iana.SIGNATURE: authority.sign(good, now, "-md", "sha1")}, "weaker than SHA-256")
        refused(authority.files(good, now + 3 * DAY_S), "yet to come")
        for name, flaws, why in (
                ("mail", {"email": "somebody@iana.org"}, "not that of dnssec@iana.org"),
                ("old", {"end": datetime.datetime(2025, 1, 1)}, "expired"),
                ("young", {"begin": datetime.datetime(2030, 1, 1)}, "not yet valid"),
                ("weak", {"bits": 1024}, "too weak"),
        ):
            flawed = iana.Authority(tmp_path / name, authority, **flaws)
            refused(flawed.files(good, now - DAY_S), why)
        for xml, why in (
                (iana.document(iana.entry(new, LONG_AGO), zone="example."), "another zone than the root"),
                (iana.document(iana.entry(new, LONG_AGO, now - DAY_S)), "is valid now"),
                (iana.document(iana.entry(new, now + DAY_S)), "is valid now"),
                (iana.document(iana.entry(other, LONG_AGO)), "signs the root's DNSKEY set"),
                (iana.document(iana.entry(new, LONG_AGO, Flags=KSK | 0x80)), "DNSKEY"),
                (iana.document(iana.entry(new, LONG_AGO, KeyTag=1)), "not those of its Digest"),
                (iana.document(iana.entry(new, LONG_AGO, Digest="00" * 32)), "not those of its Digest"),
                (iana.document(iana.entry(new, LONG_AGO)) + "<more/>", "junk"),
                ('<!DOCTYPE t [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + good.split("\n", 1)[1],
                 "document type definition"),
        ):
            refused(authority.files(xml, now - DAY_S), why)
        assert not is_secure(resolver)
        assert bootstrap_with(resolver, tmp_path / "files", files) == (0, "")
        assert resolver.states() == {old.tag(): "VALID", new.tag(): "VALID"}
        assert is_secure(resolver)
        older = authority.files(good, now - 2 * DAY_S)
        code, complaints = bootstrap_with(resolver, tmp_path / "files", older)
        assert code == 1 and "before the one that was accepted last" in complaints
        resolver.kill_and_start()
        assert resolver.states()[new.tag()] == "VALID" and is_secure(resolver)
        status = {anchor["key_tag"]: anchor for anchor in resolver.status()["anchors"]}
        assert status[new.tag()]["source"] == "root-anchors.xml"
        assert [status[key.tag()]["in_root_anchors_xml"] for key in (old, new)] == ["absent", "valid"]
        assert [status[key.tag()]["in_file"] for key in (old, new)] == [True, False]
        rows = [(row["what"], row["who"]) for row in resolver.status()["history"] if row["key_tag"] == new.tag()]
        assert rows == [("START -> VALID", "uid 0 (root)")]


def test_a_revoked_key_stays_revoked(root, tmp_path, authority):
    old, new = Key(), Key()
    now = START
    publish(root, now, [(old, REVOKED), (new, KSK)], [(old, REVOKED), (new, KSK)])
    with resolver_for(root, tmp_path, [old.anchor(), new.anchor()], now, authority, enabled="false") as resolver:
        assert resolver.await_first_refresh() == {old.tag(): "REVOKED", new.tag(): "VALID"}
        both = authority.files(iana.document(iana.entry(old, LONG_AGO), iana.entry(new, LONG_AGO)), now)
        assert bootstrap_with(resolver, tmp_path / "files", both)[0] == 0
        assert resolver.states() == {old.tag(): "REVOKED", new.tag(): "VALID"}
