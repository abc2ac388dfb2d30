/* The words of a story's configuration.  Each has a row in one of the tables: it is mapped, it is known to be harmless,
 * or the story is skipped because we lack what it needs. */
#ifndef SCENARIO_STORY_WORDS_H
#define SCENARIO_STORY_WORDS_H

#include <stddef.h>

#include "tests/scenario/story_config.h"

enum {
    ZONE_RULES_MAX = 16,
    STORY_LIST_MAX = 32, /* of prefixes, names and records that one word adds to */
};

/* A story's configuration while its words are applied. */
struct mapping {
    struct arena *arena;
    struct story_config config;
    struct zone_rule *rule;      /* of the section that is open; NULL in "server:" */
    bool starts_with_signatures; /* the date of the story is when its last signature begins */
    bool has_date;
    bool names_clients; /* who may ask */
    bool may_fake;      /* Unbound's stories */
    bool fakes_dsa, fakes_sha1;
    bool validates;
    bool demands_all; /* algorithms */
    bool uses_nat64;
    bool hides_identity, hides_version;
    const char *error; /* without the line */
};

enum word_kind { WORD_OTHER, WORD_SWITCH, WORD_NUMBER, WORD_SHORT };

/* `apply` maps it, or its value is of a kind and goes into a field of the mapping; else `needs` says what we lack,
 * unless the value switches it off; else it is harmless, which `why` explains. */
struct word {
    const char *key;
    bool (*apply)(struct mapping *m, const char *value);
    enum word_kind kind;
    size_t field; /* an offset */
    const char *needs;
    const char *why;
};

/* Where the member is; one of another type does not compile. */
#define FIELD_OF(type, member)                                                                                         \
    (offsetof(struct mapping, member) + 0 * _Generic(((struct mapping *)0)->member, type : 1))
#define SWITCH(member) .kind = WORD_SWITCH, .field = FIELD_OF(bool, member)
#define NUMBER(member) .kind = WORD_NUMBER, .field = FIELD_OF(uint32_t, member)
#define SHORT(member)  .kind = WORD_SHORT, .field = FIELD_OF(uint16_t, member)

struct word_list {
    const struct word *words;
    size_t count;
};
extern const struct word_list validation_words, resolver_words, answer_words, zone_words, other_words;

/* The rest of Unbound's manual: what we have no use for, or lack.  false: the word is not of it. */
bool foreign_word(struct arena *arena, const char *key, struct word *word);

/* ---- values: false after story_fail() ---- */

/* Sets m->error; always false. */
bool story_fail(struct mapping *m, const char *expected, const char *value);
bool is_no(const char *value);
bool parse_switch(struct mapping *m, const char *value, bool *on);
bool parse_number(struct mapping *m, const char *value, uint32_t *number);
bool parse_short(struct mapping *m, const char *value, uint16_t *number);
bool parse_name(struct mapping *m, const char *value, struct dname *name);
/* Adds it to a list of STORY_LIST_MAX. */
bool add_prefix(struct mapping *m, struct prefix *list, uint16_t *count, const char *text);

/* ---- what several words mean ---- */

extern const char pref64_well_known[]; /* RFC 6052 section 2.1 */
bool set_min_ttl(struct mapping *m, const char *value);
bool set_nat64_prefix(struct mapping *m, const char *value);

/* story_policy.c */
/* DSA is faked wherever an anchor is a DSA key: such a story of Unbound's means nothing otherwise.  Deckard's are told
 * to real resolvers, which fail closed. */
void look_for_dsa(struct mapping *m, const struct trust *trust);
/* What is verified, and what is faked to be good. */
void make_policy(struct mapping *m);

#endif
