#include "policy/local.h"

#include "policy/special_use.h"

static struct answer *local_answer(void *context, const struct question *question, struct now now, struct arena *arena)
{
    const struct local_names *names = context;
    const struct local_zone *zone;
    struct answer *answer = local_data_answer(names->data, names->options, question, now, arena, &zone);
    if (answer != NULL)
        return answer;
    return special_use_answer(names->options, question, zone == NULL ? NULL : &zone->zone, now, arena);
}

void local_hooks(const struct local_names *names, struct hooks *hooks)
{
    *hooks = (struct hooks) { .context = (void *)(uintptr_t)names, .local = local_answer };
}
