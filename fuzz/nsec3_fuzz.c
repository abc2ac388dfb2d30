/* NSEC3 proofs: letter case changes nothing, hashes are counted and few, an empty budget is told. */
#include <assert.h>

#include "fuzz/denial_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned used(const struct budget *budget)
{
    return NSEC3_HASHES_MAX - budget->hashes;
}

/* One proof by the same question in small letters and capitals. */
static void compare(const struct denial_input *input,
                    enum proof (*prove)(const struct denial_input *input, const struct dname *qname,
                                        struct budget *budget))
{
    struct budget small = budget_full(), capital = budget_full(), none = budget_full();
    enum proof proof = prove(input, input->question->owner, &small);
    assert(prove(input, &input->shouted, &capital) == proof);
    assert(used(&small) == used(&capital));
    assert(used(&small) <= input->question->owner->labels + 2u);
    none.hashes = 0;
    if (used(&small) > 0)
        assert(prove(input, input->question->owner, &none) == PROOF_BUDGET);
    else
        assert(prove(input, input->question->owner, &none) == proof);
}

static enum proof name_error(const struct denial_input *input, const struct dname *qname, struct budget *budget)
{
    return denial_name_error(&input->denial, qname, budget);
}

static enum proof no_data(const struct denial_input *input, const struct dname *qname, struct budget *budget)
{
    return denial_no_data(&input->denial, qname, input->question->type, budget);
}

static enum proof expansion(const struct denial_input *input, const struct dname *qname, struct budget *budget)
{
    return denial_wildcard_expansion(&input->denial, qname, input->denial.zone->labels, budget);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct denial_input input;
    if (size <= 16384 && denial_input_read(&input, arena, data, size)) {
        compare(&input, name_error);
        compare(&input, no_data);
        compare(&input, expansion);
    }
    arena_free(arena);
    return 0;
}
