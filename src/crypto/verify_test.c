#include "crypto/verify.h"

#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/limits.h"
#include "crypto/recall.h"
#include "message/testing.h"
#include "tests/support/signer.h"

static const uint8_t verifiable[] = { 5, 7, 8, 10, 13, 14, 15, 16 };

struct fixture {
    struct arena *arena;
    struct verifier *verifier;
    const struct algorithm *algorithms[256];
};

static int set_up(void **state)
{
    struct fixture *f = memory_new(1, sizeof(*f));
    size_t count;
    set_hash_secret();
    f->arena = arena_new();
    f->verifier = verifier_new();
    for (const struct algorithm *row = algorithm_table(&count); count > 0; count--, row++)
        f->algorithms[row->number] = row;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    verifier_free(f->verifier);
    arena_free(f->arena);
    free(f);
    return 0;
}

static struct octets rdata_of(struct fixture *f, uint16_t type, const char *text)
{
    struct octets rdata;
    assert_int_equal(rdata_from_text(f->arena, type, text, NULL, &rdata), OK);
    return rdata;
}

static struct rrsig first_signature(const struct rrset *rrset)
{
    struct rrsig sig;
    assert_true(rrset->sig_count > 0);
    assert_int_equal(rrsig_read(rrset->sigs[0], &sig), OK);
    return sig;
}

/* The first signature of the RRset by the key with that DNSKEY RDATA. */
static enum signature_check check(struct fixture *f, const struct rrset *rrset, struct octets dnskey_rdata)
{
    struct rrsig sig = first_signature(rrset);
    struct dnskey key;
    assert_int_equal(dnskey_read(dnskey_rdata, &key), OK);
    return signature_verify(f->verifier, f->algorithms[sig.algorithm], &key, signed_data(f->arena, rrset, &sig),
                            sig.signature);
}

/* Octets under a DNSKEY whose Public Key field is `field`. */
static enum signature_check check_field(struct fixture *f, uint8_t algorithm, struct octets field, struct octets data,
                                        struct octets signature)
{
    struct dnskey key = { .flags = DNSKEY_ZONE, .protocol = 3, .algorithm = algorithm, .public_key = field };
    return signature_verify(f->verifier, f->algorithms[algorithm], &key, data, signature);
}

static struct octets flipped(struct fixture *f, struct octets octets, size_t bit)
{
    uint8_t *copy = arena_copy(f->arena, octets.data, octets.len);
    copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    return (struct octets) { copy, octets.len };
}

static struct octets text_octets(const char *text)
{
    return (struct octets) { (const uint8_t *)text, strlen(text) };
}

/* ---- examples of the RFCs ---- */

static const struct {
    const char *section;
    uint16_t key_tag;
    const char *dnskey, *rrset;
} examples[] = {
    { "RFC 4035 appendix B.6: RSASHA1, expanded from *.w.example.", 38519,
      "256 3 5 AQOy1bZVvpPqhg4j7EJoM9rI3ZmyEx2OzDBVrZy/lvI5CQePxXHZS4i8dANH4DX3tbHol61ek8EFMcsGXxKciJFHyhl94C+NwILQ"
      "dzsUlSFovBZsyl/NX6yEbtw/xN9ZNcrbYvgjjZ/UVPZIySFNsgEYvh0z2542lzMKR4Dh8uZffQ==",
      "a.z.w.example. 3600 IN MX 1 ai.example.\n"
      "a.z.w.example. 3600 IN RRSIG MX 5 2 3600 20040509183619 20040409183619 38519 example. "
      "OMK8rAZlepfzLWW75Dxd63jy2wswESzxDKG2f9AMN1CytCd10cYISAxfAdvXSZ7xujKAtPbctvOQ2ofO7AZJ+d01EeeQTVBPq4/6KCWhqe2X"
      "TjnkVLNvvhnc0u28aoSsG0+4InvkkOHknKxw4kX18MMR34i8lC36SR5xBni8vHI=\n" },
    { "RFC 5702 section 6.1: RSASHA256", 9033,
      "256 3 8 AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp6p/DlUmObdk=",
      "www.example.net. 3600 IN A 192.0.2.91\n"
      "www.example.net. 3600 IN RRSIG A 8 3 3600 20300101000000 20000101000000 9033 example.net. "
      "kRCOH6u7l0QGy9qpC9l1sLncJcOKFLJ7GhiUOibu4teYp5VE9RncriShZNz85mwlMgNEacFYK/lPtPiVYP4bwg==\n" },
    { "RFC 5702 section 6.2: RSASHA512", 3740,
      "256 3 10 AwEAAdHoNTOW+et86KuJOWRDp1pndvwb6Y83nSVXXyLA3DLroROUkN6X0O6pnWnjJQujX/AyhqFDxj13tOnD9u/1kTg7cV6rklM"
      "rZDtJCQ5PCl/D7QNPsgVsMu1J2Q8gpMpztNFLpPBz1bWXjDtaR7ZQBlZ3PFY12ZTSncorffcGmhOL",
      "www.example.net. 3600 IN A 192.0.2.91\n"
      "www.example.net. 3600 IN RRSIG A 10 3 3600 20300101000000 20000101000000 3740 example.net. "
      "tsb4wnjRUDnB1BUi+t6TMTXThjVnG+eCkWqjvvjhzQL1d0YRoOe0CbxrVDYd0xDtsuJRaeUw1ep94PzEWzr0iGYgZBWm/zpq+9fOuagYJRfD"
      "qfReKBzMweOLDiNa8iP5g9vMhpuv6OPlvpXwm9Sa9ZXIbNl1MBGk0fthPgxdDLw=\n" },
    { "RFC 6605 section 6.1: ECDSAP256SHA256", 55648,
      "257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==",
      "www.example.net. 3600 IN A 192.0.2.1\n"
      "www.example.net. 3600 IN RRSIG A 13 3 3600 20100909100439 20100812100439 55648 example.net. "
      "qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==\n" },
    { "RFC 6605 section 6.2: ECDSAP384SHA384", 10771,
      "257 3 14 xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8r"
      "p65F6Glur8I/mlVNgF6W/qTI37m40",
      "www.example.net. 3600 IN A 192.0.2.1\n"
      "www.example.net. 3600 IN RRSIG A 14 3 3600 20100909102025 20100812102025 10771 example.net. "
      "/L5hDKIvGDyI1fcARX3z65qrmPsVz73QD1Mr5CEqOiLP95hxQouuroGCeZOvzFaxsT8Glr74hbavRKayJNuydCuzWTSSPdz7wnqXL5bdcJzu"
      "sdnI0RSMROxxwGipWcJm\n" },
    { "RFC 8080 section 6.1 with erratum 4935: ED25519", 3613, "257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=",
      "example.com. 3600 IN MX 10 mail.example.com.\n"
      "example.com. 3600 IN RRSIG MX 15 2 3600 1440021600 1438207200 3613 example.com. "
      "oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==\n" },
    { "RFC 8080 section 6.1 with erratum 4935: ED25519, second key", 35217,
      "257 3 15 zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=",
      "example.com. 3600 IN MX 10 mail.example.com.\n"
      "example.com. 3600 IN RRSIG MX 15 2 3600 1440021600 1438207200 35217 example.com. "
      "zXQ0bkYgQTEFyfLyi9QoiY6D8ZdYo4wyUhVioYZXFdT410QPRITQSqJSnzQoSm5poJ7gD7AQR0O7KuI5k2pcBg==\n" },
    { "RFC 8080 section 6.2 with erratum 4935: ED448", 9713,
      "257 3 16 3kgROaDjrh0H2iuixWBrc8g2EpBBLCdGzHmn+G2MpTPhpj/OiBVHHSfPodx1FYYUcJKm1MDpJtIA",
      "example.com. 3600 IN MX 10 mail.example.com.\n"
      "example.com. 3600 IN RRSIG MX 16 2 3600 1440021600 1438207200 9713 example.com. "
      "3cPAHkmlnxcDHMyg7vFC34l0blBhuG1qpwLmjInI8w1CMB29FkEAIJUA0amxWndkmnBZ6SKiwZSAxGILn/NBtOXft0+Gj7FSvOKxE/07+4RQ"
      "vE581N3Aj/JtIyaiYVdnYtyMWbSNyGEY2213WKsJlwEA\n" },
    { "RFC 8080 section 6.2 with erratum 4935: ED448, second key", 38353,
      "257 3 16 kkreGWoccSDmUBGAe7+zsbG6ZAFQp+syPmYUurBRQc3tDjeMCJcVMRDmgcNLp5HlHAMy12VoISsA",
      "example.com. 3600 IN MX 10 mail.example.com.\n"
      "example.com. 3600 IN RRSIG MX 16 2 3600 1440021600 1438207200 38353 example.com. "
      "E1/oLjSGIbmLny/4fcgM1z4oL6aqo+izT3urCyHyvEp4Sp8Syg1eI+lJ57CSnZqjJP41O/9l4m0AsQ4f7qI1gVnML8vWWiyW2KXhT9kuAICU"
      "Sxv5OWbf81Rq7Yu60npabODB0QFPb/rkW3kUZmQ0YQUA\n" },
};

/* R4.2-a */
static void test_examples_of_the_rfcs(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        struct rrset *rrset = rrset_of(f->arena, examples[i].rrset);
        struct octets dnskey = rdata_of(f, TYPE_DNSKEY, examples[i].dnskey);
        assert_int_equal(dnskey_tag(dnskey), examples[i].key_tag);
        if (check(f, rrset, dnskey) != SIGNATURE_GOOD)
            fail_msg("%s is not good", examples[i].section);
        rrset->ttl_s = 17; /* what a cache has made of it: the original TTL counts, RFC 4034 section 3.1.8.1 */
        assert_int_equal(check(f, rrset, dnskey), SIGNATURE_GOOD);
    }
}

/* RFC 4034 section 5.4, RFC 4509 section 2.3, RFC 6605 section 6.2, RFC 8080 section 6; root-anchors.xml (RFC 9718) */
static void test_ds_of_known_keys(void **state)
{
    struct fixture *f = *state;
    static const char dskey[] = "256 3 5 AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99"
                                "WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADj"
                                "FDc2w/rljwvFw==";
    const struct {
        const char *owner, *dnskey, *ds;
    } cases[] = {
        { "dskey.example.com.", dskey, "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118" },
        { "dskey.example.com.", dskey, "60485 5 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A" },
        { "example.net.", examples[3].dnskey,
          "55648 13 2 B4C8C1FE2E7477127B27115656AD6256F424625BF5C1E2770CE6D6E37DF61D17" },
        { "example.net.", examples[4].dnskey,
          "10771 14 4 "
          "72D7B62976CE06438E9C0BF319013CF801F09ECC84B8D7E9495F27E305C6A9B0563A9B5F4D288405C3008A946DF983D6" },
        { "EXAMPLE.Com.", examples[5].dnskey,
          "3613 15 2 3AA5AB37EFCE57F737FC1627013FEE07BDF241BD10F3B1964AB55C78E79A304B" },
        { "example.com.", examples[7].dnskey,
          "9713 16 2 6CCF18D5BC5D7FC2FCEB1D59D17321402F2AA8D368048DB93DD811F5CB2B19C7" },
        { ".",
          "257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B"
          "5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58D"
          "a+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555K"
          "rUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=",
          "20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D" },
    };
    size_t count;
    const struct digest *digests = digest_table(&count);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ds ds;
        struct dname owner = name_of(cases[i].owner), other = name_of("example.org.");
        struct octets dnskey = rdata_of(f, TYPE_DNSKEY, cases[i].dnskey), ds_rdata = rdata_of(f, TYPE_DS, cases[i].ds);
        assert_int_equal(ds_read(ds_rdata, &ds), OK);
        const struct digest *digest = &digests[ds.digest_type]; /* the first rows are numbered without a gap */
        assert_int_equal(digest->number, ds.digest_type);
        assert_true(ds_matches(digest, &ds, &owner, dnskey));
        assert_true(octets_equal(make_ds(f->arena, &owner, dnskey, ds.digest_type), ds_rdata));
        assert_false(ds_matches(digest, &ds, &other, dnskey));
        assert_false(ds_matches(digest, &ds, &owner, (struct octets) { dnskey.data, 3 }));
        for (size_t bit = 0; bit < 8 * ds_rdata.len; bit++) {
            if (bit / 8 == 3) /* the digest type chose the row */
                continue;
            assert_int_equal(ds_read(flipped(f, ds_rdata, bit), &ds), OK);
            assert_false(ds_matches(digest, &ds, &owner, dnskey));
        }
        assert_int_equal(ds_read((struct octets) { ds_rdata.data, ds_rdata.len - 1 }, &ds), OK);
        assert_false(ds_matches(digest, &ds, &owner, dnskey)); /* a truncated digest is none */
    }
}

/* RFC 5155 appendix A */
static void test_nsec3_hash(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *name, *hash;
    } cases[] = {
        { "example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom" },
        { "a.example.", "35mthgpgcu1qg68fab165klnsnk3dpvl" },
        { "ai.example.", "gjeqe526plbf1g8mklp59enfd789njgi" },
        { "ns1.example.", "2t7b4g4vsa5smi47k61mv5bv1a22bojr" },
        { "ns2.example.", "q04jkcevqvmu85r014c7dkba38o0ji5r" },
        { "w.example.", "k8udemvp1j2f7eg6jebps17vp3n8i58h" },
        { "*.w.example.", "r53bq7cc2uvmubfu5ocmm6pers9tk9en" },
        { "x.w.example.", "b4um86eghhds6nea196smvmlo4ors995" },
        { "y.w.example.", "ji6neoaepv8b5o6k4ev33abha8ht9fgc" },
        { "X.y.W.Example.", "2vptu5timamqttgl4luu9kg21e0aor3s" }, /* letter case aside, section 5 */
        { "xx.example.", "t644ebqk9bibcna874givr6joj62mlhv" },
    };
    struct octets salt = { (const uint8_t *)"\xaa\xbb\xcc\xdd", 4 };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct dname name = name_of(cases[i].name);
        assert_string_equal(nsec3_label(f->arena, &name, salt, 12), cases[i].hash);
    }
}

static void test_nsec3_hash_of_extremes(void **state)
{
    struct fixture *f = *state;
    uint8_t salt[255];
    struct octets label = text_octets("123456789012345678901234567890123456789012345678901234567890123"),
                  none = { NULL, 0 };
    struct dname longest = *dname_root();
    memset(salt, 0x5a, sizeof(salt));
    for (int i = 0; i < 3; i++)
        assert_int_equal(dname_prepend(label, &longest, &longest), OK);
    assert_int_equal(dname_prepend((struct octets) { label.data, 61 }, &longest, &longest), OK);
    assert_int_equal(longest.len, DNAME_OCTETS_MAX);
    /* H(".") with nothing else is SHA-1 of one zero octet */
    assert_string_equal(nsec3_label(f->arena, dname_root(), none, 0), "bekjp7dgpvsjukll47bk43i3urmq4u2f");
    assert_string_not_equal(nsec3_label(f->arena, &longest, (struct octets) { salt, 255 }, 150),
                            nsec3_label(f->arena, &longest, (struct octets) { salt, 254 }, 150));
}

/* ---- our own signatures ---- */

static const char *const rrsets[] = {
    "www.Example.TEST. 300 IN A 192.0.2.2\nwww.Example.TEST. 300 IN A 192.0.2.1\n",
    "example.test. 300 IN NS NS2.example.test.\nexample.test. 300 IN NS ns1.example.TEST.\n", /* names to lower case */
    "*.example.test. 300 IN TXT \"Case\" \"\"\n*.example.test. 300 IN TXT \"case\"\n",
    "example.test. 300 IN SOA ns1.example.test. Root.example.test. 1 2 3 4 5\n",
    "t.example.test. 300 IN TYPE65280 \\# 3 00ff10\n",
};

static void test_sign_and_verify(void **state)
{
    struct fixture *f = *state;
    struct dname zone = name_of("Example.test.");
    for (size_t i = 0; i < ARRAY_LEN(verifiable); i++) {
        struct signer *signer = signer_new(verifiable[i], DNSKEY_ZONE, i),
                      *other = signer_new(verifiable[i], DNSKEY_ZONE, 99);
        for (size_t j = 0; j < ARRAY_LEN(rrsets); j++) {
            struct rrset *rrset = rrset_of(f->arena, rrsets[j]);
            sign_rrset(f->arena, signer, rrset, &zone, 1000, 2000);
            assert_int_equal(check(f, rrset, signer_dnskey(signer)), SIGNATURE_GOOD);
            assert_int_equal(check(f, rrset, signer_dnskey(other)), SIGNATURE_BAD);
        }
        signer_free(signer);
        signer_free(other);
    }
}

/* RFC 4034 section 6: what arrives in another order, another letter case or twice is the same RRset. */
static void test_canonical_form(void **state)
{
    struct fixture *f = *state;
    struct dname zone = name_of("example.test.");
    struct signer *signer = signer_new(ALGORITHM_ED25519, DNSKEY_ZONE, 1);
    struct rrset *rrset =
        rrset_of(f->arena, "www.example.test. 300 IN NS a.example.test.\nwww.example.test. 300 IN NS b.test.\n");
    sign_rrset(f->arena, signer, rrset, &zone, 1000, 2000);
    static const struct {
        const char *text;
        enum signature_check expected;
    } cases[] = {
        { "www.example.test. 300 IN NS b.test.\nwww.example.test. 300 IN NS a.example.test.\n", SIGNATURE_GOOD },
        { "wWw.exAmple.test. 9 IN NS B.test.\nwww.example.test. 300 IN NS a.eXample.test.\n", SIGNATURE_GOOD },
        { "www.example.test. 9 IN NS b.test.\n", SIGNATURE_BAD },
        { "www.example.test. 9 IN NS b.test.\nwww.example.test. 300 IN NS c.test.\n", SIGNATURE_BAD },
        { "ww.example.test. 9 IN NS b.test.\nww.example.test. 300 IN NS a.example.test.\n", SIGNATURE_BAD },
        { "www.example.test. 9 CH NS b.test.\nwww.example.test. 300 CH NS a.example.test.\n", SIGNATURE_BAD },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rrset *received = rrset_of(f->arena, cases[i].text);
        add_signature(f->arena, received, rrset->sigs[0]);
        assert_int_equal(check(f, received, signer_dnskey(signer)), cases[i].expected);
    }
    signer_free(signer);
}

/* RFC 4035 section 5.3.2: fewer labels in the RRSIG than in the owner. */
static void test_wildcard_expansion(void **state)
{
    struct fixture *f = *state;
    struct dname zone = name_of("example.test.");
    struct signer *signer = signer_new(ALGORITHM_ED25519, DNSKEY_ZONE, 1);
    struct rrset *wildcard = rrset_of(f->arena, "*.w.example.test. 300 IN A 192.0.2.1\n");
    sign_rrset(f->arena, signer, wildcard, &zone, 1000, 2000);
    static const struct {
        const char *text;
        enum signature_check expected;
    } cases[] = {
        { "a.w.example.test. 300 IN A 192.0.2.1\n", SIGNATURE_GOOD },
        { "a.b.c.W.example.test. 300 IN A 192.0.2.1\n", SIGNATURE_GOOD },
        { "*.w.example.test. 300 IN A 192.0.2.1\n", SIGNATURE_GOOD },
        { "*.b.w.example.test. 300 IN A 192.0.2.1\n", SIGNATURE_GOOD },
        { "w.example.test. 300 IN A 192.0.2.1\n", SIGNATURE_BAD },
        { "a.x.example.test. 300 IN A 192.0.2.1\n", SIGNATURE_BAD },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rrset *received = rrset_of(f->arena, cases[i].text);
        add_signature(f->arena, received, wildcard->sigs[0]);
        assert_int_equal(check(f, received, signer_dnskey(signer)), cases[i].expected);
    }
    signer_free(signer);
}

static void test_every_bit_of_a_signature_counts(void **state)
{
    struct fixture *f = *state;
    struct octets data = text_octets("what is signed");
    for (size_t i = 0; i < ARRAY_LEN(verifiable); i++) {
        struct signer *signer = signer_new(verifiable[i], DNSKEY_ZONE, i);
        struct octets field = { signer_dnskey(signer).data + 4, signer_dnskey(signer).len - 4 };
        struct octets signature = sign_octets(f->arena, signer, data);
        assert_int_equal(check_field(f, verifiable[i], field, data, signature), SIGNATURE_GOOD);
        for (size_t bit = 0; bit < 8 * signature.len; bit++)
            assert_int_equal(check_field(f, verifiable[i], field, data, flipped(f, signature, bit)), SIGNATURE_BAD);
        for (size_t bit = 0; bit < 8 * data.len; bit++)
            assert_int_equal(check_field(f, verifiable[i], field, flipped(f, data, bit), signature), SIGNATURE_BAD);
        for (size_t bit = 0; bit < 8 * field.len; bit += 7)
            assert_int_not_equal(check_field(f, verifiable[i], flipped(f, field, bit), data, signature),
                                 SIGNATURE_GOOD);
        signer_free(signer);
    }
}

static void test_malformed_signatures(void **state)
{
    struct fixture *f = *state;
    struct octets data = text_octets("what is signed");
    for (size_t i = 0; i < ARRAY_LEN(verifiable); i++) {
        struct signer *signer = signer_new(verifiable[i], DNSKEY_ZONE, i);
        struct octets field = { signer_dnskey(signer).data + 4, signer_dnskey(signer).len - 4 };
        struct octets good = sign_octets(f->arena, signer, data);
        uint8_t *longer = arena_alloc(f->arena, 65535);
        memcpy(longer, good.data, good.len);
        for (size_t len = 0; len < good.len; len++)
            assert_int_equal(check_field(f, verifiable[i], field, data, (struct octets) { good.data, len }),
                             SIGNATURE_BAD);
        assert_int_equal(check_field(f, verifiable[i], field, data, (struct octets) { longer, good.len + 1 }),
                         SIGNATURE_BAD);
        assert_int_equal(check_field(f, verifiable[i], field, data, (struct octets) { longer, 65535 }), SIGNATURE_BAD);
        for (int octet = 0; octet < 256; octet += 255) { /* r = s = 0, and above every order and modulus */
            memset(longer, octet, good.len);
            assert_int_equal(check_field(f, verifiable[i], field, data, (struct octets) { longer, good.len }),
                             SIGNATURE_BAD);
        }
        memset(longer, 0, good.len); /* r = 0 alone */
        memcpy(longer + good.len / 2, good.data + good.len / 2, good.len - good.len / 2);
        assert_int_equal(check_field(f, verifiable[i], field, data, (struct octets) { longer, good.len }),
                         SIGNATURE_BAD);
        signer_free(signer);
    }
}

/* ---- malformed keys ---- */

/* A Public Key field of RFC 3110 out of its parts; the exponent's length in one octet or, when long_form, in three. */
static struct octets rsa_field(struct fixture *f, bool long_form, struct octets exponent, struct octets modulus)
{
    size_t size = 3 + exponent.len + modulus.len;
    struct writer w = writer_of(arena_alloc(f->arena, size), size);
    if (long_form) {
        writer_u8(&w, 0);
        writer_u16(&w, (uint16_t)exponent.len);
    } else {
        writer_u8(&w, (uint8_t)exponent.len);
    }
    writer_octets_put(&w, exponent);
    writer_octets_put(&w, modulus);
    return writer_octets(&w);
}

static struct octets zeros_before(struct fixture *f, struct octets number, size_t zeros)
{
    uint8_t *padded = arena_alloc(f->arena, zeros + number.len);
    if (number.len > 0)
        memcpy(padded + zeros, number.data, number.len);
    return (struct octets) { padded, zeros + number.len };
}

/* RFC 3110 section 2 */
static uint16_t rsa_cost_of(struct fixture *f, struct octets exponent, size_t modulus_octets)
{
    struct octets modulus = { memset(arena_alloc(f->arena, modulus_octets), 0xff, modulus_octets), modulus_octets };
    return signature_cost(f->algorithms[ALGORITHM_RSASHA256], rsa_field(f, false, exponent, modulus));
}

/* CVE-2023-50387: what a check costs in quarters of one of P-256, near enough; the order is what counts. */
static void test_costs(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint8_t algorithm;
        uint16_t cost;
    } fixed[] = { { 13, 4 }, { 14, 28 }, { 15, 7 }, { 16, 12 } };
    struct octets usual = text_octets("\1\1\1"), long_one = text_octets("\xff\1\1\1\1\1\1\1");
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        assert_int_equal(signature_cost(f->algorithms[fixed[i].algorithm], text_octets("")), fixed[i].cost);
    assert_int_equal(rsa_cost_of(f, usual, 128), 1);
    assert_int_equal(rsa_cost_of(f, usual, 256), 2);
    assert_int_equal(rsa_cost_of(f, usual, 512), 6);
    assert_int_equal(rsa_cost_of(f, long_one, 512), 21);
    assert_int_equal(rsa_cost_of(f, long_one, 4096), 1); /* unusable: nothing is computed */
}

static void test_forms_of_rsa_keys(void **state)
{
    struct fixture *f = *state;
    struct octets data = text_octets("what is signed");
    struct signer *signer = signer_new(ALGORITHM_RSASHA256, DNSKEY_ZONE, 1);
    struct octets dnskey = signer_dnskey(signer), signature = sign_octets(f->arena, signer, data);
    struct octets e = { dnskey.data + 5, 3 }, n = { dnskey.data + 8, dnskey.len - 8 };
    const struct octets none = { NULL, 0 }, one = text_octets("\1"), even = { (const uint8_t *)"\1\0\0", 3 };
    const struct {
        const char *what;
        struct octets field;
        enum signature_check expected;
    } cases[] = {
        { "usual", rsa_field(f, false, e, n), SIGNATURE_GOOD },
        { "three octets of length", rsa_field(f, true, e, n), SIGNATURE_GOOD },
        { "zeros before the exponent", rsa_field(f, false, zeros_before(f, e, 5), n), SIGNATURE_GOOD },
        { "many zeros before the exponent", rsa_field(f, true, zeros_before(f, e, 1000), n), SIGNATURE_GOOD },
        { "zeros before the modulus", rsa_field(f, false, e, zeros_before(f, n, 7)), SIGNATURE_GOOD },
        { "empty", none, SIGNATURE_KEY_UNUSABLE },
        { "length alone", { (const uint8_t *)"\3", 1 }, SIGNATURE_KEY_UNUSABLE },
        { "half a long length", { (const uint8_t *)"\0\1", 2 }, SIGNATURE_KEY_UNUSABLE },
        { "no exponent", rsa_field(f, true, none, n), SIGNATURE_KEY_UNUSABLE },
        { "no modulus", rsa_field(f, false, e, none), SIGNATURE_KEY_UNUSABLE },
        { "length behind the end", { (const uint8_t *)"\xff\1\0\1", 4 }, SIGNATURE_KEY_UNUSABLE },
        { "exponent 0", rsa_field(f, false, zeros_before(f, none, 3), n), SIGNATURE_KEY_UNUSABLE },
        { "exponent 1", rsa_field(f, false, one, n), SIGNATURE_KEY_UNUSABLE },
        { "even exponent", rsa_field(f, false, even, n), SIGNATURE_KEY_UNUSABLE },
        { "exponent of 65 bits", rsa_field(f, false, text_octets("\1\1\1\1\1\1\1\1\1"), n), SIGNATURE_KEY_UNUSABLE },
        { "exponent of 64 bits", rsa_field(f, false, text_octets("\xff\1\1\1\1\1\1\1"), n), SIGNATURE_BAD },
        { "exponent as long as the modulus", rsa_field(f, true, n, n), SIGNATURE_KEY_UNUSABLE },
        { "even modulus", rsa_field(f, false, e, flipped(f, n, 8 * n.len - 8)), SIGNATURE_KEY_UNUSABLE },
        { "modulus of zeros", rsa_field(f, false, e, zeros_before(f, none, 128)), SIGNATURE_KEY_UNUSABLE },
        { "half a modulus", rsa_field(f, false, e, (struct octets) { n.data, n.len / 2 - 1 }), SIGNATURE_KEY_UNUSABLE },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum signature_check result = check_field(f, ALGORITHM_RSASHA256, cases[i].field, data, signature);
        if (result != cases[i].expected)
            fail_msg("%s: %d", cases[i].what, result);
    }
    signer_free(signer);
}

/* The longest that could be a key is looked at, and a longer one is none: neither for signatures nor for a DS
 * record. */
static void test_longest_key(void **state)
{
    struct fixture *f = *state;
    struct dname owner = name_of("example.");
    for (size_t len = DNSKEY_OCTETS_MAX; len <= DNSKEY_OCTETS_MAX + 1; len++) {
        bool is_usable = len <= DNSKEY_OCTETS_MAX;
        uint8_t *octets = memset(arena_alloc(f->arena, len), 0xff, len);
        struct octets rdata = { octets, len }, field = { octets + 4, len - 4 };
        struct dnskey key;
        struct ds ds;
        memcpy(octets, (uint8_t[]) { 1, 0, 3, ALGORITHM_RSASHA256 }, 4);
        assert_int_equal(dnskey_read_usable(rdata, &key), is_usable);
        assert_true(!is_usable || octets_equal(key.public_key, field));
        assert_int_equal(ds_read(make_ds(f->arena, &owner, rdata, DIGEST_SHA256), &ds), OK);
        size_t count;
        const struct digest *digests = digest_table(&count);
        assert_int_equal(ds_matches(&digests[DIGEST_SHA256], &ds, &owner, rdata), is_usable);
    }
}

/* RFC 5702 section 2; base/limits.h */
static void test_sizes_of_rsa_keys(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint8_t algorithm;
        unsigned bits;
        enum signature_check expected;
    } cases[] = {
        { ALGORITHM_RSASHA1, 511, SIGNATURE_KEY_UNUSABLE },   { ALGORITHM_RSASHA1, 512, SIGNATURE_GOOD },
        { ALGORITHM_RSASHA256, 511, SIGNATURE_KEY_UNUSABLE }, { ALGORITHM_RSASHA256, 512, SIGNATURE_GOOD },
        { ALGORITHM_RSASHA256, 1279, SIGNATURE_GOOD },        { ALGORITHM_RSASHA256, 1536, SIGNATURE_GOOD },
        { ALGORITHM_RSASHA256, 2048, SIGNATURE_GOOD },        { ALGORITHM_RSASHA512, 1023, SIGNATURE_KEY_UNUSABLE },
        { ALGORITHM_RSASHA512, 1024, SIGNATURE_GOOD },
    };
    struct octets data = text_octets("what is signed");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct signer *signer = signer_new_rsa(cases[i].algorithm, DNSKEY_ZONE, i, cases[i].bits);
        struct octets field = { signer_dnskey(signer).data + 4, signer_dnskey(signer).len - 4 };
        struct octets signature = sign_octets(f->arena, signer, data);
        assert_int_equal(check_field(f, cases[i].algorithm, field, data, signature), cases[i].expected);
        signer_free(signer);
    }
    /* At the upper limit a modulus that nobody has the factors of will do. */
    uint8_t *modulus = arena_alloc(f->arena, RSA_MODULUS_BITS_MAX / 8 + 1);
    struct octets e = text_octets("\1\1\1"), zeros = { arena_alloc(f->arena, 512), 512 };
    memset(modulus, 0xff, RSA_MODULUS_BITS_MAX / 8 + 1);
    struct octets largest = rsa_field(f, false, e, (struct octets) { modulus, RSA_MODULUS_BITS_MAX / 8 });
    assert_int_equal(check_field(f, ALGORITHM_RSASHA256, largest, data, zeros), SIGNATURE_BAD);
    modulus[0] = 1;
    struct octets larger = rsa_field(f, false, e, (struct octets) { modulus, RSA_MODULUS_BITS_MAX / 8 + 1 });
    assert_int_equal(check_field(f, ALGORITHM_RSASHA256, larger, data, zeros), SIGNATURE_KEY_UNUSABLE);
}

/* RFC 6605 section 4, RFC 8080 section 3 */
static void test_malformed_curve_keys(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint8_t algorithm;
        size_t octets;
        enum signature_check no_point; /* EdDSA finds out when it verifies */
    } cases[] = {
        { ALGORITHM_ECDSAP256SHA256, 64, SIGNATURE_KEY_UNUSABLE },
        { ALGORITHM_ECDSAP384SHA384, 96, SIGNATURE_KEY_UNUSABLE },
        { ALGORITHM_ED25519, 32, SIGNATURE_BAD },
        { ALGORITHM_ED448, 57, SIGNATURE_BAD },
    };
    uint8_t zeros[128] = { 0 }, ones[128];
    struct octets data = text_octets("what is signed"), signature = { ones, sizeof(ones) };
    memset(ones, 0xff, sizeof(ones));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        signature.len = cases[i].octets;
        if (cases[i].algorithm >= ALGORITHM_ED25519)
            signature.len *= 2;
        for (size_t len = 0; len <= sizeof(zeros); len++) {
            enum signature_check expected = len == cases[i].octets ? cases[i].no_point : SIGNATURE_KEY_UNUSABLE;
            assert_int_equal(check_field(f, cases[i].algorithm, (struct octets) { zeros, len }, data, signature),
                             expected);
            assert_int_equal(check_field(f, cases[i].algorithm, (struct octets) { ones, len }, data, signature),
                             expected);
        }
    }
}

/* More keys than a verifier keeps: each is found or parsed again, none is mistaken for another. */
static void test_many_keys(void **state)
{
    struct fixture *f = *state;
    enum { KEYS = 400 };
    static const uint8_t kinds[] = { ALGORITHM_ECDSAP256SHA256, ALGORITHM_ECDSAP384SHA384, ALGORITHM_ED25519,
                                     ALGORITHM_ED25519, ALGORITHM_ED25519 };
    struct signer *signers[KEYS];
    struct octets signatures[KEYS], data = text_octets("what is signed");
    for (size_t i = 0; i < KEYS; i++) {
        signers[i] = signer_new(kinds[i % ARRAY_LEN(kinds)], DNSKEY_ZONE, i);
        signatures[i] = sign_octets(f->arena, signers[i], data);
    }
    for (size_t round = 0; round < 3; round++) {
        verifier_forget(f->verifier);
        for (size_t i = 0; i < KEYS; i++) {
            struct dnskey key;
            size_t busy = round == 1 ? i % 10 : i;
            assert_int_equal(dnskey_read(signer_dnskey(signers[busy]), &key), OK);
            const struct algorithm *algorithm = f->algorithms[key.algorithm];
            assert_int_equal(signature_verify(f->verifier, algorithm, &key, data, signatures[busy]), SIGNATURE_GOOD);
            size_t wrong = (busy + ARRAY_LEN(kinds)) % KEYS; /* of the same algorithm */
            assert_int_equal(signature_verify(f->verifier, algorithm, &key, data, signatures[wrong]), SIGNATURE_BAD);
        }
    }
    for (size_t i = 0; i < KEYS; i++)
        signer_free(signers[i]);
}

/* What was good is recognised, octet for octet; nothing else is, nor what was bad. */
static void test_recall(void **state)
{
    struct fixture *f = *state;
    struct octets data = text_octets("what is signed");
    for (size_t i = 0; i < ARRAY_LEN(verifiable); i++) {
        struct signer *signer = signer_new(verifiable[i], DNSKEY_ZONE, i);
        struct octets signature = sign_octets(f->arena, signer, data), rdata = signer_dnskey(signer);
        struct dnskey key;
        assert_int_equal(dnskey_read(rdata, &key), OK);
        uint64_t before = verifier_recalled(f->verifier);
        for (unsigned round = 0; round < 3; round++) {
            assert_int_equal(check_field(f, key.algorithm, key.public_key, data, signature), SIGNATURE_GOOD);
            assert_int_equal(verifier_recalled(f->verifier), before + round);
        }
        before += 2;
        for (size_t bit = 0; bit < 8 * signature.len; bit += 7)
            assert_int_equal(check_field(f, key.algorithm, key.public_key, data, flipped(f, signature, bit)),
                             SIGNATURE_BAD);
        for (size_t bit = 0; bit < 8 * data.len; bit++)
            assert_int_equal(check_field(f, key.algorithm, key.public_key, flipped(f, data, bit), signature),
                             SIGNATURE_BAD);
        for (size_t bit = 0; bit < 8 * key.public_key.len; bit += 13)
            assert_int_not_equal(check_field(f, key.algorithm, flipped(f, key.public_key, bit), data, signature),
                                 SIGNATURE_GOOD);
        assert_int_equal(verifier_recalled(f->verifier), before);
        assert_int_equal(check_field(f, key.algorithm, key.public_key, data, signature), SIGNATURE_GOOD);
        assert_int_equal(verifier_recalled(f->verifier), before + 1);
        verifier_forget(f->verifier);
        assert_int_equal(check_field(f, key.algorithm, key.public_key, data, signature), SIGNATURE_GOOD);
        assert_int_equal(verifier_recalled(f->verifier), before + 1);
        signer_free(signer);
    }
}

/* Of one set of places, four: the one longest unused gives way. */
static void test_recall_is_bounded(void **state)
{
    (void)state;
    struct recall *recall = memory_new(1, sizeof(*recall));
    uint8_t prints[RECALLED_PER_SET + 1][FINGERPRINT_OCTETS] = { 0 };
    for (uint8_t i = 0; i <= RECALLED_PER_SET; i++) {
        prints[i][FINGERPRINT_OCTETS - 1] = (uint8_t)(i + 1);
        assert_false(recall_has(recall, prints[i]));
        recall_put(recall, prints[i]);
        assert_true(recall_has(recall, prints[0])); /* in use, so it stays */
    }
    assert_false(recall_has(recall, prints[1]));
    for (uint8_t i = 2; i <= RECALLED_PER_SET; i++)
        assert_true(recall_has(recall, prints[i]));
    free(recall);
}

/* The parts are told apart: what moves from one to the next is something else. */
static void test_fingerprints(void **state)
{
    (void)state;
    uint8_t prints[4][FINGERPRINT_OCTETS];
    fingerprint_of_check(8, text_octets("ab"), text_octets("cd"), text_octets("ef"), prints[0]);
    fingerprint_of_check(8, text_octets("abc"), text_octets("d"), text_octets("ef"), prints[1]);
    fingerprint_of_check(8, text_octets("ab"), text_octets("cde"), text_octets("f"), prints[2]);
    fingerprint_of_check(10, text_octets("ab"), text_octets("cd"), text_octets("ef"), prints[3]);
    for (size_t i = 0; i < ARRAY_LEN(prints); i++)
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(prints[i], prints[k], FINGERPRINT_OCTETS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_costs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_examples_of_the_rfcs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ds_of_known_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nsec3_hash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nsec3_hash_of_extremes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sign_and_verify, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_canonical_form, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wildcard_expansion, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_bit_of_a_signature_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_malformed_signatures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forms_of_rsa_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_longest_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sizes_of_rsa_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_malformed_curve_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_recall, set_up, tear_down),
        cmocka_unit_test(test_recall_is_bounded),
        cmocka_unit_test(test_fingerprints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
