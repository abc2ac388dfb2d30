/* For unit tests only: a daemon that notes what it was ordered. */
#ifndef CONTROL_TESTING_H
#define CONTROL_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ev.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/testing.h"
#include "control/commands.h"
#include "control/control.h"
#include "message/testing.h"

/* A reply. */
#define REFUSED(code, text, hint)                                                                                      \
    "{\"version\":1,\"error\":{\"code\":\"" code "\",\"text\":\"" text "\",\"hint\":\"" hint "\"}}"

enum { CLIENTS_OF_CHECK = 2 };

struct daemon {
    struct config *config;
    struct nta_set *ntas;
    struct ev_loop *loop;
    char ordered[2 * DNAME_TEXT_MAX];
    int stops;
    unsigned rows; /* of the cache */
    bool refuses_reload;
    uint64_t time_checks; /* the last of CLIENTS_OF_CHECK ends at once */
    bool is_busy;
    unsigned anchor_checks;
    struct control *control;
};

/* With that configuration. */
struct daemon daemon_new(const char *configuration);
void daemon_clear(struct daemon *daemon);
struct orders orders_of(struct daemon *daemon);
/* To a request of our own user, who may do everything.  The caller frees it. */
char *answer_to(const struct orders *orders, const char *request, enum next *next);

#endif
