/* Which algorithms a story verifies, and which signatures count as good without being looked at. */
#include "tests/scenario/story_words.h"

enum {
    ALGORITHM_DSA = 3,
    ALGORITHM_DSA_NSEC3_SHA1 = 6,
};

static unsigned long faked_checks;

unsigned long story_faked_checks(void)
{
    return faked_checks;
}

static enum signature_check fake_check(struct verifier *verifier, const struct algorithm *algorithm, struct octets key,
                                       struct octets data, struct octets signature)
{
    (void)verifier, (void)algorithm, (void)key, (void)data;
    faked_checks++;
    return signature.len > 0 ? SIGNATURE_GOOD : SIGNATURE_BAD; /* stories leave it out where it is to be bad */
}

static void fake_algorithm(struct crypto_policy *policy, uint8_t number)
{
    static const struct algorithm fakes[] = {
        { .number = ALGORITHM_DSA, .mnemonic = "DSA", .on_by_default = true, .check = fake_check },
        { .number = ALGORITHM_RSASHA1, .mnemonic = "RSASHA1", .on_by_default = true, .check = fake_check },
        { .number = ALGORITHM_DSA_NSEC3_SHA1, .mnemonic = "DSANSEC3SHA1", .on_by_default = true, .check = fake_check },
        { .number = ALGORITHM_RSASHA1_NSEC3_SHA1,
          .mnemonic = "RSASHA1NSEC3SHA1",
          .on_by_default = true,
          .check = fake_check },
    };
    for (size_t i = 0; i < ARRAY_LEN(fakes); i++)
        if (fakes[i].number == number)
            policy->algorithms[number] = &fakes[i];
}

void make_policy(struct mapping *m)
{
    struct crypto_options options = crypto_options_default();
    options.allow_algorithms[options.allow_algorithm_count++] = ALGORITHM_RSASHA1;
    options.allow_algorithms[options.allow_algorithm_count++] = ALGORITHM_RSASHA1_NSEC3_SHA1;
    options.nsec3_iterations = NSEC3_ITERATIONS_CEILING;
    options.demand_all = m->demands_all;
    crypto_policy_make(&options, &m->config.policy);
    if (m->fakes_dsa || m->fakes_sha1) {
        fake_algorithm(&m->config.policy, ALGORITHM_DSA);
        fake_algorithm(&m->config.policy, ALGORITHM_DSA_NSEC3_SHA1);
    }
    if (m->fakes_sha1) {
        fake_algorithm(&m->config.policy, ALGORITHM_RSASHA1);
        fake_algorithm(&m->config.policy, ALGORITHM_RSASHA1_NSEC3_SHA1);
    }
}

void look_for_dsa(struct mapping *m, const struct trust *trust)
{
    size_t count;
    const struct anchor *anchors = trust_anchors(trust, &count);
    for (size_t i = 0; i < count; i++) {
        struct dnskey key = { 0 };
        struct ds ds = { 0 };
        bool is_read = anchors[i].type == TYPE_DS ? ds_read(anchors[i].rdata, &ds) == OK
                                                  : dnskey_read(anchors[i].rdata, &key) == OK;
        uint8_t algorithm = anchors[i].type == TYPE_DS ? ds.algorithm : key.algorithm;
        m->fakes_dsa |= m->may_fake && is_read && (algorithm == ALGORITHM_DSA || algorithm == ALGORITHM_DSA_NSEC3_SHA1);
    }
}
