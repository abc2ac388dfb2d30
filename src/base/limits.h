/* The limits that the network can run into, each with its source; what one module alone does has its limits in that
 * module's header.  What one client query may cost is spent out of one struct budget (base/budget.h) that it shares
 * with all it causes. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* messages */
enum {
    UDP_OCTETS_DEFAULT = 1232,  /* RFC 9715 section 3.1: no fragmentation on any common path */
    UDP_OCTETS_MIN = 1220,      /* RFC 4035 section 4.1: the least a security-aware resolver must take */
    UDP_OCTETS_CLASSIC = 512,   /* RFC 1035 section 4.2.1: a client without EDNS */
    MESSAGE_OCTETS_MAX = 65535, /* RFC 1035 section 4.2.2: the TCP length field */
    MESSAGE_RRS_MAX = 4096,     /* 64 KiB of the smallest RRs would be 5,957; no real message has 4,096 */
    NAME_OCTETS_MAX =
        4 << 16,             /* of a message's names when they are expanded: four times what they could be written in */
    POINTER_JUMPS_MAX = 127, /* each jump of a compressed name leads to a label: no name has more (RFC 1035) */
    EDNS_OPTIONS_MAX = 32,   /* CVE-2026-41292: options as CPU load; fewer make sense at once */
};

/* what one client query may cost */
enum {
    UPSTREAM_PACKETS_MAX = 128,       /* questions sent for one client query, retries included; unless configured … */
    UPSTREAM_OCTETS_MAX = 256 << 10,  /* in all their replies: four of the largest over TCP, which take time to read */
    UPSTREAM_PACKETS_CEILING = 1024,  /* … up to this: a question becomes no more of an amplifier */
    LOOKUPS_MAX = 48,                 /* sub-lookups (server addresses, DS, DNSKEY); NXNSAttack, CAMP */
    LOOKUP_DEPTH_MAX = 8,             /* a server's address needs a server's address needs … */
    GLUELESS_PER_REFERRAL_MAX = 6,    /* names of one NS set resolved for one lookup: NXNSAttack, CVE-2020-8616 … */
    SERVER_NAMES_MAX = 6,             /* … and of all sets, while they have no address: three levels of two names */
    REPORTS_PER_S_MAX = 10,           /* error reports of one worker (RFC 9567 section 9: the agent may be a victim) */
    REPORT_PACKETS_MAX = 32,          /* on the way of one: it comes on top of what the failed question has cost … */
    REPORT_OCTETS_MAX = 16 << 10,     /* … and needs referrals to the agent and its short answer, no more */
    REFERRALS_MAX = 32,               /* cuts followed by one lookup */
    CNAME_LINKS_MAX = 12,             /* chain length; peers allow 8 to 16 */
    NSEC3_HASHES_MAX = 128,           /* hashed names in all: CVE-2023-50868 */
    HASHES_PER_TURN = 32,             /* NSEC3 hashes before the worker gets its turn back */
    QUERY_ARENA_OCTETS_MAX = 2 << 20, /* memory of one query and its messages */
};

/* What its signatures may cost.  A check counts as one and is paid by its work, too, in quarters of a check by P-256
 * (signature_cost()).  What is rare in honest answers has a higher price, so that those keep their room and twelve
 * zones in a row, all well signed, cost no more than twelve questions: CVE-2026-11605. */
enum {
    SIGNATURE_CHECKS_MAX = 96,      /* public-key operations in all: a chain of CNAMEs through twelve signed zones */
    COST_OF_P256 = 4,               /* RSA is cheaper, P-384 dearer */
    SIGNATURE_WORK_MAX = 64 * 4,    /* of all checks, good ones too; twelve aliases take 5 checks each */
    DEAR_CHECK_PRICE = 6,           /* times its cost takes a check … */
    ALIASES_AT_PAR = 5,             /* … behind more aliases: content networks lead through six zones */
    PROOFS_AT_PAR = 4,              /* … or beside more proofs in one answer: no denial takes more */
    WORK_BESIDE_PROOFS = 16 * 4,    /* such proofs must leave that much, which another server's answer may need */
    REPLIES_AT_PAR = 32,            /* cost no work: fewer do for six zones and their parents */
    WORK_OF_REPLY = 2,              /* of each further one: to get and to file it takes half a check by P-256 */
    SIGNATURE_FAILURES_MAX = 16,    /* failed checks in all: KeyTrap, CVE-2023-50387 … */
    FAILED_WORK_MAX = 32 * 4,       /* … and their work: no algorithm is a better trap */
    RRSIG_CHECKS_PER_RRSET_MAX = 8, /* pairs of key and signature tried for one RRset: KeyTrap */
    CHECKS_PER_TURN = 2,            /* signature checks before the worker gets its turn back */
};

/* sets and lists */
enum {
    NS_PER_ZONE_MAX = 32, /* the root and the large TLDs have 13 */
    ADDRESSES_PER_NS_MAX = 16,
    DS_PER_ZONE_MAX = 64,      /* more are ignored; real zones have fewer than 8 */
    DNSKEYS_PER_ZONE_MAX = 64, /* that a DS set names, that RFC 5011 follows, that a flush finds by tag; not of a set */
    RRSIGS_PER_RRSET_MAX = 32, /* more are ignored */
    PROOF_RRSETS_MAX = 16,     /* NSEC and NSEC3 RRsets looked at in one answer: CVE-2026-11605 */
    LINEAGE_KEYS_MAX = 64,     /* keys one verdict may rest on: 32 secure cuts with two keys each */
};

/* keys */
enum {
    RSA_MODULUS_BITS_MIN = 512, /* RFC 3110, RFC 5702 section 2 */
    RSA_MODULUS_BITS_MAX = 4096,
    RSA_EXPONENT_BITS_MAX = 64,
    NSEC3_ITERATIONS_DEFAULT = 50,  /* RFC 9276 section 3.2; BIND, Knot and PowerDNS use the same */
    NSEC3_ITERATIONS_CEILING = 150, /* highest value that may be configured */
};

/* time to live, in seconds */
enum {
    TTL_S_MAX = 604800, /* RFC 8767 section 4: seven days */
    CACHE_TTL_S_DEFAULT = 86400,
    NEGATIVE_TTL_S_DEFAULT = 10800, /* RFC 2308 section 5: one to three hours */
    FAILURE_TTL_S_FIRST = 5,        /* RFC 9520 section 3.2: at least 1, doubling up to … */
    FAILURE_TTL_S_MAX = 300,        /* … five minutes */
    PARENT_RECHECK_S = 30,          /* RFC 9520 section 3.3: a zone that does not respond, and its parent */
    BUDGET_FAILURE_TTL_S = 5,       /* a spent budget says nothing about the zone */
    STALE_TTL_S = 30,               /* RFC 8767 section 4: of expired data when it is served */
    STALE_CLIENT_TIMEOUT_MS = 1800, /* RFC 8767 section 5: what clients wait for at least */
    STALE_RECHECK_S = 30,           /* RFC 8767 section 5: the failure recheck timer */
    PREFETCH_SHARE = 10,            /* a hit in the last tenth of a TTL refreshes it, as with other resolvers */
    PREFETCH_TTL_S_MIN = 10,        /* below it that would be no better than asking anew */
    BOGUS_TTL_S = 60,               /* RFC 4035 section 4.7 wants it short; Unbound uses the same */
};

#endif
