/* Is an RRset signed by one of these keys?  RFC 4035 section 5.3, RFC 6840 section 5, limits against KeyTrap. */
#ifndef VALIDATOR_SIGNATURE_H
#define VALIDATOR_SIGNATURE_H

#include "base/budget.h"
#include "crypto/verify.h"
#include "message/ede.h"
#include "time/now.h"

/* How far the most successful signature came: the later, the more it tells.  The order is that of the checks. */
enum signature_fault {
    FAULT_NONE,
    FAULT_MISSING, /* no RRSIG by this signer at all */
    FAULT_MALFORMED,
    FAULT_ALGORITHM,    /* unsupported, or switched off */
    FAULT_LABELS,       /* more than the owner has, or fewer than the signer */
    FAULT_KEY_MISSING,  /* no key of that tag and algorithm */
    FAULT_KEY_UNUSABLE, /* malformed, or outside our limits */
    FAULT_KEY_REVOKED,  /* RFC 5011 section 2.1 */
    FAULT_KEY_NOT_ZONE, /* no ZONE flag, or another protocol than 3 */
    FAULT_INVERTED,     /* it ends before it begins */
    FAULT_NOT_YET,
    FAULT_EXPIRED,
    FAULT_BAD,        /* the cryptographic check failed */
    FAULT_NOT_BY_ALL, /* an algorithm is missing that is demanded besides */
    FAULTS,
};
/* What is said of them: registry code, check, and the words behind "RRSIG A www.example. by example. key 1 alg 13". */
struct fault_row {
    int ede;
    const char *site;
    const char *words;
};
extern const struct fault_row fault_rows[FAULTS];

/* Keys that one of an RRset's signatures may mean and that are looked at: some cost no check. */
enum { CANDIDATES_MAX = 4 * RRSIG_CHECKS_PER_RRSET_MAX };

/* Keys of one zone that may sign. */
struct signer_keys {
    const struct dname *zone;
    const struct octets *rdata; /* DNSKEY RDATA; malformed ones match nothing */
    uint16_t count;
    bool are_revoked; /* wanted: keys that vouch for their own revocation (RFC 5011 section 2.1) */
};

struct signature_result {
    enum signature_fault fault; /* FAULT_NONE: verified */
    bool out_of_budget;         /* the budget says which; fault means nothing then */
    bool has_rrsig;
    struct rrsig rrsig;                   /* the one that verified, or the one that came furthest; borrowed */
    struct octets key;                    /* DNSKEY RDATA; FAULT_NONE only; borrowed */
    const struct signature_result *other; /* FAULT_NONE only: what else must have verified; NULL: nothing */
};

/* Sees each signature that is tried, and how far it came, good ones included: for counting.  A set that is good may
 * have others that are not. */
struct signature_watch {
    void *context;
    void (*saw)(void *context, const struct rrset *rrset, const struct rrsig *sig, enum signature_fault fault);
};

/* What verifying draws on. */
struct signature_means {
    struct arena *arena;
    struct budget *budget;
    struct verifier *verifier;
    const struct crypto_policy *policy;
    struct now now;
    const struct signature_watch *watch; /* may be NULL */
};

void rrset_verify(const struct signature_means *means, const struct rrset *rrset, const struct signer_keys *keys,
                  struct signature_result *result);

/* How many labels RRSIG Labels counts: without the root, and without a leading "*" (RFC 4034 section 3.1.3). */
uint8_t owner_labels(const struct dname *owner);
/* The signature is the wildcard's: its owner has fewer labels than the RRset's. */
bool rrsig_is_expanded(const struct rrsig *sig, const struct dname *owner);

#endif
