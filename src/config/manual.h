/* What people read about the options, made from the table: the list in vouch.yaml(5), and the sample file. */
#ifndef CONFIG_MANUAL_H
#define CONFIG_MANUAL_H

#include <stdio.h>

/* The list of options as mdoc(7). */
void manual_print(FILE *to);
/* A file with every option at its default, commented out: taking the first '#' from each line makes it a
 * configuration. */
void sample_print(FILE *to);

#endif
