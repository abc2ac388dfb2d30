#include "time/rfc3339.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

static const int64_t first_s = INT64_C(-62167219200); /* 0000-01-01T00:00:00Z */
static const int64_t last_s = INT64_C(253402300799);  /* 9999-12-31T23:59:59Z */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Exactly `digits` of them, then `mark`; '\0' stands for no mark.  Moves *at behind both. */
static bool take_number(const char **at, int digits, char mark, int *number)
{
    *number = 0;
    for (; digits > 0; digits--, (*at)++) {
        if (!is_digit(**at))
            return false;
        *number = 10 * *number + (**at - '0');
    }
    if (mark == '\0')
        return true;
    return *(*at)++ == mark;
}

static bool take_date(const char **at, struct tm *tm)
{
    if (!take_number(at, 4, '-', &tm->tm_year) || !take_number(at, 2, '-', &tm->tm_mon) ||
        !take_number(at, 2, '\0', &tm->tm_mday))
        return false;
    tm->tm_year -= 1900;
    tm->tm_mon -= 1;
    return **at == 'T' || **at == 't' || **at == ' ';
}

static bool take_fraction(const char **at)
{
    if (**at != '.')
        return true;
    (*at)++;
    if (!is_digit(**at))
        return false;
    while (is_digit(**at))
        (*at)++;
    return true;
}

static bool take_offset(const char **at, int64_t *offset_s)
{
    int hours, minutes;
    char sign = *(*at)++;
    *offset_s = 0;
    if (sign == 'Z' || sign == 'z')
        return true;
    if ((sign != '+' && sign != '-') || !take_number(at, 2, ':', &hours) || !take_number(at, 2, '\0', &minutes) ||
        hours > 23 || minutes > 59)
        return false;
    *offset_s = (sign == '-' ? -1 : 1) * (INT64_C(3600) * hours + INT64_C(60) * minutes);
    return true;
}

enum err rfc3339_from_text(const char *text, int64_t *unix_s)
{
    struct tm tm = { 0 };
    int64_t offset_s;
    const char *at = text;
    if (!take_date(&at, &tm))
        return ERR_FORMAT;
    at++;
    if (!take_number(&at, 2, ':', &tm.tm_hour) || !take_number(&at, 2, ':', &tm.tm_min) ||
        !take_number(&at, 2, '\0', &tm.tm_sec) || !take_fraction(&at) || !take_offset(&at, &offset_s) || *at != '\0')
        return ERR_FORMAT;
    if (tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60) /* 60: a leap second */
        return ERR_FORMAT;
    struct tm noon = { .tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = tm.tm_mday, .tm_hour = 12 };
    timegm(&noon); /* makes 30 February the 1 or 2 March */
    if (noon.tm_mday != tm.tm_mday || noon.tm_mon != tm.tm_mon)
        return ERR_FORMAT;
    *unix_s = timegm(&tm) - offset_s;
    return OK;
}

char *rfc3339_to_text(int64_t unix_s, char text[RFC3339_TEXT_MAX])
{
    time_t time = unix_s < first_s ? first_s : unix_s > last_s ? last_s : unix_s;
    struct tm tm;
    gmtime_r(&time, &tm);
    char rest[RFC3339_TEXT_MAX]; /* strftime() does not fill years up to four digits */
    strftime(rest, sizeof(rest), "-%m-%dT%H:%M:%SZ", &tm);
    snprintf(text, RFC3339_TEXT_MAX, "%04u%.16s", (unsigned)(tm.tm_year + 1900) % 10000, rest);
    return text;
}
