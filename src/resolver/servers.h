/* What is remembered of each server address: round-trip time, silence, EDNS, cookies.  Bounded; the least recently used
 * goes. */
#ifndef RESOLVER_SERVERS_H
#define RESOLVER_SERVERS_H

#include "message/address.h"
#include "message/dname.h"
#include "message/edns.h"
#include "time/now.h"

enum {
    SERVERS_MAX = 16384,
    RTT_UNKNOWN_MS = 400, /* first time-out for a server never asked; RFC 1536 would allow seconds, people do not */
    TIMEOUT_MIN_MS = 150, /* below, jitter of a busy path looks like loss */
    TIMEOUT_MAX_MS = 3000,
    SERVER_SILENT_AFTER = 4, /* time-outs in a row until a server counts as silent */
    SERVER_SILENT_S = 60,    /* … and is asked only when nobody else is left */
    NO_EDNS_S = 900,         /* how long we believe that a server does not speak EDNS */
    SERVER_LAME_S = 900,
    NO_OPTIONS_S = 900,      /* how long we believe that a server stumbles over EDNS options */
    TCP_ALONE_S = 900,       /* how long a server is asked over TCP after somebody has tried to answer in its place */
    PLAIN_S = 900,           /* how long we believe that a server bears the plainest questions alone */
    COOKIE_CLIENT_S = 86400, /* RFC 7873 section 7.1: as for secrets, at most 36 days, better one */
};

struct servers;

struct servers *servers_new(void);
void servers_free(struct servers *servers);

/* How one server and we know each other (RFC 7873 section 5). */
struct server_cookie {
    int64_t until_ms; /* monotonic; then another client_part is taken */
    uint8_t client_part[COOKIE_CLIENT_OCTETS];
    uint8_t server_octets; /* 0: it has shown none */
    uint8_t server_part[COOKIE_SERVER_OCTETS_MAX];
};

struct server {
    struct address address;
    bool measured;
    uint32_t srtt_ms, rttvar_ms; /* RFC 6298 */
    uint8_t timeouts_in_a_row;
    int64_t silence_counted_ms; /* monotonic, as all below: when the last of them was found out */
    int64_t silent_until_ms;
    int64_t no_edns_until_ms;
    int64_t no_options_until_ms;
    int64_t tcp_until_ms; /* not asked over UDP */
    bool bears_all;       /* it has answered a question that was not plain, or refused one that was */
    int64_t plain_until_ms;
    uint64_t lame_zone; /* dname_hash() of the zone it was last found lame for; 0: none */
    int64_t lame_until_ms;
    struct server_cookie cookie;
};
/* The record of the address, made if it is not there.  Valid until the next call. */
struct server *servers_get(struct servers *servers, const struct address *address);

void server_answered(struct server *server, int64_t took_ms);
/* To a question that was asked then.  Many that are in flight together when a server pauses are one silence. */
void server_was_silent(struct server *server, int64_t asked_ms, int64_t now_ms);
/* For SERVER_SILENT_S, or until it answers. */
void server_counts_as_silent(struct server *server, int64_t now_ms);
bool server_is_silent(const struct server *server, int64_t now_ms);
void server_is_lame_for(struct server *server, const struct dname *zone, int64_t now_ms);
bool server_lame_for(const struct server *server, const struct dname *zone, int64_t now_ms);
/* How long to wait for its answer to the n-th (from 0) question of one lookup.  One that has answered before, and is
 * silent now, may have become slow: time-outs stay doubled until it answers (RFC 6298 section 5.7), else it never
 * could. */
int64_t server_timeout_ms(const struct server *server, uint8_t n);
/* The same, by how fast it has answered alone: whether it is silent, or was only stopped for a moment, many others find
 * out. */
int64_t server_timeout_in_crowd_ms(const struct server *server, uint8_t n);

#endif
