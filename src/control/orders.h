/* What control/ asks of the daemon: every order of vouchctl ends in one of these calls.  daemon/ implements them.  All
 * but dump_cache are called on the thread of the loop that control_new() was given. */
#ifndef CONTROL_ORDERS_H
#define CONTROL_ORDERS_H

#include "config/config.h"
#include "monitor/diagnosis.h"
#include "monitor/key_tally.h"
#include "store/store.h"
#include "transport/sntp.h"

struct daemon_status {
    const char *program_version;
    int64_t started_s, now_s;    /* UNIX time */
    bool wall_is_fit;            /* struct now */
    unsigned workers;            /* threads running */
    const struct config *config; /* in effect; borrowed until the call that asked has been answered */
    struct cache_stats cache;
};

struct time_source_report {
    struct address address;
    const char *nts;  /* who it must prove to be; NULL: a plain one; borrowed until the call that asked is answered */
    unsigned cookies; /* of NTS, unspent */
    bool has_reply;   /* it was asked */
    struct sntp_reply reply; /* the last one */
    int64_t offset_ms;       /* SNTP_ANSWERED: its time less ours */
};

struct time_report {
    struct now now; /* wall_is_fit: validation is not held */
    struct clock_judgement judgement;
    struct clock_floors floors;
    enum clock_kernel kernel;
    enum on_unfit on_unfit;
    uint32_t max_offset_s;
    uint64_t checks, jumps;
    int64_t checked_s;       /* when the last check ended; means something once checks > 0, as the next one does */
    int64_t next_check_s;    /* from now */
    int64_t jump_s, jump_ms; /* the last one: when, and how far */
    unsigned source_count;
    struct time_source_report sources[CLOCK_SAMPLES_MAX];
};

struct inquiry_report { /* borrowed until the call that asked has been answered */
    const struct inquiry *inquiry;
    const struct anchor_diagnosis *diagnosis;
    const struct anchor_changes *changes; /* of a bootstrap that was adopted */
    bool is_bootstrap, is_adopted;
    const char *fault; /* of a bootstrap that was not */
    int64_t ended_s;
};

enum store_condition { STORE_NONE, STORE_GOOD, STORE_FAILING };

struct anchors_report { /* borrowed until the call that asked has been answered */
    const struct managed *managed;
    const struct trust *running; /* what the workers believe */
    bool automatic_update, signals;
    enum store_condition store;
    int64_t now_s;
    bool is_held;                   /* validation, for want of an anchor */
    const struct trust *configured; /* what the configuration names */
    const struct root_anchors *xml; /* the one that was accepted last; NULL: none */
    int64_t xml_signed_s;
    struct inquiry_report inquiry; /* the last one; its inquiry is NULL if there was none */
};

struct negatives_report { /* borrowed until the call that asked has been answered */
    const struct nta_set *set;
    int64_t now_s;
    enum store_condition store;
};

struct nta_order {
    struct dname zone;
    int64_t for_s;
    const char *reason; /* may be empty */
    const char *who;    /* "uid 0 (root)"; for the history */
    bool may_be_tld;    /* somebody knows what that means */
};

/* An order that could not be carried out. */
struct order_failure {
    char text[512];
    char hint[256]; /* what to do about it; may be empty */
};

struct orders {
    void *context;
    void (*status)(void *context, struct daemon_status *status);
    /* Calls metric for each of them: name in Prometheus form, labels included: vouch_answers_total{rcode="NOERROR"}. */
    void (*stats)(void *context, void (*metric)(void *to, const char *name, int64_t value), void *to);
    /* Each returns how many entries went or lost their verdict. */
    size_t (*flush_all)(void *context);
    size_t (*flush_name)(void *context, const struct dname *name);
    size_t (*flush_zone)(void *context, const struct dname *zone);
    /* *keys: how many keys with this tag were known. */
    size_t (*flush_key)(void *context, const struct dname *zone, uint16_t key_tag, size_t *keys);
    /* On a thread of its own, several at a time: the callback may wait for a slow reader, and returns false to end. */
    void (*dump_cache)(void *context, bool (*row)(void *to, const struct cache_row *row), void *to);
    /* Loads the configuration again.  notes: a line for each setting that waits for a restart.  false: nothing has
     * changed, *failure says why. */
    bool (*reload)(void *context, FILE *notes, struct order_failure *failure);
    void (*anchors)(void *context, struct anchors_report *report);
    /* The newest first. */
    void (*history)(void *context, size_t max, void (*each)(void *to, const struct history_row *row), void *to);
    /* *asked: how many zones were asked now; what comes of it is seen later. */
    bool (*refresh_anchors)(void *context, size_t *asked, struct order_failure *failure);
    /* text: DS and DNSKEY records.  who, for the history: "uid 0". */
    bool (*add_anchors)(void *context, const char *text, const char *who, struct order_failure *failure);
    bool (*remove_anchor)(void *context, const struct dname *zone, uint16_t key_tag, const char *who,
                          struct order_failure *failure);
    /* Signatures by key; whoever asks clears the sum. */
    void (*keys)(void *context, struct key_sum *sum);
    /* Zones of which there is evidence, borrowed for the call; now_s: what their windows go by. */
    void (*failing)(void *context, void (*each)(void *to, const struct evidence_zone *zone, int64_t now_s), void *to);
    /* False: there is none of that zone. */
    bool (*explain)(void *context, const struct dname *zone,
                    void (*show)(void *to, const struct evidence_zone *zone, const struct diagnosis *diagnosis),
                    void *to);
    void (*negatives)(void *context, struct negatives_report *report);
    void (*nta_history)(void *context, size_t max, void (*each)(void *to, const struct nta_history_row *row), void *to);
    /* Takes effect before it returns; control_nta_checked() is called once its zone_cut is known. */
    bool (*add_nta)(void *context, const struct nta_order *order, struct order_failure *failure);
    /* *entries: how many of the cache rested on it. */
    bool (*remove_nta)(void *context, const struct dname *zone, const char *who, size_t *entries,
                       struct order_failure *failure);
    /* Both begin to look at the anchors of the root; control_anchors_inquired() is called when that ends, not before
     * they return.  given is taken over; NULL: what the sources have. */
    bool (*check_anchors)(void *context, struct order_failure *failure);
    bool (*bootstrap_anchors)(void *context, struct documents *given, const char *who, struct order_failure *failure);
    void (*inquiry)(void *context, struct inquiry_report *report);
    void (*time)(void *context, struct time_report *report);
    /* Begins a check of the clock, if none is under way; control_time_checked() is called when it ends, perhaps before
     * this returns. */
    void (*check_time)(void *context);
    /* Begins the end of the process and returns: control_free() may not be called from inside. */
    void (*stop)(void *context);
};

#endif
