#include "validator/validator.h"

#include "validator/finding.h"
#include "validator/link.h"

/* The failed RRset is told even where no explanation is wanted: counters and reports live on it. */
static void explain(const struct validation *validation, struct answer *answer)
{
    if (validation->explain)
        answer->verdict.explanation = validator_explain(validation, answer);
}

bool validator_fails_closed(const struct validation *validation, const struct question *question,
                            struct verdict *verdict)
{
    struct judge judge = { .v = validation };
    struct dname holder = question->qname;
    if (question->qclass != CLASS_IN)
        return false;
    if (question->qtype == TYPE_DS) /* RFC 4035 section 4.2: the parent's side */
        dname_parent(&question->qname, &holder);
    return chain_fails_closed(&judge, &holder, verdict);
}

enum judgement validator_judge(const struct validation *validation, struct answer *answer, struct dname *need_name,
                               uint16_t *need_type)
{
    struct judge judge = { validation, answer, need_name, need_type, .insecure_until_s = INT64_MAX };
    struct verdict verdict;
    if (answer->verdict.security != UNCHECKED)
        return JUDGED;
    enum judgement judged = link_judge(&judge, answer, &verdict);
    if (judged != JUDGED)
        return judged;
    answer->verdict = verdict;
    answer->verdict_is_new = true;
    explain(validation, answer);
    return JUDGED;
}
