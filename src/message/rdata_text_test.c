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

#define NAME_HEX    "0161076578616d706c6500" /* a.example. */
#define LONG_STRING "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* One or more samples for each row of the type table: text, wire form and what is printed when that differs. */
static const struct {
    const char *type, *text, *wire, *printed;
} samples[] = {
    { "A", "192.0.2.1", "c0000201", NULL },
    { "NS", "a.example.", NAME_HEX, NULL },
    { "NS", "a", NAME_HEX, "a.example." }, /* the origin is example. */
    { "NS", "@", "076578616d706c6500", "example." },
    { "MD", "a.example.", NAME_HEX, NULL },
    { "MF", "a.example.", NAME_HEX, NULL },
    { "CNAME", ".", "00", NULL },
    { "SOA", "a.example. . 1 2 3 4 4294967295",
      NAME_HEX "00"
               "00000001"
               "00000002"
               "00000003"
               "00000004"
               "ffffffff",
      NULL },
    { "MB", "a.example.", NAME_HEX, NULL },
    { "MG", "a.example.", NAME_HEX, NULL },
    { "MR", "a.example.", NAME_HEX, NULL },
    { "NULL", "\\# 2 0001", "0001", NULL },
    { "WKS", "\\# 5 c000020106", "c000020106", NULL },
    { "PTR", "a.example.", NAME_HEX, NULL },
    { "HINFO", "\"PDP 11\" \"\"", "0650445020313100", NULL },
    { "HINFO", "VAX UNIX", "0356415804554e4958", "\"VAX\" \"UNIX\"" },
    { "MINFO", "a.example. .", NAME_HEX "00", NULL },
    { "MX", "10 a.example.", "000a" NAME_HEX, NULL },
    { "TXT", "\"a b\" \"c\\\"d\\\\\" \"\\000\\200;\"",
      "03612062"
      "0463226"
      "45c"
      "0300c83b",
      NULL },
    { "TXT", "a \"\"", "016100", "\"a\" \"\"" },
    { "TXT", "\\097b\\;", "0361623b", "\"ab;\"" },
    { "RP", "a.example. .", NAME_HEX "00", NULL },
    { "AFSDB", "1 a.example.", "0001" NAME_HEX, NULL },
    { "X25", "\"311061700956\"", "0c333131303631373030393536", NULL },
    { "ISDN", "\"150\" \"004\"", "0331353003303034", NULL },
    { "ISDN", "\"150\"", "03313530", NULL },
    { "RT", "1 a.example.", "0001" NAME_HEX, NULL },
    { "NSAP", "\\# 2 4700", "4700", NULL },
    { "NSAP-PTR", "a.example.", NAME_HEX, NULL },
    { "SIG", "TYPE0 8 0 0 20380119031407 19700101000000 1 a.example. AQ==",
      "0000080000000000"
      "7fffffff"
      "00000000"
      "0001" NAME_HEX "01",
      NULL },
    { "KEY", "512 3 8 AQID", "02000308010203", NULL },
    { "PX", "1 a.example. .", "0001" NAME_HEX "00", NULL },
    { "GPOS", "\"-32.6882\" \"116.8652\" \"10.0\"",
      "082d33322e36383832"
      "083131362e38363532"
      "0431302e30",
      NULL },
    { "AAAA", "2001:db8::1", "20010db8000000000000000000000001", NULL },
    { "AAAA", "2001:DB8:0:0:0:0:0:1", "20010db8000000000000000000000001", "2001:db8::1" },
    { "LOC", "42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m", "0033161389172dd070be15f000988d20", NULL },
    { "LOC", "42 21 54 N 71 06 18 W -24m 30m", "0033161389172dd070be15f000988d20",
      "42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m" },
    { "LOC", "0 S 180 W 0", "001216138000000059604e0000989680",
      "0 0 0.000 N 180 0 0.000 W 0.00m 1.00m 10000.00m 10.00m" },
    { "LOC", "90 0 0.001 N 0 0 0.0 E 1 0 0 0.01", NULL, NULL }, /* more than the pole */
    { "NXT", "\\# 15 0161076578616d706c650040000001", NAME_HEX "40000001", NULL },
    { "EID", "\\# 1 01", "01", NULL },
    { "NIMLOC", "\\# 1 01", "01", NULL },
    { "SRV", "1 2 53 a.example.", "000100020035" NAME_HEX, NULL },
    { "ATMA", "\\# 1 01", "01", NULL },
    { "NAPTR", "100 50 \"s\" \"z3950+I2L\" \"\" a.example.",
      "00640032"
      "0173"
      "097a333935302b49324c"
      "00" NAME_HEX,
      NULL },
    { "KX", "1 a.example.", "0001" NAME_HEX, NULL },
    { "CERT", "1 65535 8 AQID", "0001ffff08010203", NULL },
    { "A6", "64 ::1:2:3:4 a.example.", "400001000200030004" NAME_HEX, NULL },
    { "A6", "0 2001:db8::1", "0020010db8000000000000000000000001", NULL },
    { "A6", "128 a.example.", "80" NAME_HEX, NULL },
    { "A6", "125 ::ff a.example.", "7d07" NAME_HEX, "125 ::7 a.example." },
    { "DNAME", "a.example.", NAME_HEX, NULL },
    { "SINK", "\\# 1 01", "01", NULL },
    { "OPT", "\\# 0", "", NULL },
    { "APL", "1:192.168.32.0/21 !1:192.168.38.0/28 2:2001:db8::/32 1:0.0.0.0/0",
      "00011503c0a820"
      "00011c83c0a826"
      "0002200420010db8"
      "00010000",
      NULL }, /* RFC 3123 section 5 */
    { "APL", "", "", NULL },
    { "DS", "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118", "ec4505012bb183af5f22588179a53b0a98631fad1a292118",
      NULL }, /* RFC 4034 section 5.4 */
    { "DS", "60485 RSASHA1 1 2BB183AF5F22588179A53B0A 98631FAD1A292118",
      "ec4505012bb183af5f22588179a53b0a98631fad1a292118", "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118" },
    { "DS", "1 8 2", "00010802", NULL }, /* no digest: judged later */
    { "SSHFP", "2 1 123456789abcdef67890", "0201123456789abcdef67890", NULL },
    { "IPSECKEY", "10 1 2 192.0.2.38 AQID", "0a0102c0000226010203", NULL },
    { "IPSECKEY", "10 0 2 . AQID", "0a0002010203", NULL },
    { "IPSECKEY", "10 2 2 2001:db8::1 AQID", "0a020220010db8000000000000000000000001010203", NULL },
    { "IPSECKEY", "10 3 0 a.example.", "0a0300" NAME_HEX, NULL },
    { "IPSECKEY", "\\# 4 0a040201", "0a040201", NULL }, /* a gateway type of the future */
    { "RRSIG", "A 5 3 86400 20030322173103 20030220173103 2642 a.example. oJB1",
      "0001"
      "0503"
      "00015180"
      "3e7c9dd7"
      "3e5510d7"
      "0a52" NAME_HEX "a09075",
      NULL },
    { "RRSIG", "TYPE1234 ECDSAP256SHA256 3 86400 1048354263 1045762263 2642 a.example. oJ B1",
      "04d2"
      "0d03"
      "00015180"
      "3e7c9dd7"
      "3e5510d7"
      "0a52" NAME_HEX "a09075",
      "TYPE1234 13 3 86400 20030322173103 20030220173103 2642 a.example. oJB1" },
    { "RRSIG", "A 5 3 86400 21060207062815 20030220173103 2642 . ", "0001050300015180ffffffff3e5510d70a5200",
      "A 5 3 86400 21060207062815 20030220173103 2642 ." },
    { "NSEC", "a.example. A MX RRSIG NSEC TYPE1234",
      NAME_HEX "0006400100000003"
               "041b000000000000000000000000000000000000000000000000000020",
      NULL }, /* RFC 4034 4.3 */
    { "NSEC", "a.example.", NAME_HEX, NULL },
    { "NSEC", "a.example. NXNAME TYPE65535",
      NAME_HEX "0011"
               "0000000000000000000000000000000080"
               "ff20"
               "0000000000000000000000000000000000000000000000000000000000000001",
      NULL }, /* RFC 9824 */
    { "DNSKEY", "257 3 8 AQID", "01010308010203", NULL },
    { "DNSKEY", "257 3 8", "01010308", NULL }, /* no key: judged later */
    { "DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=",
      "000201636fc0b8271c82825bb1ac5c41cf5351aa69b4febd94e8f17cdb95000da48c40", NULL },
    { "NSEC3", "1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS SOA NSEC3PARAM RRSIG",
      "0101000c04aabbccdd14174eb2409fe28bcb4887a1836f957f0a8425e27b"
      "00072201000000"
      "0290",
      "1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA MX RRSIG DNSKEY NSEC3PARAM" }, /* RFC 5155 appendix A */
    { "NSEC3", "1 0 0 - 00",
      "0100000000"
      "0100",
      NULL }, /* an empty non-terminal: no types */
    { "NSEC3PARAM", "1 0 12 aabbccdd", "0100000c04aabbccdd", NULL },
    { "NSEC3PARAM", "1 0 0 -", "0100000000", NULL },
    { "TLSA", "3 1 1 d2abde", "030101d2abde", NULL },
    { "SMIMEA", "3 1 1 d2abde", "030101d2abde", NULL },
    { "HIP", "2 200100107b1a74df365639cc39f1d578 AQID a.example. .",
      "10020003200100107b1a74df365639cc39f1d578010203" NAME_HEX "00", NULL },
    { "HIP", "2 20 AQID",
      "010200032001"
      "0203",
      NULL },
    { "NINFO", "\"a\"", "0161", NULL },
    { "RKEY", "0 3 8 AQID", "00000308010203", NULL },
    { "TALINK", "a.example. .", NAME_HEX "00", NULL },
    { "CDS", "0 0 0 00", "0000000000", NULL }, /* RFC 8078 section 4 */
    { "CDNSKEY", "0 3 0 AA==", "0000030000", NULL },
    { "OPENPGPKEY", "AQID", "010203", NULL },
    { "CSYNC", "66 3 A NS AAAA",
      "00000042"
      "0003"
      "000460000008",
      NULL }, /* RFC 7477 section 2.1.2 */
    { "ZONEMD", "2018031500 1 1 feba", "7848b78c0101feba", NULL },
    { "SVCB", "0 a.example.", "0000" NAME_HEX, NULL },
    { "HTTPS", "1 .", "000100", NULL },
    { "DSYNC", "CDS 1 5359 a.example.", "003b0114ef" NAME_HEX, NULL },
    { "SPF", "\"v=spf1 -all\"", "0b763d73706631202d616c6c", NULL },
    { "UINFO", "\\# 1 01", "01", NULL },
    { "UID", "\\# 1 01", "01", NULL },
    { "GID", "\\# 1 01", "01", NULL },
    { "UNSPEC", "\\# 1 01", "01", NULL },
    { "NID", "10 0014:4fff:ff20:ee64", "000a00144fffff20ee64", NULL },
    { "L32", "10 10.1.2.0", "000a0a010200", NULL },
    { "L64", "10 2001:0db8:1140:1000", "000a20010db811401000", NULL },
    { "LP", "10 a.example.", "000a" NAME_HEX, NULL },
    { "EUI48", "00-00-5e-00-53-2a", "00005e00532a", NULL },
    { "EUI64", "00-00-5E-EF-10-00-00-2A", "00005eef1000002a", "00-00-5e-ef-10-00-00-2a" },
    { "NXNAME", "\\# 0", "", NULL },
    { "TKEY", "\\# 1 01", "01", NULL },
    { "TSIG", "\\# 1 01", "01", NULL },
    { "IXFR", "\\# 0", "", NULL },
    { "AXFR", "\\# 0", "", NULL },
    { "MAILB", "\\# 0", "", NULL },
    { "MAILA", "\\# 0", "", NULL },
    { "ANY", "\\# 0", "", NULL },
    { "URI", "10 1 \"ftp://ftp.example/public\"", "000a00016674703a2f2f6674702e6578616d706c652f7075626c6963", NULL },
    { "CAA", "128 issue \"ca.example; p=1\"",
      "80"
      "056973737565"
      "63612e6578616d706c653b20703d31",
      NULL },
    { "CAA", "0 \"issue\" \"\"", "00056973737565", "0 issue \"\"" },
    { "AVC", "\"a\"", "0161", NULL },
    { "DOA", "\\# 1 01", "01", NULL },
    { "AMTRELAY", "10 0 1 203.0.113.15", "0a01cb00710f", NULL }, /* RFC 8777 section 4.3.1 */
    { "AMTRELAY", "10 1 2 2001:db8::15", "0a8220010db8000000000000000000000015", NULL },
    { "AMTRELAY", "128 1 3 a.example.", "8083" NAME_HEX, NULL },
    { "AMTRELAY", "128 0 0 .", "8000", NULL },
    { "AMTRELAY", "\\# 3 800401", "800401", NULL },
    { "RESINFO", "\"qnamemin\" \"exterr=15,16\"",
      "08716e616d656d696e"
      "0c6578746572723d31352c3136",
      NULL },
    { "WALLET", "\"a\" \"b\"", "01610162", NULL },
    { "CLA", "\"a\"", "0161", NULL },
    { "IPN", "\\# 8 0000000000000001", "0000000000000001", NULL },
    { "TA", "1 8 2 ab", "00010802ab", NULL },
    { "DLV", "1 8 2 ab", "00010802ab", NULL },
    /* RFC 3597 section 5: types without a row, and types with one in the generic form */
    { "TYPE65534", "\\# 3 abcd ef", "abcdef", "\\# 3 abcdef" },
    { "TYPE65534", "\\# 0", "", NULL },
    { "A", "\\# 4 c0000201", "c0000201", "192.0.2.1" },
    { "MX", "\\# 3 000a00", "000a00", "10 ." },
};

static const struct {
    const char *type, *text;
} refused[] = {
    { "A", "" },
    { "A", "192.0.2" },
    { "A", "192.0.2.1 192.0.2.2" },
    { "A", "\\# 3 c00002" },
    { "A", "\\# 4 c00002" },
    { "A", "\\# 4 c00002010" },
    { "A", "\\# x c0000201" },
    { "TYPE65534", "abcd" },
    { "TYPE65534", "\\# 65536 00" },
    { "AAAA", "192.0.2.1" },
    { "NS", "a..b." },
    { "NS", "" },
    { "NS", "\\# 2 c000" },
    { "MX", "65536 a." },
    { "MX", "-1 a." },
    { "MX", "1" },
    { "SOA", "a. b. 1 2 3 4" },
    { "SOA", "a. b. 1 2 3 4 4294967296" },
    { "TXT", "" }, /* RFC 1035 section 3.3.14: one or more */
    { "TXT", "\"a" },
    { "TXT", "a\"b\"" },
    { "TXT", "\"a\"b" },
    { "TXT", "\\25" },
    { "TXT", "a\\" },
    { "TXT", LONG_STRING LONG_STRING LONG_STRING LONG_STRING }, /* 256 octets */
    { "HINFO", "one" },
    { "DS", "1 8 2 abc" },
    { "DS", "1 8 2 zz" },
    { "DS", "1 NOALGORITHM 2 ab" },
    { "DNSKEY", "257 3 8 AQI" },
    { "DNSKEY", "257 3 8 AQJ=" }, /* bits behind the last octet */
    { "DNSKEY", "257 3 8 A=ID" },
    { "DNSKEY", "257 3 256 AQID" },
    { "RRSIG", "A 5 3 86400 20030322173103 20030220173103 2642" },
    { "RRSIG", "A 5 3 86400 20030231000000 20030220173103 2642 a. AQID" }, /* 31 February */
    { "RRSIG", "A 5 3 86400 20031301000000 20030220173103 2642 a. AQID" },
    { "RRSIG", "A 5 3 86400 19691231235959 20030220173103 2642 a. AQID" },
    { "RRSIG", "A 5 3 86400 21060207062816 20030220173103 2642 a. AQID" }, /* 2^32 */
    { "RRSIG", "NOTYPE 5 3 86400 20030322173103 20030220173103 2642 a. AQID" },
    { "NSEC", "a. NOTYPE" },
    { "NSEC", "\\# 4 01000000" },
    { "NSEC3", "1 0 0 - -" },
    { "NSEC3", "1 0 0 a 00" },
    { "NSEC3", "1 0 0 - 0w" },
    { "NSEC3", "1 0 0 -" },
    { "EUI48", "00-00-5e-00-53" },
    { "EUI48", "00:00:5e:00:53:2a" },
    { "NID", "10 0014:4fff:ff20" },
    { "LOC", "91 N 0 E 0" },
    { "LOC", "0 60 0 N 0 E 0" },
    { "LOC", "0 0 0 0 N 0 E 0" },
    { "LOC", "0 N 180 0 1 E 0" },
    { "LOC", "N 0 E 0" },
    { "LOC", "0 N 0 E -100001m" },
    { "LOC", "0 N 0 E 0 90000001m" },
    { "LOC", "0 N 0 E m" },
    { "LOC", "0 N 0 E" },
    { "APL", "1:192.0.2.0" },
    { "APL", "1:192.0.2.0/33" },
    { "APL", "3:192.0.2.0/24" },
    { "APL", "192.0.2.0/24" },
    { "APL", "/:" },
    { "HIP", "2 - AQID" },
    { "HIP", "2 20" },
    { "IPSECKEY", "10 4 2 . AQID" },
    { "IPSECKEY", "10 0 2 a. AQID" },
    { "AMTRELAY", "10 2 1 192.0.2.1" },
    { "A6", "129 a." },
    { "A6", "64 ::1" },
    { "CAA", "0 is-sue \"x\"" },
    { "CAA", "0 \"\" \"x\"" },
    { "NXT", "a. A" },
};

static void samples_go_round(void **state)
{
    (void)state;
    struct dname origin = name_of("example.");
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        struct arena *arena = arena_new();
        struct octets rdata, again;
        uint16_t type;
        assert_int_equal(rr_type_from_text(samples[i].type, &type), OK);
        enum err err = rdata_from_text(arena, type, samples[i].text, &origin, &rdata);
        if (samples[i].wire == NULL) {
            assert_int_equal(err, ERR_FORMAT);
            arena_free(arena);
            continue;
        }
        if (err != OK)
            print_error("%s %s\n", samples[i].type, samples[i].text);
        assert_int_equal(err, OK);
        assert_string_equal(to_hex(arena, rdata), samples[i].wire);
        assert_true(rdata_is_valid(type, rdata));
        const char *printed = rdata_to_text(arena, type, rdata);
        assert_string_equal(printed, samples[i].printed == NULL ? samples[i].text : samples[i].printed);
        assert_int_equal(rdata_from_text(arena, type, printed, NULL, &again), OK);
        assert_true(octets_equal(rdata, again));
        arena_free(arena);
    }
}

static void every_type_has_a_sample(void **state)
{
    (void)state;
    size_t count;
    const struct rr_type *table = rr_type_table(&count);
    for (size_t i = 0; i < count; i++) {
        bool found = false;
        for (size_t j = 0; j < ARRAY_LEN(samples); j++)
            found |= strcmp(samples[j].type, table[i].mnemonic) == 0;
        if (!found)
            print_error("no sample for %s\n", table[i].mnemonic);
        assert_true(found);
    }
}

static void malformed_text_is_refused(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct octets rdata;
        uint16_t type;
        assert_int_equal(rr_type_from_text(refused[i].type, &type), OK);
        enum err err = rdata_from_text(arena, type, refused[i].text, NULL, &rdata);
        if (err != ERR_FORMAT)
            print_error("%s %s\n", refused[i].type, refused[i].text);
        assert_int_equal(err, ERR_FORMAT);
    }
    arena_free(arena);
}

/* Valid RDATA whose type's text form has no words for it comes out in the generic form. */
static void odd_rdata_is_printed_as_octets(void **state)
{
    (void)state;
    static const struct {
        uint16_t type;
        const char *wire;
    } cases[] = {
        { 29, "01ff" },                             /* LOC of another version: RFC 1876 section 2 */
        { 29, "00a2161389172dd070be15f000988d20" }, /* mantissa 10 */
        { 29, "0003161389172dd070be15f000988d20" }, /* zero times 10^3 */
        { 29, "003316139fffffff70be15f000988d20" }, /* 149 degrees north */
        { 42, "00030000" },                         /* APL of another address family */
        { 42, "000115040a000000" },                 /* zeros that should have been left out */
        { 42, "00012100" },                         /* 33 bits */
        { 38, "7dff0161076578616d706c6500" },       /* A6 with bits of the prefix */
        { 43, "0001" },                             /* malformed: half a DS */
        { 1, "" },
        { 47, "00"
              "0001" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena *arena = arena_new();
        struct octets rdata = octets_of_hex(arena, cases[i].wire);
        const char *blank = rdata.len > 0 ? " " : "";
        assert_string_equal(rdata_to_text(arena, cases[i].type, rdata),
                            arena_printf(arena, "\\# %zu%s%s", rdata.len, blank, cases[i].wire));
        arena_free(arena);
    }
}

/* RFC 9460 appendix D, and what sections 2 and 7 allow besides. */
static void svcb_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wire, *printed; /* wire without priority and target; NULL: refused; printed NULL: as text */
    } cases[] = {
        { "port=53", "000300020035", NULL },
        { "key667=hello", "029b000568656c6c6f", "key667=\"hello\"" },
        { "key667=\"hello\\210qoo\"", "029b000968656c6c6fd2716f6f", NULL },
        { "ipv6hint=\"2001:db8::1,2001:db8::53:1\"",
          "00060020"
          "20010db8000000000000000000000001"
          "20010db8000000000000000000530001",
          "ipv6hint=2001:db8::1,2001:db8::53:1" },
        { "alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1",
          "0000000400010004"
          "000100090268320568332d3139"
          "00040004c0000201",
          "mandatory=alpn,ipv4hint alpn=\"h2,h3-19\" ipv4hint=192.0.2.1" },
        { "alpn=\"f\\\\\\\\oo\\\\,bar,h2\"", "0001000c08665c6f6f2c626172026832", NULL },
        { "alpn=f\\\\\\092oo\\092,bar,h2", "0001000c08665c6f6f2c626172026832", "alpn=\"f\\\\\\\\oo\\\\,bar,h2\"" },
        { "alpn=h2 no-default-alpn",
          "000100030268320002"
          "0000",
          "alpn=\"h2\" no-default-alpn" },
        { "ech=AQID", "00050003010203", NULL },
        { "dohpath=\"/dns-query{?dns}\"", "000700102f646e732d71756572797b3f646e737d", NULL },
        { "ohttp", "00080000", NULL },
        { "key5=\"\"", "00050000", "key5" }, /* a value its key does not allow */
        { "key3=abc", "00030003616263", "key3=\"abc\"" },
        { "key3=\"\\0005\"", "000300020035", "port=53" },
        { "key0", "00000000", NULL },
        { "key65535=\"x y\"",
          "ffff000378"
          "2079",
          NULL },
        { "port=65536", NULL, NULL },
        { "port", NULL, NULL },
        { "port=1 port=1", NULL, NULL },
        { "alpn", NULL, NULL },
        { "alpn=,h2", NULL, NULL },
        { "alpn=h2,", NULL, NULL },
        { "no-default-alpn=x", NULL, NULL },
        { "mandatory=mandatory", NULL, NULL },
        { "mandatory=alpn,alpn", NULL, NULL },
        { "mandatory=nokey", NULL, NULL },
        { "mandatory", NULL, NULL },
        { "ipv4hint=192.0.2.1,", NULL, NULL },
        { "ipv4hint=2001:db8::1", NULL, NULL },
        { "ipv6hint=", NULL, NULL },
        { "ech=", NULL, NULL },
        { "ech=A", NULL, NULL },
        { "nokey=1", NULL, NULL },
        { "key65536=1", NULL, NULL },
        { "key=1", NULL, NULL },
        { "=1", NULL, NULL },
        { "alpn=\"h2", NULL, NULL },
        { "alpn=\"h2\"x", NULL, NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena *arena = arena_new();
        struct octets rdata, again;
        const char *text = arena_printf(arena, "1 . %s", cases[i].text);
        enum err err = rdata_from_text(arena, TYPE_HTTPS, text, NULL, &rdata);
        if (err != (cases[i].wire == NULL ? ERR_FORMAT : OK))
            print_error("%s\n", text);
        assert_int_equal(err, cases[i].wire == NULL ? ERR_FORMAT : OK);
        if (err == OK) {
            assert_string_equal(to_hex(arena, rdata) + strlen("000100"), cases[i].wire);
            const char *printed = rdata_to_text(arena, TYPE_HTTPS, rdata);
            assert_string_equal(printed + strlen("1 . "), cases[i].printed == NULL ? cases[i].text : cases[i].printed);
            assert_int_equal(rdata_from_text(arena, TYPE_HTTPS, printed, NULL, &again), OK);
            assert_true(octets_equal(rdata, again));
        }
        arena_free(arena);
    }
}

static void codings(void **state) /* RFC 4648 section 10 */
{
    (void)state;
    static const struct {
        const char *octets, *base64, *base32hex, *hex;
    } cases[] = {
        { "", "", "", "" },
        { "f", "Zg==", "co", "66" },
        { "fo", "Zm8=", "cpng", "666f" },
        { "foo", "Zm9v", "cpnmu", "666f6f" },
        { "foob", "Zm9vYg==", "cpnmuog", "666f6f62" },
        { "fooba", "Zm9vYmE=", "cpnmuoj1", "666f6f6261" },
        { "foobar", "Zm9vYmFy", "cpnmuoj1e8", "666f6f626172" },
    };
    static bool (*const decoders[])(struct octets, struct writer *) = { base64_decode, base32hex_decode, hex_decode };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct octets octets = { (const uint8_t *)cases[i].octets, strlen(cases[i].octets) };
        const char *const texts[] = { cases[i].base64, cases[i].base32hex, cases[i].hex };
        struct text base64 = text_new(arena), base32hex = text_new(arena);
        text_base64(&base64, octets);
        text_base32hex(&base32hex, octets);
        assert_string_equal(base64.data, cases[i].base64);
        assert_string_equal(base32hex.data, cases[i].base32hex);
        for (size_t j = 0; j < ARRAY_LEN(decoders); j++) {
            uint8_t buffer[8];
            struct writer w = writer_of(buffer, sizeof(buffer));
            assert_true(decoders[j]((struct octets) { (const uint8_t *)texts[j], strlen(texts[j]) }, &w));
            assert_true(octets_equal(writer_octets(&w), octets));
        }
    }
    uint8_t buffer[8];
    struct writer w = writer_of(buffer, sizeof(buffer));
    assert_false(base32hex_decode((struct octets) { (const uint8_t *)"c", 1 }, &w));
    assert_false(base32hex_decode((struct octets) { (const uint8_t *)"cp", 2 }, &w)); /* bits left over */
    assert_false(base64_decode((struct octets) { (const uint8_t *)"====", 4 }, &w));
    assert_false(hex_decode((struct octets) { (const uint8_t *)"000000000000000000", 18 }, &w)); /* does not fit */
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_go_round),          cmocka_unit_test(every_type_has_a_sample),
        cmocka_unit_test(malformed_text_is_refused), cmocka_unit_test(odd_rdata_is_printed_as_octets),
        cmocka_unit_test(svcb_parameters),           cmocka_unit_test(codings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
