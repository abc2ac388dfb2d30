/* Questions on their way to servers, and those among them that nobody waits for any more but would still hear. */
#include "resolver/lookup.h"

static struct flight *take_landed(struct lookup *l)
{
    struct flight *flight = LIST_FIRST(&l->landed);
    if (flight == NULL)
        return ARENA_NEW(l->arena, struct flight);
    LIST_REMOVE(flight, of_lookup);
    return flight;
}

struct flight *flight_begin(struct resolver *r, struct lookup *l, struct target *target, struct now now)
{
    struct flight *flight = take_landed(l);
    *flight = (struct flight) {
        .lookup = l,
        .cut = l->cut,
        .exchange = ++r->last_exchange,
        .at_ms = now.monotonic_ms,
        .target = target,
    };
    LIST_INSERT_HEAD(&l->in_flight, flight, of_lookup);
    LIST_INSERT_HEAD(&r->exchanges[flight->exchange % TABLE_BUCKETS], flight, bucket);
    l->flight = flight;
    return flight;
}

void flight_is_late_no_more(struct resolver *r, struct flight *flight)
{
    if (!flight->is_late)
        return;
    TAILQ_REMOVE(&r->late, flight, overdue);
    r->late_count--;
    flight->is_late = false;
}

void flight_end(struct resolver *r, struct flight *flight)
{
    flight_is_late_no_more(r, flight);
    LIST_REMOVE(flight, bucket);
    LIST_REMOVE(flight, of_lookup);
    LIST_INSERT_HEAD(&flight->lookup->landed, flight, of_lookup);
}

void flight_cancel(struct resolver *r, struct flight *flight)
{
    want_cancel(r, flight->exchange);
    flight_end(r, flight);
}

void flight_cancel_oldest(struct resolver *r)
{
    struct flight *oldest = TAILQ_FIRST(&r->late);
    if (oldest != NULL)
        flight_cancel(r, oldest);
}

void flight_is_late(struct resolver *r, struct flight *flight)
{
    if (r->late_count == LATE_QUESTIONS_MAX)
        flight_cancel_oldest(r);
    TAILQ_INSERT_TAIL(&r->late, flight, overdue);
    r->late_count++;
    flight->is_late = true;
}

void flights_cancel(struct resolver *r, struct lookup *l, const struct cut *but)
{
    struct flight *flight, *next;
    for (flight = LIST_FIRST(&l->in_flight); flight != NULL; flight = next) {
        next = LIST_NEXT(flight, of_lookup);
        if (but == NULL || flight->cut != but)
            flight_cancel(r, flight);
    }
}

struct flight *flight_find(const struct resolver *r, uint64_t exchange)
{
    struct flight *flight;
    LIST_FOREACH(flight, &r->exchanges[exchange % TABLE_BUCKETS], bucket)
    if (flight->exchange == exchange)
        return flight;
    return NULL;
}
