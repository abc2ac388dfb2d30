#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/limits.h"
#include "message/testing.h"

#define L63      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"
#define L61      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi"
#define ONES_16  "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
#define ONES_112 ONES_16 ONES_16 ONES_16 ONES_16 ONES_16 ONES_16 ONES_16
#define ONES_127 ONES_112 "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
#define LONGEST  L63 "." L63 "." L63 "." L61 "." /* 255 octets */

static void text_is_read_and_printed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *printed;
        uint8_t labels, len;
    } cases[] = {
        /* RFC 1035 section 5.1; NULL: refused */
        { ".", ".", 0, 1 },
        { "example", "example.", 1, 9 },
        { "example.", "example.", 1, 9 },
        { "eXample.COM.", "eXample.COM.", 2, 13 }, /* RFC 4343: case is kept */
        { "a\\.b.c.", "a\\.b.c.", 2, 7 },
        { "a\\046b.c.", "a\\.b.c.", 2, 7 },
        { "\\000\\255.", "\\000\\255.", 1, 4 },
        { "a\\\\.", "a\\\\.", 1, 4 },
        { "a\\ b.", "a\\032b.", 1, 5 },
        { "\\@\\$\\;\\(\\)\\\".", "\\@\\$\\;\\(\\)\\\".", 1, 8 },
        { "*.example.", "*.example.", 2, 11 },
        { "_dns.re/v+x=.", "_dns.re/v+x=.", 2, 14 },
        { LONGEST, LONGEST, 4, 255 },
        { ONES_127, ONES_127, 127, 255 },
        { "", NULL, 0, 0 },
        { "@", NULL, 0, 0 }, /* no origin here */
        { "..", NULL, 0, 0 },
        { ".a.", NULL, 0, 0 },
        { "a..b.", NULL, 0, 0 },
        { "a\\", NULL, 0, 0 },
        { "a\\25.", NULL, 0, 0 },
        { "a\\256.", NULL, 0, 0 },
        { "a" L63 ".", NULL, 0, 0 },                      /* 64 octets */
        { L63 "." L63 "." L63 "." L61 "x.", NULL, 0, 0 }, /* 256 octets */
        { ONES_127 "a.", NULL, 0, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct dname name;
        char text[DNAME_TEXT_MAX];
        enum err err = dname_from_text(cases[i].text, &name);
        assert_int_equal(err, cases[i].printed == NULL ? ERR_FORMAT : OK);
        if (err != OK)
            continue;
        assert_string_equal(dname_to_text(&name, text), cases[i].printed);
        assert_int_equal(name.labels, cases[i].labels);
        assert_int_equal(name.len, cases[i].len);
    }
}

static void longest_text_fits(void **state)
{
    (void)state;
    uint8_t wire[DNAME_OCTETS_MAX] = { 0 };
    struct dname name;
    char text[DNAME_TEXT_MAX];
    for (size_t at = 0, left; at < 254; at += 1 + left) {
        left = 254 - at - 1 < 63 ? 254 - at - 1 : 63;
        wire[at] = (uint8_t)left;
        memset(wire + at + 1, 0xff, left);
    }
    assert_int_equal(dname_from_wire((struct octets) { wire, sizeof(wire) }, &name), OK);
    assert_true(strlen(dname_to_text(&name, text)) < DNAME_TEXT_MAX);
    assert_int_equal(dname_from_text(text, &name), OK);
    assert_memory_equal(name.octets, wire, sizeof(wire));
}

static void relative_text_is_completed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *origin, *name;
    } cases[] = {
        /* RFC 1035 section 5.1; NULL: refused */
        { "www", "example.", "www.example." },
        { "www.", "example.", "www." },
        { "www\\.", "example.", "www\\..example." },
        { "@", "example.", "example." },
        { "\\@", "example.", "\\@.example." },
        { ".", "example.", "." },
        { "a.b", ".", "a.b." },
        { "a", LONGEST, NULL },
        { L61, L63 "." L63 "." L63 ".", L61 "." L63 "." L63 "." L63 "." },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct dname origin = name_of(cases[i].origin), name;
        enum err err = dname_from_text_below(cases[i].text, &origin, &name);
        assert_int_equal(err, cases[i].name == NULL ? ERR_FORMAT : OK);
        if (err == OK) {
            struct dname expected = name_of(cases[i].name);
            assert_true(dname_same_case(&name, &expected));
        }
    }
}

static void wire_names_are_walked(void **state)
{
    (void)state;
    static const struct {
        const char *message;
        size_t len, at;
        const char *name; /* NULL: refused */
        size_t behind;
        bool pointers;
    } cases[] = {
        /* RFC 1035 sections 3.1 and 4.1.4 */
        { "\0", 1, 0, ".", 1, false },
        { "\1a\2bc\0", 6, 0, "a.bc.", 6, false },
        { "\1a\0\1b\xc0\0", 7, 3, "b.a.", 7, true },
        { "\1a\0\1b\xc0\0\1c\xc0\3", 11, 7, "c.b.a.", 11, true },
        { "\1a\0\xc0\0\xc0\3", 7, 5, "a.", 7, true }, /* to a name that is a pointer itself */
        { "\1a\0\xc0\0 rest", 10, 3, "a.", 5, true }, /* behind the first pointer */
        { "\1a\0\1b\xc0\1", 7, 3, NULL, 0, true },    /* into a label: 'a' is not a label type */
        { "", 0, 0, NULL, 0, false },
        { "\1a", 2, 0, NULL, 0, false }, /* no root */
        { "\2a", 2, 0, NULL, 0, false }, /* a label that ends outside */
        { "\x40"
          "a\0",
          3, 0, NULL, 0, false }, /* RFC 6891 section 5: extended label types are gone */
        { "\x80"
          "a\0",
          3, 0, NULL, 0, false },
        { "\xc0", 1, 0, NULL, 0, true },               /* half a pointer */
        { "\xc0\0", 2, 0, NULL, 0, true },             /* to itself */
        { "\1a\xc0\0", 4, 0, NULL, 0, true },          /* to its own beginning */
        { "\1a\xc0\2", 4, 0, NULL, 0, true },          /* to the pointer */
        { "\xc0\2\1a\0", 5, 0, NULL, 0, true },        /* forward */
        { "\1a\xc0\4\1b\xc0\0", 8, 4, NULL, 0, true }, /* a loop of two */
        { "\1a\0\xff\xff", 5, 3, NULL, 0, true },      /* outside */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (int with_pointers = 0; with_pointers < 2; with_pointers++) {
            struct reader r = reader_of(cases[i].message, cases[i].len);
            struct dname name, expected = name_of(cases[i].name == NULL ? "." : cases[i].name);
            bool good = cases[i].name != NULL && (with_pointers || !cases[i].pointers);
            r.at += cases[i].at;
            if (with_pointers)
                reader_dname(&r, &name);
            else
                reader_dname_uncompressed(&r, &name);
            assert_int_equal(r.failed, !good);
            assert_true(dname_equal(&name, good ? &expected : dname_root()));
            assert_int_equal(r.at - r.start, good ? cases[i].behind : cases[i].at);
        }
    }
}

/* A chain of pointers that each lead two octets back ends in "a.": as many as a name has labels are followed. */
static void pointer_chains_are_bounded(void **state)
{
    (void)state;
    uint8_t message[3 + 2 * 200] = { 1, 'a', 0, 0xc0, 0 };
    for (unsigned i = 1; i < 200; i++) {
        message[3 + 2 * i] = (uint8_t)(0xc0 | (1 + 2 * i) >> 8);
        message[4 + 2 * i] = (uint8_t)(1 + 2 * i);
    }
    for (unsigned jumps = 1; jumps <= 200; jumps++) {
        struct reader r = reader_of(message, sizeof(message));
        struct dname name;
        r.at += 3 + 2 * (jumps - 1);
        reader_dname(&r, &name);
        assert_int_equal(r.failed, jumps > POINTER_JUMPS_MAX);
    }
}

static void a_name_of_256_octets_is_refused(void **state)
{
    (void)state;
    uint8_t message[300] = { 0 };
    struct dname name;
    for (int i = 0; i < 4; i++) { /* 4 * 62 octets, then a label that decides */
        message[62 * i] = 61;
        memset(message + 62 * i + 1, 'a', 61);
    }
    for (uint8_t last = 5; last <= 6; last++) {
        message[248] = last;
        memset(message + 249, 'b', last);
        message[249 + last] = 0;
        struct octets octets = { message, 250u + last };
        assert_int_equal(dname_from_wire(octets, &name), last == 5 ? OK : ERR_FORMAT);
        struct reader r = reader_of(message, sizeof(message));
        message[260] = 0xc0; /* the same by a pointer */
        message[261] = 0;
        r.at += 260;
        reader_dname(&r, &name);
        assert_int_equal(r.failed, last == 6);
    }
    assert_int_equal(dname_from_wire((struct octets) { (const uint8_t *)"\0\0", 2 }, &name), ERR_FORMAT);
}

/* RFC 4034 section 6.1, its example and neighbours that are easily got wrong. */
static void canonical_order(void **state)
{
    (void)state;
    static const char *const sorted[] = {
        ".",          "example.",         "a.example.",   "yljkjljk.a.example.", "Z.a.example.",  "zABC.a.EXAMPLE.",
        "z.example.", "\\001.z.example.", "*.z.example.", "\\200.z.example.",    "example\\001.", "examplea.",
    };
    for (size_t i = 0; i < ARRAY_LEN(sorted); i++) {
        for (size_t j = 0; j < ARRAY_LEN(sorted); j++) {
            struct dname a = name_of(sorted[i]), b = name_of(sorted[j]);
            int order = dname_compare(&a, &b);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
            assert_int_equal(dname_equal(&a, &b), i == j);
        }
    }
}

static void case_is_ignored_but_kept(void **state) /* RFC 4343 */
{
    (void)state;
    struct dname a = name_of("WwW.ExAmPlE.\\193"), b = name_of("wWw.eXaMpLe.\\193"), lower;
    assert_true(dname_equal(&a, &b));
    assert_false(dname_same_case(&a, &b));
    assert_int_equal(dname_compare(&a, &b), 0);
    assert_int_equal(dname_hash(&a, 7), dname_hash(&b, 7));
    assert_int_not_equal(dname_hash(&a, 7), dname_hash(&a, 8));
    dname_lower(&a, &lower);
    assert_string_equal((const char *)lower.octets, "\3www\7example\1\301");
    struct dname brackets = name_of("[{@`"), others = name_of("{[`@"); /* beside the letters */
    assert_false(dname_equal(&brackets, &others));
}

static void relations(void **state)
{
    (void)state;
    static const struct {
        const char *name, *ancestor;
        bool is_subdomain;
        uint8_t common;
    } cases[] = {
        { "a.example.", "example.", true, 1 },
        { "A.EXAMPLE.", "a.example.", true, 2 },
        { "example.", ".", true, 0 },
        { ".", ".", true, 0 },
        { "example.", "a.example.", false, 1 },
        { "aexample.", "example.", false, 0 },
        { "x.a.example.", "y.a.example.", false, 2 },
        { "a.b.c.", "a.x.c.", false, 1 },
        { "a\\.example.", "example.", false, 0 },
        { "\\007example.example.", "example.example.", false, 1 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct dname name = name_of(cases[i].name), ancestor = name_of(cases[i].ancestor);
        assert_int_equal(dname_is_subdomain(&name, &ancestor), cases[i].is_subdomain);
        assert_int_equal(dname_is_below(&name, &ancestor), cases[i].is_subdomain && !dname_equal(&name, &ancestor));
        assert_int_equal(dname_common_labels(&name, &ancestor), cases[i].common);
        assert_int_equal(dname_common_labels(&ancestor, &name), cases[i].common);
    }
    struct dname wildcard = name_of("*.example."), star = name_of("*a.example."), root = name_of(".");
    assert_true(dname_is_wildcard(&wildcard));
    assert_false(dname_is_wildcard(&star));
    assert_false(dname_is_wildcard(&root));
    assert_true(dname_is_root(&root));
    assert_false(dname_is_root(&star));
}

static void parts(void **state)
{
    (void)state;
    struct dname name = name_of("a.bc.example."), expected = name_of("bc.example."), part;
    dname_parent(&name, &part);
    assert_true(dname_equal(&part, &expected));
    assert_int_equal(part.labels, 2);
    dname_suffix(&name, 3, &part);
    assert_true(dname_equal(&part, &name));
    dname_suffix(&name, 0, &part);
    assert_true(dname_is_root(&part));
    dname_parent(&part, &part);
    assert_true(dname_is_root(&part));
    struct octets label = dname_label(&name, 1);
    assert_int_equal(label.len, 2);
    assert_memory_equal(label.data, "bc", 2);

    assert_int_equal(dname_prepend(dname_label(&name, 0), &name, &name), OK); /* its own label before itself */
    expected = name_of("a.a.bc.example.");
    assert_true(dname_equal(&name, &expected));
    assert_int_equal(name.labels, 4);
    assert_int_equal(dname_wildcard(dname_root(), &part), OK);
    assert_true(dname_is_wildcard(&part));
    name = name_of(LONGEST);
    assert_int_equal(dname_wildcard(&name, &part), ERR_SPACE);
}

static void substitution(void **state) /* RFC 6672 section 2.2, table 1 */
{
    (void)state;
    static const struct {
        const char *name, *from, *target, *result; /* NULL: too long */
    } cases[] = {
        { "a.example.com.", "example.com.", "example.net.", "a.example.net." },
        { "a.b.example.com.", "example.com.", "example.net.", "a.b.example.net." },
        { "a.EXAMPLE.com.", "example.COM.", ".", "a." },
        { "shortloop.x.x.", "x.", ".", "shortloop.x." },
        { "cyc.example.com.", "example.com.", "example.com.", "cyc.example.com." },
        { "ab.x.", "x.",
          L63 "." L63 "." L63 "."
              "a.",
          "ab." L63 "." L63 "." L63 ".a." },
        { L61 ".x.", "x.", L63 "." L63 "." L63 ".", L61 "." L63 "." L63 "." L63 "." },
        { L61 "y.x.", "x.", L63 "." L63 "." L63 ".", NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct dname name = name_of(cases[i].name), from = name_of(cases[i].from), target = name_of(cases[i].target);
        enum err err = dname_substitute(&name, &from, &target, &name);
        assert_int_equal(err, cases[i].result == NULL ? ERR_SPACE : OK);
        if (err == OK) {
            struct dname expected = name_of(cases[i].result);
            assert_true(dname_same_case(&name, &expected));
            assert_int_equal(name.labels, expected.labels);
        }
    }
}

static void copies_and_writes(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dname name = name_of("www.example.");
    struct dname *copy = dname_copy(arena, &name);
    uint8_t buffer[13];
    struct writer w = writer_of(buffer, sizeof(buffer));
    assert_true(dname_same_case(copy, &name));
    writer_dname(&w, copy);
    assert_false(w.failed);
    assert_true(octets_equal(writer_octets(&w), dname_octets(&name)));
    writer_dname(&w, dname_root());
    assert_true(w.failed);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_read_and_printed),
        cmocka_unit_test(longest_text_fits),
        cmocka_unit_test(relative_text_is_completed),
        cmocka_unit_test(wire_names_are_walked),
        cmocka_unit_test(pointer_chains_are_bounded),
        cmocka_unit_test(a_name_of_256_octets_is_refused),
        cmocka_unit_test(canonical_order),
        cmocka_unit_test(case_is_ignored_but_kept),
        cmocka_unit_test(relations),
        cmocka_unit_test(parts),
        cmocka_unit_test(substitution),
        cmocka_unit_test(copies_and_writes),
    };
    return cmocka_run_group_tests(tests, set_up_hashing, NULL);
}
