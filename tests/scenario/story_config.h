/* The configuration of a story, in Unbound's words, as the options of our own folders.  Every word has a row in a
 * table: it is mapped, it is known to be harmless, or the story is skipped because we lack what it needs. */
#ifndef SCENARIO_STORY_CONFIG_H
#define SCENARIO_STORY_CONFIG_H

#include "crypto/algorithms.h"
#include "front/front.h"
#include "policy/local.h"
#include "policy/retelling.h"
#include "resolver/options.h"
#include "tests/scenario/story.h"
#include "trust/managed.h"

struct story_config {
    struct resolver_options resolver;
    struct answer_options answers;
    struct retelling_options retelling;
    struct local_data local;
    struct cache_options cache;
    struct front_options front;
    struct crypto_policy policy;
    struct trust *trust;     /* story_config_free() */
    struct managed *managed; /* the anchors that follow RFC 5011; NULL: none */
    int64_t start_ms;        /* wall time when the story begins */
    struct siphash_key cookie_master;
    bool keepalive;        /* the story speaks of the option by which … */
    unsigned keepalive_ms; /* … clients over TCP are told this */
    unsigned upstream_max; /* more upstream questions fail the story; 0: no limit */
    unsigned checks_max;   /* so does a client's question that costs more signature checks … */
    unsigned hashes_max;   /* … or NSEC3 hashes; 0: no limit */
    bool unanswered_fails; /* an upstream question that no entry answers fails the story */
    const char *needs;     /* the story is skipped: "DNS64"; NULL if it can run */
};

/* ERR_FORMAT: *error is a sentence with the line, in the arena.  config->needs counts even then. */
MUST_USE enum err story_configure(struct arena *arena, const struct story *story, struct story_config *config,
                                  const char **error);

void story_config_free(struct story_config *config);

/* Signature checks that were faked as good since the program began: DSA and, where the story says so, SHA-1. */
unsigned long story_faked_checks(void);

#endif
