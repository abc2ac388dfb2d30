/* Octets as characters: the escapes of RFC 1035 section 5.1 and the encodings of RFC 4648. */
#ifndef MESSAGE_CODING_H
#define MESSAGE_CODING_H

#include "base/err.h"
#include "base/writer.h"
#include "message/text.h"

/* The octet at *text, a plain one or \DDD or \X; *text moves behind it.  *text is not at the end. */
MUST_USE enum err unescape_octet(const char **text, uint8_t *octet);

void text_base64(struct text *text, struct octets octets);    /* RFC 4648 section 4 */
void text_base32hex(struct text *text, struct octets octets); /* RFC 4648 section 7, without padding */

/* False: a character that does not belong there, a length that no octets have, or bits behind the last octet that are
 * not zero. */
bool hex_decode(struct octets characters, struct writer *w);
bool base64_decode(struct octets characters, struct writer *w);
bool base32hex_decode(struct octets characters, struct writer *w); /* without padding, in any case */

#endif
