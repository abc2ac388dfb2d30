/* What must outlive the process, in one SQLite file: state.db in the state directory.  Trust anchors and their timers,
 * negative trust anchors, every change of them as a row that says what, when, why and who, and the latest time seen.
 *
 * Written in transactions with full sync: a process killed at any point leaves the state before or after a change,
 * nothing between.  A file that is corrupted is set aside, never repaired and never believed.  A call that fails has
 * said so in the log (once, until one succeeds again) and changes nothing in memory: whoever calls goes on without.
 * Calls block on the disk: for the main thread. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "monitor/evidence.h"
#include "trust/nta.h"
#include "trust/rfc5011.h"

#define STORE_FILE "state.db"

enum {
    STORE_HISTORY_MAX = 10000, /* rows; the oldest go */
};

struct store;

/* directory must be ours, writable by nobody else and used by no other process.  Behind the giving up of rights.  Else
 * there is none, after a line in the log: ERR_SYSTEM; ERR_FORMAT: the file is of a later release, and left alone;
 * ERR_NOT_FOUND: it is corrupted and cannot be set aside. */
MUST_USE enum err store_open(const char *directory, int64_t now_s, struct store **store);
void store_close(struct store *store); /* NULL is allowed */
/* It begins anew behind a corrupted one, and no anchors have been saved since: what was known of revocations is
 * lost. */
bool store_is_lost(const struct store *store);

/* Adds all zones and keys.  ERR_SYSTEM: some may be missing. */
MUST_USE enum err store_load_anchors(struct store *store, struct managed *managed);
/* The whole set takes the place of the one before. */
MUST_USE enum err store_save_anchors(struct store *store, const struct managed *managed);

struct history_row {
    int64_t time_s;
    struct dname zone;
    uint16_t key_tag;
    uint8_t algorithm;
    const char *what; /* "ADDPEND -> VALID" */
    const char *why;  /* as all three: borrowed for the call, from us or our operators, never from the network */
    const char *who;  /* "rfc5011", "configuration", "uid 0" */
};
MUST_USE enum err store_add_history(struct store *store, const struct history_row *row);
/* The newest first, `max` at most. */
MUST_USE enum err store_walk_history(struct store *store, size_t max,
                                     void (*each)(void *to, const struct history_row *row), void *to);

/* Evidence of one failing zone takes the place of what was known of it. */
MUST_USE enum err store_save_evidence(struct store *store, const struct evidence_zone *zone);
/* Forgets the zones above EVIDENCE_ZONES_MAX that were quiet for longest. */
MUST_USE enum err store_trim_evidence(struct store *store);
/* Adds all zones that there is room for. */
MUST_USE enum err store_load_evidence(struct store *store, struct evidence *evidence);

/* Negative trust anchors: as store_load_anchors() and store_save_anchors(). */
MUST_USE enum err store_load_ntas(struct store *store, struct nta_set *set);
MUST_USE enum err store_save_ntas(struct store *store, const struct nta_set *set);

struct nta_history_row {
    int64_t time_s;
    struct dname zone;
    const char *what; /* nta_event_text() */
    const char *why;  /* the reason that was given, or what ended it; as all three: borrowed for the call */
    const char *who;  /* "uid 0 (root)", "configuration", "recheck", "clock" */
};
MUST_USE enum err store_add_nta_history(struct store *store, const struct nta_history_row *row);
/* The newest first, `max` at most. */
MUST_USE enum err store_walk_nta_history(struct store *store, size_t max,
                                         void (*each)(void *to, const struct nta_history_row *row), void *to);

/* A group of calls that happens as a whole. */
MUST_USE enum err store_begin(struct store *store);
MUST_USE enum err store_commit(struct store *store);
void store_rollback(struct store *store);

/* The highest wall time that was ever believed; 0: none. */
MUST_USE enum err store_get_latest_time(struct store *store, int64_t *latest_s);
MUST_USE enum err store_put_latest_time(struct store *store, int64_t latest_s);

/* A text that came from outside and was found genuine, and the time that its signer gave it.  ERR_NOT_FOUND: none. */
MUST_USE enum err store_put_document(struct store *store, const char *name, int64_t time_s, struct octets content);
MUST_USE enum err store_get_document(struct store *store, const char *name, struct arena *arena, int64_t *time_s,
                                     struct octets *content);

struct store_stats {
    uint64_t writes, failures;
    uint64_t set_aside; /* corrupted files found at the start */
    bool is_failing;    /* the last write failed */
};
void store_get_stats(const struct store *store, struct store_stats *stats);

#endif
