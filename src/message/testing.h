/* For unit tests only: RRsets from master-file text, and the secret that hashes need. */
#ifndef MESSAGE_TESTING_H
#define MESSAGE_TESTING_H

#include <assert.h>

#include "base/hash.h"
#include "message/master.h"

static inline void set_hash_secret(void)
{
    struct random *random = random_seeded_new(1);
    hash_init(random);
    random_free(random);
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

#endif
