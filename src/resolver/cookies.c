/* DNS cookies towards servers (RFC 7873 section 5): a reply that does not repeat ours is not from whom we asked. */
#include "resolver/lookup.h"

static bool is_ours(const struct lookup *l, const struct server_cookie *cookie)
{
    return memcmp(cookie->client_part, l->sent.cookie, sizeof(l->sent.cookie)) == 0;
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
    if (!r->parts.options->cookies)
        return;
    struct server_cookie *cookie = &servers_get(r->servers, &l->target->address)->cookie;
    renew(r, cookie, now);
    memcpy(l->sent.cookie, cookie->client_part, sizeof(l->sent.cookie));
    memcpy(buffer, cookie->client_part, sizeof(cookie->client_part));
    memcpy(buffer + COOKIE_CLIENT_OCTETS, cookie->server_part, cookie->server_octets);
    edns->options[edns->option_count++] =
        (struct edns_option) { EDNS_COOKIE, { buffer, COOKIE_CLIENT_OCTETS + (size_t)cookie->server_octets } };
    l->sent.with_cookie = true;
}

static bool repeats_ours(const struct lookup *l, const struct edns_option *option)
{
    return cookie_is_well_formed(option->data) &&
           memcmp(option->data.data, l->sent.cookie, sizeof(l->sent.cookie)) == 0;
}

/* RFC 7873 section 5.3.  Over TCP nobody can guess his way in: there it is a mistake of the server's. */
bool lookup_cookie_is_forged(const struct lookup *l, const struct message *reply)
{
    const struct edns_option *option = edns_option_find(&reply->edns, EDNS_COOKIE);
    return l->sent.with_cookie && !l->sent.over_tcp && option != NULL && !repeats_ours(l, option);
}

static void learn(const struct lookup *l, struct server_cookie *cookie, struct octets shown)
{
    size_t octets = shown.len - COOKIE_CLIENT_OCTETS;
    if (octets == 0 || !is_ours(l, cookie))
        return;
    memcpy(cookie->server_part, shown.data + COOKIE_CLIENT_OCTETS, octets);
    cookie->server_octets = (uint8_t)octets;
}

bool lookup_cookie_wants_more(struct resolver *r, struct lookup *l, const struct message *reply)
{
    struct server_cookie *cookie = &servers_get(r->servers, &l->target->address)->cookie;
    const struct edns_option *option = edns_option_find(&reply->edns, EDNS_COOKIE);
    bool is_shown = option != NULL && repeats_ours(l, option);
    if (!l->sent.with_cookie)
        return false;
    if (is_shown) {
        learn(l, cookie, option->data);
    } else if (cookie->server_octets > 0 && !l->sent.over_tcp) {
        l->target->use_tcp = true; /* it has shown cookies before: this may be somebody else */
        return true;
    } else {
        cookie->server_octets = 0; /* it says so over TCP, too: it has stopped */
    }
    if (reply->rcode != RCODE_BADCOOKIE || l->sent.over_tcp)
        return false;
    l->target->use_tcp = !is_shown || l->target->cookie_was_bad; /* RFC 7873 section 5.3: once more with the new one */
    l->target->cookie_was_bad = true;
    return true;
}
