/* What was seen of zones whose data does not validate (row D6-confirm), from the packets that came in while questions
 * were resolved: which set failed by which check and key, which servers gave it and which did not, what the parent
 * says.  For people who decide about a negative trust anchor; nothing decides by it.
 *
 * Bounded: EVIDENCE_ZONES_MAX zones, EVIDENCE_RECORDS_MAX records of each, the first of its spell and the newest.
 * Where room is short the zone goes that has been quiet for longest.  A spell is a time in which a zone fails: it ends
 * when what failed is found good again, or when nothing failed for EVIDENCE_QUIET_S. */
#ifndef MONITOR_EVIDENCE_H
#define MONITOR_EVIDENCE_H

#include "monitor/cause.h"
#include "monitor/window.h"
#include "resolver/witness.h"

enum {
    EVIDENCE_ZONES_MAX = 256,
    EVIDENCE_RECORDS_MAX = 6,  /* the first one, and the newest */
    EVIDENCE_DS_MAX = 8,       /* of one DS set */
    EVIDENCE_KEYS_MAX = 8,     /* of one DNSKEY set */
    EVIDENCE_SITE_MAX = 32,    /* the name of a check */
    EVIDENCE_SERVERS_MAX = 16, /* of one zone: what each of them gave last */
    EVIDENCE_QUIET_S = 3600,   /* RFC 9520 keeps failures for minutes: a zone that is asked for at all shows itself */
};

struct evidence_ds {
    uint16_t key_tag;
    uint8_t algorithm, digest_type;
    bool usable, matched; /* by us; by one of the keys */
};

/* Tried by one server, in a form that can be kept. */
struct evidence_trial {
    struct address server; /* family 0: out of the cache */
    enum transport transport;
    enum security security;
    char site[EVIDENCE_SITE_MAX];
};

/* One question that failed, or would have if no other server had known better. */
struct evidence_record {
    int64_t time_s; /* UNIX time */
    struct question question;
    enum security outcome; /* BOGUS; SECURE or INSECURE when another server had good data */
    enum cause cause;
    int ede;
    char site[EVIDENCE_SITE_MAX];
    char text[EXTRA_TEXT_MAX];
    struct dname failed_name;
    uint16_t failed_type;
    uint16_t key_tag; /* of the signature that failed; algorithm 0: there was none */
    uint8_t algorithm;
    uint8_t ds_count, key_count, trial_count;
    bool is_healed; /* the same question has been found good since */
    struct evidence_ds ds[EVIDENCE_DS_MAX];
    struct explained_key keys[EVIDENCE_KEYS_MAX];
    struct evidence_trial trials[TRIALS_MAX];
};

/* What one server of a zone gave in this spell. */
struct evidence_server {
    struct address address;
    enum transport transport;
    uint64_t bad, good; /* sets of data, as they were judged */
    int64_t last_bad_s;
};

struct evidence_zone {
    struct dname zone;
    bool is_failing;
    int64_t first_s, last_s; /* of the spell, UNIX time */
    int64_t ended_s;         /* 0: goes on */
    uint64_t failures;       /* questions that failed in it */
    uint64_t rescued;        /* questions that failed at one server and not at another */
    uint64_t by_cause[CAUSES];
    uint8_t record_count, server_count;
    struct evidence_record records[EVIDENCE_RECORDS_MAX]; /* the first of the spell, then the newest first */
    struct evidence_server servers[EVIDENCE_SERVERS_MAX];
    struct windowed recent, recent_by_cause[CAUSES]; /* of this process, by monotonic time */
    bool is_changed;                                 /* since it was kept last */
};

struct evidence;

struct evidence *evidence_new(void);
void evidence_free(struct evidence *evidence);

enum evidence_event { EVIDENCE_NOTHING, EVIDENCE_BEGINS, EVIDENCE_HEALS };
/* Files what failed; *zone is where, borrowed until the next call.  testimony->failure is not NULL. */
enum evidence_event evidence_failed(struct evidence *evidence, const struct testimony *testimony, struct now now,
                                    const struct evidence_zone **zone);
/* An answer was found SECURE at the first attempt: has a zone healed? */
enum evidence_event evidence_good(struct evidence *evidence, const struct testimony *testimony, struct now now,
                                  const struct evidence_zone **zone);
/* Ends the spells of zones that were quiet for long. */
void evidence_expire(struct evidence *evidence, struct now now);

/* NULL: nothing is known of it. */
const struct evidence_zone *evidence_find(const struct evidence *evidence, const struct dname *zone);
/* i-th of evidence_count(), in no order. */
const struct evidence_zone *evidence_at(const struct evidence *evidence, size_t i);
size_t evidence_count(const struct evidence *evidence);
size_t evidence_failing(const struct evidence *evidence);
uint64_t evidence_dropped(const struct evidence *evidence); /* zones given up for others */
/* Out of the store.  False: there is no room, or it is there already. */
bool evidence_restore(struct evidence *evidence, const struct evidence_zone *zone);
/* The next zone that changed since it was kept; it counts as kept then.  NULL: none. */
const struct evidence_zone *evidence_next_changed(struct evidence *evidence);

#endif
