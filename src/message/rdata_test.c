#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "message/coding.h"
#include "message/testing.h"

static char *to_hex(struct arena *arena, struct octets octets)
{
    struct text text = text_new(arena);
    text_hex(&text, octets);
    return text.data;
}

static struct octets of_text(struct arena *arena, const char *type, const char *text)
{
    uint16_t number;
    struct octets rdata;
    assert_int_equal(rr_type_from_text(type, &number), OK);
    assert_int_equal(rdata_from_text(arena, number, text, NULL, &rdata), OK);
    return rdata;
}

/* Behind a name "a.b." at offset 0 of the message. */
#define MESSAGE "0161016200"

static void names_in_rdata_are_expanded(void **state)
{
    (void)state;
    static const struct {
        const char *type, *rdata, *expanded; /* NULL: refused */
    } cases[] = {
        /* RFC 3597 section 4 */
        { "NS", "c000", "0161016200" },
        { "CNAME", "0163c002", "0163016200" },
        { "SOA", "c000c0020000000100000002000000030000000400000005",
          "0161016200"
          "016200"
          "0000000100000002000000030000000400000005" },
        { "MX", "000ac000", "000a0161016200" },
        { "MINFO", "c000c000", "01610162000161016200" },
        { "RP", "c000c002", "0161016200016200" },
        { "AFSDB", "0001c000", "00010161016200" },
        { "RT", "0001c000", "00010161016200" },
        { "SIG", "000008000000000000000000000000000001c000aabb", "0000080000000000000000000000000000010161016200aabb" },
        { "PX", "0001c000c002", "00010161016200016200" },
        { "NXT", "c00040", "016101620040" },
        { "SRV", "000100010035c000", "0001000100350161016200" },
        { "NAPTR",
          "00010001017300"
          "00c000",
          "00010001017300"
          "000161016200" },
        /* RFC 6672 section 2.5, RFC 4034 sections 3.1.7 and 4.1.1 forbid it; it is done, and others read it */
        { "DNAME", "c000", "0161016200" },
        { "RRSIG", "000108000000000000000000000000000001c000aabb",
          "0001080000000000000000000000000000010161016200aabb" },
        { "NSEC", "c000000120", "0161016200000120" },
        { "NSEC", "0158c000000120", "01780161016200000120" }, /* case counts: it is not what the pointer leads to */
        { "NSEC", "0158015900000120", "0158015900000120" },
        /* types whose specification forbids it and that RFC 3597 does not list */
        { "KX", "0001c000", NULL },
        { "SVCB", "0001c000", NULL },
        { "HIP", "010200012001c000", NULL },
        { "IPSECKEY", "0a0300c000", NULL },
        { "TYPE65534", "c000", "c000" }, /* unknown: octets */
        { "NULL", "c000", "c000" },
        /* ends that do not meet */
        { "NS", "c00000", NULL },
        { "NS", "c0", NULL },
        { "NS", "", NULL },
        { "NS", "c005", NULL }, /* to itself */
        { "NS", "0163c005", NULL },
        { "MX", "00", NULL },
        { "MX", "000a", NULL },
        { "SOA", "c000c00200000001000000020000000300000004000000", NULL },
        { "SOA", "c000c002000000010000000200000003000000040000000500", NULL },
        { "A", "c00002", NULL },
        { "A", "c000020101", NULL },
        { "NAPTR", "0001000101730005c000", NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena *arena = arena_new();
        struct octets message = octets_of_hex(arena, arena_printf(arena,
                                                           MESSAGE "%s"
                                                                   "ffff",
                                                           cases[i].rdata));
        struct reader r = reader_of_octets(message);
        uint16_t type;
        assert_int_equal(rr_type_from_text(cases[i].type, &type), OK);
        r.at += strlen(MESSAGE) / 2;
        struct octets rdata = rdata_read(&r, type, strlen(cases[i].rdata) / 2, arena);
        assert_int_equal(r.failed, cases[i].expanded == NULL);
        assert_string_equal(to_hex(arena, rdata), cases[i].expanded == NULL ? "" : cases[i].expanded);
        if (!r.failed) {
            assert_int_equal(reader_left(&r), 2);
            assert_true(rdata_is_valid(type, rdata));
        }
        arena_free(arena);
    }
}

static void rdata_beyond_the_message_is_refused(void **state)
{
    (void)state;
    static const uint8_t message[] = { 192, 0, 2, 1 };
    struct arena *arena = arena_new();
    struct reader r = reader_of(message, sizeof(message));
    assert_int_equal(rdata_read(&r, 65534, 5, arena).len, 0);
    assert_true(r.failed);
    r = reader_of(message, sizeof(message));
    assert_int_equal(rdata_read(&r, TYPE_A, 4, arena).len, 4);
    assert_false(r.failed);
    assert_int_equal(rdata_read(&r, 65534, 0, arena).len, 0); /* RDATA of no octets */
    assert_false(r.failed);
    arena_free(arena);
}

/* Compression must not make RDATA that its length field cannot tell. */
static void expanded_rdata_above_64_kib_is_refused(void **state)
{
    (void)state;
    enum { NAME_OCTETS = 65, SIG_OCTETS = 65500 };
    uint8_t *message = memory_new(NAME_OCTETS + SIG_OCTETS, 1);
    struct arena *arena = arena_new();
    message[0] = 63;
    memset(message + 1, 'a', 63);
    message[NAME_OCTETS + 18] = 0xc0; /* the signer's name of a SIG, to offset 0 */
    for (size_t len = 65470; len <= 65474; len++) {
        struct reader r = reader_of(message, NAME_OCTETS + SIG_OCTETS);
        r.at += NAME_OCTETS;
        struct octets rdata = rdata_read(&r, TYPE_SIG, len, arena);
        assert_int_equal(r.failed, len + NAME_OCTETS - 2 > UINT16_MAX);
        assert_int_equal(rdata.len, r.failed ? 0 : len + NAME_OCTETS - 2);
    }
    arena_free(arena);
    free(message);
}

static void layouts_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *type, *rdata;
        bool valid;
    } cases[] = {
        { "TXT", "", false }, /* RFC 1035 section 3.3.14: at least one */
        { "TXT", "00", true },
        { "TXT",
          "0161"
          "0262",
          false },
        { "HINFO", "0161", false },
        { "HINFO",
          "01610162"
          "00",
          false },
        { "DS", "000108", false },
        { "DS", "00010802", true }, /* no digest: judged later */
        { "DNSKEY", "01010308", true },
        { "DNSKEY", "010103", false },
        { "RRSIG", "00010800000000000000000000000000000100", true },
        { "RRSIG", "000108000000000000000000000000000001", false },
        /* RFC 4034 section 4.1.2 */
        { "NSEC", "00", true },
        { "NSEC",
          "00"
          "000140",
          true },
        { "NSEC",
          "00"
          "0000",
          false }, /* length 0 */
        { "NSEC",
          "00"
          "0021"
          "000000000000000000000000000000000000000000000000000000000000000001",
          false },
        { "NSEC",
          "00"
          "000140"
          "000140",
          false }, /* twice */
        { "NSEC",
          "00"
          "010140"
          "000140",
          false }, /* descending */
        { "NSEC",
          "00"
          "00024000",
          false }, /* a zero that should have been left out */
        { "NSEC",
          "00"
          "000240",
          false },
        { "NSEC",
          "00"
          "00",
          false },
        { "NSEC", "", false },
        { "NSEC3",
          "0100000000"
          "0100",
          true },
        { "NSEC3",
          "0100000000"
          "00",
          false }, /* RFC 5155 section 3.2: hash length 1 to 255 */
        { "NSEC3",
          "0100000001"
          "0100",
          false },
        { "NSEC3",
          "0100000000"
          "0100"
          "000000",
          false },
        { "NSEC3PARAM", "0100000000", true },
        { "NSEC3PARAM", "010000000000", false },
        { "CSYNC", "000000420003", true },
        { "CSYNC",
          "000000420003"
          "0000",
          false },
        { "LOC", "003316138916", false },
        { "LOC", "0033", false },
        { "LOC", "", false },
        { "LOC", "01", true }, /* RFC 1876 section 2: another version */
        { "APL", "", true },
        { "APL", "00010800", true },
        { "APL", "000108010a00", false },
        { "APL", "00010801", false },
        { "HIP", "0002000120", false }, /* no tag */
        { "HIP", "0102000020", false }, /* no key */
        { "HIP", "010200012001", true },
        { "HIP", "01020001200101", false },
        { "IPSECKEY", "0a0102c00002", false },
        { "IPSECKEY", "0a0002", true },
        { "IPSECKEY", "0a00", false },
        { "AMTRELAY", "0a00", true },
        { "AMTRELAY", "0a0000", false },
        { "AMTRELAY", "0a01c00002", false },
        { "A6", "81", false },
        { "A6", "8000", true },
        { "A6", "80", false },
        { "CAA", "000161", true },
        { "CAA", "0000", false }, /* RFC 8659 section 4.1 */
        { "CAA", "00012d", false },
        { "SVCB", "000100", true },
        { "SVCB",
          "000100"
          "00010000"
          "00030000",
          true },
        { "SVCB",
          "000100"
          "00030000"
          "00010000",
          false }, /* RFC 9460 section 2.2: increasing */
        { "SVCB",
          "000100"
          "00010000"
          "00010000",
          false },
        { "SVCB",
          "000100"
          "0001000161"
          "00",
          false },
        { "SVCB",
          "000100"
          "0001000261",
          false },
        { "EUI48", "00005e0053", false },
        { "NID", "000a0014", false },
        { "L32", "000a0a0102", false },
        { "URI", "000a0001", true },
        { "TYPE65534", "", true },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena *arena = arena_new();
        uint16_t type;
        assert_int_equal(rr_type_from_text(cases[i].type, &type), OK);
        bool valid = rdata_is_valid(type, octets_of_hex(arena, cases[i].rdata));
        if (valid != cases[i].valid)
            print_error("%s %s\n", cases[i].type, cases[i].rdata);
        assert_int_equal(valid, cases[i].valid);
        arena_free(arena);
    }
}

static void canonical_form(void **state) /* RFC 4034 section 6.2, RFC 6840 section 5.1 */
{
    (void)state;
    static const struct {
        const char *type, *text, *canonical; /* NULL: as it is */
    } cases[] = {
        { "NS", "A.Example.", "a.example." },
        { "SOA", "NS.Example. Root.NS. 1 2 3 4 5", "ns.example. root.ns. 1 2 3 4 5" },
        { "MX", "10 MX.", "10 mx." },
        { "SRV", "0 0 53 A.", "0 0 53 a." },
        { "NAPTR", "1 1 \"S\" \"SIP+D2U\" \"\" _SIP.X.", "1 1 \"S\" \"SIP+D2U\" \"\" _sip.x." },
        { "DNAME", "A.", "a." },
        { "KX", "1 A.", "1 a." },
        { "PX", "1 A. B.", "1 a. b." },
        { "RP", "A. B.", "a. b." },
        { "RRSIG", "A 8 1 0 20300101000000 20200101000000 1 Example. QUJD",
          "A 8 1 0 20300101000000 20200101000000 1 example. QUJD" },
        { "A6", "64 ::4142:4344:4546:4748 A.", "64 ::4142:4344:4546:4748 a." },
        { "A6", "0 4142::", NULL },
        { "NXT", "\\# 5 0141004142", "\\# 5 0161004142" },
        { "NSEC", "A.Example. A RRSIG", NULL }, /* RFC 6840: case is kept */
        { "TXT", "\"ABC\"", NULL },
        { "HINFO", "\"ABC\" \"DEF\"", NULL },
        { "SVCB", "1 A. alpn=H2", NULL },
        { "LP", "1 A.", NULL },
        { "HIP", "2 41 QUJD A.", NULL },
        { "IPSECKEY", "10 3 2 A. QUJD", NULL },
        { "TYPE65534", "\\# 3 014100", NULL },
        { "DNSKEY", "257 3 8 QUJD", NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena *arena = arena_new();
        struct octets rdata = of_text(arena, cases[i].type, cases[i].text), expected = rdata;
        uint8_t buffer[UINT8_MAX];
        struct writer w = writer_of(buffer, sizeof(buffer));
        uint16_t type;
        assert_int_equal(rr_type_from_text(cases[i].type, &type), OK);
        if (cases[i].canonical != NULL)
            expected = of_text(arena, cases[i].type, cases[i].canonical);
        rdata_write_canonical(&w, type, rdata);
        assert_false(w.failed);
        assert_string_equal(to_hex(arena, writer_octets(&w)), to_hex(arena, expected));
        arena_free(arena);
    }
}

static void rrsig_view(void **state) /* RFC 4034 section 3.1 */
{
    (void)state;
    struct arena *arena = arena_new();
    struct rrsig sig;
    struct dname signer = name_of("example.com.");
    struct octets rdata = of_text(arena, "RRSIG", "A 5 3 86400 20030322173103 20030220173103 2642 Example.com. oJB1");
    assert_int_equal(rrsig_read(rdata, &sig), OK);
    assert_int_equal(sig.type_covered, TYPE_A);
    assert_int_equal(sig.algorithm, 5);
    assert_int_equal(sig.labels, 3);
    assert_int_equal(sig.original_ttl_s, 86400);
    assert_int_equal(sig.expiration, 1048354263);
    assert_int_equal(sig.inception, 1045762263);
    assert_int_equal(sig.key_tag, 2642);
    assert_true(dname_equal(&sig.signer, &signer));
    assert_int_equal(sig.signature.len, 3);
    assert_int_equal(sig.signed_part.len, rdata.len - 3);
    assert_ptr_equal(sig.signed_part.data + sig.signed_part.len, sig.signature.data);
    for (size_t len = 0; len < rdata.len - 3; len++)
        assert_int_equal(rrsig_read((struct octets) { rdata.data, len }, &sig), ERR_FORMAT);
    arena_free(arena);
}

static void key_views(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dnskey key;
    struct ds ds;
    struct octets rdata =
        of_text(arena, "DNSKEY",
                "256 3 5 "
                "AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/"
                "M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==");
    assert_int_equal(dnskey_read(rdata, &key), OK); /* RFC 4034 section 5.4 */
    assert_int_equal(key.flags, DNSKEY_ZONE);
    assert_int_equal(key.protocol, 3);
    assert_int_equal(key.algorithm, 5);
    assert_int_equal(key.key_tag, 60485);
    assert_int_equal(key.public_key.len, rdata.len - 4);
    assert_int_equal(dnskey_read((struct octets) { rdata.data, 3 }, &key), ERR_FORMAT);
    assert_int_equal(dnskey_read((struct octets) { rdata.data, 4 }, &key), OK);
    /* RFC 4034 appendix B.1: algorithm 1 has the tag in its modulus; appendix B adds the carry once */
    assert_int_equal(dnskey_tag(octets_of_hex(arena, "0100"
                                              "0301"
                                              "11223344")),
                     0x2233);
    assert_int_equal(dnskey_tag(octets_of_hex(arena, "ffff"
                                              "ffff"
                                              "ffff")),
                     0xffff);
    assert_int_equal(dnskey_tag(octets_of_hex(arena, "0100"
                                              "0308"
                                              "ff")),
                     0x0100 + 0x0308 + 0xff00 - 0x10000 + 1);
    assert_int_equal(dnskey_tag((struct octets) { 0 }), 0);

    rdata = of_text(arena, "DS", "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118");
    assert_int_equal(ds_read(rdata, &ds), OK);
    assert_int_equal(ds.key_tag, 60485);
    assert_int_equal(ds.algorithm, 5);
    assert_int_equal(ds.digest_type, 1);
    assert_int_equal(ds.digest.len, 20);
    assert_int_equal(ds_read((struct octets) { rdata.data, 3 }, &ds), ERR_FORMAT);
    arena_free(arena);
}

static void denial_views(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct nsec nsec;
    struct nsec3 nsec3;
    struct dname next = name_of("b.example.");
    assert_int_equal(nsec_read(of_text(arena, "NSEC", "b.example. A RRSIG"), &nsec), OK);
    assert_true(dname_equal(&nsec.next, &next));
    assert_true(bitmap_has(nsec.bitmap, TYPE_A));
    assert_false(bitmap_has(nsec.bitmap, TYPE_NS));
    assert_int_equal(nsec_read(octets_of_hex(arena, "00"
                                             "00"),
                               &nsec),
                     ERR_FORMAT);
    assert_int_equal(nsec_read(octets_of_hex(arena, "00"
                                             "000140"
                                             "000120"),
                               &nsec),
                     ERR_FORMAT);

    assert_int_equal(nsec3_read(of_text(arena, "NSEC3", "1 1 12 aabb 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX"), &nsec3),
                     OK);
    assert_int_equal(nsec3.hash_algorithm, 1);
    assert_int_equal(nsec3.flags, NSEC3_OPT_OUT);
    assert_int_equal(nsec3.iterations, 12);
    assert_int_equal(nsec3.salt.len, 2);
    assert_int_equal(nsec3.next.len, 20);
    assert_true(bitmap_has(nsec3.bitmap, TYPE_MX));
    assert_int_equal(nsec3_read(octets_of_hex(arena, "0100000000"
                                              "00"),
                                &nsec3),
                     ERR_FORMAT);
    assert_int_equal(nsec3_read(octets_of_hex(arena, "0100000002"
                                              "00"),
                                &nsec3),
                     ERR_FORMAT);
    arena_free(arena);
}

static void bitmaps(void **state) /* RFC 4034 section 4.1.2 */
{
    (void)state;
    static const struct {
        const char *bitmap;
        uint16_t type;
        bool has;
    } cases[] = {
        { "000140", 1, true },
        { "000140", 2, false },
        { "000140", 9, false },   /* beyond the window's octets */
        { "000140", 257, false }, /* another window */
        { "010140", 257, true },
        { "000140"
          "010140",
          257, true },
        { "00220000", 1, false }, /* malformed: nothing is in it */
        { "010140"
          "000140",
          1, false },
        { "0011"
          "0000000000000000000000000000000080",
          TYPE_NXNAME, true },
        { "ff20"
          "0000000000000000000000000000000000000000000000000000000000000001",
          65535, true },
        { "", 1, false },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena *arena = arena_new();
        assert_int_equal(bitmap_has(octets_of_hex(arena, cases[i].bitmap), cases[i].type), cases[i].has);
        arena_free(arena);
    }
}

static void soa_and_name_views(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct soa soa;
    struct dname name, expected = name_of("root.ns.");
    struct octets rdata = of_text(arena, "SOA", "ns. root.ns. 1 2 3 4 5");
    assert_int_equal(soa_read(rdata, &soa), OK);
    assert_true(dname_equal(&soa.rname, &expected));
    assert_int_equal(soa.serial, 1);
    assert_int_equal(soa.refresh_s, 2);
    assert_int_equal(soa.retry_s, 3);
    assert_int_equal(soa.expire_s, 4);
    assert_int_equal(soa.minimum_s, 5);
    assert_int_equal(soa_read((struct octets) { rdata.data, rdata.len - 1 }, &soa), ERR_FORMAT);
    assert_int_equal(rdata_name(of_text(arena, "NS", "root.ns."), &name), OK);
    assert_true(dname_equal(&name, &expected));
    assert_int_equal(rdata_name(rdata, &name), ERR_FORMAT);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_in_rdata_are_expanded),
        cmocka_unit_test(rdata_beyond_the_message_is_refused),
        cmocka_unit_test(expanded_rdata_above_64_kib_is_refused),
        cmocka_unit_test(layouts_are_checked),
        cmocka_unit_test(canonical_form),
        cmocka_unit_test(rrsig_view),
        cmocka_unit_test(key_views),
        cmocka_unit_test(denial_views),
        cmocka_unit_test(bitmaps),
        cmocka_unit_test(soa_and_name_views),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
