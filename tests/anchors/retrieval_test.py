"""root-anchors.xml from a real web server, good and bad, and the root's keys that nobody here knows (D5-init,
D5-run)."""

import iana
import pytest
from bootstrap import HTTP, HTTPS, LONG_AGO, PATH, START, ask, edes, is_secure, publish, resolver_for, wait_for
from control import objects, vouchctl
from rolling_root import DAY_S, KSK, Key, key_set
from vouchd import run_vouchd, write_config


def bootstrap(resolver):
    code, _, complaints = vouchctl(resolver.socket, "ta", "bootstrap")
    return code, complaints


def test_a_web_server(root, tmp_path, authority, site):
    """Each flaw of the server is told and changes nothing; then it is good."""
    old, new = Key(), Key()
    publish(root, START, [(new, KSK)], [(new, KSK)])
    good = authority.files(iana.document(iana.entry(new, LONG_AGO)), START - DAY_S)
    files = iana.under(PATH, good)
    xml = PATH + iana.XML
    with resolver_for(root, tmp_path, [old.anchor()], START, authority, [HTTPS], "false",
                      **{"tls-authorities": str(site.tls_authorities)}) as resolver:
        def refused(changes, why):
            site.files = files | changes
            code, complaints = bootstrap(resolver)
            assert (code, why in complaints) == (1, True), complaints
            assert resolver.states() == {old.tag(): "VALID"}

        refused({xml: None}, "HTTP status 404")
        refused({PATH + iana.SIGNATURE: None}, "root-anchors.p7s: HTTP status 404")
        refused({xml: iana.truncated(good[iana.XML])}, "root-anchors.xml: ")
        refused({xml: b" " * 65537}, "larger than 65536 octets")
        refused({xml: iana.endless}, "larger than 65536 octets")
        refused({xml: iana.redirect(f"https://data{xml}")}, "too many redirects")
        refused({xml: iana.redirect(f"http://data{xml}")}, "from https to http")
        refused({xml: iana.redirect("file:///etc/passwd")}, "no http or https URL")
        refused({xml: iana.redirect("https://none/")}, "no address of its host")
        refused({xml: good[iana.XML].replace(b"Klajeyz", b"") + b" "}, "does not match the document")
        refused({PATH + iana.BUNDLE: None}, "no pinned certification authority")
        site.files = files | iana.under("/", good) | {xml: iana.redirect(f"https://data/{iana.XML}")}
        assert bootstrap(resolver) == (0, "")
        assert resolver.states() == {old.tag(): "VALID", new.tag(): "VALID"}
        assert is_secure(resolver)


def test_a_slow_web_server(root, tmp_path, authority, site):
    """An octet now and then is no document."""
    old, new = Key(), Key()
    publish(root, START, [(new, KSK)], [(new, KSK)])
    site.files = {PATH + iana.XML: iana.slow}
    with resolver_for(root, tmp_path, [old.anchor()], START, authority, [HTTP], "false", timeout="1s") as resolver:
        code, complaints = bootstrap(resolver)
        assert code == 1 and "root-anchors.xml: " in complaints and "imed out" in complaints


def test_the_next_source_is_tried(root, tmp_path, authority, site):
    """A web server whose own certificate nobody vouches for, then plain HTTP: the signature decides."""
    old, new = Key(), Key()
    publish(root, START, [(new, KSK)], [(new, KSK)])
    files = authority.files(iana.document(iana.entry(new, LONG_AGO)), START - DAY_S)
    site.files = iana.under(PATH, files)
    with resolver_for(root, tmp_path, [old.anchor()], START, authority, [HTTPS], "false") as resolver:
        code, complaints = bootstrap(resolver)
        assert code == 1 and "certificate" in complaints and not site.asked
    directory = tmp_path / "second"
    directory.mkdir()
    with resolver_for(root, directory, [old.anchor()], START, authority, [HTTPS, HTTP], "false") as resolver:
        assert bootstrap(resolver) == (0, "")
        check = objects(resolver.socket, "ta", "check")[0]
        assert check["root_anchors_xml"]["source"] == HTTP and check["verdict"] == "match"


@pytest.mark.parametrize("days", [2, 20, 200])
def test_a_machine_that_slept_in_the_middle_of_a_roll(root, tmp_path, authority, site, days):
    """By RFC 5011 where that can be, else by bootstrap, without anybody's help."""
    old, new = Key(), Key()
    before, after = START, START + days * DAY_S
    publish(root, before, [(old, KSK), (new, KSK)], [(old, KSK)])
    site.files = iana.under(PATH, authority.files(
        iana.document(iana.entry(old, LONG_AGO, after + DAY_S), iana.entry(new, LONG_AGO)), before))
    with resolver_for(root, tmp_path, [old.anchor()], before, authority, [HTTP]) as resolver:
        assert resolver.await_first_refresh() == {old.tag(): "VALID", new.tag(): "ADDPEND"}
        assert not site.asked
        resolver.kill_and_start(lambda: (publish(root, after, [(new, KSK)], [(new, KSK)]), resolver.set_time(after)))
        wait_for(lambda: resolver.states().get(new.tag()) == "VALID", resolver)
        wait_for(lambda: is_secure(resolver), resolver)
        assert resolver.metric('vouch_anchor_bootstraps_total{result="done"}') == 1
        rows = [(row["what"], row["who"]) for row in resolver.status()["history"] if row["key_tag"] == new.tag()]
        assert rows[0] == ("ADDPEND -> VALID", "bootstrap")
        wait_for(lambda: not resolver.status()["held"], resolver)


def test_no_key_is_known_and_none_can_be_had(root, tmp_path, authority):
    """Validation is held with EDE 14, CD=1 goes on, nothing ends; good keys end it."""
    old, new = Key(), Key()
    publish(root, START, [(new, KSK)], [(new, KSK)])
    with resolver_for(root, tmp_path, [old.anchor()], START, authority, enabled="auto") as resolver:
        wait_for(lambda: resolver.status()["held"], resolver)
        assert edes(ask(resolver)) == [(14, "anchors")]
        bare = ask(resolver, checking_disabled=True)
        assert bare.rcode() == 0 and bare.answer and not bare.flags & 0x20
        assert resolver.metric("vouch_anchor_held") == 1
        assert "validation is held" in resolver.vouchd.log()
        assert resolver.vouchd.is_running()
        publish(root, START, [(old, KSK)], [(old, KSK)])
        objects(resolver.socket, "ta", "refresh")
        wait_for(lambda: not resolver.status()["held"], resolver)
        assert is_secure(resolver)


def test_a_reload_brings_what_bootstrap_lacked(root, tmp_path, authority, site):
    """trust.bootstrap.* count as soon as they are read again: at once, not when the next try is due."""
    old, new = Key(), Key()
    publish(root, START, [(new, KSK)], [(new, KSK)])
    site.files = iana.under(PATH, authority.files(iana.document(iana.entry(new, LONG_AGO)), START))
    with resolver_for(root, tmp_path, [old.anchor()], START, authority, [HTTP], enabled="false") as resolver:
        wait_for(lambda: resolver.status()["held"], resolver)
        assert not site.asked
        path = resolver.vouchd.config_path
        path.write_text(path.read_text().replace("enabled: 'false'", "enabled: 'true'"))
        objects(resolver.socket, "reload")
        wait_for(lambda: resolver.states().get(new.tag()) == "VALID", resolver)
        wait_for(lambda: not resolver.status()["held"], resolver)
        assert is_secure(resolver)


def test_a_bad_signature_holds_nothing(root, tmp_path, authority):
    """The near miss: the anchor is published, so the set is bogus and not unknown."""
    key, other = Key(), Key()
    lines = key_set([(key, KSK), (other, KSK)], [(other, KSK)], START)
    root.publish(lines + iana.RECORD)
    with resolver_for(root, tmp_path, [key.anchor()], START, authority) as resolver:
        wait_for(lambda: resolver.metric("vouch_anchor_inquiries_total") > 0, resolver)
        assert not resolver.status()["held"]
        assert 14 not in [code for code, _ in edes(ask(resolver))]


def test_a_start_without_any_anchor(root, tmp_path, authority, site):
    """With bootstrap asked for, the first answer waits for it; without, exit 69 says what to do (D5-model)."""
    new = Key()
    publish(root, START, [(new, KSK)], [(new, KSK)])
    site.files = iana.under(PATH, authority.files(iana.document(iana.entry(new, LONG_AGO)), START - DAY_S))
    with resolver_for(root, tmp_path, [], START, authority, [HTTP]) as resolver:
        wait_for(lambda: is_secure(resolver), resolver)
        assert resolver.states() == {new.tag(): "VALID"}
    directory = tmp_path / "without"
    directory.mkdir()
    config = write_config(directory, {"trust": {"anchors": []}})
    code, log = run_vouchd(["-c", config])
    assert code == 69 and "trust.anchor-files" in log and "trust.bootstrap.enabled" in log
