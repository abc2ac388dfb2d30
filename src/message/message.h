/* DNS messages: RFC 1035 section 4, with the bits of RFC 4035 and the extended RCODE of RFC 6891. */
#ifndef MESSAGE_MESSAGE_H
#define MESSAGE_MESSAGE_H

#include "message/dname.h"
#include "message/edns.h"
#include "message/rrset.h"

enum opcode { OPCODE_QUERY = 0, OPCODE_IQUERY = 1, OPCODE_STATUS = 2, OPCODE_NOTIFY = 4, OPCODE_UPDATE = 5 };

/* IANA "DNS RCODEs" */
enum rcode {
    RCODE_NOERROR = 0,
    RCODE_FORMERR = 1,
    RCODE_SERVFAIL = 2,
    RCODE_NXDOMAIN = 3,
    RCODE_NOTIMP = 4,
    RCODE_REFUSED = 5,
    RCODE_YXDOMAIN = 6,
    RCODE_NOTAUTH = 9,
    RCODE_BADVERS = 16,
    RCODE_BADCOOKIE = 23,
};
/* "NOERROR", "NXDOMAIN", …; "RCODE42" for others, written into text.  Returns text. */
char *rcode_to_text(uint16_t rcode, char text[16]);
MUST_USE enum err rcode_from_text(const char *text, uint16_t *rcode);

enum section { SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL, SECTIONS };

enum { HEADER_OCTETS = 12 };

/* RFC 1035 section 4.1.1, RFC 4035 sections 3.1.6 and 3.2.2 */
enum header_flag {
    FLAG_QR = 0x8000,
    FLAG_AA = 0x0400,
    FLAG_TC = 0x0200,
    FLAG_RD = 0x0100,
    FLAG_RA = 0x0080,
    FLAG_AD = 0x0020,
    FLAG_CD = 0x0010,
};

struct question {
    struct dname qname;
    uint16_t qtype;
    uint16_t qclass;
};

struct header {
    uint16_t id;
    uint8_t opcode;
    uint8_t rcode; /* the lower four bits */
    bool qr, aa, tc, rd, ra, ad, cd;
    uint16_t counts[4]; /* QD, AN, NS, AR */
};

struct message {
    struct header header;
    uint16_t rcode; /* extended: with the OPT record's upper bits */
    bool has_question;
    struct question question;
    struct edns edns;
    bool lacks_records; /* of Answer or Authority: message_read_reply_records() left them out */
    bool has_tsig;      /* a TSIG (as the last record) or SIG(0) was there: we have no keys, it is not kept */
    struct rrset_list sections[SECTIONS]; /* RRSIGs stand with what they cover.  An RRSIG whose RRset is not in the
                                           * section stands as an RRset of type RRSIG */
};

/* The twelve octets.  ERR_FORMAT if there are fewer. */
MUST_USE enum err header_read(struct octets octets, struct header *header);

/* Parses a whole message; copies names and RDATA into the arena, `octets` need not outlive the call, except that
 * message->edns borrows from it.
 * ERR_FORMAT: anything malformed, QDCOUNT above 1 (RFC 9619), two OPT records, OPT outside Additional, RDATA that does
 * not fit its type.  Octets after the last record: ERR_FORMAT too.  Then header and question hold what could be read
 * (has_question tells), so that a FORMERR can be sent.
 * ERR_LIMIT: more than MESSAGE_RRS_MAX records, or NAME_OCTETS_MAX of names.
 * A truncated message (TC=1) may end in the middle of a record: what came before is kept, OK. */
MUST_USE enum err message_read(struct octets octets, struct arena *arena, struct message *message);

/* The same for a reply, which is worth reading although one record of it is not: RDATA that do not fit their type spoil
 * their RRset alone.  That stands in its section with a count of 0 and without signatures, so that it can be told from
 * one that was not sent.  An RRSIG that cannot be read is left out: it signs nothing.  An OPT out of place, or a
 * second one, is left out, too.  Octets after the last record are not looked at. */
MUST_USE enum err message_read_reply(struct octets octets, struct arena *arena, struct message *message);

/* The same, but records whose RDATA do not fit their type are left out as if they had not been sent, and spoil
 * nothing. */
MUST_USE enum err message_read_reply_records(struct octets octets, struct arena *arena, struct message *message);

/* The whole message as dig would print it, in the arena: tools, logs, failing tests. */
char *message_to_text(struct arena *arena, const struct message *message);

/* ---- writing ---- */

/* Writes a message section by section with name compression (RFC 1035 section 4.1.4).  Order of calls: begin,
 * question, answer…, authority…, additional…, end. */
enum {
    COMPRESSION_SLOTS = 256,
    POINTER_TARGET_END = 1 << 14, /* a pointer has fourteen bits */
};
/* Where the rest of a name, from one of its labels on, stands in the message. */
struct compression_slot {
    uint16_t offset; /* 0: empty */
    uint16_t tag;    /* part of its hash: spares most comparisons */
};
struct message_writer {
    struct writer w;
    uint16_t counts[4];
    size_t question_end; /* names point into the question whatever their letter case */
    size_t pointers_end; /* names point below this alone: what follows may be moved, or stand by itself */
    struct compression_slot slots[COMPRESSION_SLOTS]; /* a full one forgets: names are then written longer */
};

void message_begin(struct message_writer *m, uint8_t *buffer, size_t size, const struct header *header);
void message_put_question(struct message_writer *m, const struct question *question);
/* The records of the set, without its signatures.  All or nothing: false if they do not fit, then the message stands as
 * before.  ttl_s is written for every record. */
bool message_put_rrset(struct message_writer *m, enum section section, const struct rrset *rrset, uint32_t ttl_s);
/* The set's signatures, on the same terms. */
bool message_put_signatures(struct message_writer *m, enum section section, const struct rrset *rrset, uint32_t ttl_s);
bool message_put_edns(struct message_writer *m, const struct edns *edns);
/* Writes the counts; returns the whole message, borrowed from the buffer.  Empty if header and question did not fit. */
struct octets message_end(struct message_writer *m);

#endif
