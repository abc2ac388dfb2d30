/* Who waits for whom.  Lookups may wait for lookups, but not in a circle: it is looked for before it would close. */
#include "resolver/lookup.h"

#include <stdlib.h>

enum {
    WAITS_DEPTH_MAX = 64,    /* deeper counts as a circle … */
    WAITS_LOOKUPS_MAX = 256, /* … as do more lookups below one: a client's question has LOOKUPS_MAX */
};

void wait_for(struct task *waiter, struct wait_list *waits, struct lookup *lookup)
{
    struct wait *wait = memory_new(1, sizeof(*wait));
    wait->waiter = waiter;
    wait->lookup = lookup;
    LIST_INSERT_HEAD(&lookup->waiters, wait, of_lookup);
    LIST_INSERT_HEAD(waits, wait, of_waiter);
}

static void end(struct resolver *r, struct wait *wait)
{
    struct lookup *lookup = wait->lookup;
    LIST_REMOVE(wait, of_lookup);
    LIST_REMOVE(wait, of_waiter);
    free(wait);
    if (LIST_EMPTY(&lookup->waiters) && lookup->end == LOOKUP_RUNNING)
        lookup_free(r, lookup);
}

void wait_no_more(struct resolver *r, struct wait_list *waits)
{
    while (!LIST_EMPTY(waits))
        end(r, LIST_FIRST(waits));
}

/* One walk through the waits-for graph. */
struct walk {
    const struct lookup *goal;
    uint64_t number;
    unsigned lookups_left;
};

/* Does `from` wait, however indirectly, for the goal?  Each lookup is looked at once: zones whose servers are named in
 * each other make more ways than anybody could walk. */
static bool leads_to_goal(struct walk *walk, struct lookup *from, unsigned depth)
{
    if (from == walk->goal || depth == WAITS_DEPTH_MAX)
        return true;
    if (from->last_walk == walk->number)
        return false;
    if (walk->lookups_left-- == 0)
        return true;
    from->last_walk = walk->number;
    const struct wait *wait;
    LIST_FOREACH(wait, &from->waits, of_waiter)
    if (leads_to_goal(walk, wait->lookup, depth + 1))
        return true;
    return false;
}

bool waits_lead_to(struct resolver *r, struct lookup *from, const struct lookup *goal)
{
    struct walk walk = { .goal = goal, .number = ++r->last_walk, .lookups_left = WAITS_LOOKUPS_MAX };
    return leads_to_goal(&walk, from, 0);
}
