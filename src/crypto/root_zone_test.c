/* Every signature of a whole root zone, and of the root's DNSKEY sets over three years: real data, kept beside the
 * sources and not in them. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "crypto/verify.h"
#include "message/testing.h"

#define DATA VOUCH_SOURCE_ROOT "/../shared/data/"

enum {
    ROOT_ZONE_RRSIGS = 2950, /* of root-20170821.zone */
    HISTORY_BLOCKS = 102,    /* of root-dnskey-history.txt */
    FLIP_EVERY = 16,         /* one RRset of so many is also checked with a bit flipped */
};

/* Standard output of a command; NULL if it fails.  The caller frees it. */
static char *output_of(const char *command, size_t *len)
{
    FILE *pipe = popen(command, "r");
    char *text = NULL;
    size_t size = 0;
    *len = 0;
    do {
        if (*len == size)
            text = memory_resize(text, size = size == 0 ? 1 << 16 : 2 * size, 1);
        *len += fread(text + *len, 1, size - *len, pipe);
    } while (!feof(pipe) && !ferror(pipe));
    if (pclose(pipe) == 0)
        return text;
    free(text);
    return NULL;
}

static char *data_or_skip(const char *command, const char *name, size_t *len)
{
    char *text = output_of(command, len);
    if (text == NULL) {
        print_message("SKIPPED: no %s%s: nothing is proven on real data\n", DATA, name);
        skip();
    }
    return text;
}

/* ---- a zone as RRsets ---- */

struct zone {
    struct arena *arena;
    struct rrset **rrsets; /* in the order of their first records; the zone file is sorted by owner */
    size_t count, size;
    size_t signatures;
};

enum { RECORDS_PER_RRSET_MAX = 64, OWNERS_RRSETS_MAX = 16 };

static struct rrset *zone_rrset(struct zone *zone, const struct dname *owner, uint16_t type)
{
    for (size_t i = zone->count; i > 0 && i + OWNERS_RRSETS_MAX > zone->count; i--) {
        if (zone->rrsets[i - 1]->type == type && dname_equal(zone->rrsets[i - 1]->owner, owner))
            return zone->rrsets[i - 1];
    }
    if (zone->count == zone->size) {
        zone->size = zone->size == 0 ? 1024 : 2 * zone->size;
        zone->rrsets = memory_resize(zone->rrsets, zone->size, sizeof(*zone->rrsets));
    }
    struct rrset *rrset = ARENA_NEW(zone->arena, struct rrset);
    rrset->owner = dname_copy(zone->arena, owner);
    rrset->type = type;
    rrset->class = CLASS_IN;
    rrset->rdata = ARENA_ARRAY(zone->arena, RECORDS_PER_RRSET_MAX, struct octets);
    rrset->sigs = ARENA_ARRAY(zone->arena, RECORDS_PER_RRSET_MAX, struct octets);
    return zone->rrsets[zone->count++] = rrset;
}

static void zone_add(struct zone *zone, const struct master_record *record)
{
    struct rrsig sig;
    bool is_signature = record->type == TYPE_RRSIG;
    if (is_signature)
        assert_int_equal(rrsig_read(record->rdata, &sig), OK);
    struct rrset *rrset = zone_rrset(zone, &record->owner, is_signature ? sig.type_covered : record->type);
    uint16_t *count = is_signature ? &rrset->sig_count : &rrset->count;
    const struct octets *list = is_signature ? rrset->sigs : rrset->rdata;
    assert_true(*count < RECORDS_PER_RRSET_MAX);
    ((struct octets *)list)[(*count)++] = octets_copy(zone->arena, record->rdata);
    zone->signatures += is_signature;
    rrset->ttl_s = record->ttl_s;
}

static struct zone zone_read(struct arena *arena, const char *text, size_t len)
{
    struct zone zone = { .arena = arena };
    struct master *master = master_new(text, len, NULL);
    struct master_record record;
    enum err err;
    while ((err = master_next(master, &record)) == OK)
        zone_add(&zone, &record);
    if (err != ERR_NOT_FOUND)
        fail_msg("%s", master_error(master));
    master_free(master);
    return zone;
}

/* ---- its signatures ---- */

struct checker {
    struct verifier *verifier;
    const struct rrset *dnskeys;
    const struct algorithm *rsasha256;
    size_t checked;
};

static enum signature_check check_by_tag(struct checker *checker, struct octets data, const struct rrsig *sig)
{
    assert_int_equal(sig->algorithm, ALGORITHM_RSASHA256);
    for (uint16_t i = 0; i < checker->dnskeys->count; i++) {
        struct dnskey key;
        assert_int_equal(dnskey_read(checker->dnskeys->rdata[i], &key), OK);
        if (key.key_tag == sig->key_tag)
            return signature_verify(checker->verifier, checker->rsasha256, &key, data, sig->signature);
    }
    return SIGNATURE_KEY_UNUSABLE;
}

static void check_flipped(struct checker *checker, struct octets data, const struct rrsig *sig, size_t seed)
{
    uint8_t *octets = (uint8_t *)data.data;
    size_t bit = seed * 2654435761u % (8 * data.len);
    octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_int_equal(check_by_tag(checker, data, sig), SIGNATURE_BAD);
    octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

static void check_rrset(struct checker *checker, const struct rrset *rrset)
{
    struct arena *arena = arena_new();
    for (uint16_t i = 0; i < rrset->sig_count; i++) {
        struct rrsig sig;
        assert_int_equal(rrsig_read(rrset->sigs[i], &sig), OK);
        struct octets data = signed_data(arena, rrset, &sig);
        if (check_by_tag(checker, data, &sig) != SIGNATURE_GOOD)
            fail_msg("not good:\n%s", rrset_to_text(arena, rrset));
        if (checker->checked++ % FLIP_EVERY == 0)
            check_flipped(checker, data, &sig, checker->checked);
    }
    arena_free(arena);
}

static const struct algorithm *rsasha256(void)
{
    static struct crypto_policy policy;
    struct crypto_options options = crypto_options_default();
    crypto_policy_make(&options, &policy);
    return policy.algorithms[ALGORITHM_RSASHA256];
}

static const struct rrset *zone_find(const struct zone *zone, uint16_t type)
{
    for (size_t i = 0; i < zone->count; i++) {
        if (dname_is_root(zone->rrsets[i]->owner) && zone->rrsets[i]->type == type)
            return zone->rrsets[i];
    }
    fail_msg("the root has no RRset of type %u", type);
    return NULL;
}

/* R4.2-a */
static void test_whole_root_zone(void **state)
{
    (void)state;
    size_t len;
    char *text = data_or_skip("gzip -dc '" DATA "root-20170821.zone.gz' 2>/dev/null", "root-20170821.zone.gz", &len);
    struct zone zone = zone_read(arena_new(), text, len);
    struct checker checker = { verifier_new(), zone_find(&zone, TYPE_DNSKEY), rsasha256(), 0 };
    for (size_t i = 0; i < zone.count; i++)
        check_rrset(&checker, zone.rrsets[i]);
    print_message("root zone 2017082100: %zu RRsets, %zu signatures, all good\n", zone.count, checker.checked);
    assert_int_equal(checker.checked, zone.signatures);
    assert_int_equal(checker.checked, ROOT_ZONE_RRSIGS);
    verifier_free(checker.verifier);
    free(zone.rrsets);
    arena_free(zone.arena);
    free(text);
}

/* Blocks are parted by an empty line; *text moves behind the one that is returned. */
static struct octets next_block(const char **text, const char *end)
{
    const char *start = *text, *empty = memmem(start, (size_t)(end - start), "\n\n", 2);
    *text = empty == NULL ? end : empty + 2;
    return (struct octets) { (const uint8_t *)start, (size_t)(*text - start) };
}

/* D5-run */
static void test_history_of_the_root_keys(void **state)
{
    (void)state;
    size_t len, blocks = 0, good = 0;
    char *text = data_or_skip("cat '" DATA "root-dnskey-history.txt' 2>/dev/null", "root-dnskey-history.txt", &len);
    struct verifier *verifier = verifier_new();
    for (const char *at = text; at < text + len;) {
        struct octets block = next_block(&at, text + len);
        struct zone zone = zone_read(arena_new(), (const char *)block.data, block.len);
        struct checker checker = { verifier, zone_find(&zone, TYPE_DNSKEY), rsasha256(), 0 };
        assert_int_equal(zone.count, 1);
        check_rrset(&checker, zone.rrsets[0]);
        blocks++;
        good += checker.checked;
        free(zone.rrsets);
        arena_free(zone.arena);
    }
    print_message("root DNSKEY history: %zu sets, %zu signatures, all good\n", blocks, good);
    assert_int_equal(blocks, HISTORY_BLOCKS);
    assert_true(good >= blocks);
    verifier_free(verifier);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_root_zone),
        cmocka_unit_test(test_history_of_the_root_keys),
    };
    return cmocka_run_group_tests(tests, set_up_hashing, NULL);
}
