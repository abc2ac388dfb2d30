/* Ready-made answers against those made for one client: octet for octet, over many questions, flags, sizes and
 * times. */
#include "resolver/response.h"

#include "cache/testing.h"
#include "resolver/testing.h"

enum { QUESTIONS = 20000, SIZES = 4, BUFFER_OCTETS = MESSAGE_OCTETS_MAX };

#define SIGNATURE(owner, type)                                                                                         \
    owner " 3600 RRSIG " type " 13 2 3600 20330101000000 20230101000000 7 example. AQIDBAUGBwg=\n"

/* What is asked, and the links of the answer as kind, owner's question and sets. */
static const struct sample {
    const char *qname;
    uint16_t qtype;
    enum security security;
    bool denied; /* by compact denial */
    struct sample_link {
        enum answer_kind kind;
        const char *qname;
        uint32_t ttl_s;
        const char *rrsets[3], *proofs[4];
    } links[3];
} samples[] = {
    { "www.example.",
      TYPE_A,
      SECURE,
      false,
      { { ANSWER_DATA,
          "www.example.",
          3600,
          { "www.example. 3600 A 192.0.2.1\nwww.example. 3600 A 192.0.2.2\n" SIGNATURE("www.example.", "A") },
          { NULL } } } },
    { "Plain.Example.",
      TYPE_A,
      INSECURE,
      false,
      { { ANSWER_DATA, "Plain.Example.", 60, { "pLAIN.eXAMPLE. 60 A 192.0.2.1" }, { NULL } } } },
    { ".",
      TYPE_NS,
      SECURE,
      false,
      { { ANSWER_DATA, ".", 5, { ". 5 NS a.root.\n. 5 NS A.root.\n" SIGNATURE(".", "NS") }, { NULL } } } },
    { "alias.example.",
      TYPE_AAAA,
      SECURE,
      false,
      { { ANSWER_CNAME,
          "alias.example.",
          300,
          { "alias.example. 300 CNAME Next.example.\n" SIGNATURE("alias.example.", "CNAME") },
          { NULL } },
        { ANSWER_CNAME,
          "next.example.",
          30,
          { "nExt.example. 30 CNAME end.other.\n" SIGNATURE("nExt.example.", "CNAME") },
          { NULL } },
        { ANSWER_DATA,
          "end.other.",
          1000,
          { "end.other. 1000 AAAA 2001:db8::1\n" SIGNATURE("end.other.", "AAAA") },
          { NULL } } } },
    { "alias.example.",
      TYPE_TXT,
      INSECURE,
      false,
      { { ANSWER_CNAME,
          "alias.example.",
          300,
          { "alias.example. 300 CNAME end.other.\n" SIGNATURE("alias.example.", "CNAME") },
          { NULL } },
        { ANSWER_NODATA,
          "end.other.",
          200,
          { NULL },
          { "other. 200 SOA ns.third. Admin.third. 1 2 3 4 5\n" SIGNATURE("other.", "SOA"),
            "end.other. 200 NSEC x.other. A RRSIG NSEC\n" SIGNATURE("end.other.", "NSEC") } } } },
    { "none.sub.example.",
      TYPE_MX,
      SECURE,
      false,
      { { ANSWER_NXDOMAIN,
          "none.sub.example.",
          100,
          { NULL },
          { "example. 100 SOA ns.Example. hostmaster.example. 1 2 3 4 5\n" SIGNATURE("example.", "SOA"),
            "example. 90 NS ns.example.", "example. 100 NSEC z.example. SOA RRSIG NSEC\n" SIGNATURE("example.", "NSEC"),
            "m.example. 100 NSEC p.example. A RRSIG NSEC\n" SIGNATURE("m.example.", "NSEC") } } } },
    { "compact.example.",
      TYPE_A,
      SECURE,
      true,
      { { ANSWER_NODATA,
          "compact.example.",
          100,
          { NULL },
          { "example. 100 SOA ns.example. hostmaster.example. 1 2 3 4 5\n" SIGNATURE("example.", "SOA"),
            "compact.example. 100 NSEC \\000.compact.example. RRSIG NSEC TYPE128\n" SIGNATURE("compact.example.",
                                                                                              "NSEC") } } } },
    { "wild.example.",
      TYPE_A,
      SECURE,
      false,
      { { ANSWER_DATA,
          "wild.example.",
          700,
          { "wild.example. 700 A 192.0.2.1\n" SIGNATURE("wild.example.", "A") },
          { "a.example. 600 NSEC z.example. A RRSIG NSEC\n" SIGNATURE("a.example.", "NSEC") } } } },
    { "big.example.",
      TYPE_TXT,
      INSECURE,
      false,
      { { ANSWER_DATA,
          "big.example.",
          700,
          { "big.example. 700 TXT 11111111111111111111111111111111111111111111111111111111111111111111111111111111111"
            " 22222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222"
            " 33333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333"
            " 44444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444"
            "\n" SIGNATURE("big.example.", "TXT") SIGNATURE("big.example.", "TXT") },
          { NULL } } } },
};

static uint16_t count_of_links(const struct sample *sample)
{
    uint16_t count = 0;
    while (count < ARRAY_LEN(sample->links) && sample->links[count].qname != NULL)
        count++;
    return count;
}

static struct answer *link_of(struct arena *arena, const struct sample *sample, const struct sample_link *part)
{
    struct answer *link = answer_of(arena, part->qname, sample->qtype, part->kind, NULL, part->ttl_s, at(0));
    const char *texts[ARRAY_LEN(part->proofs) + 1] = { NULL };
    memcpy(texts, part->rrsets, sizeof(part->rrsets));
    link->rrsets = list_of(arena, texts);
    memcpy(texts, part->proofs, sizeof(part->proofs));
    link->proofs = list_of(arena, texts);
    link->verdict.security = sample->security;
    link->verdict.site = sample->denied ? SITE_COMPACT_DENIAL : "test-site";
    assert_true(answer_set_target(link));
    return link;
}

static struct outcome outcome_of(struct arena *arena, struct cache *cache, const struct sample *sample)
{
    struct outcome outcome = {
        .question = question_of(sample->qname, sample->qtype),
        .security = sample->security,
        .link_count = count_of_links(sample),
        .is_repeatable = true,
        .from_cache = true,
        .epoch = cache_epoch(cache),
    };
    struct answer **links = ARENA_ARRAY(arena, outcome.link_count, struct answer *);
    for (uint16_t i = 0; i < outcome.link_count; i++)
        links[i] = link_of(arena, sample, &sample->links[i]);
    outcome.links = links;
    outcome.rcode = links[outcome.link_count - 1]->rcode;
    if (sample->security == INSECURE && sample->qtype != TYPE_TXT)
        outcome.edes[outcome.ede_count++] =
            (struct outcome_ede) { .code = 1, .text = "zone example. has algorithm 5 alone" };
    if (sample->security == INSECURE)
        outcome.edes[outcome.ede_count++] = (struct outcome_ede) { .code = 2, .text = NULL };
    return outcome;
}

static int64_t deadline_s(const struct outcome *outcome)
{
    int64_t end_ms = INT64_MAX;
    for (uint16_t i = 0; i < outcome->link_count; i++)
        end_ms = outcome->links[i]->expires_ms < end_ms ? outcome->links[i]->expires_ms : end_ms;
    return end_ms / 1000 - TEST_TIME_S;
}

static void make_ready(struct cache *cache, const struct answer_options *options, const struct outcome *outcome,
                       struct now now)
{
    static uint8_t buffer[BUFFER_OCTETS];
    struct ready_draft draft;
    assert_true(response_make_ready(options, outcome, now, buffer, sizeof(buffer), &draft));
    ready_put(cache, &outcome->question, ORIGIN_ITERATIVE, &draft, now);
}

static struct asking random_asking(struct random *random, const struct outcome *outcome)
{
    static const uint16_t sizes[SIZES] = { UDP_OCTETS_CLASSIC, 600, UDP_OCTETS_DEFAULT, 4096 };
    uint64_t bits = random_u64(random);
    struct asking asking = {
        .id = (uint16_t)bits,
        .ad = bits >> 16 & 1,
        .cd = bits >> 17 & 1,
        .edns = bits >> 18 & 1,
        .dnssec_ok = (bits >> 18 & 3) == 3,
        .octets_max = sizes[bits >> 20 & 3],
        .qname = outcome->question.qname,
        .now = at((int64_t)(random_u64(random) % (uint64_t)deadline_s(outcome))),
    };
    if (bits >> 40 & 1)
        asking.options = (struct octets) { (const uint8_t *)"\0\x0a\0\x08"
                                                            "12345678",
                                           12 };
    asking.now.wall_ms += (int64_t)(bits >> 22 & 1023) % 1000;
    uint64_t letters = random_u64(random);
    for (size_t i = 1; i < asking.qname.len; i++)
        if (letters >> i % 64 & 1 && asking.qname.octets[i] >= 'A')
            asking.qname.octets[i] ^= 0x20;
    return asking;
}

enum { ROUNDS = 8 };

static void test_octet_for_octet(void **state)
{
    (void)state;
    struct arena *arena = arena_new(), *parsed = arena_new();
    struct random *random = random_seeded_new(7);
    size_t ready_count = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct cache *cache = small_cache();
        struct answer_options options = {
            .edns_octets = 1232, .minimal = round & 1, .ede = round & 2, .rotate = round & 4
        };
        struct outcome outcomes[ARRAY_LEN(samples)];
        for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
            outcomes[i] = outcome_of(arena, cache, &samples[i]);
            make_ready(cache, &options, &outcomes[i], at(0));
        }
        for (size_t i = 0; i < QUESTIONS; i++) {
            static uint8_t slow_buffer[BUFFER_OCTETS];
            uint8_t fast_buffer[READY_BUFFER_OCTETS];
            const struct outcome *outcome = &outcomes[i % ARRAY_LEN(samples)];
            struct asking asking = random_asking(random, outcome);
            struct octets slow = ask_long_way(&options, &asking, outcome, slow_buffer, sizeof(slow_buffer));
            struct ready_answer fast = ask_ready(cache, &options, &asking, outcome->question.qtype, fast_buffer);
            if (fast.message.len == 0) { /* only what would need its EXTRA-TEXT shortened */
                assert_true((slow.data[2] & 2) != 0 && asking.edns && options.ede && outcome->ede_count > 0);
                continue;
            }
            ready_count++;
            assert_int_equal(fast.message.len, slow.len);
            assert_memory_equal(fast.message.data, slow.data, slow.len);
            assert_int_equal(fast.rcode, slow.data[3] & 0xf);
            assert_int_equal(fast.is_truncated, slow.data[2] >> 1 & 1);
            struct message message;
            assert_int_equal(message_read(fast.message, parsed, &message), OK);
            arena_reset(parsed);
        }
        cache_free(cache);
    }
    assert_true(ready_count > ROUNDS * QUESTIONS * 9 / 10);
    random_free(random);
    arena_free(parsed);
    arena_free(arena);
}

/* TC is for what is missed (RFC 2181 section 9), and for NS records only if the operator has it so. */
static void test_ns_records_go_first(void **state)
{
    (void)state;
    static const struct answer_options options = { .edns_octets = 1232, .minimal = false };
    uint8_t whole_buffer[BUFFER_OCTETS], less_buffer[BUFFER_OCTETS], fast_buffer[READY_BUFFER_OCTETS];
    const struct sample *sample = samples;
    while (strcmp(sample->qname, "none.sub.example.") != 0)
        sample++;
    struct arena *arena = arena_new();
    struct cache *cache = small_cache();
    struct outcome outcome = outcome_of(arena, cache, sample);
    make_ready(cache, &options, &outcome, at(0));
    struct asking asking = { .octets_max = 512, .qname = name_of(sample->qname), .now = at(1) };
    struct octets whole = ask_long_way(&options, &asking, &outcome, whole_buffer, sizeof(whole_buffer));
    struct octets fast = ask_ready(cache, &options, &asking, sample->qtype, fast_buffer).message;
    assert_true(octets_equal(fast, whole));
    asking.octets_max = (uint16_t)(whole.len - 1);
    struct octets less = ask_long_way(&options, &asking, &outcome, less_buffer, sizeof(less_buffer));
    assert_int_equal(less.data[2] & 2, 0);
    assert_int_equal(less.data[9], whole.data[9] - 1); /* NSCOUNT */
    uint8_t told_buffer[BUFFER_OCTETS];
    static const struct answer_options tells = { .edns_octets = 1232, .minimal = false, .tc_for_ns = true };
    struct octets told = ask_long_way(&tells, &asking, &outcome, told_buffer, sizeof(told_buffer));
    assert_int_equal(told.data[2], less.data[2] | 2);
    assert_memory_equal(told.data + 3, less.data + 3, less.len - 3);
    assert_int_equal(ask_ready(cache, &options, &asking, sample->qtype, fast_buffer).message.len, 0);
    cache_free(cache);
    arena_free(arena);
}

static bool is_ready(struct cache *cache, const struct sample *sample, struct now now)
{
    static const struct answer_options options = { .edns_octets = 1232, .minimal = true, .ede = true };
    uint8_t buffer[READY_BUFFER_OCTETS];
    struct asking asking = { .octets_max = 512, .qname = name_of(sample->qname), .now = now };
    return ask_ready(cache, &options, &asking, sample->qtype, buffer).message.len > 0;
}

/* Data that nobody has judged is for those who set CD (RFC 4035 section 3.2.2), and gives way once somebody does
 * not. */
static void test_unchecked(void **state)
{
    (void)state;
    static const struct answer_options options = { .edns_octets = 1232, .minimal = true, .ede = true };
    uint8_t buffer[READY_BUFFER_OCTETS], slow_buffer[512];
    struct arena *arena = arena_new();
    struct cache *cache = small_cache();
    struct outcome outcome = outcome_of(arena, cache, &samples[0]);
    outcome.security = UNCHECKED;
    make_ready(cache, &options, &outcome, at(0));
    struct asking asking = { .octets_max = 512, .ad = true, .qname = name_of("www.example."), .now = at(1) };
    assert_int_equal(ask_ready(cache, &options, &asking, TYPE_A, buffer).message.len, 0);
    asking.cd = true;
    struct octets fast = ask_ready(cache, &options, &asking, TYPE_A, buffer).message;
    struct octets slow = ask_long_way(&options, &asking, &outcome, slow_buffer, sizeof(slow_buffer));
    assert_true(octets_equal(fast, slow));
    assert_true((slow.data[3] & FLAG_AD) == 0);
    outcome.security = SECURE;
    make_ready(cache, &options, &outcome, at(0));
    asking.cd = false;
    assert_true(ask_ready(cache, &options, &asking, TYPE_A, buffer).message.len > 0);
    cache_free(cache);
    arena_free(arena);
}

static void flush_nothing_of_it(struct cache *cache)
{
    struct dname other = name_of("else.where.");
    cache_flush_name(cache, &other);
}

static void flush_all(struct cache *cache)
{
    cache_flush_all(cache);
}

static void put_again(struct cache *cache)
{
    struct arena *arena = arena_new();
    cache_put_answer(cache, secure_address(arena, "www.example.", at(1)), at(1));
    arena_free(arena);
}

/* It ends with the deadlines, and with everything that might have ended the answers it was made of. */
static void test_end(void **state)
{
    (void)state;
    static void (*const ends[])(struct cache * cache) = { flush_nothing_of_it, flush_all, cache_forget_verdicts,
                                                          cache_drop_ready, put_again };
    static const struct answer_options options = { .edns_octets = 1232, .minimal = true, .ede = true };
    const struct sample *sample = &samples[0];
    struct arena *arena = arena_new();
    struct cache *cache = small_cache();
    struct outcome outcome = outcome_of(arena, cache, sample);
    make_ready(cache, &options, &outcome, at(0));
    struct now unfit = at(1);
    unfit.wall_is_fit = false;
    assert_true(is_ready(cache, sample, at(3599)));
    assert_false(is_ready(cache, sample, at(3600)));
    assert_false(is_ready(cache, sample, unfit));
    assert_true(is_ready(cache, sample, at(-10)));
    assert_false(is_ready(cache, sample, at(-11)));
    ((struct answer *)(uintptr_t)outcome.links[0])->verdict.valid_until_s = TEST_TIME_S + 100;
    make_ready(cache, &options, &outcome, at(0));
    assert_true(is_ready(cache, sample, at(99)));
    assert_false(is_ready(cache, sample, at(100)));
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        outcome.epoch = cache_epoch(cache);
        make_ready(cache, &options, &outcome, at(0));
        assert_true(is_ready(cache, sample, at(1)));
        ends[i](cache);
        assert_false(is_ready(cache, sample, at(1)));
    }
    make_ready(cache, &options, &outcome, at(0)); /* judged under an older epoch */
    outcome.epoch = cache_epoch(cache) - 1;
    make_ready(cache, &options, &outcome, at(0));
    assert_false(is_ready(cache, sample, at(1)));
    cache_free(cache);
    arena_free(arena);
}

static void test_what_is_not_repeated(void **state)
{
    (void)state;
    static const struct answer_options options = { .edns_octets = 1232 };
    static uint8_t buffer[BUFFER_OCTETS];
    struct ready_draft draft;
    struct arena *arena = arena_new();
    struct cache *cache = small_cache();
    const struct outcome good = outcome_of(arena, cache, &samples[0]);
    struct outcome bad = good;
    assert_true(response_make_ready(&options, &bad, at(0), buffer, sizeof(buffer), &draft));
    bad.is_repeatable = false;
    assert_false(response_make_ready(&options, &bad, at(0), buffer, sizeof(buffer), &draft));
    static const enum security securities[] = { BOGUS, INDETERMINATE };
    for (size_t i = 0; i < ARRAY_LEN(securities); i++) {
        bad = good;
        bad.security = securities[i];
        assert_false(response_make_ready(&options, &bad, at(0), buffer, sizeof(buffer), &draft));
    }
    cache_free(cache);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_octet_for_octet), cmocka_unit_test(test_ns_records_go_first),  cmocka_unit_test(test_end),
        cmocka_unit_test(test_unchecked),       cmocka_unit_test(test_what_is_not_repeated),
    };
    return cmocka_run_group_tests(tests, set_up_hashing, NULL);
}
