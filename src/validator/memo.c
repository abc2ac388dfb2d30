#include "validator/memo.h"

/* Each entry costs a signature check or hashes out of the query's budget: there are never many. */
struct memo_entry {
    struct memo_entry *next;
    const void *about;
    const struct signature_result *signature; /* NULL: an entry about a proof */
    enum proof proof;
};

struct validation_memo {
    struct arena *arena;
    struct memo_entry *entries;
};

struct validation_memo *validation_memo_new(struct arena *arena)
{
    struct validation_memo *memo = ARENA_NEW(arena, struct validation_memo);
    memo->arena = arena;
    return memo;
}

void validation_memo_doubt(struct validation_memo *memo)
{
    struct memo_entry **link = &memo->entries;
    while (*link != NULL) {
        const struct signature_result *signature = (*link)->signature;
        if (signature != NULL && signature->fault == FAULT_NONE)
            link = &(*link)->next;
        else
            *link = (*link)->next;
    }
}

static struct memo_entry *add(struct validation_memo *memo, const void *about)
{
    struct memo_entry *entry = ARENA_NEW(memo->arena, struct memo_entry);
    *entry = (struct memo_entry) { .next = memo->entries, .about = about };
    memo->entries = entry;
    return entry;
}

const struct signature_result *memo_signature(const struct validation_memo *memo, const struct rrset *rrset,
                                              const struct dname *signer)
{
    for (const struct memo_entry *entry = memo->entries; entry != NULL; entry = entry->next)
        if (entry->about == rrset && entry->signature != NULL && dname_equal(&entry->signature->rrsig.signer, signer))
            return entry->signature;
    return NULL;
}

void memo_put_signature(struct validation_memo *memo, const struct rrset *rrset, const struct signature_result *result)
{
    add(memo, rrset)->signature = arena_copy(memo->arena, result, sizeof(*result));
}

bool memo_proof(const struct validation_memo *memo, const void *about, enum proof *proof)
{
    for (const struct memo_entry *entry = memo->entries; entry != NULL; entry = entry->next) {
        if (entry->about == about && entry->signature == NULL) {
            *proof = entry->proof;
            return true;
        }
    }
    return false;
}

void memo_put_proof(struct validation_memo *memo, const void *about, enum proof proof)
{
    add(memo, about)->proof = proof;
}
