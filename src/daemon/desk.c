#include "daemon/desk.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

enum { THREAD_NAME_OCTETS = 16 /* pthread_setname_np(3) */ };

/* at_once and stats are used by the receiving thread alone, but while the server is paused. */
struct desk {
    struct desk_parts parts;
    struct udp_server *server;
    struct at_once *at_once;
    struct worker_stats stats;
};

/* ---- in the receiving thread ---- */

static void on_expect(void *context, const struct octets *messages, unsigned count)
{
    struct desk *desk = context;
    struct now now = now_from_system();
    now.wall_is_fit = clock_is_fit(desk->parts.clock);
    at_once_expect(desk->at_once, messages, count, now);
}

static struct octets on_answer(void *context, unsigned place, const struct client *client, uint8_t *buffer)
{
    struct desk *desk = context;
    unsigned ending = at_once_refreshes(desk->at_once);
    struct octets answer = at_once_answer(desk->at_once, place, client, buffer);
    if (at_once_refreshes(desk->at_once) != ending)
        ev_async_send(desk->parts.loop, desk->parts.ending);
    return answer;
}

/* ---- in the worker's ---- */

struct desk *desk_new(const struct desk_parts *parts, int fd, const struct address *address)
{
    struct desk *desk = memory_new_apart(sizeof(*desk));
    char name[THREAD_NAME_OCTETS];
    struct udp_server_parts server = { .loop = parts->loop, .fd = fd, .address = *address, .handler = parts->rest };
    snprintf(name, sizeof(name), "udp %u", parts->worker);
    server.thread_name = name;
    server.handler.at_hand = (struct at_hand) { .context = desk, .expect = on_expect, .answer = on_answer };
    desk->parts = *parts;
    desk->at_once = at_once_new(parts->cache, parts->config, parts->cookie_master, &desk->stats);
    desk->server = udp_server_new(&server);
    if (desk->server != NULL)
        return desk;
    at_once_free(desk->at_once);
    free(desk);
    return NULL;
}

void desk_free(struct desk *desk, struct worker_stats *stats)
{
    desk_add_stats(desk, stats);
    udp_server_free(desk->server);
    at_once_free(desk->at_once);
    free(desk);
}

void desk_use(struct desk *desk, const struct config *config)
{
    udp_server_pause(desk->server);
    at_once_use(desk->at_once, config);
    udp_server_resume(desk->server);
}

void desk_retire(struct desk *desk)
{
    udp_server_retire(desk->server);
}

bool desk_is_done(const struct desk *desk)
{
    return udp_server_is_done(desk->server);
}

bool desk_serves(const struct desk *desk, const struct address *address)
{
    return !udp_server_is_retired(desk->server) && address_equal(udp_server_address(desk->server), address);
}

unsigned desk_take_refreshes(struct desk *desk, struct question questions[AT_ONCE_REFRESHES_MAX])
{
    udp_server_pause(desk->server);
    unsigned count = at_once_take_refreshes(desk->at_once, questions);
    udp_server_resume(desk->server);
    return count;
}

void desk_add_stats(struct desk *desk, struct worker_stats *sum)
{
    udp_server_pause(desk->server);
    worker_stats_add(sum, &desk->stats);
    udp_server_resume(desk->server);
    udp_server_add_counters(desk->server, &sum->udp);
}
