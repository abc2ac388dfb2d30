/* What control/ may order: each order is a function over struct vouchd. */
#ifndef DAEMON_ORDERS_H
#define DAEMON_ORDERS_H

#include "control/orders.h"
#include "daemon/vouchd.h"

struct orders orders_of(struct vouchd *vouchd);

#endif
