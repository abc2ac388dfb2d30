/* The set of negative trust anchors (D6-init, D6-demand; RFC 7646 section 2). */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "message/testing.h"
#include "trust/nta.h"

enum { T0 = 1795000000, DAY_S = 86400, WEEK_S = 7 * DAY_S };

/* "begun zone;removed zone;" */
struct heard {
    char text[512];
};

static void hear(void *context, struct nta *nta, enum nta_event event)
{
    struct heard *heard = context;
    char zone[DNAME_TEXT_MAX];
    size_t len = strlen(heard->text);
    snprintf(heard->text + len, sizeof(heard->text) - len, "%s %s;", nta_event_text(event),
             dname_to_text(&nta->zone, zone));
}

static struct trust *configured(const char *zone, int64_t until_s)
{
    struct trust *trust = trust_new();
    if (zone != NULL) {
        struct dname at = name_of(zone);
        trust_add_negative(trust, &at, until_s, "written");
    }
    return trust;
}

static void merge(struct nta_set *set, const char *zone, int64_t until_s, int64_t now_s,
                  const struct nta_listener *listener)
{
    struct trust *trust = configured(zone, until_s);
    nta_merge(set, trust, now_s, listener);
    trust_free(trust);
}

static struct nta *order(struct nta_set *set, const char *zone, int64_t since_s, int64_t until_s)
{
    struct dname at = name_of(zone);
    struct nta *nta = nta_add(set, &at, NTA_ORDERED);
    assert_non_null(nta);
    nta->since_s = since_s;
    nta->until_s = until_s;
    return nta;
}

/* D6-init: a week counts from the first sight, however often the configuration is read. */
static void a_week_counts_from_the_first_sight(void **state)
{
    (void)state;
    struct heard heard = { "" };
    struct nta_listener listener = { &heard, hear };
    struct nta_set *set = nta_set_new();
    struct dname zone = name_of("example.");
    merge(set, "example.", T0 + 100 * DAY_S, T0, &listener);
    assert_string_equal(heard.text, "begun example.;");
    struct nta *nta = nta_find(set, &zone, NTA_CONFIGURED);
    assert_int_equal(nta->since_s, 0); /* until a believed clock says it */
    assert_true(nta_tick(set, T0 + 5, &listener));
    assert_int_equal(nta->since_s, T0 + 5);
    assert_int_equal(nta->until_s, T0 + 5 + WEEK_S);
    for (int day = 1; day < 7; day++) {
        merge(set, "example.", T0 + 100 * DAY_S, T0 + day * DAY_S, &listener);
        assert_false(nta_tick(set, T0 + day * DAY_S, &listener));
    }
    assert_int_equal(nta->until_s, T0 + 5 + WEEK_S);
    assert_true(nta_tick(set, T0 + 5 + WEEK_S, &listener));
    merge(set, "example.", T0 + 100 * DAY_S, T0 + 8 * DAY_S, &listener);
    assert_int_equal(nta_count_active(set), 0); /* over, though it is still written there */
    assert_string_equal(heard.text, "begun example.;expired example.;");
    merge(set, "example.", T0 + 101 * DAY_S, T0 + 8 * DAY_S, &listener);
    assert_int_equal(nta_count_active(set), 1); /* another one */
    merge(set, NULL, 0, T0 + 8 * DAY_S, &listener);
    assert_int_equal(set->count, 0);
    assert_string_equal(heard.text, "begun example.;expired example.;begun example.;unconfigured example.;");
    nta_set_free(set);
}

static void short_ones_end_when_they_are_written_to(void **state)
{
    (void)state;
    struct heard heard = { "" };
    struct nta_listener listener = { &heard, hear };
    struct nta_set *set = nta_set_new();
    merge(set, "example.", T0 + 60, T0, &listener);
    nta_tick(set, T0, &listener);
    assert_int_equal(set->items[0]->until_s, T0 + 60);
    assert_false(nta_tick(set, T0 + 59, &listener));
    merge(set, "example.", T0 + 90, T0 + 59, &listener); /* another end: another one in its place */
    assert_string_equal(heard.text, "begun example.;changed example.;");
    nta_tick(set, T0 + 89, &listener);
    assert_int_equal(nta_count_active(set), 1);
    nta_tick(set, T0 + 90, &listener);
    assert_int_equal(nta_count_active(set), 0);
    nta_set_free(set);
}

/* What is ordered goes when it ends, whoever ends it; what is configured at the same zone stays. */
static void orders_and_configuration_stand_apart(void **state)
{
    (void)state;
    struct heard heard = { "" };
    struct nta_listener listener = { &heard, hear };
    struct nta_set *set = nta_set_new();
    merge(set, "example.", T0 + 60, T0, &listener);
    struct nta *ordered = order(set, "EXAMPLE.", T0, T0 + 3600);
    struct trust *trust = trust_new();
    size_t count;
    nta_apply(set, trust);
    const struct negative_anchor *negative = trust_negatives(trust, &count);
    assert_int_equal(count, 1);
    assert_int_equal(negative->until_s, T0 + 3600); /* the longer one counts */
    nta_end(set, ordered, NTA_REMOVED, &listener);
    nta_apply(set, trust);
    negative = trust_negatives(trust, &count);
    assert_int_equal(count, 1);
    assert_int_equal(negative->until_s, T0 + 60);
    nta_end(set, set->items[0], NTA_WELL, &listener);
    nta_end(set, set->items[0], NTA_WELL, &listener); /* once is enough */
    nta_apply(set, trust);
    trust_negatives(trust, &count);
    assert_int_equal(count, 0);
    assert_int_equal(set->count, 1);
    assert_string_equal(heard.text, "begun example.;removed EXAMPLE.;well example.;");
    trust_free(trust);
    nta_set_free(set);
}

/* A clock that is set back makes none longer. */
static void a_clock_set_back_keeps_the_length(void **state)
{
    (void)state;
    struct heard heard = { "" };
    struct nta_listener listener = { &heard, hear };
    struct nta_set *set = nta_set_new();
    struct nta *nta = order(set, "example.", T0, T0 + DAY_S);
    assert_false(nta_tick(set, T0 + 1, &listener));
    assert_true(nta_tick(set, T0 - 300 * DAY_S, &listener));
    assert_int_equal(nta->until_s, T0 - 299 * DAY_S);
    assert_true(nta_tick(set, T0, &listener)); /* and set right again: its time is over */
    assert_int_equal(set->count, 0);
    nta_set_free(set);
}

static void reasons_are_cut_between_characters(void **state)
{
    (void)state;
    struct nta_set *set = nta_set_new();
    struct nta *nta = order(set, "example.", T0, T0 + 1);
    char text[NTA_REASON_OCTETS_MAX + 3];
    memset(text, 'a', sizeof(text));
    strcpy(&text[NTA_REASON_OCTETS_MAX - 1], "\xc3\xa9");
    nta_set_reason(nta, text);
    assert_int_equal(strlen(nta->reason), NTA_REASON_OCTETS_MAX - 1);
    nta_set_reason(nta, "DENIC-2026");
    assert_string_equal(nta->reason, "DENIC-2026");
    nta_set_free(set);
}

static void there_is_a_limit(void **state)
{
    (void)state;
    struct nta_set *set = nta_set_new();
    for (int i = 0; i < NTAS_MAX; i++) {
        char text[32];
        snprintf(text, sizeof(text), "n%d.example.", i);
        order(set, text, T0, T0 + 1);
    }
    struct dname zone = name_of("one.more.example.");
    assert_null(nta_add(set, &zone, NTA_ORDERED));
    nta_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_week_counts_from_the_first_sight),
        cmocka_unit_test(short_ones_end_when_they_are_written_to),
        cmocka_unit_test(orders_and_configuration_stand_apart),
        cmocka_unit_test(a_clock_set_back_keeps_the_length),
        cmocka_unit_test(reasons_are_cut_between_characters),
        cmocka_unit_test(there_is_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
