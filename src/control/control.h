/* The control socket: vouchctl asks and orders a running vouchd over it.
 *
 * A connection carries one request, a JSON object on one line, and its reply, one or more JSON objects, each on a line
 * of its own; then it is closed.  Every object has "version"; a refusal is {"error":{"code","text","hint"}}.
 * Who may connect is the socket's mode; orders that weaken trust or take the cache away need uid 0, our own uid, or
 * control.admins. */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "control/orders.h"
#include "transport/loop.h"

enum {
    CONTROL_VERSION = 1, /* of the objects */
    CONTROL_REQUEST_OCTETS_MAX = 64 << 10,
    CONTROL_CONNECTIONS_MAX = 32, /* more are closed at once */
    CONTROL_DUMPS_MAX = 2,        /* dump-cache at the same time: a thread each */
    CONTROL_NTA_WAIT_S = 3,       /* for the answer whether a zone is one; the order has been carried out */
    CONTROL_TIMEOUT_S = 5,        /* for the request, and for each part of the reply to be taken */
    CONTROL_INQUIRY_S = 55,       /* for a reply that waits for an inquiry */
};

struct control;

/* Makes the socket with mode 0660 and group `group` ((gid_t)-1: as it comes), and its directory with 0750 if it is not
 * there; before rights are dropped, while the process has one thread.  A socket that nobody listens to is replaced.
 * OK: *fd listens.  ERR_SYSTEM: errno says why, EADDRINUSE when a vouchd listens there. */
MUST_USE enum err control_listen(const char *path, gid_t group, int *fd);

/* What control_listen() opened, which nobody took over.  The socket goes with it where the rights that are left allow
 * that: in a directory of root's it stays, and the next vouchd replaces it. */
void control_close(int fd);

/* Takes listen_fd over; -1: none.  orders is copied; `config` says who the admins are (copied). */
struct control *control_new(struct ev_loop *loop, int listen_fd, const struct orders *orders,
                            const struct config *config);
/* After a reload. */
void control_configure(struct control *control, const struct config *config);
/* A check of the clock has ended: answers those who wait for it. */
void control_time_checked(struct control *control);
/* Of some negative trust anchor it is known whether it stands at a zone cut: answers those who wait for it. */
void control_nta_checked(struct control *control);
/* An inquiry into the anchors of the root has ended: the same. */
void control_anchors_inquired(struct control *control);
/* Ends connections and dumps, closes the listening socket. */
void control_free(struct control *control);

/* Serves one connected stream socket and takes it over: control_new() does so for each that it accepts. */
void control_serve(struct control *control, int fd);

#endif
