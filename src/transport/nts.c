#include "transport/nts.h"

#include <stdlib.h>
#include <strings.h>

#include "base/arena.h"

/* RFC 8915 section 4.2, of the n-th try in vain: 10 s * 1.5^(n - 1), five days at most. */
enum { RETRY_MS = 10000, RETRY_MS_MAX = 432000000 };

struct nts_client {
    struct ev_loop *loop;
    struct random *random;
    void (*done)(void *context, const struct sntp_reply *reply);
    void *context;
    struct address ke_server, ntp_server;
    char *name, *authorities; /* authorities NULL: the system's */
    struct nts_dates dates;

    struct nts_handshake *handshake; /* NULL: none is under way */
    struct sntp_question question;
    struct nts_session session;          /* worth something while there are cookies */
    bool is_untried;                     /* the session: no answer has come by it */
    bool has_asked_keys;                 /* for this question */
    int64_t valid_from_s, valid_until_s; /* of the certificates that the session rests on */
    int64_t retry_ms;                    /* 0: the last keys were of use */
    int64_t keys_not_before_ms;          /* monotonic */
};

static void end_without(struct nts_client *client, const char *why)
{
    struct sntp_reply reply = { .end = SNTP_UNAUTHENTICATED, .why = why };
    client->done(client->context, &reply);
}

static void drop_session(struct nts_client *client)
{
    explicit_bzero(&client->session, sizeof(client->session));
}

bool nts_must_wait(const struct nts_client *client)
{
    return client->session.cookies.count == 0 && now_from_system().monotonic_ms < client->keys_not_before_ms;
}

const char *nts_name(const struct nts_client *client)
{
    return client->name;
}

unsigned nts_cookie_count(const struct nts_client *client)
{
    return client->session.cookies.count;
}

/* ---- keys ---- */

/* The one that gave the keys, unless it says another; names are not resolved, but it may call itself by its own
 * (section 4.1.7). */
static bool find_ntp_server(struct nts_client *client, const struct nts_agreement *agreement)
{
    uint16_t port = agreement->port == 0 ? SNTP_PORT : agreement->port;
    client->ntp_server = client->ke_server;
    client->ntp_server.port = port;
    if (agreement->server[0] == '\0' || strcasecmp(agreement->server, client->name) == 0)
        return true;
    return strchr(agreement->server, '@') == NULL &&
           address_from_text(agreement->server, port, &client->ntp_server) == OK;
}

static void ask_time(struct nts_client *client)
{
    sntp_ask_sealed(&client->question, client->loop, client->random, &client->ntp_server, &client->session);
}

static void on_keys(void *context, const struct nts_agreement *agreement)
{
    struct nts_client *client = context;
    const char *fault = agreement->fault;
    if (fault == NULL && !find_ntp_server(client, agreement))
        fault = "it sends us to a server that must be found by name";
    if (fault == NULL) {
        client->session = agreement->session;
        client->valid_from_s = agreement->valid_from_s;
        client->valid_until_s = agreement->valid_until_s;
        client->is_untried = true;
    }
    nts_handshake_free(client->handshake);
    client->handshake = NULL;
    if (fault == NULL)
        ask_time(client);
    else
        end_without(client, fault);
}

/* The interval grows until keys have been of use. */
static void ask_keys(struct nts_client *client)
{
    client->retry_ms = client->retry_ms == 0 ? RETRY_MS : client->retry_ms + client->retry_ms / 2;
    if (client->retry_ms > RETRY_MS_MAX)
        client->retry_ms = RETRY_MS_MAX;
    client->keys_not_before_ms = now_from_system().monotonic_ms + client->retry_ms;
    client->has_asked_keys = true;
    const struct nts_server server = { client->ke_server, client->name, client->authorities };
    client->handshake = nts_handshake_new(client->loop, &server, &client->dates, on_keys, client);
}

/* ---- the time ---- */

/* Section 8.5: a certificate that has ended, shown to a client that does not know the time, gives itself away by it. */
static bool is_within_validity(const struct nts_client *client, const struct sntp_reply *reply)
{
    int64_t said_s = (reply->sample.true_minus_monotonic_ms + now_from_system().monotonic_ms) / 1000;
    return said_s >= client->valid_from_s && said_s <= client->valid_until_s;
}

static void on_time(void *context, const struct sntp_reply *reply)
{
    struct nts_client *client = context;
    bool is_nak = reply->end == SNTP_KISSED && strcmp(reply->kiss, SNTP_KISS_NAK) == 0;
    bool is_answer = reply->end == SNTP_ANSWERED;
    if (is_nak)
        drop_session(client);
    if (is_nak && !client->has_asked_keys && !nts_must_wait(client)) {
        ask_keys(client);
    } else if (is_nak) {
        end_without(client, "it does not know its own cookies");
    } else if (is_answer && client->is_untried && !is_within_validity(client, reply)) {
        drop_session(client);
        end_without(client, "its time is outside of its own certificate's");
    } else {
        client->is_untried = client->is_untried && !is_answer;
        if (is_answer)
            client->retry_ms = client->keys_not_before_ms = 0;
        client->done(client->context, reply);
    }
}

void nts_ask(struct nts_client *client, const struct nts_dates *dates)
{
    client->dates = *dates;
    client->has_asked_keys = false;
    if (client->session.cookies.count == 0)
        ask_keys(client);
    else
        ask_time(client);
}

/* ---- beginning and end ---- */

struct nts_client *nts_client_new(struct ev_loop *loop, struct random *random, const struct nts_server *server,
                                  void (*done)(void *context, const struct sntp_reply *reply), void *context)
{
    struct nts_client *client = memory_new(1, sizeof(*client));
    client->loop = loop;
    client->random = random;
    client->done = done;
    client->context = context;
    client->ke_server = server->address;
    client->name = memory_text(server->name);
    client->authorities = server->authorities == NULL ? NULL : memory_text(server->authorities);
    client->question.context = client;
    client->question.done = on_time;
    return client;
}

void nts_client_free(struct nts_client *client)
{
    if (client == NULL)
        return;
    nts_handshake_free(client->handshake);
    sntp_cancel(&client->question);
    drop_session(client);
    free(client->name);
    free(client->authorities);
    free(client);
}
