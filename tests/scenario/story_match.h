/* Packets against the patterns of a story. */
#ifndef SCENARIO_STORY_MATCH_H
#define SCENARIO_STORY_MATCH_H

#include "resolver/resolver.h"
#include "tests/scenario/story.h"

struct packet {
    struct octets octets;
    struct message message; /* of the octets */
    enum transport transport;
};

struct comparison {
    struct arena *arena;
    bool may_be_shorter;    /* NS records in Authority and all of Additional may be missing: a minimal response */
    bool may_deny_longer;   /* NS records may come along beside a denial's SOA: Unbound takes them out */
    bool without_keepalive; /* the option is not looked at */
    const char *difference; /* the first one, in the arena, when they do not match */
};

/* The first of the list that matches; NULL if none does, then comparison->difference is the last one's. */
struct story_entry *story_entries_find(struct comparison *comparison, const struct story_entries *entries,
                                       const struct packet *packet);

#endif
