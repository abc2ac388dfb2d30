/* DNS cookies towards servers (RFC 7873 section 5): a reply that does not repeat ours is not from whom we asked. */
#include "resolver/lookup.h"

static bool is_ours(const struct flight *flight, const struct server_cookie *cookie)
{
    return memcmp(cookie->client_part, flight->cookie, sizeof(flight->cookie)) == 0;
}

/* Ours is random for each server, and another one after a while: it shall not follow us around (RFC 9018 section 3). */
static void renew(struct resolver *r, struct server_cookie *cookie, struct now now)
{
    if (cookie->until_ms > now.monotonic_ms)
        return;
    *cookie = (struct server_cookie) { .until_ms = now.monotonic_ms + COOKIE_CLIENT_S * 1000 };
    r->parts.random->fill(r->parts.random, cookie->client_part, sizeof(cookie->client_part));
}

void lookup_put_cookie(struct resolver *r, struct lookup *l, struct now now, struct edns *edns,
                       uint8_t buffer[COOKIE_OCTETS_MAX])
{
    struct flight *flight = l->flight;
    if (!r->parts.options->cookies)
        return;
    struct server_cookie *cookie = &servers_get(r->servers, &flight->target->address)->cookie;
    renew(r, cookie, now);
    memcpy(flight->cookie, cookie->client_part, sizeof(flight->cookie));
    memcpy(buffer, cookie->client_part, sizeof(cookie->client_part));
    memcpy(buffer + COOKIE_CLIENT_OCTETS, cookie->server_part, cookie->server_octets);
    edns->options[edns->option_count++] =
        (struct edns_option) { EDNS_COOKIE, { buffer, COOKIE_CLIENT_OCTETS + (size_t)cookie->server_octets } };
    flight->with_cookie = true;
}

static bool repeats_ours(const struct flight *flight, const struct edns_option *option)
{
    return cookie_is_well_formed(option->data) &&
           memcmp(option->data.data, flight->cookie, sizeof(flight->cookie)) == 0;
}

/* RFC 7873 section 5.3.  Over TCP nobody can guess his way in: there it is a mistake of the server's. */
bool lookup_cookie_is_forged(const struct flight *flight, const struct message *reply)
{
    const struct edns_option *option = edns_option_find(&reply->edns, EDNS_COOKIE);
    return flight->with_cookie && !flight->over_tcp && option != NULL && !repeats_ours(flight, option);
}

static void learn(const struct flight *flight, struct server_cookie *cookie, struct octets shown)
{
    size_t octets = shown.len - COOKIE_CLIENT_OCTETS;
    if (octets == 0 || !is_ours(flight, cookie))
        return;
    memcpy(cookie->server_part, shown.data + COOKIE_CLIENT_OCTETS, octets);
    cookie->server_octets = (uint8_t)octets;
}

bool lookup_cookie_wants_more(struct resolver *r, struct lookup *l, const struct message *reply)
{
    struct flight *flight = l->flight;
    struct server_cookie *cookie = &servers_get(r->servers, &flight->target->address)->cookie;
    const struct edns_option *option = edns_option_find(&reply->edns, EDNS_COOKIE);
    bool is_shown = option != NULL && repeats_ours(flight, option);
    if (!flight->with_cookie)
        return false;
    if (is_shown) {
        learn(flight, cookie, option->data);
    } else if (cookie->server_octets > 0 && !flight->over_tcp) {
        flight->target->use_tcp = true; /* it has shown cookies before: this may be somebody else */
        return true;
    } else {
        cookie->server_octets = 0; /* it says so over TCP, too: it has stopped */
    }
    if (reply->rcode != RCODE_BADCOOKIE || flight->over_tcp)
        return false;
    flight->target->use_tcp =
        !is_shown || flight->target->cookie_was_bad; /* RFC 7873 section 5.3: once more with the new one */
    flight->target->cookie_was_bad = true;
    return true;
}
