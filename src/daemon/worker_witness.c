#include "daemon/worker_internal.h"
#include "resolver/witness.h"

static void on_signature(void *context, const struct rrset *rrset, const struct rrsig *sig, enum signature_fault fault)
{
    (void)rrset;
    struct worker *worker = context;
    worker->stats.signatures[scheme_of(sig->algorithm)][fault == FAULT_NONE]++;
    key_tally_count(worker->keys, sig, fault, driver_now(worker->driver).monotonic_ms / 1000);
}

/* Of the signatures over the data, or over what denies it. */
static void count_schemes(struct worker *worker, const struct outcome *outcome)
{
    bool is_seen[SCHEMES_COUNTED] = { false };
    for (uint16_t i = 0; i < outcome->link_count; i++) {
        const struct answer *answer = outcome->links[i];
        const struct rrset_list *list = answer->rrsets.count > 0 ? &answer->rrsets : &answer->proofs;
        struct rrsig sig;
        if (list->count == 0 || list->items[0]->sig_count == 0 || rrsig_read(list->items[0]->sigs[0], &sig) != OK)
            continue;
        size_t scheme = scheme_of(sig.algorithm);
        worker->stats.answers_signed[scheme] += !is_seen[scheme];
        is_seen[scheme] = true;
    }
}

/* Row D9-strip: a signed zone's data came without what shows that it is the zone's. */
static void count_stripped(struct worker *worker, const struct testimony *testimony)
{
    enum cause cause = cause_of(testimony->failure->ede, testimony->failure->site);
    for (uint8_t i = 0; i < testimony->trial_count; i++) {
        const struct trial *trial = &testimony->trials[i];
        if (trial->security != BOGUS || (cause != CAUSE_RRSIGS_MISSING && cause != CAUSE_NSEC_MISSING))
            continue;
        worker->stats.stripped[cause == CAUSE_NSEC_MISSING][trial->transport == TRANSPORT_TCP]++;
        worker->stats.stripped[2][trial->transport == TRANSPORT_TCP] += trial->without_edns;
    }
}

/* Where nothing came that could be judged, it is what the client is told. */
static enum cause root_cause(const struct testimony *testimony)
{
    const struct outcome *outcome = testimony->outcome;
    if (testimony->failure != NULL)
        return cause_of(testimony->failure->ede, testimony->failure->site);
    return outcome->ede_count > 0 ? cause_of(outcome->edes[0].code, outcome->site) : CAUSE_OTHER;
}

/* What the network has told now; a verdict out of the cache, behind an alias say, was told when it was made. */
static void note_times(struct worker *worker, const struct verdict *failure, struct now now)
{
    enum cause cause = cause_of(failure->ede, failure->site);
    if (cause == CAUSE_EXPIRED)
        clock_note(worker->clock, SYMPTOM_EXPIRED, &failure->explanation->failed_name, now);
    else if (cause == CAUSE_NOT_YET_VALID)
        clock_note(worker->clock, SYMPTOM_NOT_YET, &failure->explanation->failed_name, now);
}

/* Counts failures by their cause, tells the clock how zones fare by the time, files evidence. */
static void on_judged(void *context, const struct testimony *testimony, struct now now)
{
    struct worker *worker = context;
    const struct outcome *outcome = testimony->outcome;
    const struct verdict *failure = testimony->failure;
    enum security security = testimony_verdict(testimony);
    if (security == BOGUS || security == INDETERMINATE)
        worker->stats.failures[root_cause(testimony)]++;
    if (security == SECURE) {
        count_schemes(worker, outcome);
        clock_note(worker->clock, SYMPTOM_SECURE, &outcome->question.qname, now);
    }
    if (failure != NULL && security == BOGUS)
        note_times(worker, failure, now);
    if (failure != NULL)
        count_stripped(worker, testimony);
    watcher_judged(worker->watcher, testimony, now);
}

struct witness worker_witness(struct worker *worker)
{
    return (struct witness) { .context = worker,
                              .signatures = { .context = worker, .saw = on_signature },
                              .judged = on_judged };
}
