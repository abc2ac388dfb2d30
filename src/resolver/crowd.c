/* How many wait for each zone's servers: those of one that does not reply must not take the places and the sockets of
 * all others. */
#include "resolver/lookup.h"

static bool is_crowded(const struct resolver *r, uint16_t bucket)
{
    const struct crowds *crowds = &r->crowds;
    return crowds->total >= r->exchanges_max / CROWD_BUSY_SHARE &&
           crowds->of_zone[bucket] >= r->exchanges_max / CROWD_ZONE_SHARE;
}

bool crowd_admits(struct resolver *r, struct lookup *l)
{
    uint16_t bucket = (uint16_t)(dname_hash(&l->cut->delegation->zone, 0) % CROWD_BUCKETS);
    if (l->is_in_crowd && l->crowd == bucket)
        return true;
    crowd_leave(r, l);
    if (!l->cut->recursive && is_crowded(r, bucket))
        return false;
    l->is_in_crowd = true;
    l->crowd = bucket;
    r->crowds.of_zone[bucket]++;
    r->crowds.total++;
    return true;
}

bool crowd_is_large(const struct resolver *r, const struct lookup *l)
{
    return l->is_in_crowd && r->crowds.of_zone[l->crowd] > CROWD_LARGE;
}

void crowd_leave(struct resolver *r, struct lookup *l)
{
    if (!l->is_in_crowd)
        return;
    l->is_in_crowd = false;
    r->crowds.of_zone[l->crowd]--;
    r->crowds.total--;
}
