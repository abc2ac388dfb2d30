#include "tools/picture.h"

#include <jansson.h>
#include <string.h>

#include "crypto/algorithms.h"
#include "time/rfc3339.h"
#include "time/serial.h"

enum { JSON_VERSION = 1 };

/* ---- texts ---- */

static const char *time_text(uint32_t serial, struct now now, char text[RFC3339_TEXT_MAX])
{
    return rfc3339_to_text(serial_to_unix_s(serial, now_wall_s(now)), text);
}

/* The chain that people want to see: of the link that decided, else of the last. */
static const struct answer *telling_link(const struct outcome *outcome)
{
    for (uint16_t i = 0; i < outcome->link_count; i++)
        if (outcome->links[i]->verdict.security == outcome->security && outcome->security != SECURE)
            return outcome->links[i];
    return outcome->link_count > 0 ? outcome->links[outcome->link_count - 1] : NULL;
}

/* ---- for people ---- */

/* The deeper zone, or the data, is the last branch at each level; keys come before it. */
static void print_branch(FILE *to, unsigned depth, const char *branch)
{
    if (depth > 0)
        fprintf(to, "%*s%s ", (int)(3 * (depth - 1)), "", branch);
}

static void print_last_branch(FILE *to, unsigned depth)
{
    print_branch(to, depth, "└─");
}

static void print_records(const struct outcome *outcome, struct arena *arena, FILE *to)
{
    char name[DNAME_TEXT_MAX], target[DNAME_TEXT_MAX];
    for (uint16_t i = 0; i < outcome->link_count; i++) {
        const struct answer *answer = outcome->links[i];
        for (uint16_t k = 0; k < answer->rrsets.count; k++)
            fputs(rrset_to_text(arena, answer->rrsets.items[k]), to);
        if (answer->kind == ANSWER_DNAME)
            fprintf(to, "%s CNAME %s  ; made from the DNAME\n", dname_to_text(&answer->question.qname, name),
                    dname_to_text(&answer->target, target));
    }
    if (outcome->link_count == 0)
        return;
    const struct answer *last = outcome->links[outcome->link_count - 1];
    for (uint16_t k = 0; k < last->proofs.count; k++)
        fputs(rrset_to_text(arena, last->proofs.items[k]), to);
    fputc('\n', to);
}

static void print_state(const struct outcome *outcome, FILE *to)
{
    char name[DNAME_TEXT_MAX], type[RR_TYPE_TEXT_MAX], rcode[16];
    fprintf(to, "%s %s: %s, %s", dname_to_text(&outcome->question.qname, name),
            rr_type_to_text(outcome->question.qtype, type), rcode_to_text(outcome->rcode, rcode),
            security_text(outcome->security));
    if (outcome->site != NULL && strcmp(outcome->site, security_text(outcome->security)) != 0)
        fprintf(to, " (%s)", outcome->site);
    fputc('\n', to);
    for (uint16_t i = 0; i < outcome->ede_count; i++) {
        const char *text = outcome->edes[i].text, *purpose = ede_text(outcome->edes[i].code);
        fprintf(to, "  EDE %d %s%s%s\n", outcome->edes[i].code, purpose != NULL ? purpose : "",
                text != NULL && text[0] != '\0' ? ": " : "", text != NULL ? text : "");
    }
}

static void print_keys(const struct explained_cut *cut, unsigned depth, FILE *to)
{
    char algorithm[8];
    for (uint8_t i = 0; i < cut->ds_count && i < EXPLAINED_KEYS_MAX; i++) {
        print_branch(to, depth, "├─");
        fprintf(to, "%s key tag %u, %s, digest type %u%s%s\n", cut->is_anchor ? "anchor" : "DS", cut->ds[i].key_tag,
                algorithm_text(cut->ds[i].algorithm, algorithm), cut->ds[i].digest_type,
                cut->ds[i].matched ? ", matches a key" : "", cut->ds[i].usable ? "" : ", not usable");
    }
    for (uint8_t i = 0; i < cut->key_count && i < EXPLAINED_KEYS_MAX; i++) {
        const struct explained_key *key = &cut->keys[i];
        print_branch(to, depth, "├─");
        fprintf(to, "DNSKEY %u, %s, %s%s%s\n", key->key_tag, algorithm_text(key->algorithm, algorithm),
                (key->flags & DNSKEY_SEP) != 0 ? "KSK" : "ZSK", (key->flags & DNSKEY_REVOKE) != 0 ? ", revoked" : "",
                key->signed_set ? ", signs the DNSKEY set" : "");
    }
}

static void print_cut(const struct explained_cut *cut, unsigned depth, FILE *to)
{
    char zone[DNAME_TEXT_MAX];
    print_last_branch(to, depth);
    fprintf(to, "%s  %s%s%s\n", dname_to_text(&cut->zone, zone), security_text(cut->security),
            cut->how != NULL ? ", " : "", cut->how != NULL ? cut->how : "");
    print_keys(cut, depth + 1, to);
}

static void print_signature(const struct explanation *explanation, const struct answer *answer, unsigned depth,
                            struct now now, FILE *to)
{
    char name[DNAME_TEXT_MAX], signer[DNAME_TEXT_MAX], type[RR_TYPE_TEXT_MAX], algorithm[8];
    char inception[RFC3339_TEXT_MAX], expiration[RFC3339_TEXT_MAX];
    print_last_branch(to, depth);
    fprintf(to, "%s %s  %s\n", dname_to_text(&answer->question.qname, name),
            rr_type_to_text(answer->question.qtype, type), security_text(answer->verdict.security));
    if (!explanation->has_signature)
        return;
    print_last_branch(to, depth + 1);
    fprintf(to, "signed by %s with key %u, %s, from %s to %s\n", dname_to_text(&explanation->signer, signer),
            explanation->key_tag, algorithm_text(explanation->algorithm, algorithm),
            time_text(explanation->inception, now, inception), time_text(explanation->expiration, now, expiration));
}

static void print_chain(const struct outcome *outcome, struct now now, FILE *to)
{
    const struct answer *answer = telling_link(outcome);
    if (answer == NULL || answer->verdict.explanation == NULL)
        return;
    const struct explanation *explanation = answer->verdict.explanation;
    fputs("\nchain of trust\n", to);
    for (uint8_t i = 0; i < explanation->cut_count; i++)
        print_cut(&explanation->cuts[i], i, to);
    print_signature(explanation, answer, explanation->cut_count, now, to);
}

void picture_print(const struct outcome *outcome, struct now now, FILE *to)
{
    struct arena *arena = arena_new();
    print_records(outcome, arena, to);
    print_state(outcome, to);
    print_chain(outcome, now, to);
    arena_free(arena);
}

/* ---- for programs ---- */

static json_t *json_name(const struct dname *name)
{
    char text[DNAME_TEXT_MAX];
    return json_string(dname_to_text(name, text));
}

static json_t *json_set(const struct rrset *set, struct arena *arena)
{
    char type[RR_TYPE_TEXT_MAX];
    json_t *data = json_array(), *signatures = json_array();
    for (uint16_t i = 0; i < set->count; i++)
        json_array_append_new(data, json_string(rdata_to_text(arena, set->type, set->rdata[i])));
    for (uint16_t i = 0; i < set->sig_count; i++)
        json_array_append_new(signatures, json_string(rdata_to_text(arena, TYPE_RRSIG, set->sigs[i])));
    return json_pack("{s:o, s:s, s:I, s:o, s:o}", "name", json_name(set->owner), "type",
                     rr_type_to_text(set->type, type), "ttl_s", (json_int_t)set->ttl_s, "data", data, "signatures",
                     signatures);
}

static json_t *json_sets(const struct rrset_list *list, struct arena *arena)
{
    json_t *sets = json_array();
    for (uint16_t i = 0; i < list->count; i++)
        json_array_append_new(sets, json_set(list->items[i], arena));
    return sets;
}

static json_t *json_cut(const struct explained_cut *cut)
{
    json_t *ds = json_array(), *keys = json_array();
    for (uint8_t i = 0; i < cut->ds_count && i < EXPLAINED_KEYS_MAX; i++)
        json_array_append_new(ds,
                              json_pack("{s:i, s:i, s:i, s:b, s:b}", "key_tag", (int)cut->ds[i].key_tag, "algorithm",
                                        (int)cut->ds[i].algorithm, "digest_type", (int)cut->ds[i].digest_type, "usable",
                                        (int)cut->ds[i].usable, "matched", (int)cut->ds[i].matched));
    for (uint8_t i = 0; i < cut->key_count && i < EXPLAINED_KEYS_MAX; i++)
        json_array_append_new(keys,
                              json_pack("{s:i, s:i, s:i, s:b, s:b}", "key_tag", (int)cut->keys[i].key_tag, "algorithm",
                                        (int)cut->keys[i].algorithm, "flags", (int)cut->keys[i].flags, "in_ds",
                                        (int)cut->keys[i].in_ds, "signs_dnskey", (int)cut->keys[i].signed_set));
    return json_pack("{s:o, s:s, s:b, s:s?, s:o, s:o}", "zone", json_name(&cut->zone), "security",
                     security_text(cut->security), "anchor", (int)cut->is_anchor, "how", cut->how, "ds", ds, "keys",
                     keys);
}

static json_t *json_chain(const struct explanation *explanation, struct now now)
{
    char inception[RFC3339_TEXT_MAX], expiration[RFC3339_TEXT_MAX];
    json_t *cuts = json_array();
    for (uint8_t i = 0; i < explanation->cut_count; i++)
        json_array_append_new(cuts, json_cut(&explanation->cuts[i]));
    json_t *chain = json_pack("{s:o}", "zones", cuts);
    if (explanation->has_signature)
        json_object_set_new(chain, "signature",
                            json_pack("{s:o, s:i, s:i, s:s, s:s}", "signer", json_name(&explanation->signer), "key_tag",
                                      (int)explanation->key_tag, "algorithm", (int)explanation->algorithm, "inception",
                                      time_text(explanation->inception, now, inception), "expiration",
                                      time_text(explanation->expiration, now, expiration)));
    return chain;
}

static json_t *json_link(const struct answer *answer, struct arena *arena, struct now now)
{
    json_t *link = json_pack("{s:o, s:s, s:s?, s:o, s:o}", "name", json_name(&answer->question.qname), "security",
                             security_text(answer->verdict.security), "check", answer->verdict.site, "answer",
                             json_sets(&answer->rrsets, arena), "authority", json_sets(&answer->proofs, arena));
    if (answer->kind == ANSWER_CNAME || answer->kind == ANSWER_DNAME)
        json_object_set_new(link, "target", json_name(&answer->target));
    if (answer->verdict.explanation != NULL)
        json_object_set_new(link, "chain", json_chain(answer->verdict.explanation, now));
    return link;
}

void picture_print_json(const struct outcome *outcome, struct now now, FILE *to)
{
    struct arena *arena = arena_new();
    char type[RR_TYPE_TEXT_MAX], rcode[16];
    json_t *links = json_array(), *edes = json_array();
    for (uint16_t i = 0; i < outcome->link_count; i++)
        json_array_append_new(links, json_link(outcome->links[i], arena, now));
    for (uint16_t i = 0; i < outcome->ede_count; i++)
        json_array_append_new(edes, json_pack("{s:i, s:s?, s:s?}", "code", outcome->edes[i].code, "purpose",
                                              ede_text(outcome->edes[i].code), "text", outcome->edes[i].text));
    json_t *object =
        json_pack("{s:i, s:o, s:s, s:s, s:s, s:s?, s:o, s:o}", "version", JSON_VERSION, "name",
                  json_name(&outcome->question.qname), "type", rr_type_to_text(outcome->question.qtype, type), "rcode",
                  rcode_to_text(outcome->rcode, rcode), "security", security_text(outcome->security), "check",
                  outcome->site, "ede", edes, "links", links);
    json_dumpf(object, to, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    fputc('\n', to);
    json_decref(object);
    arena_free(arena);
}
