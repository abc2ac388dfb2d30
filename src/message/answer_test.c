#include "message/answer.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "message/testing.h"

static struct answer *sample(struct arena *arena)
{
    struct answer *answer = ARENA_NEW(arena, struct answer);
    answer->question = (struct question) { .qname = name_of("no.example."), .qtype = TYPE_A, .qclass = CLASS_IN };
    answer->kind = ANSWER_NXDOMAIN;
    answer->rcode = RCODE_NXDOMAIN;
    answer->proofs = (struct rrset_list) { ARENA_ARRAY(arena, 2, struct rrset *), 2 };
    answer->proofs.items[0] = rrset_of(arena, "a.example.\t60\tIN\tNSEC\tz.example. A RRSIG NSEC\n");
    answer->proofs.items[1] = rrset_of(arena, "example.\t60\tIN\tSOA\ta. b. 1 2 3 4 5\n");
    answer->verdict = (struct verdict) { .security = SECURE, .site = "nsec-name-error" };
    answer->verdict.explanation = ARENA_NEW(arena, struct explanation);
    answer->verdict.explanation->cut_count = 1;
    answer->verdict.explanation->cuts = ARENA_NEW(arena, struct explained_cut);
    answer->verdict.explanation->cuts[0].key_count = 7;
    return answer;
}

/* R4.5-a: one atomic unit. */
static void test_copy_is_deep(void **state)
{
    (void)state;
    struct arena *first = arena_new(), *second = arena_new();
    struct answer *copy = answer_copy(second, sample(first));
    arena_free(first);
    assert_int_equal(copy->kind, ANSWER_NXDOMAIN);
    assert_int_equal(copy->rrsets.count, 0);
    assert_int_equal(copy->proofs.count, 2);
    assert_string_equal(rrset_to_text(second, copy->proofs.items[0]),
                        "a.example.\t60\tIN\tNSEC\tz.example. A RRSIG NSEC\n");
    assert_ptr_equal(answer_soa(copy), copy->proofs.items[1]);
    assert_int_equal(copy->verdict.explanation->cuts[0].key_count, 7);
    arena_free(second);
}

static void test_without_soa_and_explanation(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct answer *answer = sample(arena);
    answer->proofs.count = 1;
    answer->verdict.explanation = NULL;
    struct answer *copy = answer_copy(arena, answer);
    assert_null(answer_soa(copy));
    assert_null(copy->verdict.explanation);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy_is_deep),
        cmocka_unit_test(test_without_soa_and_explanation),
    };
    return cmocka_run_group_tests(tests, set_up_hashing, NULL);
}
