#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/manual.h"
#include "config/option.h"
#include "config/testing.h"
#include "message/testing.h"

static struct config *loaded(const char *text)
{
    struct config *config;
    struct config_error error;
    if (load_text(text, &config, &error) != OK)
        fail_msg("%s\n%s", text, error.text);
    return config;
}

/* ---- what is good ---- */

static const struct {
    const char *text, *printed; /* a line that --print-config has then */
} good[] = {
    { "", "\nworkers: auto\n" },
    { "# nothing but a comment\n", "\nworkers: auto\n" },
    { "---\nworkers: 3\n...\n", "\nworkers: 3\n" },
    { "\xef\xbb\xbfworkers: 3\n", "\nworkers: 3\n" }, /* a byte order mark */
    { "cache:\n  # size: 1GiB\n", "  size: 256MiB\n" },
    { "cache: {}\n", "  size: 256MiB\n" },
    { "cache: { size: 1048576KiB }\n", "  size: 1GiB\n" },
    { "cache: { max-ttl: 90m }\n", "  max-ttl: 90m\n" },
    { "cache: { max-ttl: 86400s }\n", "  max-ttl: 1d\n" },
    { "cache: { keep-expired: 0m }\n", "  keep-expired: 0s\n" },
    { "listen: [192.0.2.1, \"2001:db8::1@5353\"]\n", "listen: [192.0.2.1@53, \"2001:db8::1@5353\"]\n" },
    { "listen: [\"::ffff:192.0.2.1\"]\n", "listen: [192.0.2.1@53]\n" },
    { "allow:\n- 0.0.0.0/0\n- ::/0\n", "allow: [0.0.0.0/0, \"::/0\"]\n" },
    { "allow: []\n", "allow: []\n" },
    { "user: 'vouch'\n", "user: vouch\n" },
    { "control-socket: none\n", "control-socket: none\n" },
    { "control: { admins: [root, 1000] }\n", "  admins: [root, 1000]\n" },
    { "answers: { edns-size: 4096 }\n", "  edns-size: 4096\n" }, /* R4.1-a */
    { "answers: { edns-size: 1220 }\n", "  edns-size: 1220\n" },
    { "validation: { nsec3-iterations: 150 }\n", "  nsec3-iterations: 150\n" }, /* RFC 9276 */
    { "validation: { algorithms: { allow: [5, rsasha1-nsec3-sha1], deny: [ED448] } }\n",
      "    allow: [RSASHA1, RSASHA1-NSEC3-SHA1]\n    deny: [ED448]\n" }, /* D8 */
    { "validation: { digests: { deny: [SHA-1, 4] } }\n", "    deny: [1, 4]\n" },
    { "resolver: { forward: [{ zone: corp.example, to: [192.0.2.1], mode: first }] }\n",
      "  forward: [{ zone: corp.example., to: [192.0.2.1@53], mode: first }]\n" },
    { "resolver: { forward: [{ to: [192.0.2.1], zone: . }] }\n",
      "  forward: [{ zone: ., to: [192.0.2.1@53], mode: only }]\n" },
    { "resolver: { stub: [{ zone: ., to: [\"::1@5300\", 127.0.0.1@1] }] }\n",
      "  stub: [{ zone: ., to: [\"::1@5300\", 127.0.0.1@1], mode: only }]\n" },
    { "resolver: { stub: [{ zone: a., to: [192.0.2.1], mode: first, transport: tcp, cache: false }], "
      "transport: tcp }\n",
      "  stub: [{ zone: a., to: [192.0.2.1@53], mode: first, transport: tcp, cache: false }]\n" },
    { "resolver: { nat64: \"2001:db8::/96\", query-never: [192.0.2.0/24] }\n", "  nat64: \"2001:db8::/96\"\n" },
    { "resolver: { client-strings: [{ to: 192.0.2.0/24, text: a b }], client-string-code: 65432 }\n",
      "  client-strings: [{ to: 192.0.2.0/24, text: \"a b\" }]\n" },
    { "answers: { private-addresses: [10.0.0.0/8], private-domains: [corp.example.] }\n",
      "  private-addresses: [10.0.0.0/8]\n" },
    { "cache: { min-ttl: 5s, min-negative-ttl: 1m }\n", "  min-negative-ttl: 1m\n" },
    { "cache: { dname-grace: 5s }\n", "  dname-grace: 5s\n" },
    { "answers: { minimal: false, tc-for-ns: true }\n", "  tc-for-ns: true\n" },
    { "answers: { yxdomain-without-ad: true }\n", "  yxdomain-without-ad: true\n" },
    { "answers: { dns64-reverse: direct }\n", "  dns64-reverse: direct\n" },
    { "resolver: { drop-malformed: true }\n", "  drop-malformed: true\n" },
    { "resolver: { more-addresses: true }\n", "  more-addresses: true\n" },
    { "trust: { model: configured, anchors: [] }\n", "  anchors: []\n" },
    { "trust: { bootstrap: { enabled: true } }\n", "    enabled: true\n" },
    { "trust: { bootstrap: { sources: [\"file:///srv/anchors/\", \"http://[2001:db8::1]/\"] } }\n",
      "    sources: [\"file:///srv/anchors/\", \"http://[2001:db8::1]/\"]\n" },
    { "trust: { bootstrap: { authorities: icann, signer: a@b.example, tls-authorities: /etc/ca.pem, timeout: 1m } }\n",
      "    signer: a@b.example\n" },
    { "trust: { negative: [{ zone: example., until: 2026-11-22T01:00:00+01:00, reason: \"a \\\"b\\\"\\n\\u00e9\" }] "
      "}\n",
      "  negative: [{ zone: example., until: \"2026-11-22T00:00:00Z\", reason: \"a \\\"b\\\"\\U0000000a\\U000000e9\" "
      "}]\n" },
    { "trust: { insecure: [{ zone: b.corp.example. }] }\nresolver: { stub: [{ zone: corp.example., to: [192.0.2.1] }] "
      "}\n",
      "  insecure: [{ zone: b.corp.example. }]\n" },
    { "trust: { insecure: [{ zone: b.corp.example. }] }\nlocal: { zones: [{ zone: corp.example., type: static }] }\n",
      "  insecure: [{ zone: b.corp.example. }]\n" },
    { "time: { floor: stored }\n", "  floor: stored\n" },
    { "time: { floor: 2026-01-01T00:00:00Z }\n", "  floor: \"2026-01-01T00:00:00Z\"\n" },
    /* what is not there yet, switched off */
    { "self-test: { interval: never }\n", "  interval: never\n" },
    { "trust: { automatic-update: false, signal-anchors: false }\n", "  automatic-update: false\n" },
    { "cache: { max-bogus-ttl: 10s }\n", "  max-bogus-ttl: 10s\n" },
    { "resolver: { nxdomain-cut: false }\n", "  nxdomain-cut: false\n" },
    { "resolver: { aggressive-nsec: { enabled: false, except: [Example, b.example.] } }\n",
      "    except: [Example., b.example.]\n" },
    { "resolver: { serve-stale: { enabled: false, max-age: 3h, client-timeout: 0s, on-bogus: true }, prefetch: false "
      "}\n",
      "    max-age: 3h\n" },
    { "resolver: { serve-stale: { enabled: false }, cookies: false,\n"
      "            prefetch: false, prime-root: false }\n",
      "  prime-root: false\n" },
    { "answers: { cookies: false, identity: none, nsid: none, dns64: none }\n", "  cookies: false\n" },
    { "rate-limit: {}\n", "rate-limit: {}\n" },
    { "time: { servers: [192.0.2.1, \"2001:db8::1@1123\"] }\n", "  servers: [192.0.2.1@123, \"2001:db8::1@1123\"]\n" },
    { "time: { servers: [{ address: 192.0.2.1, nts: Time.example. }] }\n",
      "  servers: [{ address: 192.0.2.1@4460, nts: Time.example }]\n" }, /* D4-run-d */
    { "time: { nts-ca: /etc/ca.pem }\n", "  nts-ca: /etc/ca.pem\n" },
    { "time: { servers: [], floor: none, on-unfit: warn, max-offset: 90s }\n", "  max-offset: 90s\n" },
    { "validation: { report-errors: false, signal-algorithms: false }\n", "  report-errors: false\n" },
    { "cache: { file: none }\n", "  file: none\n" },
};

static void good_files_are_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct config *config = loaded(good[i].text);
        char *printed = print_text(config);
        if (strstr(printed, good[i].printed) == NULL)
            fail_msg("%s\nlacks: %s\n%s", good[i].text, good[i].printed, printed);
        free(printed);
        config_free(config);
    }
}

/* What is printed is a configuration that means the same. */
static void printing_can_be_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct config *config = loaded(good[i].text);
        char *printed = print_text(config);
        struct config *again = loaded(printed);
        char *printed_again = print_text(again);
        assert_string_equal(printed, printed_again);
        free(printed_again);
        config_free(again);
        free(printed);
        config_free(config);
    }
}

/* ---- what is not ---- */

#define ADDRESSES "a list of addresses such as 192.0.2.1 or \"2001:db8::1@53\""
#define STUBS                                                                                                          \
    "a list of { zone: example., to: [192.0.2.1@53], names: [], mode: only, transport: udp, cache: true, "             \
    "prime: false } (or first, tcp, false, true)"

static const struct {
    const char *text, *error; /* behind the name of the file */
} bad[] = {
    /* not YAML, or more of it than is wanted */
    { "cache: {\n", ":2: did not find expected node content" },
    { "cache:\n\tsize: 1GiB\n", ":2: a tab: YAML is indented with spaces" },
    { "user: a\nuser: \xff\n", ":2: not UTF-8 text: invalid leading UTF-8 octet" },
    { "user: \"a\\0b\"\n", ":1: a NUL character in a text" },
    { "allow: &a [127.0.0.1]\n", ":1: anchors and tags are not supported" },
    { "cache: &a {}\n", ":1: anchors and tags are not supported" },
    { "user: !!str a\n", ":1: anchors and tags are not supported" },
    { "allow: *a\n", ":1: aliases are not supported" },
    { "? [a]\n: b\n", ":1: a key must be plain text" },
    { "user: a\n---\nuser: b\n", ":2: a second document" },
    { "a: {b: {c: {d: {e: {f: {g: {h: {i: j}}}}}}}}\n", ":1: nested too deeply" },
    { "[listen]\n", ":1: expected keys such as listen, got a list" },
    { "listen\n", ":1: expected keys such as listen, got \"listen\"" },
    /* keys */
    { "\nfrobnicate: [127.0.0.1]\n", ":2: frobnicate: unknown key" },
    { "lisen: [127.0.0.1]\n", ":1: lisen: unknown key, did you mean listen?" },
    { "cach: { size: 1GiB }\n", ":1: cach: unknown key, did you mean cache?" },
    { "cahce: { size: 1GiB }\n", ":1: cahce: unknown key, did you mean cache?" },
    { "cache: { seize: 1GiB }\n", ":1: cache.seize: unknown key, did you mean cache.size?" },
    { "max-ttl: 1d\n", ":1: max-ttl: unknown key, did you mean cache.max-ttl?" },
    { "\"a\\e[31m\": 1\n", ":1: a\\027[31m: unknown key" },
    { "user: a\nlog-level: info\nuser: b\n", ":3: user: written twice, first in line 1" },
    { "cache: { size: 1GiB }\ncache: { size: 2GiB }\n", ":2: cache.size: written twice, first in line 1" },
    { "cache: 1GiB\n", ":1: cache: expected a group of keys, got \"1GiB\"" },
    { "log-level: { a: b }\n", ":1: log-level: expected error, warning, info or debug, got a group of keys" },
    /* values */
    { "log-level:\n", ":1: log-level: expected error, warning, info or debug, got nothing" },
    { "log-level: loud\n", ":1: log-level: expected error, warning, info or debug, got \"loud\"" },
    { "workers: 0\n", ":1: workers: expected a number from 1 to 64, or auto, got \"0\"" },
    { "workers: 0x10\n", ":1: workers: expected a number from 1 to 64, or auto, got \"0x10\"" },
    { "workers: 99999999999999999999\n",
      ":1: workers: expected a number from 1 to 64, or auto, got \"99999999999999999999\"" },
    { "cache: { size: big }\n",
      ":1: cache.size: expected a size such as 512KiB, 256MiB or 2GiB, from 1MiB to 1024GiB, got \"big\"" },
    { "cache: { size: 256MB }\n",
      ":1: cache.size: expected a size such as 512KiB, 256MiB or 2GiB, from 1MiB to 1024GiB, got \"256MB\"" },
    { "cache: { dname-grace: 6s }\n",
      ":1: cache.dname-grace: expected a duration such as 30s, 5m, 3h or 1d, from 0s to 5s, got \"6s\"" },
    { "cache: { max-ttl: 3600 }\n",
      ":1: cache.max-ttl: expected a duration such as 30s, 5m, 3h or 1d, from 1s to 7d, got \"3600\"" },
    { "cache: { max-ttl: 1500ms }\n",
      ":1: cache.max-ttl: expected a duration such as 30s, 5m, 3h or 1d, from 1s to 7d, got \"1500ms\"" },
    { "cache: { max-ttl: 8d }\n",
      ":1: cache.max-ttl: expected a duration such as 30s, 5m, 3h or 1d, from 1s to 7d, got \"8d\"" },
    { "cache: { max-ttl: 9223372036854775807d }\n",
      ":1: cache.max-ttl: expected a duration such as 30s, 5m, 3h or 1d, from 1s to 7d, got "
      "\"9223372036854775807d\"" },
    { "answers: { ede: yes }\n", ":1: answers.ede: expected true or false, got \"yes\"" },
    { "answers: { edns-size: 1219 }\n",
      ":1: answers.edns-size: expected a number from 1220 to 4096, got \"1219\"" }, /* RFC 4035 section 4.1 */
    { "resolver: { edns-size: 512 }\n", ":1: resolver.edns-size: expected a number from 1220 to 4096, got \"512\"" },
    { "validation: { nsec3-iterations: 151 }\n",
      ":1: validation.nsec3-iterations: expected a number from 0 to 150, got \"151\"" }, /* RFC 9276 section 3.2 */
    { "user: ''\n", ":1: user: expected a text of at most 32 octets, or none, got \"\"" },
    { "state-directory: var\n", ":1: state-directory: expected an absolute path of at most 4095 octets, got \"var\"" },
    { "listen: 127.0.0.1\n", ":1: listen: expected " ADDRESSES ", got \"127.0.0.1\"" },
    { "listen:\n- 127.0.0.1\n- localhost\n", ":3: listen: expected " ADDRESSES ", got \"localhost\"" },
    { "listen: [127.0.0.1@0]\n", ":1: listen: expected " ADDRESSES ", got \"127.0.0.1@0\"" },
    { "listen: [127.0.0.1@65536]\n", ":1: listen: expected " ADDRESSES ", got \"127.0.0.1@65536\"" },
    { "listen: [[127.0.0.1]]\n", ":1: listen: expected " ADDRESSES ", got a list" },
    { "listen: []\n", ":1: listen: expected 1 to 256 addresses" },
    { "listen: [\"::1\", \"0::1@53\"]\n", ":1: listen: ::1@53 is listed twice" },
    { "allow: [10.0.0.1/8]\n",
      ":1: allow: expected a list of networks such as 192.0.2.0/24 or \"2001:db8::/32\", without host bits, got "
      "\"10.0.0.1/8\"" },
    { "control: { admins: [no-such-user-here] }\n",
      ":1: control.admins: expected a user's name or number, got \"no-such-user-here\"" },
    { "control: { admins: [4294967295] }\n", /* (uid_t)-1 */
      ":1: control.admins: expected a user's name or number, got \"4294967295\"" },
    { "validation: { algorithms: { deny: [rsasha999] } }\n",
      ":1: validation.algorithms.deny: expected a list of algorithms by number or mnemonic, such as 13 or "
      "ECDSAP256SHA256, got \"rsasha999\"" },
    { "validation: { digests: { deny: [256] } }\n",
      ":1: validation.digests.deny: expected a list of DS digest types by number or mnemonic, such as 2 or SHA-256, "
      "got \"256\"" },
    { "user: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
      ":1: user: expected a text of at most 32 octets, or none, got "
      "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\"" },
    /* zones */
    { "resolver: { stub: [{ zone: a. }] }\n", ":1: resolver.stub: to: expected " ADDRESSES ", got nothing" },
    { "resolver: { stub: [{ zone: a., to: [] }] }\n", ":1: resolver.stub: to: expected " ADDRESSES ", got a list" },
    { "resolver: { stub: [{ zone: a., to: [ns.a.] }] }\n",
      ":1: resolver.stub: to: expected " ADDRESSES ", got \"ns.a.\"" },
    { "resolver: { stub: [{ to: [192.0.2.1] }] }\n", ":1: resolver.stub: zone: expected a domain name, got nothing" },
    { "resolver: { stub: [{ zone: a..b, to: [192.0.2.1] }] }\n",
      ":1: resolver.stub: zone: expected a domain name, got \"a..b\"" },
    { "resolver: { stub: [{ zone: a., to: [192.0.2.1], way: only }] }\n",
      ":1: resolver.stub: unknown key \"way\", expected " STUBS },
    { "resolver: { stub: [{ zone: a., to: [192.0.2.1], transport: tls }] }\n",
      ":1: resolver.stub: transport: expected udp or tcp, got \"tls\"" },
    { "resolver: { client-strings: [{ to: a, text: b }] }\n",
      ":1: resolver.client-strings: to: expected a network such as 192.0.2.0/24, got \"a\"" },
    { "resolver: { client-strings: [{ to: 192.0.2.0/24 }] }\n",
      ":1: resolver.client-strings: text: expected a text of at most 255 octets, got nothing" },
    { "resolver: { client-string-code: 12 }\n",
      ":1: resolver.client-string-code: expected a number from 65001 to 65534, got \"12\"" },
    { "resolver: { stub: [{ zone: a., zone: b., to: [192.0.2.1] }] }\n", ":1: resolver.stub: zone is written twice" },
    { "resolver: { stub: [a.] }\n", ":1: resolver.stub: expected " STUBS ", got \"a.\"" },
    { "resolver: { forward: [{ zone: a., to: [192.0.2.1], mode: maybe }] }\n",
      ":1: resolver.forward: mode: expected only or first, got \"maybe\"" },
    { "resolver: { forward: [{ zone: a., to: [192.0.2.1] }], stub: [{ zone: A, to: [192.0.2.1] }] }\n",
      ":1: resolver.stub: A. is a forward or stub zone twice" },
    { "resolver: { root-hints: /nonexistent/hints }\n",
      ":1: resolver.root-hints: cannot read /nonexistent/hints: No such file or directory" },
    { "resolver: { root-hints: /dev/null }\n",
      ":1: resolver.root-hints: /dev/null: no address of a root server in it" },
    /* trust */
    { "trust: { anchors: root }\n", ":1: trust.anchors: expected a list of texts, or built-in, got \"root\"" },
    { "trust:\n  anchors:\n  - . IN A 192.0.2.1\n",
      ":3: trust.anchors: expected a DS or DNSKEY record not listed yet, got \". IN A 192.0.2.1\"" },
    { "trust: { anchors: [\". IN DS 1 8 2\"] }\n", ":1: trust.anchors: expected a DS or DNSKEY record, got \". IN DS 1 "
                                                   "8 2\": line 1: no trust anchor: malformed DS" },
    { "trust: { bootstrap: { enabled: maybe } }\n",
      ":1: trust.bootstrap.enabled: expected auto, true or false, got \"maybe\"" },
    { "trust: { bootstrap: { sources: [\"https://data.example/anchors\"] } }\n",
      ":1: trust.bootstrap.sources: expected an http, https or file URL that ends with \"/\", got "
      "\"https://data.example/anchors\"" },
    { "trust: { bootstrap: { sources: [\"ftp://data.example/\"] } }\n",
      ":1: trust.bootstrap.sources: expected an http, https or file URL that ends with \"/\", got "
      "\"ftp://data.example/\"" },
    { "trust: { bootstrap: { sources: [\"https://user:word@data.example/\"] } }\n",
      ":1: trust.bootstrap.sources: expected an http, https or file URL that ends with \"/\", got "
      "\"https://user:word@data.example/\"" },
    { "trust: { bootstrap: { authorities: [\"AE:E8\"] } }\n",
      ":1: trust.bootstrap.authorities: expected the SHA-256 fingerprint of a certificate, got \"AE:E8\"" },
    { "trust: { bootstrap: { timeout: 2m } }\n",
      ":1: trust.bootstrap.timeout: expected a duration such as 1800ms, 30s or 5m, from 1s to 1m, got \"2m\"" },
    { "trust: { anchor-files: [anchors] }\n",
      ":1: trust.anchor-files: expected a list of absolute paths, got \"anchors\"" },
    { "trust: { anchor-files: [/nonexistent/anchors] }\n",
      ":1: trust.anchor-files: cannot read /nonexistent/anchors: No such file or directory" },
    { "trust: { negative: [{ zone: a. }] }\n", /* RFC 7646 section 2.1: they end */
      ":1: trust.negative: until: expected a time such as 2026-12-01T00:00:00Z, got nothing" },
    { "trust: { negative: [{ zone: ., until: 2026-12-01T00:00:00Z }] }\n",
      ":1: trust.negative: zone: expected a zone below the root: without the root nothing would be validated" },
    { "trust: { negative: [{ zone: a., until: 2026-02-29T00:00:00Z }] }\n",
      ":1: trust.negative: until: expected a time such as 2026-12-01T00:00:00Z, got \"2026-02-29T00:00:00Z\"" },
    { "trust: { insecure: [{ zone: corp.example. }] }\n", /* D6-only */
      ":1: trust.insecure: expected a zone at or below one of resolver.forward, resolver.stub or local.zones (that "
      "are not resolved), and not the root, got corp.example." },
    { "trust: { insecure: [{ zone: b.corp.example. }] }\nlocal: { zones: [{ zone: corp.example., type: transparent }] "
      "}\n",
      ":1: trust.insecure: expected a zone at or below one of resolver.forward, resolver.stub or local.zones (that "
      "are not resolved), and not the root, got b.corp.example." },
    { "trust: { insecure: [{ zone: b.a.corp.example. }] }\nlocal: { zones: [{ zone: corp.example., type: static }, { "
      "zone: a.corp.example., type: transparent }] "
      "}\n",
      ":1: trust.insecure: expected a zone at or below one of resolver.forward, resolver.stub or local.zones (that "
      "are not resolved), and not the root, got b.a.corp.example." },
    { "trust: { insecure: [{ zone: . }] }\nresolver: { forward: [{ zone: ., to: [192.0.2.1] }] }\n",
      ":1: trust.insecure: expected a zone at or below one of resolver.forward, resolver.stub or local.zones (that "
      "are not resolved), and not the root, got ." },
    { "answers: { nsid: 0x123 }\n", ":1: answers.nsid: expected a text, or 0x and digits, of at most 128 octets" },
    { "answers: { cookie-secrets: [0123] }\n", ":1: answers.cookie-secrets: expected 32 hexadecimal digits" },
    { "answers: { cookie-secrets: [a, a, a, a, a] }\n", ":1: answers.cookie-secrets: expected at most 4 items" },
    /* what is not there yet */
    { "answers: { cookies: maybe }\n", ":1: answers.cookies: expected true or false, got \"maybe\"" },
    { "resolver: { serve-stale: { client-timeout: 11s } }\n",
      ":1: resolver.serve-stale.client-timeout: expected a duration such as 30s, 5m, 3h or 1d, from 0s to 10s, got "
      "\"11s\"" },
    { "resolver: { aggressive-nsec: { except: [a..b] } }\n",
      ":1: resolver.aggressive-nsec.except: expected a list of domain names, got \"a..b\"" },
    { "rate-limit: { a: 1 }\n", ":1: rate-limit: not available yet: expected {}, got {...}" },
    { "rate-limit: 5\n", ":1: rate-limit: expected a group of keys, got \"5\"" },
    { "self-test: { interval: often }\n",
      ":1: self-test.interval: expected a duration such as 30s, 5m, 3h or 1d, from 1m to 7d, or never, got \"often\"" },
    { "time: { servers: [{ address: 192.0.2.1 }] }\n",
      ":1: time.servers: nts: expected the name in the server's certificate, got nothing" },
    { "time: { servers: [{ address: 192.0.2.1, nts: 'a b.example' }] }\n",
      ":1: time.servers: nts: expected the name in the server's certificate, got \"a b.example\"" },
    { "time: { servers: [{ address: time.example, nts: time.example }] }\n",
      ":1: time.servers: address: expected an address such as 192.0.2.1, got \"time.example\"" },
    { "time: { nts-ca: ca.pem }\n",
      ":1: time.nts-ca: expected an absolute path of at most 4095 octets, or system, got \"ca.pem\"" },
    { "time: { servers: [time.example] }\n", /* D4-init-a: a name would have to be resolved */
      ":1: time.servers: expected a list of addresses such as 192.0.2.1 or \"2001:db8::1@123\", or of { address: "
      "192.0.2.1, nts: time.example }, got \"time.example\"" },
    { "time: { floor: yesterday }\n",
      ":1: time.floor: expected stored, build, a time such as 2026-12-01T00:00:00Z, or none, got \"yesterday\"" },
    { "time: { max-offset: 999ms }\n",
      ":1: time.max-offset: expected a duration such as 30s, 5m, 3h or 1d, from 1s to 1d, got \"999ms\"" },
    { "trust: { automatic-update: maybe }\n", ":1: trust.automatic-update: expected true or false, got \"maybe\"" },
};

static void bad_files_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct config *config;
        struct config_error error;
        if (load_text(bad[i].text, &config, &error) == OK)
            fail_msg("%s\nis taken", bad[i].text);
        assert_null(config);
        if (strncmp(error.text, "FILE", 4) != 0 || strcmp(error.text + 4, bad[i].error) != 0)
            fail_msg("%s\nexpected: FILE%s\ngot:      %s", bad[i].text, bad[i].error, error.text);
    }
}

static void large_files_are_refused(void **state)
{
    (void)state;
    struct config *config;
    struct config_error error;
    char *text = memory_new(TREE_OCTETS_MAX + 2, 1);
    memset(text, '#', TREE_OCTETS_MAX);
    config_free(loaded(text));
    text[TREE_OCTETS_MAX] = '#';
    assert_int_equal(load_text(text, &config, &error), ERR_FORMAT);
    assert_string_equal(error.text, "FILE:1: larger than 1 MiB");
    free(text);
}

static void long_lists_are_refused(void **state)
{
    (void)state;
    struct config *config;
    struct config_error error;
    char *text = memory_new(64 + 16 * (LIST_ITEMS_MAX + 1), 1), *at = stpcpy(text, "allow: [");
    for (int i = 0; i <= LIST_ITEMS_MAX; i++)
        at = stpcpy(at, "192.0.2.1, ");
    stpcpy(at, "192.0.2.1]");
    assert_int_equal(load_text(text, &config, &error), ERR_FORMAT);
    assert_string_equal(error.text, "FILE:1: allow: expected at most 4096 items");
    free(text);
}

static void an_unreadable_file_is_an_error_of_the_system(void **state)
{
    (void)state;
    struct config *config;
    struct config_error error;
    assert_int_equal(config_load("/nonexistent/vouch.yaml", test_now, &config, &error), ERR_SYSTEM);
    assert_int_equal(errno, ENOENT);
    assert_string_equal(error.text, "/nonexistent/vouch.yaml: cannot be read: No such file or directory");
}

/* ---- what it means ---- */

static void defaults_are_those_of_the_contract(void **state)
{
    (void)state;
    struct config *config;
    struct config_error error;
    size_t anchors;
    assert_int_equal(config_load(NULL, test_now, &config, &error), OK);
    assert_null(config->path);
    assert_int_equal(config->listen_count, 2);
    assert_true(config->listen[0].is_default && config->listen[1].is_default);
    assert_int_equal(config->listen[1].address.family, 6);
    assert_int_equal(config->listen[1].address.port, 53);
    assert_int_equal(config->front.allow_count, 2);
    assert_int_equal(config->workers, 0);
    assert_null(config->user);
    assert_string_equal(config->state_directory, "/var/lib/vouch");
    assert_false(config->state_required);
    assert_string_equal(config->control_socket, CONTROL_SOCKET_DEFAULT);
    assert_int_equal(config->log_level, LOG_LEVEL_INFO);
    assert_int_equal(config->cache.size_octets, 256 << 20);
    assert_int_equal(config->cache.max_ttl_s, 86400);
    assert_int_equal(config->cache.max_negative_ttl_s, 10800);
    assert_int_equal(config->cache.keep_expired_s, 86400);
    assert_string_equal(config->cache.file, "/run/vouch/cache");
    assert_true(config->cache.signature_ttl_cap);
    assert_int_equal(config->answers.edns_octets, 1232);
    assert_true(config->answers.minimal && config->answers.ede && config->front.cookies.enabled);
    assert_true(config->front.identity == NULL && config->front.version == NULL && config->front.nsid.len == 0);
    assert_int_equal(config->resolver.root_hints->server_count, 13);
    assert_true(config->resolver.prime_root && config->resolver.ask_ipv4 && config->resolver.ask_ipv6);
    assert_int_equal(config->resolver.minimisation, MINIMISATION_RELAXED);
    assert_int_equal(config->resolver.minimisation_type, TYPE_A);
    assert_true(config->resolver.random_case && config->resolver.special_use_names);
    assert_int_equal(config->resolver.edns_octets, 1232);
    assert_int_equal(config->resolver.zone_rule_count, 0);
    assert_int_equal(config->crypto.nsec3_iterations, 50);
    assert_int_equal(config->trust_model, TRUST_MODEL_ROOT);
    trust_anchors(config->trust, &anchors);
    assert_int_equal(anchors, 2);
    config_free(config);
}

static void values_arrive_where_they_belong(void **state)
{
    (void)state;
    struct config *config =
        loaded("listen: [192.0.2.1@5353]\n"
               "workers: 7\n"
               "user: nobody\n"
               "state: required\n"
               "control-socket: none\n"
               "control: { admins: [0, 65534] }\n"
               "log-level: debug\n"
               "cache: { size: 3GiB, max-ttl: 2h, max-negative-ttl: 1m, keep-expired: 0s }\n"
               "answers: { edns-size: 1400, minimal: false, ede: false, cookies: false, nsid: 0x00ff,\n"
               "  identity: here, require-cookie: [192.0.2.0/24],\n"
               "  cookie-secrets: [000102030405060708090a0b0c0d0e0f, "
               "ffffffffffffffffffffffffffffffff] }\n"
               "resolver:\n"
               "  prime-root: false\n"
               "  ask-ipv6: false\n"
               "  qname-minimisation: strict\n"
               "  minimisation-type: ns\n"
               "  query-case: preserve\n"
               "  edns-size: 1220\n"
               "  query-private: [127.0.0.0/8]\n"
               "  forward: [{ zone: a., to: [192.0.2.1, 192.0.2.2@54], mode: first }]\n"
               "  stub: [{ zone: b., to: [192.0.2.3], cache: false }]\n"
               "validation:\n"
               "  algorithms: { allow: [5, 7], deny: [16] }\n"
               "  digests: { allow: [4], deny: [1] }\n"
               "  nsec3-iterations: 0\n"
               "  signature-ttl-cap: false\n"
               "local: { special-use-names: false }\n");
    assert_int_equal(config->listen_count, 1);
    assert_false(config->listen[0].is_default);
    assert_int_equal(config->listen[0].address.port, 5353);
    assert_int_equal(config->workers, 7);
    assert_string_equal(config->user, "nobody");
    assert_true(config->state_required);
    assert_null(config->control_socket);
    assert_int_equal(config->control_admin_count, 2);
    assert_int_equal(config->control_admins[1], 65534);
    assert_int_equal(config->log_level, LOG_LEVEL_DEBUG);
    assert_true(config->cache.size_octets == UINT64_C(3) << 30);
    assert_int_equal(config->cache.max_ttl_s, 7200);
    assert_int_equal(config->cache.max_negative_ttl_s, 60);
    assert_int_equal(config->cache.keep_expired_s, 0);
    assert_false(config->cache.signature_ttl_cap);
    assert_int_equal(config->answers.edns_octets, 1400);
    assert_false(config->answers.minimal || config->answers.ede || config->front.cookies.enabled);
    assert_true(octets_equal(config->front.nsid, (struct octets) { (const uint8_t *)"\0\xff", 2 }));
    assert_string_equal(config->front.identity, "here");
    assert_null(config->front.version);
    assert_int_equal(config->front.require_cookie_count, 1);
    assert_int_equal(config->front.cookies.secret_count, 2);
    assert_int_equal(config->front.cookies.secrets[0].octets[15], 15);
    assert_int_equal(config->front.cookies.secrets[1].octets[0], 255);
    const struct resolver_options *resolver = &config->resolver;
    assert_false(resolver->prime_root || resolver->ask_ipv6 || resolver->random_case || resolver->special_use_names);
    assert_true(resolver->ask_ipv4);
    assert_int_equal(resolver->minimisation, MINIMISATION_STRICT);
    assert_int_equal(resolver->minimisation_type, TYPE_NS);
    assert_int_equal(resolver->edns_octets, 1220);
    assert_int_equal(resolver->query_private_count, 1);
    assert_int_equal(resolver->query_private[0].bits, 8);
    assert_int_equal(resolver->zone_rule_count, 2);
    assert_int_equal(resolver->zone_rules[0].kind, ZONE_RULE_FORWARD_FIRST);
    assert_int_equal(resolver->zone_rules[0].address_count, 2);
    assert_true(!resolver->zone_rules[0].is_uncached && resolver->zone_rules[1].is_uncached);
    assert_int_equal(resolver->zone_rules[0].addresses[1].port, 54);
    assert_int_equal(resolver->zone_rules[1].kind, ZONE_RULE_STUB);
    assert_int_equal(config->crypto.allow_algorithm_count, 2);
    assert_int_equal(config->crypto.allow_algorithms[1], 7);
    assert_int_equal(config->crypto.deny_algorithms[0], 16);
    assert_int_equal(config->crypto.allow_digests[0], 4);
    assert_int_equal(config->crypto.deny_digest_count, 1);
    assert_int_equal(config->crypto.nsec3_iterations, 0);
    config_free(config);
}

/* R4.4-a: DS and DNSKEY form, many, at any name, out of the file itself and out of others. */
static void anchors_come_from_lists_and_files(void **state)
{
    (void)state;
    static const char ds[] = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D";
    static const char in_file[] = "; a comment\nexample. 3600 IN DS ( 1 13 2\n"
                                  "  0000000000000000000000000000000000000000000000000000000000000000 )\n";
    char path[] = "/tmp/vouch-test-XXXXXX", *text;
    int file = mkstemp(path);
    size_t count;
    assert_true(write(file, in_file, sizeof(in_file) - 1) == (ssize_t)sizeof(in_file) - 1);
    close(file);
    assert_true(asprintf(&text, "trust: { anchors: [\"%s\"], anchor-files: [%s] }\n", ds, path) > 0);
    struct config *config = loaded(text);
    const struct anchor *anchors = trust_anchors(config->trust, &count);
    assert_int_equal(count, 2);
    assert_true(dname_is_root(&anchors[0].zone));
    assert_int_equal(anchors[0].source, ANCHOR_CONFIGURED);
    assert_int_equal(anchors[1].source, ANCHOR_FILE);
    config_free(config);
    free(text);
    unlink(path);
}

/* D6-init: what has ended is ignored; what lasts longer than a week is cut by nta_merge(), which knows since when. */
static void negative_anchors_are_taken(void **state)
{
    (void)state;
    static const int64_t day_s = 86400;
    struct config *config = loaded("trust:\n"
                                   "  negative:\n"
                                   "  - { zone: past.example., until: 2026-11-21T00:00:00Z }\n"
                                   "  - { zone: short.example., until: 2026-11-22T00:00:00Z, reason: broken }\n"
                                   "  - { zone: long.example., until: 2027-01-01T00:00:00Z }\n");
    size_t count;
    const struct negative_anchor *negatives = trust_negatives(config->trust, &count);
    assert_int_equal(count, 2);
    assert_int_equal(negatives[0].until_s, now_wall_s(test_now) + 41 * day_s);
    assert_int_equal(negatives[1].until_s, now_wall_s(test_now) + day_s);
    assert_string_equal(negatives[1].reason, "broken");
    config_free(config);
}

static void insecure_zones_become_exceptions(void **state)
{
    (void)state;
    struct config *config = loaded("resolver: { forward: [{ zone: example., to: [192.0.2.1] }] }\n"
                                   "trust: { insecure: [{ zone: example., reason: all }, { zone: a.example. }] }\n");
    size_t count;
    const struct insecure_zone *zones = trust_insecures(config->trust, &count);
    assert_int_equal(count, 2);
    assert_string_equal(zones[0].reason, "all");
    assert_string_equal(zones[1].reason, "");
    config_free(config);
}

static void restarts_are_named(void **state)
{
    (void)state;
    struct config *a = loaded("workers: 2\nlog-level: info\n");
    struct config *b = loaded("log-level: debug\ncache: { size: 1GiB }\n");
    char *text;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    assert_int_equal(config_needs_restart(a, b, to), 2);
    assert_int_equal(config_needs_restart(a, a, to), 0);
    fclose(to);
    assert_string_equal(text, "workers: stays 2 until a restart makes it auto\n"
                              "cache.size: stays 256MiB until a restart makes it 1GiB\n");
    free(text);
    config_free(b);
    config_free(a);
}

static void places_are_named(void **state)
{
    (void)state;
    static const char text[] = "workers: 2\nuser: vouch\n";
    struct config *config;
    struct config_error error;
    char where[CONFIG_WHERE_OCTETS_MAX];
    assert_int_equal(
        config_read((struct octets) { (const uint8_t *)text, strlen(text) }, "/etc/v.yaml", test_now, &config, &error),
        OK);
    assert_string_equal(config_where(config, "user", where), "/etc/v.yaml:2: user");
    assert_string_equal(config_where(config, "listen", where), "listen");
    config_free(config);
}

/* ---- the table ---- */

static void rows_are_complete(void **state)
{
    (void)state;
    size_t count;
    const struct option *options = option_table(&count);
    for (size_t i = 0; i < count; i++) {
        const struct option *option = &options[i];
        assert_int_equal(option_find(option->key), i); /* no key twice */
        assert_false(option_is_group(option->key));
        assert_non_null(option->help);
        assert_true((option->kind->what != NULL) != (option->kind->expected != NULL));
        assert_true(option->octets == 0 || option->kind->put != NULL);
        assert_false(option->not_yet && (option->octets > 0 || option->take != NULL));
    }
}

/* Without the first '#' of each line the sample is the configuration that holds anyway. */
static void the_sample_holds_the_defaults(void **state)
{
    (void)state;
    char *sample, *stripped = NULL;
    size_t len, stripped_len;
    FILE *to = open_memstream(&sample, &len);
    sample_print(to);
    fclose(to);
    to = open_memstream(&stripped, &stripped_len);
    char *rest = sample, *line;
    while ((line = strsep(&rest, "\n")) != NULL)
        fprintf(to, "%s\n", line[0] == '#' ? line + 1 : line);
    fclose(to);
    struct config *defaults = loaded(""), *config = loaded(stripped);
    char *expected = print_text(defaults), *printed = print_text(config);
    assert_string_equal(printed, expected);
    free(printed);
    free(expected);
    config_free(config);
    config_free(defaults);
    free(stripped);
    free(sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files_are_taken),
        cmocka_unit_test(printing_can_be_read_back),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(large_files_are_refused),
        cmocka_unit_test(long_lists_are_refused),
        cmocka_unit_test(an_unreadable_file_is_an_error_of_the_system),
        cmocka_unit_test(defaults_are_those_of_the_contract),
        cmocka_unit_test(values_arrive_where_they_belong),
        cmocka_unit_test(anchors_come_from_lists_and_files),
        cmocka_unit_test(negative_anchors_are_taken),
        cmocka_unit_test(insecure_zones_become_exceptions),
        cmocka_unit_test(restarts_are_named),
        cmocka_unit_test(places_are_named),
        cmocka_unit_test(rows_are_complete),
        cmocka_unit_test(the_sample_holds_the_defaults),
    };
    return cmocka_run_group_tests_name("config/config", tests, set_up_quietly, NULL);
}
