/* A story as it is told in a file: configuration, what the servers answer between which steps, and the steps.  Two
 * dialects are read: Unbound's (a configuration with sections) and Deckard's (a flat one). */
#ifndef SCENARIO_STORY_H
#define SCENARIO_STORY_H

#include <sys/queue.h>

#include "message/address.h"
#include "message/message.h"

struct story_record {
    struct dname owner;
    uint16_t type, class;
    uint32_t ttl_s;
    struct octets rdata;
    STAILQ_ENTRY(story_record) next;
};
STAILQ_HEAD(story_records, story_record);

/* What a MATCH line compares. */
enum match_field {
    MATCH_OPCODE = 1 << 0,
    MATCH_QTYPE = 1 << 1,
    MATCH_QNAME = 1 << 2,
    MATCH_SUBDOMAIN = 1 << 3, /* the question is at or below the name told */
    MATCH_FLAGS = 1 << 4,
    MATCH_RCODE = 1 << 5,
    MATCH_QUESTION = 1 << 6,
    MATCH_ANSWER = 1 << 7,
    MATCH_AUTHORITY = 1 << 8,
    MATCH_ADDITIONAL = 1 << 9,
    MATCH_TTL = 1 << 10,
    MATCH_DO = 1 << 11, /* DO is set */
    MATCH_UDP = 1 << 12,
    MATCH_TCP = 1 << 13,
    MATCH_EDNS_DATA = 1 << 14,
    MATCH_EDE = 1 << 15,
    MATCH_SERVER_COOKIE = 1 << 16,
    MATCH_QCASE = 1 << 17,
    MATCH_SAME_DO = 1 << 18, /* DO is as told, where TTLs are: it stands in the TTL field of OPT */
    MATCH_NO_EDNS = 1 << 19,
    MATCH_CLIENT_COOKIE = 1 << 20, /* a cookie without a server's part */
    MATCH_ALL =
        MATCH_OPCODE | MATCH_FLAGS | MATCH_RCODE | MATCH_QUESTION | MATCH_ANSWER | MATCH_AUTHORITY | MATCH_ADDITIONAL,
};
enum { EDE_ANY = -2 }; /* ede=any */

/* What an ADJUST line copies from the question. */
enum adjust_field {
    ADJUST_COPY_ID = 1 << 0,
    ADJUST_COPY_QUERY = 1 << 1,
    ADJUST_NO_ANSWER = 1 << 2, /* Deckard: the question is heard, and that is all */
};

/* ENTRY_BEGIN … ENTRY_END: a packet, or a pattern of one. */
struct story_entry {
    unsigned line;
    uint32_t match;       /* enum match_field */
    int ede;              /* MATCH_EDE: the code */
    uint32_t adjust;      /* enum adjust_field */
    struct header header; /* id and counts are not told */
    uint8_t rcode_high;   /* the upper bits of an extended RCODE */
    bool dnssec_ok;
    bool has_question;
    struct question question;
    struct story_records sections[SECTIONS];
    bool has_edns_data;
    struct octets edns_data; /* options in wire form */
    bool has_raw;
    struct octets raw; /* the whole message instead of all above */
    bool mandatory;    /* Deckard: the story fails if it was never used */
    bool used;
    STAILQ_ENTRY(story_entry) next;
};
STAILQ_HEAD(story_entries, story_entry);

enum { RANGE_ADDRESSES_MAX = 32 };

struct story_range {
    unsigned first, last;   /* steps */
    uint16_t address_count; /* 0: every server */
    struct address addresses[RANGE_ADDRESSES_MAX];
    struct story_entries entries;
    STAILQ_ENTRY(story_range) next;
};

enum step_kind {
    STEP_QUERY,
    STEP_CHECK_ANSWER,
    STEP_CHECK_OUT_QUERY,
    STEP_REPLY,
    STEP_TIMEOUT,
    STEP_ERROR,
    STEP_NOTHING,
    STEP_TIME_PASSES,
    STEP_ASSIGN,          /* "t0 = ${time}" */
    STEP_TRAFFIC,         /* what was asked is answered, or times out */
    STEP_CHECK_AUTOTRUST, /* the states of trust anchors that follow RFC 5011 */
    STEP_INFRA_RTT,       /* how quick a server is said to have been: we go by what it does */
    STEP_FLUSH_MESSAGE,   /* "www.example.com. A IN" goes out of the cache */
    STEP_EXPIRE_MESSAGE,
    STEP_CHECK_TEMPFILE,
};

struct story_step {
    unsigned number, line;
    enum step_kind kind;
    bool has_address;
    struct address address; /* of the client, or of the server asked */
    const char *rest;       /* of the line: "ELAPSE 10" */
    const char *file;       /* what stands between FILE_BEGIN and FILE_END */
    struct story_entries entries;
    STAILQ_ENTRY(story_step) next;
};

/* "key: value" of the configuration; a section ("server:") has an empty value, AUTOTRUST_FILE that of a file. */
struct story_setting {
    unsigned line;
    const char *key;
    const char *value;
    STAILQ_ENTRY(story_setting) next;
};

struct story {
    const char *path;
    const char *title;
    bool has_sections; /* Unbound's dialect */
    STAILQ_HEAD(, story_setting) settings;
    STAILQ_HEAD(, story_range) ranges;
    STAILQ_HEAD(, story_step) steps;
};

/* Everything lives in the arena.  ERR_FORMAT: *error is a sentence with the line, in the arena. */
MUST_USE enum err story_parse(struct arena *arena, const char *path, const char *text, size_t len, struct story **story,
                              const char **error);
MUST_USE enum err story_read(struct arena *arena, const char *path, struct story **story, const char **error);

const char *step_kind_text(enum step_kind kind);

#endif
