/* What one client query may cost, shared with all it causes, restarts included.  A spent budget is an answer
 * (SERVFAIL, EDE, metric), never a loop. */
#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct budget {
    uint32_t reply_octets; /* left, as all below */
    uint16_t packets;
    uint16_t lookups;
    uint16_t server_names;
    uint16_t signature_checks;
    uint16_t signature_work; /* in quarters of a P-256 check, as `failed_work` */
    uint16_t replies_at_par; /* that take none of it */
    uint16_t signature_failures;
    uint16_t failed_work;
    uint16_t hashes;
    uint16_t turn_checks; /* left until the worker gets its turn back */
    uint16_t turn_hashes;
    bool is_behind_aliases, is_beside_proofs; /* a check counts DEAR_CHECK_PRICE times */
    const char *spent;                        /* which one ran out first ("signature-checks"); NULL while none has */
};

struct budget budget_full(void);
/* A new turn of the worker: refills turn_checks and turn_hashes. */
void budget_new_turn(struct budget *budget);

/* Take one unit; false, and `spent` is named, when none is left. */
bool budget_take_packet(struct budget *budget);
/* A reply has come.  When all octets are spent there are no more packets; what many replies cost is no more there for
 * signatures. */
void budget_count_reply(struct budget *budget, size_t octets);
bool budget_take_lookup(struct budget *budget);
/* A name server's name, to be looked up.  That none is left is not named: the zone is to blame. */
bool budget_take_server_name(struct budget *budget);
/* It has an address, or is not looked for any more. */
void budget_return_server_name(struct budget *budget);
/* Set the price of the checks to come, by ALIASES_AT_PAR and PROOFS_AT_PAR: of a link behind so many aliases, of a
 * proof behind so many others of the same answer.  A dear proof that would leave less than WORK_BESIDE_PROOFS is not
 * checked, and `spent` stays as it is. */
void budget_price_aliases(struct budget *budget, uint16_t aliases);
void budget_price_proofs(struct budget *budget, uint16_t proofs);
/* cost: of the check, as signature_cost() tells; a turn holds fewer of those that cost more.  False also where its
 * failure could not be paid. */
bool budget_take_check(struct budget *budget, uint16_t cost);
bool budget_take_failure(struct budget *budget, uint16_t cost);
/* Is there enough left for another RRset none of whose signatures verifies? */
bool budget_bears_failures(const struct budget *budget);
/* NSEC3 hashes by their work: an expensive one counts as several. */
bool budget_take_hashes(struct budget *budget, uint16_t count);
/* The turn is over: give the worker its turn back before the next check or hash. */
bool budget_turn_is_over(const struct budget *budget);

#endif
