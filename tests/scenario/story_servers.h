/* The servers of a story, and its entries as packets. */
#ifndef SCENARIO_STORY_SERVERS_H
#define SCENARIO_STORY_SERVERS_H

#include "tests/scenario/story_match.h"

/* What the server at that address says to the question at that step; NULL if nothing is told. */
struct story_entry *story_find_reply(struct arena *arena, const struct story *story, unsigned step,
                                     const struct address *server, const struct packet *question);
/* Stories tell hosts: one that is asked at another port is the same. */
bool story_address_is(const struct address *told, const struct address *asked);
/* Is anything told of a server at that address, at whatever step? */
bool story_knows_server(const struct story *story, const struct address *server);

/* The entry as a message, adjusted to the question.  In the arena. */
struct octets story_write_reply(struct arena *arena, const struct story *story, const struct story_entry *entry,
                                const struct packet *question);
/* The entry as a client's question, or as a message to show to people.  In the arena. */
struct octets story_write_entry(struct arena *arena, const struct story_entry *entry, uint16_t id);

#endif
