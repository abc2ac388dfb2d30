/* For tests and fuzz targets only: RRsets from master-file text, and the secret that hashes need. */
#ifndef MESSAGE_TESTING_H
#define MESSAGE_TESTING_H

#include <assert.h>

#include "base/hash.h"
#include "message/coding.h"
#include "message/master.h"
#include "message/message.h"

static inline void set_hash_secret(void)
{
    struct random *random = random_seeded_new(1);
    hash_init(random);
    random_free(random);
}

/* For cmocka_run_group_tests(), where all that a group needs before its tests is that. */
static inline int set_up_hashing(void **state)
{
    (void)state;
    set_hash_secret();
    return 0;
}

static inline struct dname name_of(const char *text)
{
    struct dname name;
    enum err err = dname_from_text(text, &name);
    assert(err == OK);
    (void)err;
    return name;
}

/* One RRset with its signatures: every line has the same owner and class, and the first the type that RRSIGs cover. */
static inline struct rrset *rrset_of(struct arena *arena, const char *text)
{
    enum { RECORDS_MAX = 64 };
    struct rrset *rrset = ARENA_NEW(arena, struct rrset);
    struct octets *rdata = ARENA_ARRAY(arena, RECORDS_MAX, struct octets);
    struct octets *sigs = ARENA_ARRAY(arena, RECORDS_MAX, struct octets);
    struct master *master = master_new(text, strlen(text), NULL);
    struct master_record record;
    while (master_next(master, &record) == OK) {
        assert(rrset->count < RECORDS_MAX && rrset->sig_count < RECORDS_MAX);
        if (rrset->count == 0) {
            rrset->owner = dname_copy(arena, &record.owner);
            rrset->type = record.type;
            rrset->class = record.class;
            rrset->ttl_s = record.ttl_s;
        }
        assert(dname_equal(rrset->owner, &record.owner));
        if (record.type == rrset->type) {
            rdata[rrset->count++] = octets_copy(arena, record.rdata);
        } else {
            assert(record.type == TYPE_RRSIG);
            rrset->sig_ttl_s = record.ttl_s;
            sigs[rrset->sig_count++] = octets_copy(arena, record.rdata);
        }
    }
    enum err end = master_next(master, &record);
    assert(end == ERR_NOT_FOUND);
    (void)end;
    master_free(master);
    rrset->rdata = rdata;
    rrset->sigs = sigs;
    return rrset;
}

/* Same owner (without case), type, class and the same set of RDATA in canonical form; TTL and signatures aside. */
static inline bool rrset_equal(const struct rrset *a, const struct rrset *b)
{
    uint16_t a_count, b_count;
    if (a->type != b->type || a->class != b->class || !dname_equal(a->owner, b->owner))
        return false;
    struct arena *arena = arena_new();
    const struct octets *a_rdata = rrset_canonical_rdata(arena, a, &a_count);
    const struct octets *b_rdata = rrset_canonical_rdata(arena, b, &b_count);
    bool is_equal = a_count == b_count;
    for (uint16_t i = 0; is_equal && i < a_count; i++)
        is_equal = octets_equal(a_rdata[i], b_rdata[i]);
    arena_free(arena);
    return is_equal;
}

/* The set and its signatures; false: not all of it fits. */
static inline bool put_signed(struct message_writer *m, enum section section, const struct rrset *rrset, uint32_t ttl_s)
{
    return message_put_rrset(m, section, rrset, ttl_s) && message_put_signatures(m, section, rrset, ttl_s);
}

/* Hexadecimal text as octets in the arena. */
static inline struct octets octets_of_hex(struct arena *arena, const char *hex)
{
    size_t size = strlen(hex) / 2;
    struct writer w = writer_of(arena_alloc(arena, size), size);
    bool is_hex = hex_decode((struct octets) { (const uint8_t *)hex, strlen(hex) }, &w);
    assert(is_hex);
    (void)is_hex;
    return writer_octets(&w);
}

#endif
