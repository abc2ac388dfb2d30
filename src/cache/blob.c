/* The compact forms.  What is almost always the same costs a bit; what the key says, or an earlier name, is referred
 * to. */
#include "cache/blob.h"

#include "cache/pack.h"
#include "cache/pool.h"

/* ---- keys ---- */

enum { KEY_KIND = 3, KEY_IS_IN = 4, KEY_IS_ITERATIVE = 8, KEY_TYPE_SHIFT = 4 };

/* Their place here, counted from one, stands for them. */
static const uint16_t usual_types[] = {
    TYPE_A,    TYPE_NS,  TYPE_CNAME, TYPE_SOA,    TYPE_PTR,   TYPE_MX, TYPE_TXT,
    TYPE_AAAA, TYPE_SRV, TYPE_DS,    TYPE_DNSKEY, TYPE_HTTPS, 0, /* of a name error */
};
_Static_assert(ARRAY_LEN(usual_types) < 16, "four bits");

static uint8_t usual_type_number(uint16_t type)
{
    for (uint8_t i = 0; i < ARRAY_LEN(usual_types); i++) {
        if (usual_types[i] == type)
            return i + 1;
    }
    return 0;
}

struct octets blob_key_encode(const struct blob_key *key, uint8_t octets[BLOB_KEY_OCTETS_MAX])
{
    struct writer w = writer_of(octets, BLOB_KEY_OCTETS_MAX);
    struct dname lower;
    bool is_in = key->qclass == CLASS_IN, is_iterative = key->origin == ORIGIN_ITERATIVE;
    uint8_t type = usual_type_number(key->qtype);
    dname_lower(&key->qname, &lower);
    writer_u8(&w, (uint8_t)(key->kind | (is_in ? KEY_IS_IN : 0) | (is_iterative ? KEY_IS_ITERATIVE : 0) |
                            type << KEY_TYPE_SHIFT));
    if (!is_iterative)
        writer_u16(&w, key->origin);
    if (!is_in)
        writer_u16(&w, key->qclass);
    if (type == 0)
        writer_u16(&w, key->qtype);
    writer_dname(&w, &lower);
    return writer_octets(&w);
}

bool blob_key_decode(struct octets octets, struct blob_key *key)
{
    struct reader r = reader_of_octets(octets);
    uint8_t flags = reader_u8(&r);
    key->kind = flags & KEY_KIND;
    key->origin = flags & KEY_IS_ITERATIVE ? ORIGIN_ITERATIVE : reader_u16(&r);
    key->qclass = flags & KEY_IS_IN ? CLASS_IN : reader_u16(&r);
    uint8_t type = flags >> KEY_TYPE_SHIFT;
    if (type > ARRAY_LEN(usual_types))
        return false;
    key->qtype = type == 0 ? reader_u16(&r) : usual_types[type - 1];
    reader_dname_uncompressed(&r, &key->qname);
    return !r.failed;
}
/* ---- answers ---- */

enum { /* what is not as it mostly is */
       HEAD_KIND = 7,
       HEAD_MAY_CUT = 8,
       HEAD_HAS_END = 16, /* of a signature */
       HEAD_HAS_LINEAGE = 32,
       HEAD_HAS_CAP = 64,
       HEAD_HAS_MORE = 128, /* type, rcode, EDE */
};
enum { STAMP_EPOCH_MASK = (1 << EPOCH_BITS) - 1 };
_Static_assert(INDETERMINATE <= POOL_STAMP_MAX >> EPOCH_BITS, "it fits");

uint32_t stamp_make(const struct answer_head *head)
{
    return (uint32_t)head->security << EPOCH_BITS | (uint32_t)(head->epoch & STAMP_EPOCH_MASK);
}

void stamp_read(uint32_t stamp, uint64_t current, struct answer_head *head)
{
    uint64_t behind = (current - stamp) & STAMP_EPOCH_MASK;
    head->epoch = behind > current ? 0 : current - behind;
    head->security = stamp >> EPOCH_BITS;
}

static uint16_t usual_rcode(enum answer_kind kind)
{
    return kind == ANSWER_NXDOMAIN ? RCODE_NXDOMAIN : RCODE_NOERROR;
}

/* That of the only set, and of its signatures. */
static uint32_t usual_ttl(const struct answer_head *head)
{
    return (uint32_t)((head->expires_ms - head->received_ms) / 1000);
}

static void head_encode(struct writer *w, const struct blob_key *key, const struct answer_head *head)
{
    bool has_more = head->qtype != key->qtype || head->rcode != usual_rcode(head->kind) || head->ede != EDE_NONE;
    bool has_end = head->valid_until_s != INT64_MAX, has_cap = head->ttl_cap_s != UINT32_MAX;
    writer_u8(w, (uint8_t)(head->kind | (head->may_cut ? HEAD_MAY_CUT : 0) | (has_end ? HEAD_HAS_END : 0) |
                           (head->lineage.slot != 0 ? HEAD_HAS_LINEAGE : 0) | (has_cap ? HEAD_HAS_CAP : 0) |
                           (has_more ? HEAD_HAS_MORE : 0)));
    pack_time(w, head->received_ms);
    pack_span(w, head->expires_ms - head->received_ms);
    if (has_end)
        pack_number(w, (uint64_t)(head->valid_until_s - head->received_ms / 1000));
    if (head->lineage.slot != 0) {
        pack_number(w, head->lineage.slot);
        pack_number(w, head->lineage.generation);
    }
    if (has_cap)
        pack_number(w, head->ttl_cap_s == usual_ttl(head) ? 0 : (uint64_t)head->ttl_cap_s + 1);
    if (!has_more)
        return;
    writer_u16(w, head->qtype);
    writer_u16(w, head->rcode);
    writer_u16(w, (uint16_t)head->ede);
}

static void head_read(struct reader *r, const struct blob_key *key, struct answer_head *head)
{
    uint8_t flags = reader_u8(r);
    bool has_more = flags & HEAD_HAS_MORE;
    head->kind = flags & HEAD_KIND;
    head->may_cut = flags & HEAD_MAY_CUT;
    head->received_ms = unpack_time(r);
    if (head->received_ms == INT64_MAX)
        r->failed = true;
    head->expires_ms = r->failed ? 0 : head->received_ms + unpack_span(r);
    head->valid_until_s = INT64_MAX;
    if (flags & HEAD_HAS_END)
        head->valid_until_s = (int64_t)(unpack_number(r) + (uint64_t)head->received_ms / 1000);
    head->lineage = (struct lineage_ref) { 0, 0 };
    if (flags & HEAD_HAS_LINEAGE) {
        head->lineage.slot = (uint32_t)unpack_upto(r, UINT32_MAX);
        head->lineage.generation = (uint32_t)unpack_upto(r, UINT32_MAX);
    }
    uint64_t cap = flags & HEAD_HAS_CAP ? unpack_upto(r, UINT32_MAX) : 0;
    head->ttl_cap_s = !(flags & HEAD_HAS_CAP) ? UINT32_MAX : cap == 0 ? usual_ttl(head) : (uint32_t)(cap - 1);
    head->qtype = has_more ? reader_u16(r) : key->qtype;
    head->rcode = has_more ? reader_u16(r) : usual_rcode(head->kind);
    head->ede = has_more ? (int16_t)reader_u16(r) : EDE_NONE;
    if (head->kind > ANSWER_NXDOMAIN)
        r->failed = true;
}

bool answer_head_decode(struct octets blob, const struct blob_key *key, struct answer_head *head)
{
    struct reader r = reader_of_octets(blob);
    head_read(&r, key, head);
    return !r.failed;
}

/* Words are for clients that get an EDE, and for who asks what failed. */
static bool has_words(const struct verdict *verdict)
{
    return verdict->security == BOGUS || verdict->security == INDETERMINATE ||
           (verdict->security != UNCHECKED && verdict->ede != EDE_NONE);
}

/* That of no data decides the RCODE: compact denial (RFC 9824 section 5). */
static bool has_site(const struct answer *answer)
{
    return has_words(&answer->verdict) || (answer->kind == ANSWER_NODATA && answer->verdict.security == SECURE);
}

enum {                   /* what is not as it mostly is */
       FORM_LABELS = 15, /* that the zone's name has less than the base; else it is written */
       FORM_HAS_WORDS = 16,
       FORM_HAS_COUNT = 32, /* else one set */
       FORM_HAS_PROOFS = 64,
       FORM_LACKS_RECORDS = 128,
};

static uint8_t form_of(const struct dname *base, const struct answer *answer)
{
    const struct dname *zone = &answer->zone;
    bool is_above = shared_labels(base, zone) == zone->labels && base->labels - zone->labels < FORM_LABELS;
    return (uint8_t)((is_above ? base->labels - zone->labels : FORM_LABELS) |
                     (has_site(answer) || has_words(&answer->verdict) ? FORM_HAS_WORDS : 0) |
                     (answer->rrsets.count != 1 ? FORM_HAS_COUNT : 0) |
                     (answer->proofs.count > 0 ? FORM_HAS_PROOFS : 0) |
                     (answer->lacks_records ? FORM_LACKS_RECORDS : 0));
}

void answer_encode(struct writer *w, const struct blob_key *key, const struct answer_head *head,
                   const struct answer *answer)
{
    struct dname base;
    dname_lower(&key->qname, &base);
    struct usual usual = { &base, key->qtype, usual_ttl(head) };
    uint8_t form = form_of(&base, answer);
    head_encode(w, key, head);
    writer_u8(w, form);
    if ((form & FORM_LABELS) == FORM_LABELS)
        pack_name(w, &base, &answer->zone);
    if (form & FORM_HAS_WORDS) {
        pack_text(w, has_site(answer) ? answer->verdict.site : NULL, UINT8_MAX);
        pack_text(w, has_words(&answer->verdict) ? answer->verdict.text : NULL, EXTRA_TEXT_MAX);
    }
    if (form & FORM_HAS_COUNT)
        pack_number(w, answer->rrsets.count);
    if (form & FORM_HAS_PROOFS)
        pack_number(w, answer->proofs.count);
    pack_sets(w, usual, &answer->rrsets);
    pack_sets(w, usual, &answer->proofs);
}

static void read_verdict(struct reader *r, uint8_t form, struct arena *arena, const struct answer_head *head,
                         struct verdict *verdict)
{
    char site[UINT8_MAX] = "";
    if (form & FORM_HAS_WORDS) {
        unpack_text(r, site, sizeof(site));
        unpack_text(r, verdict->text, sizeof(verdict->text));
    }
    verdict->site = site[0] == '\0' ? "cached" : arena_strdup(arena, site);
    verdict->security = head->security;
    verdict->ede = head->ede;
    verdict->valid_until_s = head->valid_until_s;
    verdict->ttl_cap_s = head->ttl_cap_s;
}

static void read_zone(struct reader *r, uint8_t form, const struct dname *base, struct dname *zone)
{
    uint8_t labels = form & FORM_LABELS;
    *zone = *dname_root();
    if (labels == FORM_LABELS)
        unpack_name(r, base, zone);
    else if (labels > base->labels)
        r->failed = true;
    else
        dname_suffix(base, base->labels - labels, zone);
}

bool answer_decode(struct octets blob, const struct blob_key *key, struct arena *arena, struct answer_head *head,
                   struct answer *answer)
{
    struct reader r = reader_of_octets(blob);
    struct dname base;
    dname_lower(&key->qname, &base);
    *answer = (struct answer) { .kind = ANSWER_DATA };
    head_read(&r, key, head);
    struct usual usual = { &base, key->qtype, usual_ttl(head) };
    uint8_t form = reader_u8(&r);
    read_zone(&r, form, &base, &answer->zone);
    read_verdict(&r, form, arena, head, &answer->verdict);
    uint16_t count = form & FORM_HAS_COUNT ? unpack_count(&r) : 1;
    uint16_t proof_count = form & FORM_HAS_PROOFS ? unpack_count(&r) : 0;
    answer->rrsets = unpack_sets(&r, usual, count, arena);
    answer->proofs = unpack_sets(&r, usual, proof_count, arena);
    answer->lacks_records = form & FORM_LACKS_RECORDS;
    answer->kind = head->kind;
    answer->rcode = head->rcode;
    answer->received_ms = head->received_ms;
    answer->expires_ms = head->expires_ms;
    return !r.failed && head->security <= INDETERMINATE;
}

/* ---- delegations ---- */

enum { ADDRESS_IS_4 = 1, ADDRESS_HAS_PORT = 2, ADDRESS_HAS_SCOPE = 4, PORT_USUAL = 53 };

static uint8_t address_form(const struct address *address)
{
    return (uint8_t)((address->family == 4 ? ADDRESS_IS_4 : 0) | (address->port != PORT_USUAL ? ADDRESS_HAS_PORT : 0) |
                     (address->scope != 0 ? ADDRESS_HAS_SCOPE : 0));
}

static void put_address(struct writer *w, bool has_form, const struct address *address)
{
    uint8_t form = address_form(address);
    if (has_form)
        writer_u8(w, form);
    if (form & ADDRESS_HAS_PORT)
        writer_u16(w, address->port);
    if (form & ADDRESS_HAS_SCOPE)
        writer_u32(w, address->scope);
    writer_octets_put(w, (struct octets) { address->octets, form & ADDRESS_IS_4 ? 4 : 16 });
}

static void read_address(struct reader *r, bool has_form, struct address *address)
{
    uint8_t flags = has_form ? reader_u8(r) : ADDRESS_IS_4;
    address->family = flags & ADDRESS_IS_4 ? 4 : 6;
    address->port = flags & ADDRESS_HAS_PORT ? reader_u16(r) : PORT_USUAL;
    address->scope = flags & ADDRESS_HAS_SCOPE ? reader_u32(r) : 0;
    struct octets octets = reader_octets(r, flags & ADDRESS_IS_4 ? 4 : 16);
    if (!r->failed)
        memcpy(address->octets, octets.data, octets.len);
}

enum { /* beside the number of addresses */
       SERVER_COUNT = 31,
       SERVER_HAS_FORMS = 32, /* else all are of IPv4 and have the usual port */
};
_Static_assert((int)ADDRESSES_PER_NS_MAX <= (int)SERVER_COUNT, "they fit");

static void put_server(struct writer *w, const struct dname *base, const struct delegation_server *server)
{
    bool has_forms = false;
    for (uint16_t i = 0; i < server->address_count; i++)
        has_forms = has_forms || address_form(&server->addresses[i]) != ADDRESS_IS_4;
    pack_name(w, base, &server->name);
    writer_u8(w, (uint8_t)(server->address_count | (has_forms ? SERVER_HAS_FORMS : 0)));
    for (uint16_t i = 0; i < server->address_count; i++)
        put_address(w, has_forms, &server->addresses[i]);
}

enum { /* beside the number of servers */
       DELEGATION_COUNT = 63,
       DELEGATION_HAS_SPAN = 64, /* else it never expires */
       DELEGATION_IS_HINT = 128,
};
_Static_assert((int)NS_PER_ZONE_MAX <= (int)DELEGATION_COUNT, "they fit");

void delegation_encode(struct writer *w, const struct delegation_head *head, const struct delegation *delegation)
{
    struct dname lower;
    const struct dname *base = &lower;
    int64_t span_ms = head->expires_ms - head->stored_ms;
    bool has_span = span_ms <= (int64_t)TTL_S_MAX * 1000;
    dname_lower(&delegation->zone, &lower);
    pack_time(w, head->stored_ms);
    writer_u8(w, (uint8_t)(head->server_count | (has_span ? DELEGATION_HAS_SPAN : 0) |
                           (head->is_hint ? DELEGATION_IS_HINT : 0)));
    if (has_span)
        pack_span(w, span_ms);
    for (uint16_t i = 0; i < head->server_count; i++) {
        put_server(w, base, &delegation->servers[i]);
        base = &delegation->servers[i].name;
    }
}

static void read_delegation_head(struct reader *r, struct delegation_head *head)
{
    head->stored_ms = unpack_time(r);
    uint8_t form = reader_u8(r);
    head->server_count = form & DELEGATION_COUNT;
    head->is_hint = form & DELEGATION_IS_HINT;
    if (head->stored_ms == INT64_MAX)
        r->failed = true;
    head->expires_ms = INT64_MAX;
    if (form & DELEGATION_HAS_SPAN && !r->failed)
        head->expires_ms = head->stored_ms + unpack_span(r);
    if (head->server_count > NS_PER_ZONE_MAX)
        r->failed = true;
}

bool delegation_head_decode(struct octets blob, struct delegation_head *head)
{
    struct reader r = reader_of_octets(blob);
    read_delegation_head(&r, head);
    return !r.failed;
}

static void read_server(struct reader *r, const struct dname *base, struct arena *arena,
                        struct delegation_server *server)
{
    unpack_name(r, base, &server->name);
    uint8_t form = reader_u8(r);
    server->address_count = form & SERVER_COUNT;
    if (server->address_count > ADDRESSES_PER_NS_MAX)
        r->failed = true;
    if (r->failed)
        return;
    server->addresses = ARENA_ARRAY(arena, server->address_count, struct address);
    for (uint16_t i = 0; i < server->address_count && !r->failed; i++)
        read_address(r, form & SERVER_HAS_FORMS, &server->addresses[i]);
}

bool delegation_decode(struct octets blob, struct arena *arena, struct delegation_head *head,
                       struct delegation *delegation)
{
    struct reader r = reader_of_octets(blob);
    read_delegation_head(&r, head);
    if (r.failed)
        return false;
    struct dname lower;
    const struct dname *base = &lower;
    dname_lower(&delegation->zone, &lower);
    delegation->is_hint = head->is_hint;
    delegation->expires_ms = head->expires_ms;
    delegation->server_count = head->server_count;
    delegation->servers = ARENA_ARRAY(arena, head->server_count, struct delegation_server);
    for (uint16_t i = 0; i < head->server_count && !r.failed; i++) {
        read_server(&r, base, arena, &delegation->servers[i]);
        base = &delegation->servers[i].name;
    }
    return !r.failed;
}

/* ---- failures ---- */

void failure_encode(struct writer *w, const struct failure_blob *failure)
{
    pack_time(w, failure->failed_ms);
    pack_time(w, failure->expires_ms);
    pack_number(w, failure->ttl_s);
    writer_u16(w, (uint16_t)failure->ede);
    writer_u8(w, failure->is_budget);
    pack_text(w, failure->site, sizeof(failure->site));
    pack_text(w, failure->text, sizeof(failure->text));
}

bool failure_decode(struct octets blob, struct failure_blob *failure)
{
    struct reader r = reader_of_octets(blob);
    memset(failure, 0, sizeof(*failure));
    failure->failed_ms = unpack_time(&r);
    failure->expires_ms = unpack_time(&r);
    failure->ttl_s = (uint32_t)unpack_upto(&r, UINT32_MAX);
    failure->ede = (int16_t)reader_u16(&r);
    failure->is_budget = reader_u8(&r);
    unpack_text(&r, failure->site, sizeof(failure->site));
    unpack_text(&r, failure->text, sizeof(failure->text));
    return !r.failed;
}
