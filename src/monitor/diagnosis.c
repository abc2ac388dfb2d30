#include "monitor/diagnosis.h"

#include <assert.h>

const char *leaning_text(enum leaning leaning)
{
    static const char *const texts[LEANINGS] = {
        [LEANING_UNCLEAR] = "unclear",
        [LEANING_OPERATOR_ERROR] = "operator-error-like",
        [LEANING_ATTACK] = "attack-like",
        [LEANING_OURSELVES] = "our-own-clock",
    };
    return texts[leaning];
}

const char *tcp_says_text(enum tcp_says says)
{
    static const char *const texts[] = { [TCP_UNTRIED] = "untried", [TCP_SAME] = "same", [TCP_DIFFERS] = "differs" };
    return texts[says];
}

/* ---- facts ---- */

static bool is_by_time(const struct evidence_zone *zone)
{
    return zone->by_cause[CAUSE_EXPIRED] + zone->by_cause[CAUSE_NOT_YET_VALID] > 0;
}

static bool is_first_of_address(const struct evidence_zone *zone, uint8_t at)
{
    for (uint8_t i = 0; i < at; i++)
        if (address_equal(&zone->servers[i].address, &zone->servers[at].address))
            return false;
    return true;
}

static bool was_bad_anywhere(const struct evidence_zone *zone, const struct address *address)
{
    for (uint8_t i = 0; i < zone->server_count; i++)
        if (zone->servers[i].bad > 0 && address_equal(&zone->servers[i].address, address))
            return true;
    return false;
}

static void compare_servers(const struct evidence_zone *zone, struct diagnosis *diagnosis)
{
    for (uint8_t i = 0; i < zone->server_count; i++) {
        if (!is_first_of_address(zone, i))
            continue;
        if (was_bad_anywhere(zone, &zone->servers[i].address))
            diagnosis->servers_bad++;
        else
            diagnosis->servers_good++;
    }
    diagnosis->all_servers_fail = diagnosis->servers_bad > 0 && diagnosis->servers_good == 0;
}

/* UDP and TCP of one address. */
static enum tcp_says compare_transports(const struct evidence_zone *zone)
{
    enum tcp_says says = TCP_UNTRIED;
    for (uint8_t i = 0; i < zone->server_count; i++) {
        for (uint8_t k = 0; k < zone->server_count; k++) {
            const struct evidence_server *udp = &zone->servers[i], *tcp = &zone->servers[k];
            if (udp->transport != TRANSPORT_UDP || tcp->transport != TRANSPORT_TCP ||
                !address_equal(&udp->address, &tcp->address))
                continue;
            if ((udp->bad > 0) != (tcp->bad > 0))
                return TCP_DIFFERS;
            says = TCP_SAME;
        }
    }
    return says;
}

static bool has_key_set(const struct evidence_record *record)
{
    bool has = false;
    for (uint8_t i = 0; i < record->key_count; i++)
        has = has || record->keys[i].signed_set;
    return has;
}

/* The parent names keys, and the zone has none of them. */
static bool is_unmatched(const struct evidence_record *record)
{
    bool matched = false;
    for (uint8_t i = 0; i < record->ds_count; i++)
        matched = matched || record->ds[i].matched;
    return record->ds_count > 0 && record->key_count > 0 && !matched;
}

static bool is_stripped(const struct evidence_record *record)
{
    return record->cause == CAUSE_RRSIGS_MISSING || record->cause == CAUSE_NSEC_MISSING;
}

/* Another key of the zone has the tag of the one that failed to sign, or claims to be it. */
static bool names_a_published_key(const struct evidence_record *record)
{
    for (uint8_t i = 0; i < record->key_count; i++)
        if (record->keys[i].key_tag == record->key_tag && record->keys[i].algorithm == record->algorithm)
            return true;
    return false;
}

static unsigned count_records(const struct evidence_zone *zone, bool (*holds)(const struct evidence_record *record))
{
    unsigned count = 0;
    for (uint8_t i = 0; i < zone->record_count; i++)
        count += holds(&zone->records[i]);
    return count;
}

static bool is_stripped_below_good_keys(const struct evidence_record *record)
{
    return is_stripped(record) && has_key_set(record);
}

static bool is_missigned(const struct evidence_record *record)
{
    return record->cause == CAUSE_BAD_SIGNATURE && names_a_published_key(record);
}

/* ---- weighing ---- */

struct scales {
    struct diagnosis *diagnosis;
    unsigned weights[LEANINGS];
};

static void weigh(struct scales *scales, enum leaning towards, unsigned weight, const char *text)
{
    struct diagnosis *diagnosis = scales->diagnosis;
    assert(diagnosis->reason_count < DIAGNOSIS_REASONS_MAX);
    scales->weights[towards] += weight;
    diagnosis->reasons[diagnosis->reason_count].towards = towards;
    diagnosis->reasons[diagnosis->reason_count++].text = text;
}

static void weigh_servers(struct scales *scales, const struct evidence_zone *zone)
{
    const struct diagnosis *diagnosis = scales->diagnosis;
    if (diagnosis->all_servers_fail && diagnosis->servers_bad > 1)
        weigh(scales, LEANING_OPERATOR_ERROR, 2,
              "every server that was asked gave bad data: a forger would have to be on the way to all of them");
    if (diagnosis->servers_bad > 0 && diagnosis->servers_good > 0 && is_by_time(zone))
        weigh(scales, LEANING_OPERATOR_ERROR, 2,
              "some servers have signatures of another time than others: they have stopped being updated");
    if (diagnosis->servers_bad > 0 && diagnosis->servers_good > 0 && !is_by_time(zone))
        weigh(scales, LEANING_ATTACK, 1, "some servers, or what lies on the way to them, give data that others do not");
    if (diagnosis->tcp == TCP_DIFFERS)
        weigh(scales, LEANING_ATTACK, 3,
              "the same server gives good data over one of UDP and TCP and bad data over the "
              "other: something on the way changes it");
}

static void weigh_records(struct scales *scales, const struct evidence_zone *zone)
{
    if (zone->by_cause[CAUSE_UNREACHABLE] > 0)
        weigh(scales, LEANING_UNCLEAR, 1,
              "DS or DNSKEY sets could not be had from anybody: the zone's servers, or the way to them, are down or "
              "are kept from answering");
    if (is_by_time(zone))
        weigh(scales, LEANING_OPERATOR_ERROR, 2,
              "the signatures are the zone's own, made for another time: nobody but the zone can make those");
    if (count_records(zone, is_unmatched) > 0)
        weigh(scales, LEANING_OPERATOR_ERROR, 2,
              "the zone answers with keys that the parent's DS set does not name: a key roll may have gone wrong");
    if (count_records(zone, is_missigned) > 0)
        weigh(scales, LEANING_OPERATOR_ERROR, 2,
              "the key tag of the signatures is that of a published key, but they were made with another key or over "
              "other data");
    if (count_records(zone, is_stripped_below_good_keys) > 0)
        weigh(scales, LEANING_ATTACK, 3,
              "the zone's key set is well signed and its data came without signatures or proofs: as when somebody on "
              "the way forges data and strips what would show it");
    else if (count_records(zone, is_stripped) > 0)
        weigh(scales, LEANING_ATTACK, 1,
              "signatures or proofs are missing from a zone that its parent says is signed: stripped, or the zone was "
              "unsigned while its DS set stayed");
}

void diagnose(const struct evidence_zone *zone, bool clock_is_doubted, struct diagnosis *diagnosis)
{
    struct scales scales = { .diagnosis = diagnosis };
    *diagnosis = (struct diagnosis) { .leaning = LEANING_UNCLEAR };
    compare_servers(zone, diagnosis);
    diagnosis->tcp = compare_transports(zone);
    if (clock_is_doubted && is_by_time(zone))
        weigh(&scales, LEANING_OURSELVES, 10,
              "many unrelated zones fail by the time, or our clock is held unfit: see vouchctl time");
    weigh_servers(&scales, zone);
    weigh_records(&scales, zone);
    for (int leaning = LEANING_OPERATOR_ERROR; leaning < LEANINGS; leaning++)
        if (scales.weights[leaning] > scales.weights[diagnosis->leaning])
            diagnosis->leaning = (enum leaning)leaning;
    if (scales.weights[LEANING_ATTACK] == scales.weights[LEANING_OPERATOR_ERROR] &&
        diagnosis->leaning != LEANING_OURSELVES)
        diagnosis->leaning = LEANING_UNCLEAR;
}

const char *diagnosis_others(const struct diagnosis *diagnosis)
{
    if (diagnosis->leaning == LEANING_OURSELVES)
        return "resolvers whose clock is right see nothing of it";
    if (diagnosis->tcp == TCP_DIFFERS)
        return "resolvers whose packets take another way may see nothing of it";
    if (diagnosis->all_servers_fail && diagnosis->servers_bad > 1)
        return "every resolver that validates fails as we do, as long as all servers give what they gave us";
    if (diagnosis->servers_good > 0)
        return "resolvers that try another server do not fail, those that try one may";
    return "not to be told from one server";
}
