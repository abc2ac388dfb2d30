/* What counts as an address of a document.  Fetching itself is tested against a real web server (tests/anchors). */
#include "transport/fetch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *text;
    bool is_good, is_secure;
    const char *host;
    uint16_t port;
} urls[] = {
    { "https://data.iana.org/root-anchors/root-anchors.xml", true, true, "data.iana.org", 443 },
    { "http://data.iana.org/", true, false, "data.iana.org", 80 },
    { "HTTP://data.iana.org:8080/x?y#z", true, false, "data.iana.org", 8080 },
    { "http://192.0.2.1/", true, false, "192.0.2.1", 80 },
    { "https://[2001:db8::1]:4430/", true, true, "2001:db8::1", 4430 },
    { "https://user:word@data.iana.org/", .is_good = false },
    { "ftp://data.iana.org/", .is_good = false },
    { "file:///etc/passwd", .is_good = false },
    { "data.iana.org", .is_good = false },
    { "https://", .is_good = false },
    { "https://data.iana.org:0/", .is_good = false },
    { "https://data.iana.org:65536/", .is_good = false },
    { "", .is_good = false },
};

static void addresses_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct url url;
        bool is_good = url_read(urls[i].text, &url) == OK;
        if (is_good != urls[i].is_good)
            fail_msg("\"%s\" is %s", urls[i].text, is_good ? "read" : "refused");
        if (!is_good)
            continue;
        assert_int_equal(url.is_secure, urls[i].is_secure);
        assert_string_equal(url.host, urls[i].host);
        assert_int_equal(url.port, urls[i].port);
    }
}

static void addresses_that_are_too_long(void **state)
{
    (void)state;
    char text[URL_OCTETS_MAX + 1] = "https://data.iana.org/";
    struct url url;
    memset(text + strlen(text), 'a', sizeof(text) - 1 - strlen(text));
    text[URL_OCTETS_MAX] = '\0';
    assert_int_equal(url_read(text, &url), ERR_FORMAT);
    text[URL_OCTETS_MAX - 1] = '\0';
    assert_int_equal(url_read(text, &url), OK);
}

/* ---- what ends before it begins ---- */

static void on_done(void *context, const struct fetch_result *result)
{
    char *fault = context;
    strcpy(fault, result->fault);
    assert_null(result->redirect);
    assert_int_equal(result->body.len, 0);
}

static void a_fault_is_told_from_the_loop(void **state)
{
    (void)state;
    static const struct fetch_request requests[] = {
        { .url = "gopher://data.iana.org/", .octets_max = 10, .timeout_ms = 100 },
        { .url = "http://data.iana.org/", .octets_max = 10, .timeout_ms = 100 }, /* nobody is asked for an address */
    };
    struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV);
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        char fault[FETCH_FAULT_OCTETS_MAX] = "";
        struct fetch *fetch = fetch_new(loop, &requests[i], fault, on_done);
        assert_string_equal(fault, "");
        for (int turn = 0; turn < 100 && fault[0] == '\0'; turn++)
            ev_run(loop, EVRUN_ONCE);
        assert_true(fault[0] != '\0');
        fetch_free(fetch);
    }
    ev_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read),
        cmocka_unit_test(addresses_that_are_too_long),
        cmocka_unit_test(a_fault_is_told_from_the_loop),
    };
    return cmocka_run_group_tests_name("transport/fetch", tests, NULL, NULL);
}
