#include "question.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { FLAG_QR = 0x80, FLAG_TC = 0x02, FLAG_RD = 0x01 };    /* third octet of the header */
enum { FLAG_AD = 0x20, FLAG_CD = 0x10, RCODE_MASK = 0x0f }; /* fourth octet of the header */
enum { CLASS_IN = 1, TYPE_OPT = 41, EDNS_OCTETS = 1232, FLAG_DO = 0x80, LABEL_OCTETS_MAX = 63 };

const char *const fault_names[FAULTS] = {
    [FAULT_NONE] = "right",          [FAULT_MALFORMED] = "malformed", [FAULT_QUESTION] = "question",
    [FAULT_TRUNCATED] = "truncated", [FAULT_RCODE] = "rcode",         [FAULT_AD] = "ad",
    [FAULT_RECORDS] = "records",
};

static uint16_t u16_at(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint8_t *put_u16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
    return at + 2;
}

/* NULL if it is not a name: plain labels, no escapes, trailing dot or not. */
static uint8_t *put_name(uint8_t *at, const char *text)
{
    if (strlen(text) + 2 > DNS_NAME_OCTETS_MAX)
        return NULL;
    while (*text != '\0' && strcmp(text, ".") != 0) {
        size_t octets = strcspn(text, ".");
        if (octets == 0 || octets > LABEL_OCTETS_MAX)
            return NULL;
        *at++ = (uint8_t)octets;
        memcpy(at, text, octets);
        at += octets;
        text += octets + (text[octets] == '.');
    }
    *at++ = 0;
    return at;
}

static uint8_t *put_opt(uint8_t *at, bool dnssec_ok) /* RFC 6891 section 6.1.2 */
{
    *at++ = 0;
    at = put_u16(at, TYPE_OPT);
    at = put_u16(at, EDNS_OCTETS);
    at = put_u16(at, 0);
    *at++ = dnssec_ok ? FLAG_DO : 0;
    *at++ = 0;
    return put_u16(at, 0);
}

static bool has(const char *manner, char letter)
{
    return strchr(manner, letter) != NULL;
}

static bool question_make(struct question *question, const char *name, unsigned type, const char *manner)
{
    uint8_t query[QUERY_OCTETS_MAX] = { 0 };
    bool edns = has(manner, 'e') || has(manner, 'd');
    query[2] = FLAG_RD;
    query[3] = (uint8_t)((has(manner, 'a') ? FLAG_AD : 0) | (has(manner, 'c') ? FLAG_CD : 0));
    put_u16(query + 4, 1);
    put_u16(query + 10, edns ? 1 : 0);
    uint8_t *end = put_name(query + DNS_HEADER_OCTETS, name);
    if (end == NULL)
        return false;
    end = put_u16(put_u16(end, type), CLASS_IN);
    question->section_octets = (uint16_t)(end - query - DNS_HEADER_OCTETS);
    if (edns)
        end = put_opt(end, has(manner, 'd'));
    question->query_octets = (uint16_t)(end - query);
    question->query = malloc(question->query_octets);
    if (question->query == NULL)
        err(EX_OSERR, "malloc");
    memcpy(question->query, query, question->query_octets);
    question->mixed_case = has(manner, 'm');
    question->ad_is_judged = !has(manner, 'c');
    question->ad = has(manner, 'a') || has(manner, 'd'); /* RFC 6840 section 5.8 */
    return true;
}

static bool question_read(struct question *question, const char *line)
{
    char name[DNS_NAME_OCTETS_MAX + 1], manner[8], records[8];
    unsigned type, rcode;
    if (sscanf(line, "%255s %u %7s %u %7s", name, &type, manner, &rcode, records) != 5 || type > 0xffff || rcode > 15)
        return false;
    question->rcode = (uint8_t)rcode;
    question->records = strcmp(records, "-") == 0 ? ANY_RECORDS : (uint16_t)strtoul(records, NULL, 10);
    return question_make(question, name, type, manner);
}

struct questions questions_read(const char *path)
{
    struct questions questions = { 0 };
    size_t room = 0, size = 0;
    char *line = NULL;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        err(EX_NOINPUT, "%s", path);
    while (getline(&line, &size, file) > 0) {
        if (questions.count == room) {
            room = room == 0 ? 1024 : room * 2;
            questions.list = reallocarray(questions.list, room, sizeof(*questions.list));
            if (questions.list == NULL)
                err(EX_OSERR, "realloc");
        }
        if (!question_read(&questions.list[questions.count], line))
            errx(EX_DATAERR, "%s:%zu: expected NAME TYPE MANNER RCODE RECORDS", path, questions.count + 1);
        questions.count++;
    }
    free(line);
    fclose(file);
    if (questions.count == 0)
        errx(EX_DATAERR, "%s: no questions", path);
    return questions;
}

void questions_free(struct questions *questions)
{
    for (size_t i = 0; i < questions->count; i++)
        free(questions->list[i].query);
    free(questions->list);
}

enum fault question_judge(const struct question *question, const uint8_t *query, const uint8_t *reply, size_t octets)
{
    if (octets < DNS_HEADER_OCTETS + (size_t)question->section_octets || !(reply[2] & FLAG_QR) ||
        u16_at(reply + 4) != 1)
        return FAULT_MALFORMED;
    if (memcmp(reply + DNS_HEADER_OCTETS, query + DNS_HEADER_OCTETS, question->section_octets) != 0)
        return FAULT_QUESTION;
    if (reply[2] & FLAG_TC)
        return FAULT_TRUNCATED;
    if ((reply[3] & RCODE_MASK) != question->rcode)
        return FAULT_RCODE;
    if (question->ad_is_judged && ((reply[3] & FLAG_AD) != 0) != question->ad)
        return FAULT_AD;
    if (question->records != ANY_RECORDS && u16_at(reply + 6) != question->records)
        return FAULT_RECORDS;
    return FAULT_NONE;
}
