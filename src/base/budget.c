#include "base/budget.h"

struct budget budget_full(void)
{
    struct budget budget = {
        .reply_octets = UPSTREAM_OCTETS_MAX,
        .packets = UPSTREAM_PACKETS_MAX,
        .lookups = LOOKUPS_MAX,
        .server_names = SERVER_NAMES_MAX,
        .signature_checks = SIGNATURE_CHECKS_MAX,
        .signature_work = SIGNATURE_WORK_MAX,
        .replies_at_par = REPLIES_AT_PAR,
        .signature_failures = SIGNATURE_FAILURES_MAX,
        .failed_work = FAILED_WORK_MAX,
        .hashes = NSEC3_HASHES_MAX,
    };
    budget_new_turn(&budget);
    return budget;
}

void budget_new_turn(struct budget *budget)
{
    budget->turn_checks = CHECKS_PER_TURN;
    budget->turn_hashes = HASHES_PER_TURN;
}

static bool bears(struct budget *budget, uint16_t left, uint16_t count, const char *name)
{
    if (left < count && budget->spent == NULL)
        budget->spent = name;
    return left >= count;
}

static bool take_some(struct budget *budget, uint16_t *left, uint16_t count, const char *name)
{
    if (!bears(budget, *left, count, name))
        return false;
    *left = (uint16_t)(*left - count);
    return true;
}

static bool take(struct budget *budget, uint16_t *left, const char *name)
{
    return take_some(budget, left, 1, name);
}

bool budget_take_packet(struct budget *budget)
{
    if (budget->reply_octets == 0 && budget->spent == NULL)
        budget->spent = "reply-octets";
    return budget->reply_octets > 0 && take(budget, &budget->packets, "packets");
}

void budget_count_reply(struct budget *budget, size_t octets)
{
    budget->reply_octets -= octets < budget->reply_octets ? (uint32_t)octets : budget->reply_octets;
    if (budget->replies_at_par > 0)
        budget->replies_at_par--;
    else
        budget->signature_work -= WORK_OF_REPLY < budget->signature_work ? WORK_OF_REPLY : budget->signature_work;
}

bool budget_take_lookup(struct budget *budget)
{
    return take(budget, &budget->lookups, "lookups");
}

bool budget_take_server_name(struct budget *budget)
{
    bool is_left = budget->server_names > 0;
    budget->server_names -= is_left;
    return is_left;
}

void budget_return_server_name(struct budget *budget)
{
    budget->server_names++;
}

void budget_price_aliases(struct budget *budget, uint16_t aliases)
{
    budget->is_behind_aliases = aliases > ALIASES_AT_PAR;
}

void budget_price_proofs(struct budget *budget, uint16_t proofs)
{
    budget->is_beside_proofs = proofs >= PROOFS_AT_PAR;
}

bool budget_take_check(struct budget *budget, uint16_t cost)
{
    bool is_dear = budget->is_behind_aliases || budget->is_beside_proofs;
    uint16_t work = is_dear ? (uint16_t)(cost * DEAR_CHECK_PRICE) : cost;
    if (budget->is_beside_proofs && budget->signature_work < work + WORK_BESIDE_PROOFS)
        return false;
    uint16_t turn_checks = cost > COST_OF_P256 ? cost / COST_OF_P256 : 1;
    if (!bears(budget, budget->failed_work, cost, "signature-failures") ||
        !bears(budget, budget->signature_work, work, "signature-work") ||
        !take(budget, &budget->signature_checks, "signature-checks"))
        return false;
    budget->signature_work = (uint16_t)(budget->signature_work - work);
    budget->turn_checks = turn_checks < budget->turn_checks ? (uint16_t)(budget->turn_checks - turn_checks) : 0;
    return true;
}

bool budget_take_failure(struct budget *budget, uint16_t cost)
{
    return take(budget, &budget->signature_failures, "signature-failures") &&
           take_some(budget, &budget->failed_work, cost, "signature-failures");
}

bool budget_bears_failures(const struct budget *budget)
{
    return budget->signature_failures > RRSIG_CHECKS_PER_RRSET_MAX && budget->failed_work > FAILED_WORK_MAX / 2;
}

bool budget_take_hashes(struct budget *budget, uint16_t count)
{
    for (; count > 0; count--) {
        if (!take(budget, &budget->hashes, "hashes"))
            return false;
        if (budget->turn_hashes > 0)
            budget->turn_hashes--;
    }
    return true;
}

bool budget_turn_is_over(const struct budget *budget)
{
    return budget->turn_checks == 0 || budget->turn_hashes == 0;
}
