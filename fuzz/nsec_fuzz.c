/* NSEC proofs: letter case changes nothing, no record takes a proof of absence away, nothing is proven outside the
 * zone. */
#include <assert.h>

#include "fuzz/denial_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const struct denial_input *input)
{
    const struct denial *denial = &input->denial;
    const struct dname *qname = input->question->owner;
    struct budget budget = budget_full();
    struct denial fewer = *denial;
    enum proof name_error = denial_name_error(denial, qname, &budget);
    enum proof no_data = denial_no_data(denial, qname, input->question->type, &budget);
    assert(denial_name_error(denial, &input->shouted, &budget) == name_error);
    assert(denial_no_data(denial, &input->shouted, input->question->type, &budget) == no_data);
    if (!dname_is_subdomain(qname, denial->zone))
        assert(name_error == PROOF_NONE && no_data == PROOF_NONE);
    for (uint8_t labels = 0; labels < qname->labels; labels++) {
        enum proof expansion = denial_wildcard_expansion(denial, qname, labels, &budget);
        assert(denial_wildcard_expansion(denial, &input->shouted, labels, &budget) == expansion);
        assert(expansion == PROOF_NONE || labels >= denial->zone->labels);
    }
    while (fewer.count > 0) {
        fewer.count--;
        if (denial_name_error(&fewer, qname, &budget) != PROOF_NONE)
            assert(name_error != PROOF_NONE);
    }
    assert(budget.hashes == NSEC3_HASHES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct denial_input input;
    if (size <= 16384 && denial_input_read(&input, arena, data, size)) {
        uint16_t kept = 0;
        struct rrset **sets = input.sets.items + 2;
        for (uint16_t i = 0; i < input.denial.count; i++)
            if (sets[i]->type != TYPE_NSEC3)
                sets[kept++] = sets[i];
        input.denial.count = kept;
        compare(&input);
    }
    arena_free(arena);
    return 0;
}
