#include "transport/fetch.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "transport/curl.h"

enum {
    SOCKETS_MAX = 4, /* one transfer: addresses of both families that race, and spare */
    ADDRESS_LIST_OCTETS_MAX = URL_HOST_OCTETS_MAX + 16 + FETCH_ADDRESSES_MAX * ADDRESS_TEXT_MAX,
    STATUS_OK = 200,
};

struct fetch_socket {
    struct fetch *fetch;
    curl_socket_t fd;
    ev_io io;
};

struct fetch {
    struct ev_loop *loop;
    void *context;
    void (*done)(void *context, const struct fetch_result *result);
    const char *lacking; /* why there is no libcurl; NULL: there is */
    CURLM *multi;
    CURL *easy;
    struct curl_slist *addresses;
    ev_timer timer;
    struct fetch_socket sockets[SOCKETS_MAX];
    uint8_t *body;
    size_t len, octets_max;
    bool is_started, is_too_large, is_over;
    struct fetch_result result;
    char error[CURL_ERROR_SIZE];
};

/* ---- addresses of documents ---- */

static bool take_part(CURLU *handle, CURLUPart part, unsigned flags, char *to, size_t size)
{
    char *text = NULL;
    bool is_good = libcurl.curl_url_get(handle, part, &text, flags) == CURLUE_OK && strlen(text) < size;
    if (is_good)
        strcpy(to, text);
    libcurl.curl_free(text);
    return is_good;
}

static bool has_part(CURLU *handle, CURLUPart part)
{
    char *text = NULL;
    bool has_it = libcurl.curl_url_get(handle, part, &text, 0) == CURLUE_OK;
    libcurl.curl_free(text);
    return has_it;
}

static enum err read_parts(CURLU *handle, struct url *url)
{
    char scheme[8], port[8], *end;
    if (!take_part(handle, CURLUPART_SCHEME, 0, scheme, sizeof(scheme)) ||
        !take_part(handle, CURLUPART_HOST, 0, url->host, sizeof(url->host)) ||
        !take_part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof(port)) ||
        has_part(handle, CURLUPART_USER) || has_part(handle, CURLUPART_PASSWORD))
        return ERR_FORMAT;
    unsigned long number = strtoul(port, &end, 10);
    url->is_secure = strcmp(scheme, "https") == 0;
    url->port = (uint16_t)number;
    size_t len = strlen(url->host);
    if (url->host[0] == '[' && len > 2) { /* an IPv6 address */
        memmove(url->host, url->host + 1, len - 2);
        url->host[len - 2] = '\0';
    }
    return (url->is_secure || strcmp(scheme, "http") == 0) && number > 0 && number <= UINT16_MAX ? OK : ERR_FORMAT;
}

enum err url_read(const char *text, struct url *url)
{
    *url = (struct url) { .port = 0 };
    if (curl_load() != NULL)
        return ERR_SYSTEM;
    CURLU *handle = strlen(text) < URL_OCTETS_MAX ? libcurl.curl_url() : NULL;
    bool is_read =
        handle != NULL && libcurl.curl_url_set(handle, CURLUPART_URL, text, CURLU_DISALLOW_USER) == CURLUE_OK;
    enum err err = is_read ? read_parts(handle, url) : ERR_FORMAT;
    libcurl.curl_url_cleanup(handle);
    return err;
}

/* ---- the end ---- */

static void refuse(struct fetch *fetch, const char *text)
{
    snprintf(fetch->result.fault, sizeof(fetch->result.fault), "%s", text);
    for (char *at = fetch->result.fault; *at != '\0'; at++) /* some of it comes from the server */
        if (*at < 0x20 || *at > 0x7e)
            *at = '?';
}

static void judge(struct fetch *fetch, CURLcode code)
{
    long status = 0;
    char *redirect = NULL, text[64];
    libcurl.curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    libcurl.curl_easy_getinfo(fetch->easy, CURLINFO_REDIRECT_URL, &redirect);
    if (fetch->is_too_large || code == CURLE_FILESIZE_EXCEEDED) {
        snprintf(text, sizeof(text), "larger than %zu octets", fetch->octets_max);
        refuse(fetch, text);
    } else if (code != CURLE_OK) {
        refuse(fetch, fetch->error[0] != '\0' ? fetch->error : libcurl.curl_easy_strerror(code));
    } else if (redirect != NULL) {
        fetch->result.redirect = redirect;
    } else if (status != STATUS_OK) {
        snprintf(text, sizeof(text), "HTTP status %ld", status);
        refuse(fetch, text);
    } else {
        fetch->result.body = (struct octets) { fetch->body, fetch->len };
    }
}

static void end(struct fetch *fetch, CURLcode code)
{
    if (fetch->is_over)
        return;
    fetch->is_over = true;
    judge(fetch, code);
    fetch->done(fetch->context, &fetch->result);
}

static void end_unstarted(struct fetch *fetch)
{
    fetch->is_over = true;
    refuse(fetch, fetch->lacking != NULL ? fetch->lacking : "cannot be fetched");
    fetch->done(fetch->context, &fetch->result);
}

static void look_for_end(struct fetch *fetch)
{
    int left;
    const CURLMsg *message = libcurl.curl_multi_info_read(fetch->multi, &left);
    if (message != NULL && message->msg == CURLMSG_DONE)
        end(fetch, message->data.result);
}

/* ---- what curl waits for ---- */

static void act(struct fetch *fetch, curl_socket_t fd, int events)
{
    int running;
    if (libcurl.curl_multi_socket_action(fetch->multi, fd, events, &running) != CURLM_OK)
        end(fetch, CURLE_FAILED_INIT);
    else
        look_for_end(fetch);
}

static void on_io(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    struct fetch_socket *of = watcher->data;
    int what = ((events & EV_READ) != 0 ? CURL_CSELECT_IN : 0) | ((events & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
    act(of->fetch, of->fd, what);
}

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct fetch *fetch = watcher->data;
    if (fetch->is_started)
        act(fetch, CURL_SOCKET_TIMEOUT, 0);
    else
        end_unstarted(fetch);
}

static struct fetch_socket *find_socket(struct fetch *fetch, curl_socket_t fd)
{
    for (size_t i = 0; i < SOCKETS_MAX; i++)
        if (fetch->sockets[i].fd == fd)
            return &fetch->sockets[i];
    return NULL;
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *of)
{
    (void)easy, (void)of;
    struct fetch *fetch = context;
    struct fetch_socket *place = find_socket(fetch, fd);
    if (place == NULL)
        place = what == CURL_POLL_REMOVE ? NULL : find_socket(fetch, CURL_SOCKET_BAD);
    if (place == NULL)
        return what == CURL_POLL_REMOVE ? 0 : -1;
    ev_io_stop(fetch->loop, &place->io);
    place->fd = what == CURL_POLL_REMOVE ? CURL_SOCKET_BAD : fd;
    int events = (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0);
    if (what == CURL_POLL_REMOVE || events == 0)
        return 0;
    ev_io_set(&place->io, fd, events);
    ev_io_start(fetch->loop, &place->io);
    return 0;
}

static int watch_time(CURLM *multi, long in_ms, void *context)
{
    (void)multi;
    struct fetch *fetch = context;
    ev_timer_stop(fetch->loop, &fetch->timer);
    if (in_ms < 0)
        return 0;
    ev_timer_set(&fetch->timer, (double)in_ms / 1000.0, 0.0);
    ev_timer_start(fetch->loop, &fetch->timer);
    return 0;
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct fetch *fetch = context;
    size_t len = size * count;
    fetch->is_too_large = len > fetch->octets_max - fetch->len;
    if (fetch->is_too_large)
        return 0;
    memcpy(fetch->body + fetch->len, data, len);
    fetch->len += len;
    return len;
}

/* ---- the beginning ---- */

/* "host:port:192.0.2.1,2001:db8::1": curl then asks nobody. */
static struct curl_slist *list_addresses(const struct fetch_request *request, const struct url *url)
{
    char line[ADDRESS_LIST_OCTETS_MAX], text[ADDRESS_TEXT_MAX];
    bool is_ipv6 = strchr(url->host, ':') != NULL;
    int len = snprintf(line, sizeof(line), is_ipv6 ? "[%s]:%u:" : "%s:%u:", url->host, url->port);
    for (size_t i = 0; i < request->address_count && i < FETCH_ADDRESSES_MAX; i++) {
        const struct address *address = &request->addresses[i];
        len += snprintf(line + len, sizeof(line) - (size_t)len, address->family == 6 ? "%s[%s]" : "%s%s",
                        i > 0 ? "," : "", address_host_to_text(address, text));
    }
    return libcurl.curl_slist_append(NULL, line);
}

static void set_options(struct fetch *fetch, const struct fetch_request *request, const struct url *url)
{
    CURL *easy = fetch->easy;
    fetch->addresses = list_addresses(request, url);
    libcurl.curl_easy_setopt(easy, CURLOPT_URL, request->url);
    libcurl.curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    libcurl.curl_easy_setopt(easy, CURLOPT_RESOLVE, fetch->addresses);
    libcurl.curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* of the environment: none */
    libcurl.curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    libcurl.curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    libcurl.curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    libcurl.curl_easy_setopt(easy, CURLOPT_MAXFILESIZE, (long)request->octets_max);
    libcurl.curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    libcurl.curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
    libcurl.curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->error);
    libcurl.curl_easy_setopt(easy, CURLOPT_USERAGENT, "vouchd");
    if (request->ca_file != NULL)
        libcurl.curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
}

static void start(struct fetch *fetch)
{
    libcurl.curl_multi_setopt(fetch->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    libcurl.curl_multi_setopt(fetch->multi, CURLMOPT_SOCKETDATA, fetch);
    libcurl.curl_multi_setopt(fetch->multi, CURLMOPT_TIMERFUNCTION, watch_time);
    libcurl.curl_multi_setopt(fetch->multi, CURLMOPT_TIMERDATA, fetch);
    fetch->is_started = true;
    libcurl.curl_multi_add_handle(fetch->multi, fetch->easy); /* sets the timer: nothing is done before the loop runs */
}

struct fetch *fetch_new(struct ev_loop *loop, const struct fetch_request *request, void *context,
                        void (*done)(void *context, const struct fetch_result *result))
{
    struct fetch *fetch = memory_new(1, sizeof(*fetch));
    struct url url;
    fetch->loop = loop;
    fetch->context = context;
    fetch->done = done;
    fetch->octets_max = request->octets_max;
    fetch->body = memory_new(request->octets_max + 1, 1);
    ev_init(&fetch->timer, on_timer);
    fetch->timer.data = fetch;
    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        fetch->sockets[i] = (struct fetch_socket) { .fetch = fetch, .fd = CURL_SOCKET_BAD };
        ev_init(&fetch->sockets[i].io, on_io);
        fetch->sockets[i].io.data = &fetch->sockets[i];
    }
    fetch->lacking = curl_load();
    if (fetch->lacking == NULL) {
        libcurl.curl_global_init(CURL_GLOBAL_DEFAULT); /* counts */
        fetch->multi = libcurl.curl_multi_init();
        fetch->easy = libcurl.curl_easy_init();
    }
    if (fetch->multi != NULL && fetch->easy != NULL && url_read(request->url, &url) == OK) {
        set_options(fetch, request, &url);
        start(fetch);
    } else { /* said from the loop, as all else */
        ev_timer_set(&fetch->timer, 0.0, 0.0);
        ev_timer_start(loop, &fetch->timer);
    }
    return fetch;
}

static void free_handles(struct fetch *fetch)
{
    if (fetch->multi != NULL && fetch->easy != NULL)
        libcurl.curl_multi_remove_handle(fetch->multi, fetch->easy);
    libcurl.curl_easy_cleanup(fetch->easy);
    if (fetch->multi != NULL)
        libcurl.curl_multi_cleanup(fetch->multi);
    libcurl.curl_slist_free_all(fetch->addresses);
    libcurl.curl_global_cleanup();
}

void fetch_free(struct fetch *fetch)
{
    if (fetch == NULL)
        return;
    fetch->is_over = true;
    if (fetch->lacking == NULL)
        free_handles(fetch);
    ev_timer_stop(fetch->loop, &fetch->timer);
    for (size_t i = 0; i < SOCKETS_MAX; i++)
        ev_io_stop(fetch->loop, &fetch->sockets[i].io);
    free(fetch->body);
    free(fetch);
}
