/* Times for people and files: RFC 3339 section 5.6. */
#ifndef TIME_RFC3339_H
#define TIME_RFC3339_H

#include <stdint.h>

#include "base/err.h"

enum { RFC3339_TEXT_MAX = 24 };

/* "2026-12-01T00:00:00Z", also with an offset ("+01:00") and fractions of a second, which are dropped. */
MUST_USE enum err rfc3339_from_text(const char *text, int64_t *unix_s);
/* In UTC.  Years 0000 to 9999; what is outside becomes the nearest of them.  Returns text. */
char *rfc3339_to_text(int64_t unix_s, char text[RFC3339_TEXT_MAX]);

#endif
