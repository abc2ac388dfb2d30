#include "policy/local_data.h"

#include <stdlib.h>

#include "message/master.h"
#include "policy/local_answer.h"

static const char site[] = "local-data";

/* ---- records ---- */

void local_data_init(struct arena *arena, struct local_data *data, uint16_t records_max)
{
    data->sets = ARENA_ARRAY(arena, records_max, struct rrset *);
    data->set_count = 0;
}

static struct rrset *find_set(const struct local_data *data, const struct dname *owner, uint16_t type)
{
    for (uint16_t i = 0; i < data->set_count; i++)
        if (data->sets[i]->type == type && dname_equal(data->sets[i]->owner, owner))
            return data->sets[i];
    return NULL;
}

static void append(struct arena *arena, struct rrset *set, const struct master_record *record)
{
    struct octets *rdata = ARENA_ARRAY(arena, set->count + 1, struct octets);
    for (uint16_t i = 0; i < set->count; i++)
        rdata[i] = set->rdata[i];
    rdata[set->count++] = octets_copy(arena, record->rdata);
    set->rdata = rdata;
    if (record->ttl_s < set->ttl_s)
        set->ttl_s = record->ttl_s;
}

static const char *fault_of(const struct local_data *data, const struct master_record *record)
{
    bool is_alias = record->type == TYPE_CNAME;
    if (record->class != CLASS_IN)
        return "its class is not IN";
    if (record->type == TYPE_DNAME || record->type == TYPE_RRSIG)
        return "records of this type cannot be local data";
    for (uint16_t i = 0; i < data->set_count; i++)
        if (dname_equal(data->sets[i]->owner, &record->owner) && (is_alias || data->sets[i]->type == TYPE_CNAME))
            return "nothing else stands beside a CNAME";
    return NULL;
}

enum err local_data_add(struct arena *arena, struct local_data *data, const char *text, const char **error)
{
    struct master_record record;
    struct master *master = master_new(text, strlen(text), NULL);
    enum err err = master_next(master, &record);
    *error = err == OK           ? fault_of(data, &record)
             : err == ERR_FORMAT ? arena_strdup(arena, master_error(master))
                                 : "it is empty";
    if (*error == NULL) {
        struct rrset *set = find_set(data, &record.owner, record.type);
        if (set == NULL) {
            set = ARENA_NEW(arena, struct rrset);
            *set = (struct rrset) { dname_copy(arena, &record.owner), record.type, CLASS_IN, .ttl_s = record.ttl_s };
            data->sets[data->set_count++] = set;
        }
        append(arena, set, &record);
        if (master_next(master, &record) != ERR_NOT_FOUND)
            *error = "something follows the record";
    }
    master_free(master);
    return *error == NULL ? OK : ERR_FORMAT;
}

static int compare_sets(const void *a, const void *b)
{
    const struct rrset *x = *(struct rrset *const *)a, *y = *(struct rrset *const *)b;
    int order = dname_compare(x->owner, y->owner);
    return order != 0 ? order : x->type - y->type;
}

static int compare_zones(const void *a, const void *b)
{
    return dname_compare(&((const struct local_zone *)a)->zone, &((const struct local_zone *)b)->zone);
}

bool local_data_sort(struct local_data *data, const struct local_zone **twice)
{
    if (data->set_count > 0)
        qsort(data->sets, data->set_count, sizeof(struct rrset *), compare_sets);
    if (data->zone_count > 0)
        qsort(data->zones, data->zone_count, sizeof(struct local_zone), compare_zones);
    for (uint16_t i = 1; i < data->zone_count; i++) {
        *twice = &data->zones[i];
        if (compare_zones(&data->zones[i - 1], *twice) == 0)
            return false;
    }
    return true;
}

/* ---- finding ---- */

/* The first set that does not stand before the name. */
static uint16_t first_from(const struct local_data *data, const struct dname *name)
{
    uint16_t low = 0, high = data->set_count;
    while (low < high) {
        uint16_t middle = (uint16_t)(low + (high - low) / 2);
        if (dname_compare(data->sets[middle]->owner, name) < 0)
            low = (uint16_t)(middle + 1);
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct local_data *data, uint16_t i, const struct dname *name)
{
    return i < data->set_count && dname_equal(data->sets[i]->owner, name);
}

/* The set that answers for the type at the name: itself, or an alias; NULL: none does. */
static struct rrset *set_at(const struct local_data *data, const struct dname *name, uint16_t type)
{
    struct rrset *alias = NULL;
    for (uint16_t i = first_from(data, name); is_at(data, i, name); i++) {
        if (data->sets[i]->type == type)
            return data->sets[i];
        if (data->sets[i]->type == TYPE_CNAME)
            alias = data->sets[i];
    }
    return alias;
}

/* At the name, or below it: then it is an empty non-terminal. */
static bool name_exists(const struct local_data *data, const struct dname *name)
{
    uint16_t i = first_from(data, name);
    return i < data->set_count && dname_is_subdomain(data->sets[i]->owner, name);
}

/* The nearest at or above the name. */
static const struct local_zone *zone_of(const struct local_data *data, const struct dname *name)
{
    struct local_zone wanted;
    const struct local_zone *found = NULL;
    for (int labels = name->labels; labels >= 0 && found == NULL && data->zone_count > 0; labels--) {
        dname_suffix(name, (uint8_t)labels, &wanted.zone);
        found = bsearch(&wanted, data->zones, data->zone_count, sizeof(wanted), compare_zones);
    }
    return found;
}

static bool is_served(const struct resolver_options *options, const struct dname *name, const struct local_zone *zone)
{
    for (uint16_t i = 0; i < options->zone_rule_count; i++)
        if (dname_is_subdomain(name, &options->zone_rules[i].zone) &&
            dname_is_below(&options->zone_rules[i].zone, &zone->zone))
            return true;
    return false;
}

/* ---- answering ---- */

/* QTYPE ANY: whatever is at the name. */
static void put_all(const struct local_data *data, const struct dname *name, struct arena *arena, struct answer *answer)
{
    uint16_t begin = first_from(data, name), end = begin;
    while (is_at(data, end, name))
        end++;
    local_answer_put(arena, answer, data->sets[begin]); /* whose TTL it takes; the list is made below */
    answer->rrsets = (struct rrset_list) { ARENA_ARRAY(arena, end - begin, struct rrset *), (uint16_t)(end - begin) };
    for (uint16_t i = begin; i < end; i++)
        answer->rrsets.items[i - begin] = rrset_copy(arena, data->sets[i]);
}

/* The set, as if it were at the name asked for. */
static void put_set(const struct rrset *set, struct arena *arena, struct answer *answer)
{
    struct rrset *here = rrset_copy(arena, set);
    here->owner = &answer->question.qname;
    local_answer_put(arena, answer, here);
    if (set->type == TYPE_CNAME && answer->question.qtype != TYPE_CNAME) {
        answer->kind = ANSWER_CNAME;
        answer_set_target(answer);
    }
}

static void deny(const struct local_data *data, const struct local_zone *zone, bool exists, struct arena *arena,
                 struct answer *answer)
{
    const struct dname *apex = zone == NULL ? &answer->question.qname : &zone->zone;
    const struct rrset *soa = set_at(data, apex, TYPE_SOA);
    bool has_soa = soa != NULL && soa->type == TYPE_SOA;
    answer->zone = *apex;
    local_answer_deny(arena, answer, exists, has_soa ? rrset_copy(arena, soa) : local_soa_new(arena, apex));
}

/* The records at `owner` answer for the name asked for. */
static void tell(const struct local_data *data, const struct local_zone *zone, const struct dname *owner,
                 struct arena *arena, struct answer *answer)
{
    const struct rrset *set = set_at(data, owner, answer->question.qtype);
    if (set != NULL)
        put_set(set, arena, answer);
    else if (answer->question.qtype == TYPE_ANY && dname_equal(owner, &answer->question.qname))
        put_all(data, owner, arena, answer);
    else
        deny(data, zone, true, arena, answer);
}

static void refuse(struct answer *answer)
{
    answer->rcode = RCODE_REFUSED;
    answer->verdict.ede = EDE_PROHIBITED;
    strcpy(answer->verdict.text, "local zone");
}

/* Addresses that lead nowhere: to the host itself, at most. */
static void tell_null(const struct local_data *data, const struct local_zone *zone, struct arena *arena,
                      struct answer *answer)
{
    static const uint8_t zeros[16];
    uint16_t qtype = answer->question.qtype;
    struct octets address = { zeros, qtype == TYPE_A ? 4 : 16 };
    if (qtype == TYPE_A || qtype == TYPE_AAAA)
        local_answer_put(arena, answer, local_rrset_new(arena, &answer->question.qname, qtype, address));
    else
        deny(data, zone, true, arena, answer);
}

/* Whether a zone that only we know has a DS set is its parent's to say, which proves that it has none. */
static bool is_parents(const struct question *question, const struct local_zone *zone)
{
    return question->qtype == TYPE_DS && dname_equal(&question->qname, &zone->zone);
}

/* false: it is resolved. */
static bool tell_by_zone(const struct local_data *data, const struct local_zone *zone, struct arena *arena,
                         struct answer *answer)
{
    const struct dname *name = &answer->question.qname;
    switch (zone->kind) {
    case LOCAL_REFUSE:
        refuse(answer);
        return true;
    case LOCAL_NXDOMAIN:
        deny(data, zone, false, arena, answer);
        return true;
    case LOCAL_REDIRECT:
        tell(data, zone, &zone->zone, arena, answer);
        return true;
    case LOCAL_STATIC:
        if (is_parents(&answer->question, zone))
            return false;
        deny(data, zone, name_exists(data, name) || dname_equal(name, &zone->zone), arena, answer);
        return true;
    case LOCAL_NODATA:
        deny(data, zone, true, arena, answer);
        return true;
    case LOCAL_NULL:
        tell_null(data, zone, arena, answer);
        return true;
    case LOCAL_TRANSPARENT:
    case LOCAL_TYPE_TRANSPARENT:
        return false;
    }
    return false;
}

static bool has_records(const struct local_data *data, const struct local_zone *zone, const struct question *question)
{
    const struct dname *name = &question->qname;
    if (!is_at(data, first_from(data, name), name))
        return false;
    if (zone != NULL && zone->kind == LOCAL_TYPE_TRANSPARENT)
        return question->qtype == TYPE_ANY || set_at(data, name, question->qtype) != NULL;
    return zone == NULL || zone->kind == LOCAL_TRANSPARENT || zone->kind == LOCAL_STATIC;
}

struct answer *local_data_answer(const struct local_data *data, const struct resolver_options *options,
                                 const struct question *question, struct now now, struct arena *arena,
                                 const struct local_zone **zone)
{
    *zone = NULL;
    if (question->qclass != CLASS_IN || (data->set_count == 0 && data->zone_count == 0))
        return NULL;
    *zone = zone_of(data, &question->qname);
    bool is_told = has_records(data, *zone, question);
    if (!is_told && (*zone == NULL || is_served(options, &question->qname, *zone)))
        return NULL;
    struct answer *answer = local_answer_new(arena, question, &question->qname, site, now);
    if (is_told)
        tell(data, *zone, &question->qname, arena, answer);
    else if (!tell_by_zone(data, *zone, arena, answer))
        return NULL;
    return answer;
}
