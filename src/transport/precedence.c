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

/* Since Linux 6.12 who has a shorter slice interrupts who has a longer one, unless it has had more than its share; its
 * share remains what it is.  Kernels before that let who has slept interrupt who has not, and take the wish without
 * effect. */
void precedence_take(const char *thread_name)
{
    struct attributes attributes;
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) == 0) {
        if (!has_slices(&attributes))
            return;
        int32_t nice = attributes.nice, nicer = nice - PRECEDENCE_NICE;
        attributes.slice_ns = SLICE_NS;
        attributes.nice = nicer < NICE_LEAST ? NICE_LEAST : nicer;
        if (set(&attributes))
            return;
        attributes.nice = nice;
        if (set(&attributes))
            return;
    }
    log_info("%s: no short slices of time: %s", thread_name, strerror(errno));
}
