#include "resolver/servers.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "base/arena.h"

enum { SERVER_BUCKETS = 4096 };

struct node {
    struct server server;
    LIST_ENTRY(node) bucket;
    TAILQ_ENTRY(node) used;
};

struct servers {
    size_t count;
    LIST_HEAD(, node) buckets[SERVER_BUCKETS];
    TAILQ_HEAD(node_order, node) order; /* least recently used first */
};

struct servers *servers_new(void)
{
    struct servers *servers = memory_new(1, sizeof(*servers));
    TAILQ_INIT(&servers->order);
    return servers;
}

static void forget_oldest(struct servers *servers)
{
    struct node *oldest = TAILQ_FIRST(&servers->order);
    TAILQ_REMOVE(&servers->order, oldest, used);
    LIST_REMOVE(oldest, bucket);
    free(oldest);
    servers->count--;
}

void servers_free(struct servers *servers)
{
    if (servers == NULL)
        return;
    while (servers->count > 0)
        forget_oldest(servers);
    free(servers);
}

struct server *servers_get(struct servers *servers, const struct address *address)
{
    size_t bucket = address_hash(address, 0) % SERVER_BUCKETS;
    struct node *node;
    LIST_FOREACH(node, &servers->buckets[bucket], bucket)
    {
        if (!address_equal(&node->server.address, address))
            continue;
        TAILQ_REMOVE(&servers->order, node, used);
        TAILQ_INSERT_TAIL(&servers->order, node, used);
        return &node->server;
    }
    if (servers->count == SERVERS_MAX)
        forget_oldest(servers);
    node = memory_new(1, sizeof(*node));
    node->server.address = *address;
    node->server.srtt_ms = RTT_UNKNOWN_MS;
    LIST_INSERT_HEAD(&servers->buckets[bucket], node, bucket);
    TAILQ_INSERT_TAIL(&servers->order, node, used);
    servers->count++;
    return &node->server;
}

/* RFC 6298 section 2, in milliseconds. */
void server_answered(struct server *server, int64_t took_ms)
{
    uint32_t rtt = took_ms < 0 ? 0 : took_ms > TIMEOUT_MAX_MS ? TIMEOUT_MAX_MS : (uint32_t)took_ms;
    if (!server->measured) {
        server->srtt_ms = rtt;
        server->rttvar_ms = rtt / 2;
        server->measured = true;
    } else {
        uint32_t difference = rtt > server->srtt_ms ? rtt - server->srtt_ms : server->srtt_ms - rtt;
        server->rttvar_ms = (3 * server->rttvar_ms + difference) / 4;
        server->srtt_ms = (7 * server->srtt_ms + rtt) / 8;
    }
    server->timeouts_in_a_row = 0;
    server->silent_until_ms = 0;
}

void server_was_silent(struct server *server, int64_t asked_ms, int64_t now_ms)
{
    if (asked_ms < server->silence_counted_ms)
        return;
    server->silence_counted_ms = now_ms;
    if (server->timeouts_in_a_row < UINT8_MAX)
        server->timeouts_in_a_row++;
    if (server->timeouts_in_a_row >= SERVER_SILENT_AFTER)
        server_counts_as_silent(server, now_ms);
}

void server_counts_as_silent(struct server *server, int64_t now_ms)
{
    if (server->timeouts_in_a_row < SERVER_SILENT_AFTER)
        server->timeouts_in_a_row = SERVER_SILENT_AFTER;
    server->silent_until_ms = now_ms + SERVER_SILENT_S * 1000;
}

bool server_is_silent(const struct server *server, int64_t now_ms)
{
    return server->silent_until_ms > now_ms;
}

void server_is_lame_for(struct server *server, const struct dname *zone, int64_t now_ms)
{
    server->lame_zone = dname_hash(zone, 0);
    server->lame_until_ms = now_ms + SERVER_LAME_S * 1000;
}

bool server_lame_for(const struct server *server, const struct dname *zone, int64_t now_ms)
{
    return server->lame_until_ms > now_ms && server->lame_zone == dname_hash(zone, 0);
}

int64_t server_timeout_ms(const struct server *server, uint8_t n)
{
    return server_timeout_in_crowd_ms(
        server, server->measured && server->timeouts_in_a_row > n ? server->timeouts_in_a_row : n);
}

int64_t server_timeout_in_crowd_ms(const struct server *server, uint8_t doublings)
{
    int64_t timeout = server->measured ? server->srtt_ms + 4 * (int64_t)server->rttvar_ms : RTT_UNKNOWN_MS;
    if (timeout < TIMEOUT_MIN_MS)
        timeout = TIMEOUT_MIN_MS;
    timeout <<= doublings < 4 ? doublings : 4;
    return timeout < TIMEOUT_MAX_MS ? timeout : TIMEOUT_MAX_MS;
}
