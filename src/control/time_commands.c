#include "control/command.h"

/* Seconds with their fraction. */
static json_t *json_of_ms(int64_t ms)
{
    return json_real((double)ms / 1000);
}

static json_t *json_of_floor(int64_t floor_s)
{
    return floor_s == CLOCK_NO_FLOOR ? json_null() : json_of_time(floor_s);
}

static json_t *json_of_floors(const struct clock_floors *floors)
{
    json_t *object = json_object();
    json_object_set_new(object, "build", json_of_floor(floors->build_s));
    json_object_set_new(object, "seen", json_of_floor(floors->seen_s));
    json_object_set_new(object, "set", json_of_floor(floors->set_s));
    return object;
}

static json_t *json_of_reasons(const struct clock_judgement *judgement)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < CLOCK_REASONS; i++) {
        if ((judgement->reasons & 1u << i) == 0)
            continue;
        json_t *reason = json_object();
        json_object_set_new(reason, "code", json_string(clock_reason_code((enum clock_reason)i)));
        json_object_set_new(reason, "text", json_string(clock_reason_text((enum clock_reason)i)));
        json_array_append_new(list, reason);
    }
    return list;
}

static json_t *json_of_source(const struct time_source_report *source)
{
    char text[ADDRESS_TEXT_MAX];
    json_t *object = json_object();
    const struct sntp_reply *reply = &source->reply;
    json_object_set_new(object, "address", json_string(address_to_text(&source->address, text)));
    json_object_set_new(object, "state", json_string(source->has_reply ? sntp_end_text(reply->end) : "not asked"));
    json_object_set_new(object, "authenticated", json_boolean(reply->sample.is_authenticated));
    json_object_set_new(object, "nts", source->nts == NULL ? json_null() : json_string(source->nts));
    if (source->nts != NULL)
        json_object_set_new(object, "cookies", json_integer(source->cookies));
    if (source->has_reply && reply->end == SNTP_UNAUTHENTICATED)
        json_object_set_new(object, "why", json_string(reply->why));
    if (source->has_reply && reply->end == SNTP_KISSED)
        json_object_set_new(object, "kiss", json_string(reply->kiss));
    if (source->has_reply && reply->end == SNTP_ANSWERED) {
        json_object_set_new(object, "stratum", json_integer(reply->stratum));
        json_object_set_new(object, "offset_s", json_of_ms(source->offset_ms));
        json_object_set_new(object, "error_s", json_of_ms(reply->sample.error_ms));
        json_object_set_new(object, "delay_s", json_of_ms(reply->delay_ms));
    }
    return object;
}

static json_t *json_of_sources(const struct time_report *report)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < report->source_count; i++)
        json_array_append_new(list, json_of_source(&report->sources[i]));
    return list;
}

static json_t *json_of_jump(const struct time_report *report)
{
    if (report->jumps == 0)
        return json_null();
    json_t *object = json_object();
    json_object_set_new(object, "seen", json_of_time(report->jump_s));
    json_object_set_new(object, "by_s", json_of_ms(report->jump_ms));
    return object;
}

static json_t *time_object(const struct orders *orders)
{
    static const char *const on_unfit[] = {
        [ON_UNFIT_HOLD] = "hold",
        [ON_UNFIT_WARN] = "warn",
        [ON_UNFIT_EXIT] = "exit",
    };
    struct time_report report;
    orders->time(orders->context, &report);
    json_t *object = new_object();
    json_object_set_new(object, "now", json_of_time(now_wall_s(report.now)));
    json_object_set_new(object, "clock", json_string(clock_fitness_text(report.judgement.fitness)));
    json_object_set_new(object, "held", json_boolean(!report.now.wall_is_fit));
    json_object_set_new(object, "reasons", json_of_reasons(&report.judgement));
    json_object_set_new(object, "on_unfit", json_string(on_unfit[report.on_unfit]));
    json_object_set_new(object, "kernel",
                        json_string(report.kernel == KERNEL_SYNCHRONISED ? "synchronised" : "unsynchronised"));
    json_object_set_new(object, "floors", json_of_floors(&report.floors));
    json_object_set_new(object, "offset_s",
                        report.judgement.deciding == 0 ? json_null() : json_of_ms(report.judgement.offset_ms));
    json_object_set_new(object, "max_offset_s", json_integer(report.max_offset_s));
    json_object_set_new(object, "deciding", json_integer(report.judgement.deciding));
    json_object_set_new(object, "differing", json_integer(report.judgement.differing));
    json_object_set_new(object, "sources", json_of_sources(&report));
    json_object_set_new(object, "checks", json_integer((json_int_t)report.checks));
    json_object_set_new(object, "last_check", report.checks == 0 ? json_null() : json_of_time(report.checked_s));
    json_object_set_new(object, "next_check_in_s",
                        report.checks == 0 ? json_null() : json_integer(report.next_check_s));
    json_object_set_new(object, "jumps", json_integer((json_int_t)report.jumps));
    json_object_set_new(object, "last_jump", json_of_jump(&report));
    return object;
}

json_t *run_time(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    (void)request;
    (void)refusal;
    return time_object(orders);
}
