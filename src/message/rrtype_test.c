#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "message/ede.h"
#include "message/rrtype.h"

static void the_table_ascends_and_is_found(void **state)
{
    (void)state;
    size_t count;
    const struct rr_type *table = rr_type_table(&count);
    for (size_t i = 0; i < count; i++) {
        char text[RR_TYPE_TEXT_MAX];
        uint16_t number;
        assert_true(i == 0 || table[i - 1].number < table[i].number);
        assert_ptr_equal(rr_type_find(table[i].number), &table[i]);
        assert_int_equal(table[i].fields[RDATA_FIELDS_MAX - 1], FIELD_END);
        assert_int_not_equal(table[i].fields[0], FIELD_END);
        assert_int_equal(rr_type_from_text(rr_type_to_text(table[i].number, text), &number), OK);
        assert_int_equal(number, table[i].number);
    }
    assert_null(rr_type_find(0));
    assert_null(rr_type_find(54));
    assert_null(rr_type_find(65535));
}

/* RFC 4034 section 6.2 as changed by RFC 6840 section 5.1: these have their names lower-cased, and no others. */
static void canonical_lower_case_types(void **state)
{
    (void)state;
    static const uint16_t listed[] = { 2,  3,  4,  5,  6,  7,  8,  9,  12, 14, 15, 17,
                                       18, 21, 24, 26, 30, 33, 35, 36, 38, 39, 46 };
    size_t count, next = 0;
    const struct rr_type *table = rr_type_table(&count);
    for (size_t i = 0; i < count; i++) {
        bool lowers = false;
        for (const uint8_t *field = table[i].fields; *field != FIELD_END; field++)
            lowers |= *field == FIELD_NAME_COMPRESSIBLE || *field == FIELD_NAME_LOWER || *field == FIELD_A6;
        if (!lowers)
            continue;
        assert_true(next < ARRAY_LEN(listed));
        assert_int_equal(table[i].number, listed[next++]);
    }
    assert_int_equal(next, ARRAY_LEN(listed));
}

static void types_and_classes_in_text(void **state) /* RFC 3597 section 5 */
{
    (void)state;
    static const struct {
        const char *text;
        int type, class; /* -1: refused */
    } cases[] = {
        { "AAAA", 28, -1 },
        { "aaaa", 28, -1 },
        { "Nsec3Param", 51, -1 },
        { "TYPE28", 28, -1 },
        { "type65535", 65535, -1 },
        { "TYPE0", 0, -1 },
        { "TYPE65536", -1, -1 },
        { "TYPE", -1, -1 },
        { "TYPE-1", -1, -1 },
        { "TYPE1x", -1, -1 },
        { "TYPE99999999999", -1, -1 },
        { "", -1, -1 },
        { "IN", -1, 1 },
        { "ch", -1, 3 },
        { "HS", -1, 4 },
        { "CLASS255", -1, 255 },
        { "CLASS70000", -1, -1 },
        { "ANY", 255, 255 },
        { "TYPE 1", -1, -1 },
        { "AAAAA", -1, -1 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint16_t number;
        enum err err = rr_type_from_text(cases[i].text, &number);
        assert_int_equal(err == OK ? number : -1, cases[i].type);
        err = rr_class_from_text(cases[i].text, &number);
        assert_int_equal(err == OK ? number : -1, cases[i].class);
    }
    char text[RR_TYPE_TEXT_MAX];
    assert_string_equal(rr_type_to_text(65535, text), "TYPE65535");
    assert_string_equal(rr_class_to_text(1, text), "IN");
    assert_string_equal(rr_class_to_text(65535, text), "CLASS65535");
}

static void meta_types(void **state) /* RFC 6895 section 3.1 */
{
    (void)state;
    static const uint16_t meta[] = { TYPE_OPT, TYPE_NXNAME, TYPE_TKEY, TYPE_TSIG, TYPE_IXFR, TYPE_AXFR, TYPE_ANY };
    static const uint16_t data[] = { TYPE_A, TYPE_DS, TYPE_NSEC3, 127, 256, 65280 };
    for (size_t i = 0; i < ARRAY_LEN(meta); i++)
        assert_true(rr_type_is_meta(meta[i]));
    for (size_t i = 0; i < ARRAY_LEN(data); i++)
        assert_false(rr_type_is_meta(data[i]));
}

static void ede_texts(void **state) /* D9-run-a */
{
    (void)state;
    for (int code = EDE_OTHER; code <= EDE_INVALID_QUERY_TYPE; code++)
        assert_non_null(ede_text(code));
    assert_string_equal(ede_text(EDE_BOGUS), "DNSSEC Bogus");
    assert_string_equal(ede_text(EDE_NEGATIVE_TRUST_ANCHOR), "Negative Trust Anchor");
    assert_null(ede_text(EDE_NONE));
    assert_null(ede_text(49152)); /* private use */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_ascends_and_is_found),
        cmocka_unit_test(canonical_lower_case_types),
        cmocka_unit_test(types_and_classes_in_text),
        cmocka_unit_test(meta_types),
        cmocka_unit_test(ede_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
