/* For the targets that deny: the first record's owner is the zone, the second's owner and type are the question, all
 * others are what denies. */
#ifndef FUZZ_DENIAL_INPUT_H
#define FUZZ_DENIAL_INPUT_H

#include "fuzz/records.h"
#include "validator/denial.h"

struct denial_input {
    struct arena *arena;
    struct rrset_list sets;
    struct denial denial;
    const struct rrset *question;
    struct dname shouted; /* qname in capitals */
};

/* False: too few records to ask anything. */
static inline bool denial_input_read(struct denial_input *input, struct arena *arena, const uint8_t *data, size_t size)
{
    input->arena = arena;
    input->sets = records_read(arena, data, size);
    if (input->sets.count < 2)
        return false;
    input->question = input->sets.items[1];
    input->denial = (struct denial) { input->sets.items[0]->owner, (const struct rrset *const *)(input->sets.items + 2),
                                      (uint16_t)(input->sets.count - 2), NSEC3_ITERATIONS_DEFAULT };
    if (input->denial.count > PROOF_RRSETS_MAX)
        input->denial.count = PROOF_RRSETS_MAX;
    input->shouted = *input->question->owner;
    for (size_t i = 0; i < input->shouted.len; i++)
        if (input->shouted.octets[i] >= 'a' && input->shouted.octets[i] <= 'z')
            input->shouted.octets[i] = (uint8_t)(input->shouted.octets[i] - 'a' + 'A');
    return true;
}

#endif
