/* The catalogue of metrics: what doc/metrics.md lists and `vouchctl metrics` prints as HELP and TYPE.  One row for each
 * family, which is a name without its labels. */
#ifndef MONITOR_METRICS_H
#define MONITOR_METRICS_H

#include <stddef.h>

struct metric {
    const char *family;
    const char *help; /* one sentence, no line ends, no backslashes */
};

/* In the order of their names. */
const struct metric *metric_table(size_t *count);
/* Of a name with or without labels; NULL: the catalogue lacks it, which a test finds. */
const struct metric *metric_find(const char *name);
/* "counter" if the family ends in _total, else "gauge". */
const char *metric_type(const struct metric *metric);

#endif
