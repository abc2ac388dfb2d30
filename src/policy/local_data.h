/* Records and zones that the operator has written into the configuration: told here, never asked upstream. */
#ifndef POLICY_LOCAL_DATA_H
#define POLICY_LOCAL_DATA_H

#include "resolver/hooks.h"
#include "resolver/options.h"

/* What is said of names that no record is written for. */
enum local_zone_kind {
    LOCAL_TRANSPARENT,      /* they are resolved */
    LOCAL_TYPE_TRANSPARENT, /* so are the types that a name has no record of */
    LOCAL_STATIC,           /* they do not exist */
    LOCAL_REDIRECT,         /* the records of the apex are theirs, too; below it none are looked for */
    LOCAL_REFUSE,           /* REFUSED, for all of the zone, whatever records say */
    LOCAL_NXDOMAIN,         /* all of the zone does not exist, whatever records say */
    LOCAL_NODATA,           /* all of its names exist, without data */
    LOCAL_NULL,             /* the same, but for the addresses 0.0.0.0 and :: */
};
struct local_zone {
    struct dname zone;
    enum local_zone_kind kind;
};

/* Read-only once it is sorted; lives in an arena. */
struct local_data {
    struct rrset **sets; /* by owner in canonical order (RFC 4034 section 6.1), then type */
    uint16_t set_count;
    struct local_zone *zones; /* in canonical order */
    uint16_t zone_count;
};

/* Room for that many records. */
void local_data_init(struct arena *arena, struct local_data *data, uint16_t records_max);
/* "host.lan. 300 IN A 192.0.2.1": one record of class IN, before any use.  ERR_FORMAT: *error says why, in the
 * arena. */
MUST_USE enum err local_data_add(struct arena *arena, struct local_data *data, const char *text, const char **error);
/* Once, when all records and zones are there.  false: *twice is a zone that is there twice. */
MUST_USE bool local_data_sort(struct local_data *data, const struct local_zone **twice);

/* What is said of the question, copied into the arena; NULL: nothing, and *zone is the local zone that lets it be
 * resolved, NULL if it is in none.  A forward or stub zone inside a local zone wins over it, a record over both. */
struct answer *local_data_answer(const struct local_data *data, const struct resolver_options *options,
                                 const struct question *question, struct now now, struct arena *arena,
                                 const struct local_zone **zone);

#endif
