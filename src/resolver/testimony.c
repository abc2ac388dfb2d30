/* For the host's witness (witness.h): whose word made a verdict what it is. */
#include "resolver/request.h"

static void add_trial(struct testimony *testimony, const struct pin *pin, const struct verdict *verdict)
{
    if (testimony->trial_count < TRIALS_MAX)
        testimony->trials[testimony->trial_count++] = (struct trial) {
            .server = pin->from.server,
            .transport = pin->from.over_tcp ? TRANSPORT_TCP : TRANSPORT_UDP,
            .security = verdict->security,
            .site = verdict->site,
            .without_edns = pin->from.without_edns && pin->from.server.family != 0,
        };
}

/* The first failure is explained while the facts are there: the next ones may come from elsewhere. */
static void note_first_failure(struct request *q, struct pin *link, const struct pin *culprit,
                               const struct validation *validation)
{
    struct verdict *failure = arena_copy(q->arena, &link->answer->verdict, sizeof(*failure));
    failure->explanation = validator_explain(validation, link->answer);
    if (failure->explanation->failed_type == 0) { /* a verdict out of the cache */
        failure->explanation->failed_name = culprit->question.qname;
        failure->explanation->failed_type = culprit->question.qtype;
    }
    q->testimony.failure = failure;
    q->testimony.culprit = &culprit->question;
    q->testimony.trial_count = 0;
}

/* Somebody else has said anew what broke the chain, and it is good: NULL, or its pin. */
static const struct pin *find_mended(struct request *q)
{
    const struct testimony *testimony = &q->testimony;
    const struct pin *pin = pin_find(q, testimony->culprit);
    bool is_open_case = testimony->trial_count > 0 && testimony->trials[testimony->trial_count - 1].security == BOGUS;
    if (!is_open_case || pin == NULL || pin->answer == NULL)
        return NULL;
    return security_is_trusted(pin->answer->verdict.security) ? pin : NULL;
}

void testimony_note(struct request *q, struct pin *link, const struct validation *validation)
{
    const struct verdict *verdict = &link->answer->verdict;
    struct testimony *testimony = &q->testimony;
    if (verdict->security == BOGUS) {
        struct pin *culprit = doubt_culprit(q, link);
        if (testimony->failure == NULL)
            note_first_failure(q, link, culprit, validation);
        add_trial(testimony, culprit, verdict);
    } else if (verdict->security == INDETERMINATE) { /* nobody's word: somebody's silence */
        if (testimony->failure == NULL)
            note_first_failure(q, link, link, validation);
    } else if (testimony->failure == NULL) {
        testimony->trial_count = 0;
        add_trial(testimony, link, verdict);
    } else {
        const struct pin *mended = find_mended(q);
        if (mended != NULL)
            add_trial(testimony, mended, &mended->answer->verdict);
    }
}
