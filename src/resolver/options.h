/* What operators decide about resolving: resolver.*, local.* and answers.* in the configuration. */
#ifndef RESOLVER_OPTIONS_H
#define RESOLVER_OPTIONS_H

#include "cache/cache.h"
#include "message/address.h"

enum minimisation { MINIMISATION_OFF, MINIMISATION_RELAXED, MINIMISATION_STRICT };

enum zone_rule_kind {
    ZONE_RULE_FORWARD_ONLY,  /* RD=1 to the listed resolvers, their word is final */
    ZONE_RULE_FORWARD_FIRST, /* the same, but when they fail: go on as if this rule were not there */
    ZONE_RULE_STUB,       /* RD=0 to the listed servers as if the zone were delegated to them; referrals are followed */
    ZONE_RULE_STUB_FIRST, /* the same, but when they fail: go on as if this rule were not there */
};
struct zone_rule {
    struct dname zone;
    enum zone_rule_kind kind;
    bool tcp;         /* the listed servers are asked over TCP alone */
    bool primes;      /* stub zones: the listed servers tell who the zone's servers are, as root hints do */
    bool is_uncached; /* answers are for those who wait for them alone */
    uint16_t address_count;
    struct address addresses[ADDRESSES_PER_NS_MAX];
    uint16_t name_count; /* names of more of them, whose addresses are looked up */
    const struct dname *names;
};
enum { RULE_NAMES_MAX = 8 };

/* What servers of a network are told about us, in an EDNS option agreed upon with them. */
enum { CLIENT_STRING_OCTETS_MAX = 255 };
struct client_string {
    struct prefix to;
    const char *text;
};

static inline bool zone_rule_forwards(const struct zone_rule *rule)
{
    return rule->kind == ZONE_RULE_FORWARD_ONLY || rule->kind == ZONE_RULE_FORWARD_FIRST;
}

static inline bool zone_rule_is_first(const struct zone_rule *rule)
{
    return rule->kind == ZONE_RULE_FORWARD_FIRST || rule->kind == ZONE_RULE_STUB_FIRST;
}

struct stale_options { /* RFC 8767 */
    bool enabled;
    uint32_t max_age_s;         /* after the TTL's end; cache_options.keep_expired_s limits it, too */
    uint32_t client_timeout_ms; /* how long a client waits for a fresh answer; 0: not at all */
    bool on_bogus;              /* also when the fresh answer is Bogus */
    uint32_t ttl_s;             /* of what is served */
    uint32_t recheck_s;         /* so long nobody is asked again after a failure */
    bool outlasts;              /* where nobody can tell anything newer max_age_s does not count */
};

struct resolver_options {
    struct delegation *root_hints; /* zone ".", is_hint; expires_ms unused */
    bool prime_root;
    bool ask_ipv4, ask_ipv6;
    enum minimisation minimisation;
    uint16_t minimisation_type;   /* TYPE_A or TYPE_NS */
    bool minimisation_hides_type; /* also where the whole name is asked for: the next zone cut may be at it */
    bool random_case;             /* 0x20 */
    struct dname *case_except;    /* not at or below these names */
    uint16_t case_except_count;
    bool verify_glue;             /* glue from outside the delegated zone is used when nothing else leads on */
    bool any_glue;                /* also for server names that the referring servers have no business to speak of */
    bool more_addresses;          /* of name servers are looked for where data does not validate */
    bool drops_malformed;         /* records that cannot be read do not spoil their RRset */
    bool child_ns;                /* names of more servers are learnt from the delegated zone itself */
    uint16_t ns_max;              /* NS sets of more records are cut short; 0: they are not */
    uint16_t packets_max;         /* questions to servers for one client's question, UPSTREAM_PACKETS_CEILING at most */
    bool tcp_alone;               /* no questions over UDP */
    uint16_t edns_octets;         /* offered upstream */
    struct prefix *query_private; /* special networks that may be asked all the same */
    uint16_t query_private_count;
    struct prefix *query_never; /* networks that must not be asked, whoever names them */
    uint16_t query_never_count;
    struct prefix nat64; /* servers with IPv4 addresses are reached through it (RFC 6052); family 0: they are not */
    struct client_string *client_strings; /* the most specific network counts */
    uint16_t client_string_count;
    uint16_t client_string_code; /* the EDNS option that they are sent in */
    uint32_t least_ttl_s, least_negative_ttl_s;
    bool original_ttls;           /* clients see TTLs as servers sent them: answer_options has the same */
    struct zone_rule *zone_rules; /* the most specific one that holds the name wins; origin is 1 + index */
    uint16_t zone_rule_count;
    bool special_use_names;
    bool answers_ipv4only;           /* the special names of a resolver with DNS64, too (RFC 8880) */
    bool nxdomain_cut;               /* RFC 8020 */
    bool aggressive_nsec;            /* RFC 8198 */
    struct dname *aggressive_except; /* neither is done at or below these zones */
    uint16_t aggressive_except_count;
    struct dname *aggressive_include; /* at and below these also in what forwarders and stub zones say */
    uint16_t aggressive_include_count;
    bool cookies;           /* RFC 7873 */
    bool signal_algorithms; /* RFC 6975 */
    bool signal_anchors;    /* RFC 8145 section 4: key tags in DNSKEY questions */
    bool report_errors;     /* to whom zones name for it (RFC 9567) */
    struct stale_options stale;
    bool shows_ns; /* answers.minimal is off: NS sets that come along with answers and proofs are kept for clients */
    bool prefetch; /* ask anew for what is in use before it expires */
};
/* Built-in root hints, memory in the arena. */
struct resolver_options resolver_options_default(struct arena *arena);
/* Root hints out of a text in master format (NS at ".", A and AAAA of those names), in the arena.  On failure *error is
 * a sentence with line and cause, in the arena. */
MUST_USE enum err root_hints_from_text(struct arena *arena, const char *text, size_t len, struct delegation **hints,
                                       const char **error);
/* Those built in (IANA named.root). */
struct delegation *root_hints_built_in(struct arena *arena);

struct answer_options {
    uint16_t edns_octets; /* offered to clients, and the most we send them over UDP */
    bool minimal;         /* no Authority and Additional sections that are not needed */
    bool tc_for_ns;       /* NS records that are left out because they find no room are worth a question over TCP */
    bool ede;
    bool yxdomain_without_ad;
    bool stale_ad;      /* AD on expired data that was Secure when it was fresh */
    bool original_ttls; /* not what is left of them */
    bool rotate;        /* address records begin with another one each time */
};

#endif
