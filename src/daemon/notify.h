/* Tells the service manager how we are, as sd_notify(3) describes it: a datagram to the socket that the environment
 * names. */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

/* state: "READY=1", or several such lines.  Nobody who wants to know, or who hears: nothing happens. */
void notify_manager(const char *state);

#endif
