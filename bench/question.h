/* Questions to be asked, ready for the wire, and what makes an answer to them right. */
#ifndef BENCH_QUESTION_H
#define BENCH_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DNS_HEADER_OCTETS = 12,
    DNS_NAME_OCTETS_MAX = 255,
    DNS_OPT_OCTETS = 11,
    QUERY_OCTETS_MAX = DNS_HEADER_OCTETS + DNS_NAME_OCTETS_MAX + 4 + DNS_OPT_OCTETS,
    REPLY_OCTETS_MAX = 65535,
};

/* Small: there may be a million of them. */
struct question {
    uint8_t *query; /* the message, id 0 */
    uint16_t query_octets;
    uint16_t section_octets; /* of the question section: name, type, class */
    uint16_t records;        /* in the answer section of the right answer; ANY_RECORDS: not judged */
    uint8_t rcode;           /* of the right answer */
    bool ad_is_judged;       /* with CD it is open */
    bool ad;                 /* in the right answer */
    bool mixed_case;         /* letters in random case each time it is asked */
};

enum { ANY_RECORDS = 0xffff };

struct questions {
    struct question *list;
    size_t count;
};

/* Reads lines "NAME TYPE MANNER RCODE RECORDS", TYPE, RCODE and RECORDS in decimal (RECORDS may be "-"); MANNER is
 * letters out of e (EDNS), d (EDNS with DO), a (AD), c (CD), m (mixed case), or "-".  Ends the process with a message
 * on a bad line. */
struct questions questions_read(const char *path);
void questions_free(struct questions *questions);

enum fault {
    FAULT_NONE,
    FAULT_MALFORMED,
    FAULT_QUESTION,
    FAULT_TRUNCATED,
    FAULT_RCODE,
    FAULT_AD,
    FAULT_RECORDS,
    FAULTS
};
extern const char *const fault_names[FAULTS];

/* Of a reply whose id belongs to the query that was sent. */
enum fault question_judge(const struct question *question, const uint8_t *query, const uint8_t *reply, size_t octets);

#endif
