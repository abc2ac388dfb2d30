#include "validator/finding.h"

#include <stdarg.h>
#include <stdio.h>

#include "time/rfc3339.h"
#include "time/serial.h"

const char *name_text(struct arena *arena, const struct dname *name)
{
    char text[DNAME_TEXT_MAX];
    return arena_strdup(arena, dname_to_text(name, text));
}

struct verdict verdict_new(void)
{
    return verdict_of(SECURE, "secure");
}

struct verdict verdict_from(const struct verdict *ground)
{
    struct verdict verdict = *ground;
    verdict.ttl_cap_s = UINT32_MAX;
    return verdict;
}

/* What is judged is no better founded than `ground`: takes over its lineage and its end, not its words. */
static void verdict_rest_on(struct verdict *verdict, const struct verdict *ground)
{
    lineage_merge(&verdict->lineage, &ground->lineage);
    if (ground->valid_until_s < verdict->valid_until_s)
        verdict->valid_until_s = ground->valid_until_s;
}

void verdict_rest_on_signature(struct verdict *verdict, const struct dname *zone, const struct signature_result *result,
                               struct now now)
{
    for (; result != NULL; result = result->other) {
        int64_t end_s = serial_to_unix_s(result->rrsig.expiration, now_wall_s(now));
        lineage_add(&verdict->lineage, key_id(zone, result->key));
        if (end_s < verdict->valid_until_s)
            verdict->valid_until_s = end_s;
        if (result->rrsig.original_ttl_s < verdict->ttl_cap_s)
            verdict->ttl_cap_s = result->rrsig.original_ttl_s;
    }
}

static void state(struct verdict *verdict, enum security security, int ede, const char *site, const char *format,
                  va_list arguments)
{
    verdict->security = security;
    verdict->ede = ede;
    verdict->site = site;
    vsnprintf(verdict->text, sizeof(verdict->text), format, arguments);
}

void verdict_state(struct verdict *verdict, enum security security, int ede, const char *site, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    state(verdict, security, ede, site, format, arguments);
    va_end(arguments);
}

static void note_failed(struct verdict *verdict, struct arena *arena, const struct dname *name, uint16_t type)
{
    verdict->explanation = ARENA_NEW(arena, struct explanation);
    verdict->explanation->signer = *dname_root();
    verdict->explanation->failed_name = *name;
    verdict->explanation->failed_type = type;
}

void verdict_fail(struct verdict *verdict, struct arena *arena, enum security security, int ede, const char *site,
                  const struct dname *name, uint16_t type, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    state(verdict, security, ede, site, format, arguments);
    va_end(arguments);
    note_failed(verdict, arena, name, type);
}

/* The time that the fault is about; empty if it is about none. */
static const char *fault_time(const struct signature_result *result, struct now now, char text[RFC3339_TEXT_MAX])
{
    if (result->fault == FAULT_EXPIRED)
        return rfc3339_to_text(serial_to_unix_s(result->rrsig.expiration, now_wall_s(now)), text);
    if (result->fault == FAULT_NOT_YET || result->fault == FAULT_INVERTED)
        return rfc3339_to_text(serial_to_unix_s(result->rrsig.inception, now_wall_s(now)), text);
    return "";
}

void verdict_fail_signature(struct verdict *verdict, struct arena *arena, const struct rrset *rrset,
                            const struct dname *zone, const struct signature_result *result, struct now now)
{
    const struct fault_row *row = &fault_rows[result->fault];
    const char *owner = name_text(arena, rrset->owner), *signer = name_text(arena, zone);
    char type[RR_TYPE_TEXT_MAX], when[RFC3339_TEXT_MAX];
    rr_type_to_text(rrset->type, type);
    if (!result->has_rrsig) {
        verdict_fail(verdict, arena, BOGUS, row->ede, row->site, rrset->owner, rrset->type, "RRSIG %s %s by %s %s",
                     type, owner, signer, row->words);
        return;
    }
    const char *time = fault_time(result, now, when);
    verdict_fail(verdict, arena, BOGUS, row->ede, row->site, rrset->owner, rrset->type,
                 "RRSIG %s %s by %s key %u alg %u %s%s%s", type, owner, signer, result->rrsig.key_tag,
                 result->rrsig.algorithm, row->words, *time == '\0' ? "" : " ", time);
    struct explanation *explanation = verdict->explanation;
    explanation->failed_key_tag = result->rrsig.key_tag;
    explanation->failed_algorithm = result->rrsig.algorithm;
}

void verdict_fail_budget(struct verdict *verdict, struct arena *arena, const struct budget *budget,
                         const struct dname *name, uint16_t type)
{
    verdict_fail(verdict, arena, INDETERMINATE, EDE_INDETERMINATE, budget->spent, name, type,
                 "the query's budget of %s is spent", budget->spent);
}

static unsigned weakness(enum security security)
{
    static const unsigned weaknesses[] = {
        [UNCHECKED] = 4, [BOGUS] = 3, [INDETERMINATE] = 2, [INSECURE] = 1, [SECURE] = 0,
    };
    return weaknesses[security];
}

void verdict_weaken(struct verdict *verdict, const struct verdict *other)
{
    struct verdict result = weakness(other->security) > weakness(verdict->security) ? *other : *verdict;
    verdict_rest_on(&result, verdict);
    verdict_rest_on(&result, other);
    result.ttl_cap_s = verdict->ttl_cap_s < other->ttl_cap_s ? verdict->ttl_cap_s : other->ttl_cap_s;
    *verdict = result;
}
