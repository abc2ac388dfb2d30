/* Replies whose every record can be read, each out of a few octets of the input: what lies behind the parser is reached
 * with far fewer octets than by replies that the input spells out.  All zones have one key, KEY_RDATA; signatures are
 * claimed where the input says so. */
#ifndef FUZZ_BUILT_REPLY_H
#define FUZZ_BUILT_REPLY_H

#include <assert.h>

#include "base/reader.h"
#include "crypto/verify.h"
#include "message/coding.h"
#include "message/message.h"

#define KEY_TEXT "257 3 13 AAAA"
static const uint8_t key_rdata[] = { 1, 1, 3, 13, 0, 0, 0 };

enum {
    KEY_TAG = 1038, /* of key_rdata: RFC 4034 appendix B */
    DIGEST_SHA256_OCTETS = 32,
    SIGNATURE_ALONE = 0x0f,
    SIGNED = 0x10,
    OTHER_NAMES = 0xf0,
};

struct built_reply {
    struct reader *input;
    struct arena *arena;
    const struct dname *qname;
    struct writer *w;
    bool has_signature; /* so far */
};

/* Near the question's: some of its last labels, perhaps with another one in front; or somewhere else. */
static inline struct dname built_name(struct built_reply *reply)
{
    static const char *const others[] = { "a.", "b.", "ns.a.", "ns.other." };
    static const char *const labels[] = { "ns", "*", "a", "zz" };
    uint8_t choice = reader_u8(reply->input), stripped = choice & 7, front = choice >> 3 & 7;
    struct dname name;
    enum err err = OK;
    if (choice >= OTHER_NAMES)
        err = dname_from_text(others[choice % ARRAY_LEN(others)], &name);
    else
        dname_suffix(reply->qname, reply->qname->labels > stripped ? reply->qname->labels - stripped : 0, &name);
    assert(err == OK);
    if (choice < OTHER_NAMES && front < ARRAY_LEN(labels)) {
        err = dname_prepend((struct octets) { (const uint8_t *)labels[front], strlen(labels[front]) }, &name, &name);
        (void)err; /* else it has no room */
    }
    return name;
}

/* Of the first window. */
static inline void built_bitmap(struct built_reply *reply)
{
    static const uint16_t types[] = {
        TYPE_A, TYPE_NS, TYPE_SOA, TYPE_DS, TYPE_CNAME, TYPE_DNAME, TYPE_DNSKEY, TYPE_TXT
    };
    uint8_t bits[TYPE_DNSKEY / 8 + 1] = { 0 }, choice = reader_u8(reply->input);
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (choice >> i & 1)
            bits[types[i] / 8] |= (uint8_t)(0x80 >> types[i] % 8);
    bits[TYPE_RRSIG / 8] |= 0x80 >> TYPE_RRSIG % 8;
    bits[TYPE_NSEC / 8] |= 0x80 >> TYPE_NSEC % 8;
    writer_u8(reply->w, 0);
    writer_u8(reply->w, sizeof(bits));
    writer_octets_put(reply->w, (struct octets) { bits, sizeof(bits) });
}

static inline void built_dname(struct built_reply *reply)
{
    struct dname name = built_name(reply);
    writer_dname(reply->w, &name);
}

static inline void built_zeros(struct built_reply *reply, size_t count)
{
    while (count-- > 0)
        writer_u8(reply->w, 0);
}

/* The hash itself, or a bit below or above: the name is denied, or covered. */
static inline void built_hash(struct built_reply *reply, uint8_t hash[NSEC3_HASH_OCTETS])
{
    struct dname name = built_name(reply);
    nsec3_hash(&name, (struct octets) { NULL, 0 }, 0, hash);
    hash[NSEC3_HASH_OCTETS - 1] = (uint8_t)(hash[NSEC3_HASH_OCTETS - 1] + reader_u8(reply->input) % 3 - 1);
}

static inline struct dname built_owner(struct built_reply *reply, uint16_t type)
{
    if (type != TYPE_NSEC3)
        return built_name(reply);
    uint8_t hash[NSEC3_HASH_OCTETS];
    struct text label = text_new(reply->arena);
    built_hash(reply, hash);
    struct dname name = built_name(reply);
    text_base32hex(&label, (struct octets) { hash, sizeof(hash) });
    enum err err = dname_prepend((struct octets) { (const uint8_t *)label.data, label.len }, &name, &name);
    (void)err;
    return name;
}

static inline void built_nsec3(struct built_reply *reply)
{
    uint8_t hash[NSEC3_HASH_OCTETS];
    writer_u8(reply->w, 1);
    writer_u8(reply->w, reader_u8(reply->input) & 1); /* opt-out */
    writer_u16(reply->w, 0);
    writer_u8(reply->w, 0);
    built_hash(reply, hash);
    writer_u8(reply->w, sizeof(hash));
    writer_octets_put(reply->w, (struct octets) { hash, sizeof(hash) });
    built_bitmap(reply);
}

static inline void built_soa(struct built_reply *reply)
{
    built_dname(reply);
    writer_u8(reply->w, 0);
    writer_u32(reply->w, reader_u8(reply->input)); /* serial */
    built_zeros(reply, 3 * sizeof(uint32_t));
    writer_u32(reply->w, reader_u8(reply->input)); /* minimum */
}

static inline void built_ds(struct built_reply *reply)
{
    writer_u16(reply->w, KEY_TAG);
    writer_u8(reply->w, 13);
    writer_u8(reply->w, 2 + (reader_u8(reply->input) & 2)); /* SHA-256, which is good, or SHA-384 */
    built_zeros(reply, DIGEST_SHA256_OCTETS);
}

static inline void built_rdata(struct built_reply *reply, uint16_t type)
{
    switch (type) {
    case TYPE_A:
        writer_u32(reply->w, 0x2d530000u | reader_u8(reply->input));
        break;
    case TYPE_AAAA:
        writer_u32(reply->w, 0x2a010000u | reader_u8(reply->input));
        built_zeros(reply, 12);
        break;
    case TYPE_NS:
    case TYPE_CNAME:
    case TYPE_DNAME:
        built_dname(reply);
        break;
    case TYPE_SOA:
        built_soa(reply);
        break;
    case TYPE_DS:
        built_ds(reply);
        break;
    case TYPE_DNSKEY:
        writer_octets_put(reply->w, (struct octets) { key_rdata, sizeof(key_rdata) });
        break;
    case TYPE_NSEC:
        built_dname(reply);
        built_bitmap(reply);
        break;
    case TYPE_NSEC3:
        built_nsec3(reply);
        break;
    default:
        writer_u8(reply->w, 1);
        writer_u8(reply->w, reader_u8(reply->input));
        break;
    }
}

static inline void built_head(struct built_reply *reply, const struct dname *owner, uint16_t type, uint32_t ttl_s)
{
    writer_dname(reply->w, owner);
    writer_u16(reply->w, type);
    writer_u16(reply->w, CLASS_IN);
    writer_u32(reply->w, ttl_s);
}

static inline void built_signature(struct built_reply *reply, const struct dname *owner, uint16_t type, uint32_t ttl_s)
{
    reply->has_signature = true;
    built_head(reply, owner, TYPE_RRSIG, ttl_s);
    size_t at = reply->w->len;
    uint8_t labels = owner->labels - dname_is_wildcard(owner), fewer = reader_u8(reply->input) & 3;
    writer_u16(reply->w, 0);
    writer_u16(reply->w, type);
    writer_u8(reply->w, 13);
    writer_u8(reply->w, labels > fewer ? labels - fewer : 0);
    writer_u32(reply->w, ttl_s);
    writer_u32(reply->w, INT32_MAX);
    writer_u32(reply->w, 0);
    writer_u16(reply->w, KEY_TAG);
    built_dname(reply);
    writer_u8(reply->w, 0);
    writer_u16_at(reply->w, at, (uint16_t)(reply->w->len - at - 2));
}

/* Returns how many. */
static inline uint16_t built_records(struct built_reply *reply)
{
    static const uint16_t types[] = { TYPE_A,  TYPE_AAAA,   TYPE_NS,   TYPE_CNAME, TYPE_DNAME, TYPE_SOA,
                                      TYPE_DS, TYPE_DNSKEY, TYPE_NSEC, TYPE_NSEC3, TYPE_TXT };
    static const uint32_t ttls[] = { 300, 0, 1, 60, 3600, 86400, INT32_MAX, UINT32_MAX };
    uint8_t what = reader_u8(reply->input);
    bool is_alone = (what & 0x0f) == SIGNATURE_ALONE;
    uint16_t type = types[(is_alone ? reader_u8(reply->input) : what & 0x0f) % ARRAY_LEN(types)];
    struct dname owner = built_owner(reply, type);
    if (is_alone) {
        built_signature(reply, &owner, type, ttls[what >> 5]);
        return 1;
    }
    built_head(reply, &owner, type, ttls[what >> 5]);
    size_t at = reply->w->len;
    writer_u16(reply->w, 0);
    built_rdata(reply, type);
    writer_u16_at(reply->w, at, (uint16_t)(reply->w->len - at - 2));
    if (!(what & SIGNED))
        return 1;
    built_signature(reply, &owner, type, ttls[what >> 5]);
    return 2;
}

/* OPT with the cookie that was sent, perhaps a server's part, and whom to tell of errors. */
static inline void built_edns(struct built_reply *reply, const struct edns *sent)
{
    uint8_t cookie[COOKIE_CLIENT_OCTETS + COOKIE_SERVER_OCTETS_MIN] = { 0 };
    static const uint8_t agent[] = { 5, 'a', 'g', 'e', 'n', 't', 0 }; /* RFC 9567 */
    const struct edns_option *option = edns_option_find(sent, EDNS_COOKIE);
    uint8_t choice = reader_u8(reply->input);
    struct edns edns = {
        .present = true, .udp_octets = UDP_OCTETS_DEFAULT, .dnssec_ok = true, .rcode_high = choice >> 7
    };
    if (option != NULL)
        memcpy(cookie, option->data.data, COOKIE_CLIENT_OCTETS);
    cookie[choice >> 4 & 7] ^= choice & 1;
    if (choice & 2)
        edns.options[edns.option_count++] =
            (struct edns_option) { EDNS_COOKIE, { cookie, choice & 4 ? sizeof(cookie) : COOKIE_CLIENT_OCTETS } };
    if (choice & 8)
        edns.options[edns.option_count++] = (struct edns_option) { EDNS_REPORT_CHANNEL, { agent, sizeof(agent) } };
    writer_edns(reply->w, &edns);
}

#endif
