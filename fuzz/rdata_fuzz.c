/* RDATA of any type that can be read out of a message is valid, has one canonical form, and reads the same from its
 * text form.  Text that can be read does, too. */
#include <assert.h>

#include "base/arena.h"
#include "message/rdata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct octets canonical(struct arena *arena, uint16_t type, struct octets rdata)
{
    struct writer w = writer_of(arena_alloc(arena, rdata.len), rdata.len);
    rdata_write_canonical(&w, type, rdata);
    assert(!w.failed && w.len == rdata.len); /* case is all that changes */
    return writer_octets(&w);
}

static void check_rdata(struct arena *arena, uint16_t type, struct octets rdata)
{
    struct octets again, lower = canonical(arena, type, rdata);
    assert(rdata_is_valid(type, rdata) && rdata_is_valid(type, lower));
    assert(octets_equal(canonical(arena, type, lower), lower));
    enum err err = rdata_from_text(arena, type, rdata_to_text(arena, type, rdata), NULL, &again);
    assert(err == OK && octets_equal(again, rdata));
}

/* The views accept whatever octets they get. */
static void read_views(struct octets rdata)
{
    struct rrsig sig;
    struct dnskey key;
    struct ds ds;
    struct nsec nsec;
    struct nsec3 nsec3;
    struct soa soa;
    struct dname name;
    assert((rrsig_read(rdata, &sig) == OK) == rdata_is_valid(TYPE_RRSIG, rdata));
    assert((dnskey_read(rdata, &key) == OK) == rdata_is_valid(TYPE_DNSKEY, rdata));
    assert((ds_read(rdata, &ds) == OK) == rdata_is_valid(TYPE_DS, rdata));
    assert((nsec_read(rdata, &nsec) == OK) == rdata_is_valid(TYPE_NSEC, rdata));
    assert((nsec3_read(rdata, &nsec3) == OK) == rdata_is_valid(TYPE_NSEC3, rdata));
    assert((soa_read(rdata, &soa) == OK) == rdata_is_valid(TYPE_SOA, rdata));
    assert((rdata_name(rdata, &name) == OK) == rdata_is_valid(TYPE_NS, rdata));
    bitmap_has(rdata, TYPE_NS);
}

static void read_message(struct arena *arena, uint16_t type, struct octets message, size_t at)
{
    struct reader r = reader_of_octets(message);
    r.at += at;
    struct octets rdata = rdata_read(&r, type, message.len - at, arena);
    assert(r.failed ? rdata.len == 0 : reader_left(&r) == 0);
    if (!r.failed)
        check_rdata(arena, type, rdata);
    rdata_to_text(arena, type, message);
    read_views(message);
}

static void read_text(struct arena *arena, uint16_t type, struct octets octets)
{
    char *text = arena_alloc(arena, octets.len + 1);
    struct octets rdata;
    memcpy(text, octets.data, octets.len);
    if (rdata_from_text(arena, type, text, NULL, &rdata) == OK)
        check_rdata(arena, type, rdata);
}

/* Two octets of type, one that says where in the rest, a message or text, the RDATA begins. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    struct arena *arena = arena_new();
    uint16_t type = (uint16_t)(data[0] << 8 | data[1]);
    struct octets rest = { data + 3, size - 3 };
    read_message(arena, type, rest, data[2] < rest.len ? data[2] : rest.len);
    read_text(arena, type, rest);
    arena_free(arena);
    return 0;
}
