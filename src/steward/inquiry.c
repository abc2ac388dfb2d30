#include "steward/inquiry.h"

#include <stdio.h>
#include <stdlib.h>

#include "time/rfc3339.h"
#include "time/serial.h"
#include "validator/signature.h"

enum { SIGNED_AHEAD_S_MAX = 86400 }; /* a signer's clock may be ahead of ours, and ours a little behind */

void documents_clear(struct documents *documents)
{
    free((void *)(uintptr_t)documents->xml.data);
    free((void *)(uintptr_t)documents->signature.data);
    free((void *)(uintptr_t)documents->bundle.data);
    *documents = (struct documents) { .source = "" };
}

struct inquiry *inquiry_new(void)
{
    struct arena *arena = arena_new();
    struct inquiry *inquiry = ARENA_NEW(arena, struct inquiry);
    inquiry->arena = arena;
    inquiry_fail_live(inquiry, "was not answered");
    snprintf(inquiry->xml_fault, sizeof(inquiry->xml_fault), "not asked for");
    return inquiry;
}

void inquiry_free(struct inquiry *inquiry)
{
    if (inquiry != NULL)
        arena_free(inquiry->arena);
}

/* ---- the DNSKEY set ---- */

static enum key_timing timing_of(enum signature_fault fault)
{
    return fault == FAULT_EXPIRED ? TIMING_EXPIRED : fault == FAULT_NOT_YET ? TIMING_NOT_YET : TIMING_GOOD;
}

/* The validator looks at times before it verifies: what is out of time is verified at a time that suits it, so that
 * rubbish does not pass for an old signature. */
static enum key_timing out_of_time(const struct signature_means *means, const struct rrset *rrset,
                                   const struct signer_keys *keys, const struct signature_result *first)
{
    struct signature_means then = *means;
    struct signature_result result;
    then.now.wall_ms = serial_to_unix_s(first->rrsig.inception, now_wall_s(means->now)) * 1000;
    rrset_verify(&then, rrset, keys, &result);
    return result.fault == FAULT_NONE && !result.out_of_budget ? timing_of(first->fault) : TIMING_GOOD;
}

static struct live_key look_at(const struct signature_means *means, const struct rrset *rrset,
                               const struct octets *rdata, uint32_t *ttl_s)
{
    struct dnskey key;
    struct signature_result result;
    struct live_key live = { .rdata = octets_copy(means->arena, *rdata) };
    if (dnskey_read(*rdata, &key) != OK || (key.flags & DNSKEY_SEP) == 0)
        return live;
    struct signer_keys keys = {
        .zone = rrset->owner, .rdata = rdata, .count = 1, .are_revoked = (key.flags & DNSKEY_REVOKE) != 0
    };
    rrset_verify(means, rrset, &keys, &result);
    live.signs = result.fault == FAULT_NONE && !result.out_of_budget;
    if (live.signs && result.rrsig.original_ttl_s < *ttl_s)
        *ttl_s = result.rrsig.original_ttl_s;
    if (timing_of(result.fault) != TIMING_GOOD && !result.out_of_budget)
        live.timing = out_of_time(means, rrset, &keys, &result);
    return live;
}

void inquiry_fail_live(struct inquiry *inquiry, const char *fault)
{
    inquiry->has_live = false;
    snprintf(inquiry->live_fault, sizeof(inquiry->live_fault), "%s", fault);
}

void inquiry_take_live(struct inquiry *inquiry, const struct inquiry_rules *rules, const struct outcome *outcome)
{
    const struct answer *answer = outcome->link_count == 1 ? outcome->links[0] : NULL;
    bool is_data = answer != NULL && answer->kind == ANSWER_DATA && answer->rrsets.count > 0;
    const struct rrset *rrset = is_data ? answer->rrsets.items[0] : NULL;
    if (rrset == NULL || rrset->type != TYPE_DNSKEY || !dname_is_root(rrset->owner) ||
        rrset->count > DNSKEYS_PER_ZONE_MAX) {
        inquiry_fail_live(inquiry, outcome->ede_count > 0 && outcome->edes[0].text != NULL ? outcome->edes[0].text
                                                                                           : "was not answered");
        return;
    }
    struct budget budget = budget_full();
    struct signature_means means = {
        .arena = inquiry->arena,
        .budget = &budget,
        .verifier = rules->verifier,
        .policy = rules->policy,
        .now = rules->now,
    };
    inquiry->live_ttl_s = UINT32_MAX;
    inquiry->live_count = rrset->count;
    for (uint16_t i = 0; i < rrset->count; i++)
        inquiry->live[i] = look_at(&means, rrset, &rrset->rdata[i], &inquiry->live_ttl_s);
    inquiry->has_live = true;
    inquiry->live_fault[0] = '\0';
}

/* ---- root-anchors.xml ---- */

static bool refuse(struct inquiry *inquiry, const struct documents *documents, const char *format, ...)
    PRINTF_LIKE(3, 4);

static bool refuse(struct inquiry *inquiry, const struct documents *documents, const char *format, ...)
{
    va_list arguments;
    int len = snprintf(inquiry->xml_fault, sizeof(inquiry->xml_fault), "%.100s%s", documents->source,
                       documents->source[0] == '\0' ? "" : ": ");
    va_start(arguments, format);
    vsnprintf(inquiry->xml_fault + len, sizeof(inquiry->xml_fault) - (size_t)len, format, arguments);
    va_end(arguments);
    return false;
}

static bool is_of_its_time(struct inquiry *inquiry, const struct inquiry_rules *rules,
                           const struct documents *documents)
{
    char signed_at[RFC3339_TEXT_MAX], before[RFC3339_TEXT_MAX];
    int64_t signed_s = inquiry->cms.signed_s;
    rfc3339_to_text(signed_s, signed_at);
    if (signed_s > now_wall_s(rules->now) + SIGNED_AHEAD_S_MAX) {
        inquiry->cms.is_about_time = true;
        return refuse(inquiry, documents, "signed at %s, which is yet to come", signed_at);
    }
    if (signed_s < rules->last_signed_s)
        return refuse(inquiry, documents, "signed at %s, before the one that was accepted last (%s)", signed_at,
                      rfc3339_to_text(rules->last_signed_s, before));
    return true;
}

bool inquiry_take_documents(struct inquiry *inquiry, const struct inquiry_rules *rules,
                            const struct documents *documents)
{
    char fault[ROOT_ANCHORS_FAULT_OCTETS_MAX];
    struct cms_question question = {
        .content = documents->xml,
        .signature = documents->signature,
        .bundle = documents->bundle,
        .pins = rules->pins,
        .pin_count = rules->pin_count,
        .signer = rules->signer,
        .now_s = now_wall_s(rules->now),
    };
    inquiry->has_xml = false;
    if (documents->fault[0] != '\0')
        return refuse(inquiry, documents, "%s", documents->fault);
    if (!rules->now.wall_is_fit)
        return refuse(inquiry, documents, "the clock is unfit, certificates cannot be judged by it");
    if (!cms_verify(&question, &inquiry->cms))
        return refuse(inquiry, documents, "not genuine: %s", inquiry->cms.fault);
    if (!is_of_its_time(inquiry, rules, documents))
        return false;
    inquiry->xml_text = octets_copy(inquiry->arena, documents->xml);
    if (root_anchors_read(inquiry->arena, inquiry->xml_text, &inquiry->xml, fault) != OK)
        return refuse(inquiry, documents, "%s", fault);
    snprintf(inquiry->source, sizeof(inquiry->source), "%s", documents->source);
    inquiry->xml_fault[0] = '\0';
    inquiry->has_xml = true;
    return true;
}

/* ---- what it means ---- */

void inquiry_diagnose(const struct inquiry *inquiry, const struct inquiry_rules *rules, const struct managed_zone *zone,
                      struct anchor_diagnosis *diagnosis)
{
    struct anchor_facts facts = {
        .zone = zone,
        .live = inquiry->has_live ? inquiry->live : NULL,
        .live_count = inquiry->live_count,
        .live_fault = inquiry->live_fault,
        .xml = inquiry->has_xml ? &inquiry->xml : NULL,
        .xml_fault = inquiry->xml_fault,
        .xml_is_about_time = !inquiry->has_xml && inquiry->cms.is_about_time,
        .automatic_update = rules->automatic_update,
        .clock_is_fit = rules->now.wall_is_fit,
        .clock_is_confirmed = rules->clock_is_confirmed,
        .now_s = now_wall_s(rules->now),
    };
    anchor_diagnose(&facts, diagnosis);
}

bool inquiry_adopt(const struct inquiry *inquiry, const struct inquiry_rules *rules, struct managed_zone *zone,
                   struct anchor_changes *changes, const char **fault)
{
    struct seen_key keys[DNSKEYS_PER_ZONE_MAX];
    changes->count = 0;
    *fault = !inquiry->has_xml ? inquiry->xml_fault : !inquiry->has_live ? inquiry->live_fault : NULL;
    if (*fault != NULL)
        return false;
    for (size_t i = 0; i < inquiry->live_count; i++)
        keys[i] = (struct seen_key) { inquiry->live[i].rdata, inquiry->live[i].signs };
    struct observation live = { keys, inquiry->live_count, inquiry->live_ttl_s };
    return bootstrap_adopt(zone, &inquiry->xml, &live, now_wall_s(rules->now), changes, fault);
}
