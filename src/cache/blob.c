#include "cache/blob.h"

/* ---- keys ---- */

struct octets blob_key_encode(const struct blob_key *key, uint8_t octets[BLOB_KEY_OCTETS_MAX])
{
    struct writer w = writer_of(octets, BLOB_KEY_OCTETS_MAX);
    struct dname lower;
    dname_lower(&key->qname, &lower);
    writer_u8(&w, (uint8_t)key->kind);
    writer_u16(&w, key->origin);
    writer_u16(&w, key->qclass);
    writer_u16(&w, key->qtype);
    writer_dname(&w, &lower);
    return writer_octets(&w);
}

bool blob_key_decode(struct octets octets, struct blob_key *key)
{
    struct reader r = reader_of_octets(octets);
    key->kind = reader_u8(&r);
    key->origin = reader_u16(&r);
    key->qclass = reader_u16(&r);
    key->qtype = reader_u16(&r);
    reader_dname_uncompressed(&r, &key->qname);
    return !r.failed;
}

/* ---- parts ---- */

static void put_fixed(struct writer *w, const void *data, size_t len)
{
    writer_octets_put(w, (struct octets) { data, len });
}

static bool read_fixed(struct reader *r, void *to, size_t len)
{
    struct octets octets = reader_octets(r, len);
    if (r->failed)
        return false;
    memcpy(to, octets.data, len);
    return true;
}

/* As much of it as an EXTRA-TEXT holds. */
static void put_text(struct writer *w, const char *text)
{
    size_t len = text == NULL ? 0 : strnlen(text, EXTRA_TEXT_MAX - 1);
    writer_u8(w, (uint8_t)len);
    put_fixed(w, text, len);
}

static struct octets read_text(struct reader *r)
{
    uint8_t len = reader_u8(r);
    return reader_octets(r, len);
}

static void put_rdata(struct writer *w, const struct octets *rdata, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        if (rdata[i].len > UINT16_MAX) {
            w->failed = true;
            return;
        }
        writer_u16(w, (uint16_t)rdata[i].len);
        writer_octets_put(w, rdata[i]);
    }
}

static const struct octets *read_rdata(struct reader *r, uint16_t count, struct arena *arena)
{
    if (count > reader_left(r) / sizeof(uint16_t)) { /* each has its length */
        r->failed = true;
        return NULL;
    }
    struct octets *rdata = ARENA_ARRAY(arena, count, struct octets);
    for (uint16_t i = 0; i < count; i++) {
        uint16_t len = reader_u16(r);
        rdata[i] = reader_octets(r, len);
    }
    return rdata;
}

void rrset_encode(struct writer *w, const struct rrset *rrset)
{
    writer_dname(w, rrset->owner);
    writer_u16(w, rrset->type);
    writer_u16(w, rrset->class);
    writer_u32(w, rrset->ttl_s);
    writer_u32(w, rrset->sig_ttl_s);
    writer_u16(w, rrset->count);
    writer_u16(w, rrset->sig_count);
    put_rdata(w, rrset->rdata, rrset->count);
    put_rdata(w, rrset->sigs, rrset->sig_count);
}

struct rrset *rrset_decode(struct reader *r, struct arena *arena)
{
    struct rrset *rrset = ARENA_NEW(arena, struct rrset);
    struct dname owner;
    reader_dname_uncompressed(r, &owner);
    rrset->owner = dname_copy(arena, &owner);
    rrset->type = reader_u16(r);
    rrset->class = reader_u16(r);
    rrset->ttl_s = reader_u32(r);
    rrset->sig_ttl_s = reader_u32(r);
    rrset->count = reader_u16(r);
    rrset->sig_count = reader_u16(r);
    rrset->rdata = read_rdata(r, rrset->count, arena);
    rrset->sigs = read_rdata(r, rrset->sig_count, arena);
    return rrset;
}

static void put_list(struct writer *w, const struct rrset_list *list)
{
    writer_u16(w, list->count);
    for (uint16_t i = 0; i < list->count; i++)
        rrset_encode(w, list->items[i]);
}

static struct rrset_list read_list(struct reader *r, struct arena *arena)
{
    struct rrset_list list = { .count = reader_u16(r) };
    if (list.count > reader_left(r)) /* each has one octet at least */
        r->failed = true;
    if (r->failed)
        return (struct rrset_list) { .count = 0 };
    list.items = ARENA_ARRAY(arena, list.count, struct rrset *);
    for (uint16_t i = 0; i < list.count && !r->failed; i++)
        list.items[i] = rrset_decode(r, arena);
    return list;
}

/* ---- answers ---- */

void answer_encode(struct writer *w, const struct answer_head *head, const struct answer *answer)
{
    bool judged = head->security != UNCHECKED;
    put_fixed(w, head, sizeof(*head));
    put_text(w, judged ? answer->verdict.site : NULL);
    put_text(w, judged ? answer->verdict.text : NULL);
    writer_dname(w, &answer->zone);
    put_list(w, &answer->rrsets);
    put_list(w, &answer->proofs);
}

static void read_verdict(struct reader *r, struct arena *arena, const struct answer_head *head, struct verdict *verdict)
{
    struct octets site = read_text(r), text = read_text(r);
    char *copy = arena_alloc(arena, site.len + 1);
    if (site.len > 0)
        memcpy(copy, site.data, site.len);
    verdict->site = copy;
    if (text.len >= sizeof(verdict->text))
        r->failed = true;
    else if (text.len > 0)
        memcpy(verdict->text, text.data, text.len);
    verdict->security = head->security;
    verdict->ede = head->ede;
    verdict->valid_until_s = head->valid_until_s;
    verdict->ttl_cap_s = head->ttl_cap_s;
}

bool answer_decode(struct octets blob, struct arena *arena, struct answer_head *head, struct answer *answer)
{
    struct reader r = reader_of_octets(blob);
    *answer = (struct answer) { .kind = ANSWER_DATA };
    if (!read_fixed(&r, head, sizeof(*head)) || head->security > INDETERMINATE || head->kind > ANSWER_NXDOMAIN)
        return false;
    read_verdict(&r, arena, head, &answer->verdict);
    reader_dname_uncompressed(&r, &answer->zone);
    answer->rrsets = read_list(&r, arena);
    answer->proofs = read_list(&r, arena);
    answer->kind = head->kind;
    answer->rcode = head->rcode;
    answer->received_ms = head->received_ms;
    answer->expires_ms = head->expires_ms;
    return !r.failed;
}

/* ---- delegations ---- */

static void put_address(struct writer *w, const struct address *address)
{
    writer_u8(w, address->family);
    writer_u16(w, address->port);
    writer_u32(w, address->scope);
    put_fixed(w, address->octets, address->family == 4 ? 4 : 16);
}

static void read_address(struct reader *r, struct address *address)
{
    address->family = reader_u8(r);
    address->port = reader_u16(r);
    address->scope = reader_u32(r);
    read_fixed(r, address->octets, address->family == 4 ? 4 : 16);
}

void delegation_encode(struct writer *w, const struct delegation_head *head, const struct delegation *delegation)
{
    put_fixed(w, head, sizeof(*head));
    for (uint16_t i = 0; i < head->server_count; i++) {
        const struct delegation_server *server = &delegation->servers[i];
        writer_dname(w, &server->name);
        writer_u16(w, server->address_count);
        for (uint16_t k = 0; k < server->address_count; k++)
            put_address(w, &server->addresses[k]);
    }
}

static void read_server(struct reader *r, struct delegation_server *server)
{
    reader_dname_uncompressed(r, &server->name);
    server->address_count = reader_u16(r);
    if (server->address_count > ADDRESSES_PER_NS_MAX)
        r->failed = true;
    for (uint16_t i = 0; i < server->address_count && !r->failed; i++)
        read_address(r, &server->addresses[i]);
}

bool delegation_decode(struct octets blob, struct arena *arena, struct delegation_head *head,
                       struct delegation *delegation)
{
    struct reader r = reader_of_octets(blob);
    if (!read_fixed(&r, head, sizeof(*head)) || head->server_count > NS_PER_ZONE_MAX)
        return false;
    delegation->is_hint = head->is_hint;
    delegation->expires_ms = head->expires_ms;
    delegation->server_count = head->server_count;
    delegation->servers = ARENA_ARRAY(arena, head->server_count, struct delegation_server);
    for (uint16_t i = 0; i < head->server_count && !r.failed; i++)
        read_server(&r, &delegation->servers[i]);
    return !r.failed;
}
