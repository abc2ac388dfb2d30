#include "daemon/retrieval.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport/fetch.h"

enum {
    REDIRECTS_MAX = 3, /* of one document */
    FAMILIES = 2,
};

enum document { XML, SIGNATURE, BUNDLE, DOCUMENTS };

static const struct document_row {
    const char *name;
    size_t octets_max;
    bool is_optional; /* the authorities may be in the signature as well */
} rows[DOCUMENTS] = {
    [XML] = { "root-anchors.xml", ROOT_ANCHORS_OCTETS_MAX, false },
    [SIGNATURE] = { "root-anchors.p7s", CMS_OCTETS_MAX, false },
    [BUNDLE] = { "icannbundle.pem", CMS_BUNDLE_OCTETS_MAX, true },
};

/* The question for one family of addresses of a host. */
struct family {
    uint16_t type;
    bool is_asked;
};

struct retrieval {
    struct ev_loop *loop;
    struct driver *driver;
    const struct settings *settings;
    const struct bootstrap_options *options;
    struct retrieval_handler handler;
    ev_timer soon;
    uint16_t source;
    int document; /* enum document; -1: none yet */
    char url[URL_OCTETS_MAX];
    unsigned redirects;
    bool is_secure;                 /* it began with https: no redirect leads out of that */
    char host[URL_HOST_OCTETS_MAX]; /* whose addresses are known */
    struct address addresses[FETCH_ADDRESSES_MAX];
    size_t address_count;
    struct family families[FAMILIES];
    struct fetch *fetch;
    struct documents documents;
};

static struct octets *place_of(struct retrieval *retrieval)
{
    struct octets *places[DOCUMENTS] = { [XML] = &retrieval->documents.xml,
                                         [SIGNATURE] = &retrieval->documents.signature,
                                         [BUNDLE] = &retrieval->documents.bundle };
    return places[retrieval->document];
}

static void finish(struct retrieval *retrieval)
{
    retrieval->handler.done(retrieval->handler.context, &retrieval->documents); /* may free it */
}

static void begin_document(struct retrieval *retrieval);

static void take_document(struct retrieval *retrieval, struct octets content)
{
    uint8_t *copy = memory_new(content.len + 1, 1);
    memcpy(copy, content.data, content.len);
    *place_of(retrieval) = (struct octets) { copy, content.len };
    begin_document(retrieval);
}

/* The document cannot be had: the source is over, unless it can be done without. */
static void miss(struct retrieval *retrieval, const char *why)
{
    if (rows[retrieval->document].is_optional) {
        begin_document(retrieval);
        return;
    }
    snprintf(retrieval->documents.fault, sizeof(retrieval->documents.fault), "%s: %.200s",
             rows[retrieval->document].name, why);
    finish(retrieval);
}

/* ---- files ---- */

static void read_file(struct retrieval *retrieval, const char *path)
{
    const size_t max = rows[retrieval->document].octets_max;
    uint8_t *content = memory_new(max + 1, 1);
    struct stat found;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would be waited for */
    ssize_t len = fd < 0 || fstat(fd, &found) != 0 ? -1 : S_ISREG(found.st_mode) ? read(fd, content, max + 1) : 0;
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (len < 0)
        miss(retrieval, strerror(error));
    else if (len == 0 || (size_t)len > max)
        miss(retrieval, "no regular file, empty or too large");
    else
        take_document(retrieval, (struct octets) { content, (size_t)len });
    free(content);
}

/* ---- HTTP ---- */

static void begin_url(struct retrieval *retrieval);

static void redirect(struct retrieval *retrieval, const char *to)
{
    struct url url;
    if (++retrieval->redirects > REDIRECTS_MAX)
        miss(retrieval, "too many redirects");
    else if (strlen(to) >= sizeof(retrieval->url) || url_read(to, &url) != OK)
        miss(retrieval, "a redirect to what is no http or https URL");
    else if (retrieval->is_secure && !url.is_secure)
        miss(retrieval, "a redirect from https to http");
    else {
        strcpy(retrieval->url, to);
        begin_url(retrieval);
    }
}

static void on_fetched(void *context, const struct fetch_result *result)
{
    struct retrieval *retrieval = context;
    struct fetch *fetch = retrieval->fetch;
    retrieval->fetch = NULL;
    if (result->fault[0] != '\0')
        miss(retrieval, result->fault);
    else if (result->redirect != NULL)
        redirect(retrieval, result->redirect);
    else
        take_document(retrieval, result->body);
    fetch_free(fetch); /* what it lent has been used */
}

static void begin_fetch(struct retrieval *retrieval)
{
    struct fetch_request request = {
        .url = retrieval->url,
        .addresses = retrieval->addresses,
        .address_count = retrieval->address_count,
        .ca_file = retrieval->options->tls_authorities,
        .octets_max = rows[retrieval->document].octets_max,
        .timeout_ms = retrieval->options->timeout_ms,
    };
    retrieval->fetch = fetch_new(retrieval->loop, &request, retrieval, on_fetched);
}

/* ---- addresses ---- */

/* A name that leads to our own network is not asked, unless servers there may be. */
static bool may_be_asked(const struct retrieval *retrieval, const struct address *address)
{
    const struct resolver_options *options = &retrieval->settings->config->resolver;
    bool is_allowed = !address_is_special(address);
    for (uint16_t i = 0; i < options->query_private_count && !is_allowed; i++)
        is_allowed = prefix_contains(&options->query_private[i], address);
    return is_allowed;
}

static void take_addresses(struct retrieval *retrieval, const struct answer *answer)
{
    struct address address;
    for (size_t i = 0; i < answer->rrsets.count; i++) {
        const struct rrset *rrset = answer->rrsets.items[i];
        for (uint16_t k = 0; k < rrset->count && retrieval->address_count < FETCH_ADDRESSES_MAX; k++)
            if ((rrset->type == TYPE_A || rrset->type == TYPE_AAAA) &&
                address_from_rdata(rrset->type, rrset->rdata[k], 0, &address) == OK &&
                may_be_asked(retrieval, &address))
                retrieval->addresses[retrieval->address_count++] = address;
    }
}

static bool is_waiting(const struct retrieval *retrieval)
{
    return retrieval->families[0].is_asked || retrieval->families[1].is_asked;
}

void retrieval_answer(struct retrieval *retrieval, void *waiter, const struct outcome *outcome)
{
    struct family *family = waiter;
    family->is_asked = false;
    for (uint16_t i = 0; i < outcome->link_count; i++)
        take_addresses(retrieval, outcome->links[i]);
    if (is_waiting(retrieval))
        return;
    if (retrieval->address_count > 0)
        begin_fetch(retrieval);
    else
        miss(retrieval, "no address of its host could be found");
}

static void ask_addresses(struct retrieval *retrieval, const struct dname *host)
{
    const struct resolver_options *options = &retrieval->settings->config->resolver;
    const bool wanted[FAMILIES] = { options->ask_ipv4, options->ask_ipv6 };
    for (unsigned i = 0; i < FAMILIES; i++)
        retrieval->families[i].is_asked = wanted[i]; /* both, before the first answer may come */
    for (unsigned i = 0; i < FAMILIES; i++) {
        struct question question = { .qname = *host, .qtype = retrieval->families[i].type, .qclass = CLASS_IN };
        if (wanted[i])
            driver_ask(retrieval->driver, &question, true, &retrieval->families[i]);
    }
}

static void begin_url(struct retrieval *retrieval)
{
    struct url url;
    struct dname host;
    if (url_read(retrieval->url, &url) != OK) {
        miss(retrieval, "no http or https URL");
        return;
    }
    if (strcmp(url.host, retrieval->host) == 0) {
        begin_fetch(retrieval);
        return;
    }
    strcpy(retrieval->host, url.host);
    retrieval->address_count = 0;
    if (address_from_text(url.host, 0, &retrieval->addresses[0]) == OK) {
        retrieval->address_count = 1;
        begin_fetch(retrieval);
    } else if (dname_from_text(url.host, &host) == OK) {
        ask_addresses(retrieval, &host);
    } else {
        miss(retrieval, "its host is no name");
    }
}

/* ---- sources ---- */

/* The first one that is not there yet. */
static void begin_document(struct retrieval *retrieval)
{
    static const char file[] = "file://";
    const char *source = retrieval->options->sources[retrieval->source];
    if (++retrieval->document == DOCUMENTS) {
        finish(retrieval);
        return;
    }
    snprintf(retrieval->url, sizeof(retrieval->url), "%s%s", source, rows[retrieval->document].name);
    retrieval->redirects = 0;
    retrieval->is_secure = strncmp(source, "https:", 6) == 0;
    if (strncmp(source, file, sizeof(file) - 1) == 0)
        read_file(retrieval, retrieval->url + sizeof(file) - 1);
    else
        begin_url(retrieval);
}

static void on_soon(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct retrieval *retrieval = watcher->data;
    documents_clear(&retrieval->documents);
    if (retrieval->source >= retrieval->options->source_count) {
        snprintf(retrieval->documents.fault, sizeof(retrieval->documents.fault), "trust.bootstrap.sources is empty");
        finish(retrieval);
        return;
    }
    snprintf(retrieval->documents.source, sizeof(retrieval->documents.source), "%s",
             retrieval->options->sources[retrieval->source]);
    retrieval->document = -1;
    retrieval->host[0] = '\0'; /* its addresses may have been what was wrong */
    begin_document(retrieval);
}

bool retrieval_next(struct retrieval *retrieval)
{
    if (retrieval->source + 1 >= retrieval->options->source_count)
        return false;
    retrieval->source++;
    ev_timer_start(retrieval->loop, &retrieval->soon);
    return true;
}

struct retrieval *retrieval_new(struct ev_loop *loop, struct driver *driver, const struct settings *settings,
                                const struct retrieval_handler *handler)
{
    struct retrieval *retrieval = memory_new(1, sizeof(*retrieval));
    retrieval->loop = loop;
    retrieval->driver = driver;
    retrieval->settings = settings;
    retrieval->options = &settings->config->bootstrap;
    retrieval->handler = *handler;
    retrieval->families[0].type = TYPE_A;
    retrieval->families[1].type = TYPE_AAAA;
    ev_timer_init(&retrieval->soon, on_soon, 0.0, 0.0);
    retrieval->soon.data = retrieval;
    ev_timer_start(loop, &retrieval->soon);
    return retrieval;
}

void retrieval_free(struct retrieval *retrieval)
{
    if (retrieval == NULL)
        return;
    ev_timer_stop(retrieval->loop, &retrieval->soon);
    fetch_free(retrieval->fetch);
    documents_clear(&retrieval->documents);
    free(retrieval);
}
