#include "transport/precedence.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

enum {
    PRECEDENCE_NICE =
        5, /* three times the weight: the thread is hardly ever beyond its share, and then must not wait */
    NICE_LEAST = -20,
    NICE_MOST = 19,
    SLICE_NS = 100000, /* the kernel's least */
};

/* That of sched_setattr(2), which the C library does not know yet. */
struct attributes {
    uint32_t octets, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t slice_ns, deadline, period;
};

void precedence_permit(void)
{
    const rlim_t ceiling = 20 + PRECEDENCE_NICE; /* getrlimit(2): 20 stands for the nice value 0 */
    setrlimit(RLIMIT_NICE, &(struct rlimit) { .rlim_cur = ceiling, .rlim_max = ceiling });
}

static bool set(struct attributes *attributes)
{
    return syscall(SYS_sched_setattr, 0, attributes, 0) == 0;
}

/* Real-time policies have no slices, and go before all others as it is. */
static bool has_slices(const struct attributes *attributes)
{
    return attributes->policy == SCHED_OTHER || attributes->policy == SCHED_BATCH;
}

static bool get(struct attributes *attributes)
{
    return syscall(SYS_sched_getattr, 0, attributes, sizeof(*attributes), 0) == 0;
}

/* To a nice value higher by so much, or lower. */
static bool set_nicer(struct attributes *attributes, int32_t by)
{
    struct attributes changed = *attributes;
    changed.nice -= by;
    if (changed.nice < NICE_LEAST)
        changed.nice = NICE_LEAST;
    if (changed.nice > NICE_MOST)
        changed.nice = NICE_MOST;
    return set(&changed);
}

/* Since Linux 6.12 who has a shorter slice interrupts who has a longer one, unless it has had more than its share; its
 * share remains what it is.  Kernels before that let who has slept interrupt who has not, and take the wish without
 * effect. */
void precedence_take(const char *thread_name)
{
    struct attributes attributes;
    if (get(&attributes)) {
        if (!has_slices(&attributes))
            return;
        attributes.slice_ns = SLICE_NS;
        if (set_nicer(&attributes, PRECEDENCE_NICE) || set(&attributes))
            return;
    }
    log_info("%s: no short slices of time: %s", thread_name, strerror(errno));
}

void precedence_give(void)
{
    struct attributes attributes;
    if (!get(&attributes) || !has_slices(&attributes))
        return;
    bool others_are_nicer = set_nicer(&attributes, PRECEDENCE_NICE) && set(&attributes);
    if (!others_are_nicer)
        set_nicer(&attributes, -PRECEDENCE_NICE);
}
