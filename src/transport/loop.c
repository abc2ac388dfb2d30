#include "transport/loop.h"

#include <stdlib.h>

#include "base/log.h"

struct ev_loop *loop_new(void)
{
    /* No LIBEV_FLAGS from the environment: the operator's shell does not choose our system calls. */
    struct ev_loop *loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (loop == NULL) {
        log_error("the system gives no event loop (epoll)");
        abort();
    }
    return loop;
}
