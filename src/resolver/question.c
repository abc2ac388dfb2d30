#include "resolver/lookup.h"

#include <ctype.h>
#include <string.h>

enum {
    NSEC3_HASH_SHA1 = 1, /* RFC 5155 section 11 */
    UNDERSTOOD_MAX = 32, /* numbers in one option; fewer are registered */
};

/* Names of servers are no secret of a client, and a hostile referral makes us look up many of them (CVE-2020-8616):
 * only the root's servers, who see those of all zones, get them minimised. */
static bool is_minimised_here(const struct resolver_options *options, const struct lookup *l)
{
    return l->depth == 0 || options->minimisation == MINIMISATION_STRICT || dname_is_root(&l->cut->delegation->zone);
}

/* How many labels to add to those already known (RFC 9156 section 2.3). */
static uint8_t labels_to_add(uint8_t known, uint8_t all, uint8_t sent)
{
    if (sent < MINIMISE_ONE_LABEL)
        return 1;
    uint8_t rounds_left = (uint8_t)(MINIMISE_COUNT_MAX - sent);
    uint8_t labels = (uint8_t)((all - known) / rounds_left);
    return labels > 0 ? labels : 1;
}

/* "_dns", "_tcp": names with such labels are no zone cuts in practice (RFC 9156 section 2.3). */
static bool begins_with_underscore(const struct dname *name, uint8_t labels)
{
    struct octets label = dname_label(name, (uint8_t)(name->labels - labels));
    return label.len > 0 && label.data[0] == '_';
}

/* The whole name may be a zone cut: then its type is nothing that the zone above has to know (RFC 9156 section 2.1).
 * That zone is the one to ask for a DS set. */
static bool hides_type(const struct resolver_options *options, const struct question *question)
{
    return options->minimisation_hides_type && question->qtype != options->minimisation_type &&
           question->qtype != TYPE_DS;
}

void lookup_minimise(const struct resolver_options *options, const struct lookup *l, struct question *ask)
{
    *ask = l->question;
    uint8_t zone_labels = l->cut->delegation->zone.labels;
    uint8_t known = l->known_labels > zone_labels ? l->known_labels : zone_labels;
    uint8_t all = l->question.qname.labels;
    if (options->minimisation == MINIMISATION_OFF || !is_minimised_here(options, l) || l->cut->recursive ||
        l->at_cut.full_name || l->minimised >= MINIMISE_COUNT_MAX || known >= all)
        return;
    uint8_t labels = (uint8_t)(known + labels_to_add(known, all, l->minimised));
    while (labels < all && begins_with_underscore(&l->question.qname, labels))
        labels++;
    if (labels >= all && !hides_type(options, &l->question))
        return;
    dname_suffix(&l->question.qname, labels < all ? labels : all, &ask->qname);
    ask->qtype = options->minimisation_type;
}

/* Bits of the 0x20 kind: one for each letter, against forged replies (draft-vixie-dnsext-dns0x20). */
static void randomise_case(struct random *random, struct dname *name)
{
    uint8_t bits[DNAME_OCTETS_MAX / 8 + 1];
    random->fill(random, bits, sizeof(bits));
    for (uint8_t i = 0; i < name->len; i++)
        if (isalpha(name->octets[i]) && (bits[i / 8] >> (i % 8) & 1) != 0)
            name->octets[i] ^= 0x20;
}

/* Some servers, and what stands before them, do not bear what they do not know (RFC 6891 section 6.1.2 says they
 * must). */
static bool may_send_options(struct resolver *r, const struct lookup *l, struct now now)
{
    return !l->flight->target->no_options &&
           servers_get(r->servers, &l->flight->target->address)->no_options_until_ms <= now.monotonic_ms;
}

/* RFC 8145 section 4.1: in DNSKEY questions, the tags of the anchors at that very zone. */
static void signal_anchors(struct resolver *r, const struct question *ask, struct now now, struct edns *edns,
                           uint8_t buffer[2 * SIGNALLED_TAGS_MAX])
{
    uint16_t tags[SIGNALLED_TAGS_MAX];
    struct writer w = writer_of(buffer, 2 * SIGNALLED_TAGS_MAX);
    if (!r->parts.options->signal_anchors || ask->qtype != TYPE_DNSKEY)
        return;
    size_t count = trust_key_tags(r->parts.trust, &ask->qname, now, tags, ARRAY_LEN(tags));
    for (size_t i = 0; i < count; i++)
        writer_u16(&w, tags[i]);
    if (count > 0)
        edns->options[edns->option_count++] = (struct edns_option) { EDNS_KEY_TAG, writer_octets(&w) };
}

/* RFC 6975: what we can verify. */
struct understood {
    uint8_t algorithms[UNDERSTOOD_MAX], digests[UNDERSTOOD_MAX];
};

static void signal_numbers(struct edns *edns, uint16_t code, const uint8_t *numbers, size_t count)
{
    edns->options[edns->option_count++] = (struct edns_option) { code, { numbers, count } };
}

static void signal_algorithms(const struct resolver *r, struct edns *edns, struct understood *understood)
{
    static const uint8_t nsec3_hashes[] = { NSEC3_HASH_SHA1 };
    size_t algorithms = 0, digests = 0;
    if (!r->parts.options->signal_algorithms)
        return;
    for (unsigned i = 0; i < 256; i++) {
        if (algorithm_is_usable(r->parts.policy, (uint8_t)i) && algorithms < UNDERSTOOD_MAX)
            understood->algorithms[algorithms++] = (uint8_t)i;
        if (digest_is_usable(r->parts.policy, (uint8_t)i) && digests < UNDERSTOOD_MAX)
            understood->digests[digests++] = (uint8_t)i;
    }
    signal_numbers(edns, EDNS_DAU, understood->algorithms, algorithms);
    signal_numbers(edns, EDNS_DHU, understood->digests, digests);
    signal_numbers(edns, EDNS_N3U, nsec3_hashes, sizeof(nsec3_hashes));
}

/* What this server is told about us. */
static void put_client_string(const struct resolver_options *options, const struct address *server, struct edns *edns)
{
    const struct client_string *found = NULL;
    for (uint16_t i = 0; i < options->client_string_count; i++) {
        const struct client_string *string = &options->client_strings[i];
        if (prefix_contains(&string->to, server) && (found == NULL || string->to.bits > found->to.bits))
            found = string;
    }
    if (found != NULL)
        edns->options[edns->option_count++] =
            (struct edns_option) { options->client_string_code, { (const uint8_t *)found->text, strlen(found->text) } };
}

/* A plain question is for servers that answer nothing else: its name is in lower case and, like one without EDNS, it
 * has not CD set, which means nothing to who validates nothing (RFC 4035 section 3.1.6). */
struct octets lookup_write_question(struct resolver *r, struct lookup *l, const struct question *ask, struct now now,
                                    uint8_t *buffer, size_t size)
{
    struct flight *flight = l->flight;
    const struct resolver_options *options = r->parts.options;
    flight->id = random_u16(r->parts.random);
    flight->question = *ask;
    struct question on_wire = *ask;
    flight->case_is_random = options->random_case && !flight->over_tcp && !flight->plainly &&
                             !is_in_zones(&ask->qname, options->case_except, options->case_except_count);
    if (flight->case_is_random)
        randomise_case(r->parts.random, &on_wire.qname);
    else if (flight->plainly)
        dname_lower(&ask->qname, &on_wire.qname);
    flight->name_on_wire = on_wire.qname;
    struct header header = {
        .id = flight->id,
        .rd = l->cut->recursive,
        .cd = !l->distrust.checking_enabled && (l->cut->recursive || (flight->with_edns && !flight->plainly)),
    };
    struct edns edns = { .present = true, .dnssec_ok = true, .udp_octets = options->edns_octets };
    uint8_t tags[2 * SIGNALLED_TAGS_MAX], cookie[COOKIE_OCTETS_MAX];
    struct understood understood;
    flight->with_cookie = false;
    if (flight->with_edns && may_send_options(r, l, now)) {
        lookup_put_cookie(r, l, now, &edns, cookie);
        signal_anchors(r, ask, now, &edns, tags);
        signal_algorithms(r, &edns, &understood);
        put_client_string(options, &flight->target->address, &edns);
    }
    flight->with_options = edns.option_count > 0;
    struct message_writer m;
    message_begin(&m, buffer, size, &header);
    message_put_question(&m, &on_wire);
    if (flight->with_edns)
        message_put_edns(&m, &edns);
    return message_end(&m);
}
