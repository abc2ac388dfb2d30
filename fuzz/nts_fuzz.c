/* What a server of NTS says: in TLS by its records, later by the fields of its packets. */
#include <assert.h>

#include "transport/nts_records.h"

static void check_cookies(const struct nts_cookies *cookies)
{
    assert(cookies->count <= NTS_COOKIES_MAX);
    for (unsigned i = 0; i < cookies->count; i++)
        assert(cookies->cookies[i].len >= NTS_COOKIE_OCTETS_MIN && cookies->cookies[i].len <= NTS_COOKIE_OCTETS_MAX);
}

static struct nts_ke_reply read_reply(const uint8_t *data, size_t size, size_t step)
{
    struct nts_ke_reply reply = { .is_over = false };
    size_t taken = 0;
    for (size_t len = step < size ? step : size;; len = len + step < size ? len + step : size) {
        struct reader reader = reader_of(data, len);
        reader_octets(&reader, taken);
        nts_ke_take(&reply, &reader);
        assert(!reader.failed);
        taken = (size_t)(reader.at - reader.start);
        if (len == size)
            return reply;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t unique[NTS_UNIQUE_OCTETS];
    struct nts_session session = { .cookies.count = 0 };
    struct nts_ke_reply whole = read_reply(data, size, size), pieces = read_reply(data, size, 7);
    check_cookies(&whole.cookies);
    assert(whole.is_over == pieces.is_over && whole.fault == pieces.fault && whole.port == pieces.port &&
           whole.cookies.count == pieces.cookies.count && strcmp(whole.server, pieces.server) == 0);
    assert(!whole.is_over || whole.fault != NULL || whole.cookies.count > 0);
    /* nobody guesses the keys */
    assert(nts_open(&session, unique, (struct octets) { data, size }) != NTS_GOOD && session.cookies.count == 0);
    return 0;
}
