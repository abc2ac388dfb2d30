#include "tests/scenario/story.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "message/master.h"

enum { WORDS_MAX = 32, HEX_OCTETS_MAX = MESSAGE_OCTETS_MAX };

struct parser {
    struct arena *arena;
    struct story *story;
    const char *at, *end; /* what was not read yet */
    unsigned line;        /* the one in text */
    char *text;           /* the line without blanks around it */
    struct story_step *last_step;
    struct dname origin;
    const char *default_ttl; /* "$TTL 300" */
    const char *error;
};

/* A line as words: blanks part them, ';' and '#' begin a comment. */
struct words {
    unsigned count;
    char *items[WORDS_MAX];
};

static PRINTF_LIKE(2, 3) bool fail(struct parser *p, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *what = arena_vprintf(p->arena, format, arguments);
    va_end(arguments);
    if (p->error == NULL)
        p->error = arena_printf(p->arena, "line %u: %s", p->line, what);
    return false;
}

/* ---- lines ---- */

/* Does the line begin with that word? */
static bool line_is(const struct parser *p, const char *word)
{
    size_t len = strlen(word);
    return strncmp(p->text, word, len) == 0 && (p->text[len] == '\0' || strchr(" \t;#", p->text[len]) != NULL);
}

/* The next line that is not blank or a comment; false at the end. */
static bool next_text(struct parser *p)
{
    while (p->at < p->end) {
        const char *stop = memchr(p->at, '\n', (size_t)(p->end - p->at));
        const char *end = stop == NULL ? p->end : stop;
        const char *start = p->at;
        p->at = stop == NULL ? p->end : stop + 1;
        p->line++;
        while (start < end && isspace((unsigned char)*start))
            start++;
        while (end > start && isspace((unsigned char)end[-1]))
            end--;
        if (start == end || *start == ';' || *start == '#')
            continue;
        p->text = arena_copy(p->arena, start, (size_t)(end - start) + 1);
        p->text[end - start] = '\0';
        return true;
    }
    return false;
}

static struct words words_of(struct parser *p, const char *text)
{
    struct words words = { 0 };
    char *copy = arena_strdup(p->arena, text);
    copy[strcspn(copy, ";#")] = '\0';
    char *rest = copy;
    for (char *word; (word = strsep(&rest, " \t\r")) != NULL;) {
        if (*word == '\0')
            continue;
        if (words.count < WORDS_MAX)
            words.items[words.count++] = word;
        else
            fail(p, "more than %d words", WORDS_MAX);
    }
    return words;
}

/* The next line that says something; false at the end.  $ORIGIN and $TTL count from where they stand to the end of the
 * file. */
static bool next_line(struct parser *p)
{
    while (next_text(p)) {
        bool is_ttl = line_is(p, "$TTL");
        if (!is_ttl && !line_is(p, "$ORIGIN"))
            return true;
        struct words words = words_of(p, p->text);
        if (is_ttl)
            p->default_ttl = p->text;
        else if (words.count != 2 || dname_from_text(words.items[1], &p->origin) != OK)
            return fail(p, "$ORIGIN wants a name");
    }
    return false;
}

/* ---- configuration ---- */

/* A word, or a quoted string without its quotes.  NULL: the rest is blank or a comment. */
static char *setting_token(struct parser *p, char **at, bool *quoted)
{
    *at += strspn(*at, " \t\r");
    if (**at == '\0' || **at == ';' || **at == '#')
        return NULL;
    char quote[] = { **at, '\0' };
    *quoted = **at == '"' || **at == '\'';
    char *start = *quoted ? *at + 1 : *at;
    size_t len = strcspn(start, *quoted ? quote : " \t\r;#");
    *at = start + len + (*quoted && start[len] != '\0');
    return arena_printf(p->arena, "%.*s", (int)len, start);
}

static bool is_key(const char *token)
{
    size_t len = strlen(token);
    return islower((unsigned char)token[0]) && token[len - 1] == ':' && strchr(token, ':') == token + len - 1;
}

static struct story_setting *add_setting(struct parser *p, const char *key)
{
    struct story_setting *setting = ARENA_NEW(p->arena, struct story_setting);
    *setting = (struct story_setting) { .line = p->line, .key = key, .value = "" };
    STAILQ_INSERT_TAIL(&p->story->settings, setting, next);
    return setting;
}

/* One or several "key: value …". */
static bool parse_settings(struct parser *p)
{
    static const char *const sections[] = { "server", "stub-zone", "forward-zone", "auth-zone", "remote-control" };
    struct story_setting *setting = NULL;
    char *at = p->text;
    bool quoted = false;
    for (char *token; (token = setting_token(p, &at, &quoted)) != NULL;) {
        if (!quoted && is_key(token)) {
            token[strlen(token) - 1] = '\0';
            setting = add_setting(p, token);
            for (size_t i = 0; i < ARRAY_LEN(sections); i++)
                p->story->has_sections |= strcmp(token, sections[i]) == 0;
        } else if (setting == NULL) {
            return fail(p, "expected a setting, got \"%s\"", token);
        } else {
            const char *blank = *setting->value == '\0' ? "" : " ";
            setting->value = arena_printf(p->arena, "%s%s%s", setting->value, blank, token);
        }
    }
    return true;
}

/* A file inside the story, with its comments, up to the line `end`. */
static bool parse_file(struct parser *p, const char *end, const char **text)
{
    const char *start = p->at;
    while (p->at < p->end) {
        const char *line = p->at;
        const char *stop = memchr(line, '\n', (size_t)(p->end - line));
        p->at = stop == NULL ? p->end : stop + 1;
        p->line++;
        if (strncmp(line, end, strlen(end)) != 0)
            continue;
        *text = arena_printf(p->arena, "%.*s", (int)(line - start), start);
        return true;
    }
    return fail(p, "no %s", end);
}

static bool parse_configuration(struct parser *p)
{
    while (next_line(p)) {
        if (line_is(p, "CONFIG_END"))
            return true;
        if (line_is(p, "AUTOTRUST_FILE")) {
            if (!parse_file(p, "AUTOTRUST_END", &add_setting(p, "AUTOTRUST_FILE")->value))
                return false;
        } else if (line_is(p, "TEMPFILE_NAME")) {
            add_setting(p, "TEMPFILE");
        } else if (line_is(p, "TEMPFILE_CONTENTS")) {
            if (!parse_file(p, "TEMPFILE_END", &add_setting(p, "TEMPFILE")->value))
                return false;
        } else if (!parse_settings(p)) {
            return false;
        }
    }
    return fail(p, "no CONFIG_END");
}

/* ---- entries ---- */

struct name_and_bit {
    const char *name;
    uint32_t bit;
};

static const struct name_and_bit match_fields[] = {
    { "opcode", MATCH_OPCODE },
    { "qtype", MATCH_QTYPE },
    { "qname", MATCH_QNAME },
    { "qcase", MATCH_QCASE },
    { "subdomain", MATCH_SUBDOMAIN },
    { "flags", MATCH_FLAGS },
    { "rcode", MATCH_RCODE },
    { "question", MATCH_QUESTION },
    { "answer", MATCH_ANSWER },
    { "authority", MATCH_AUTHORITY },
    { "additional", MATCH_ADDITIONAL },
    { "ttl", MATCH_TTL },
    { "DO", MATCH_DO },
    { "UDP", MATCH_UDP },
    { "TCP", MATCH_TCP },
    { "ednsdata", MATCH_EDNS_DATA },
    { "server_cookie", MATCH_SERVER_COOKIE },
    { "client_cookie", MATCH_CLIENT_COOKIE },
    { "noedns", MATCH_NO_EDNS },
    { "edns", MATCH_EDNS_DATA }, /* Deckard's word */
};

static const struct name_and_bit adjust_fields[] = {
    { "copy_id", ADJUST_COPY_ID },
    { "copy_query", ADJUST_COPY_QUERY },
    { "do_not_answer", ADJUST_NO_ANSWER },
};

static bool find_bit(const struct name_and_bit *table, size_t count, const char *name, uint32_t *bits)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, name) == 0) {
            *bits |= table[i].bit;
            return true;
        }
    }
    return false;
}

static bool parse_match_ede(struct parser *p, struct story_entry *entry, const char *value)
{
    char *end;
    entry->match |= MATCH_EDE;
    entry->ede = strcmp(value, "any") == 0 ? EDE_ANY : (int)strtol(value, &end, 10);
    return entry->ede == EDE_ANY || (*value != '\0' && *end == '\0') || fail(p, "not an EDE code: \"%s\"", value);
}

static bool parse_match(struct parser *p, struct story_entry *entry)
{
    struct words words = words_of(p, p->text);
    for (unsigned i = 1; i < words.count; i++) {
        const char *word = words.items[i];
        if (strncmp(word, "ede=", 4) == 0) {
            if (!parse_match_ede(p, entry, word + 4))
                return false;
        } else if (strcmp(word, "all") == 0) { /* Deckard does not look at DO */
            entry->match |= MATCH_ALL | (p->story->has_sections ? MATCH_SAME_DO : 0);
        } else if (!find_bit(match_fields, ARRAY_LEN(match_fields), word, &entry->match)) {
            return fail(p, "MATCH knows no \"%s\"", word);
        }
    }
    return true;
}

/* "sleep=3", "packet_sleep=3": real time; that of stories stands still meanwhile. */
static bool is_sleep(const char *word)
{
    return strncmp(word, "sleep=", 6) == 0 || strncmp(word, "packet_sleep=", 13) == 0;
}

static bool parse_adjust(struct parser *p, struct story_entry *entry)
{
    struct words words = words_of(p, p->text);
    for (unsigned i = 1; i < words.count; i++)
        if (!is_sleep(words.items[i]) &&
            !find_bit(adjust_fields, ARRAY_LEN(adjust_fields), words.items[i], &entry->adjust))
            return fail(p, "ADJUST knows no \"%s\"", words.items[i]);
    return true;
}

static bool *flag_of(struct story_entry *entry, const char *word)
{
    struct {
        const char *name;
        bool *flag;
    } flags[] = {
        { "QR", &entry->header.qr }, { "AA", &entry->header.aa }, { "TC", &entry->header.tc },
        { "RD", &entry->header.rd }, { "RA", &entry->header.ra }, { "AD", &entry->header.ad },
        { "CD", &entry->header.cd }, { "DO", &entry->dnssec_ok },
    };
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (strcmp(flags[i].name, word) == 0)
            return flags[i].flag;
    return NULL;
}

static bool find_opcode(const char *word, uint8_t *opcode)
{
    static const struct {
        const char *name;
        enum opcode opcode;
    } opcodes[] = {
        { "QUERY", OPCODE_QUERY },   { "IQUERY", OPCODE_IQUERY }, { "STATUS", OPCODE_STATUS },
        { "NOTIFY", OPCODE_NOTIFY }, { "UPDATE", OPCODE_UPDATE },
    };
    for (size_t i = 0; i < ARRAY_LEN(opcodes); i++) {
        if (strcmp(opcodes[i].name, word) == 0) {
            *opcode = (uint8_t)opcodes[i].opcode;
            return true;
        }
    }
    return false;
}

/* RFC 6891 section 6.1.3: what does not fit the header stands in the OPT record. */
static void set_rcode(struct story_entry *entry, uint16_t rcode)
{
    entry->header.rcode = rcode & 0xf;
    entry->rcode_high = (uint8_t)(rcode >> 4);
}

static bool parse_reply(struct parser *p, struct story_entry *entry)
{
    struct words words = words_of(p, p->text);
    for (unsigned i = 1; i < words.count; i++) {
        const char *word = words.items[i];
        bool *flag = flag_of(entry, word);
        uint16_t rcode;
        if (flag != NULL)
            *flag = true;
        else if (strcmp(word, "YXRRSET") == 0) /* the lower bits of BADCOOKIE, too */
            entry->header.rcode = 7;
        else if (strcmp(word, "NOTIMPL") == 0)
            entry->header.rcode = RCODE_NOTIMP;
        else if (rcode_from_text(word, &rcode) == OK)
            set_rcode(entry, rcode);
        else if (!find_opcode(word, &entry->header.opcode))
            return fail(p, "REPLY knows no \"%s\"", word);
    }
    return true;
}

static bool hex_digit(char c, uint8_t *value)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, tolower((unsigned char)c));
    *value = at == NULL ? 0 : (uint8_t)(at - digits);
    return at != NULL;
}

/* Hexadecimal digits of one line, blanks between them or not, behind what the writer holds. */
static bool parse_hex_line(struct parser *p, struct writer *w)
{
    struct words words = words_of(p, p->text);
    for (unsigned i = 0; i < words.count; i++) {
        const char *word = words.items[i];
        uint8_t high, low;
        for (; *word != '\0'; word += 2) {
            if (!hex_digit(word[0], &high) || !hex_digit(word[1], &low))
                return fail(p, "not hexadecimal: \"%s\"", words.items[i]);
            writer_u8(w, (uint8_t)(high << 4 | low));
        }
    }
    return !w->failed || fail(p, "more than %d octets", HEX_OCTETS_MAX);
}

static bool parse_hex_block(struct parser *p, const char *end, struct octets *octets)
{
    struct writer w = writer_of(memory_new(HEX_OCTETS_MAX, 1), HEX_OCTETS_MAX);
    bool found_end = false;
    while (p->error == NULL && !found_end && next_line(p)) {
        found_end = line_is(p, end);
        if (!found_end)
            parse_hex_line(p, &w);
    }
    *octets = octets_copy(p->arena, writer_octets(&w));
    free(w.data);
    return p->error == NULL && (found_end || fail(p, "no %s", end));
}

static bool parse_raw_line(struct parser *p, struct octets *octets)
{
    struct writer w = writer_of(memory_new(HEX_OCTETS_MAX, 1), HEX_OCTETS_MAX);
    bool parsed = (next_line(p) || fail(p, "no octets behind RAW")) && parse_hex_line(p, &w);
    *octets = octets_copy(p->arena, writer_octets(&w));
    free(w.data);
    return parsed;
}

/* "name [TTL] [class] type" */
static bool parse_question(struct parser *p, struct story_entry *entry)
{
    struct words words = words_of(p, p->text);
    struct question question = { .qclass = CLASS_IN };
    unsigned last = words.count - 1;
    if (dname_from_text_below(words.items[0], &p->origin, &question.qname) != OK)
        return fail(p, "not a name: \"%s\"", words.items[0]);
    for (unsigned i = 1; i < last; i++) {
        const char *word = words.items[i];
        bool is_ttl = strspn(word, "0123456789") == strlen(word);
        if (!is_ttl && rr_class_from_text(word, &question.qclass) != OK)
            return fail(p, "not a class: \"%s\"", word);
    }
    if (last == 0 || rr_type_from_text(words.items[last], &question.qtype) != OK)
        return fail(p, "not a type: \"%s\"", words.items[last]);
    entry->question = question;
    entry->has_question = true;
    return true;
}

static int open_parentheses(const char *text)
{
    int open = 0;
    bool quoted = false;
    for (; *text != '\0' && (quoted || *text != ';'); text++) {
        quoted ^= *text == '"';
        if (!quoted)
            open += (*text == '(') - (*text == ')');
    }
    return open;
}

enum { TYPE_STAND_IN = 65280 }; /* private use, RFC 6895 section 3.1 */

/* "A \# 3 030405": whoever writes RDATA like that may mean what does not fit the type.  A type without a layout stands
 * in for it while the record is read. */
static const char *hide_type(struct parser *p, const char *text, uint16_t *hidden)
{
    *hidden = 0;
    const char *rdata = strstr(text, "\\#");
    if (rdata == NULL)
        return text;
    const char *end = rdata;
    while (end > text && isspace((unsigned char)end[-1]))
        end--;
    const char *start = end;
    while (start > text && !isspace((unsigned char)start[-1]))
        start--;
    if (rr_type_from_text(arena_printf(p->arena, "%.*s", (int)(end - start), start), hidden) != OK)
        return text;
    return arena_printf(p->arena, "%.*sTYPE%d %s", (int)(start - text), text, TYPE_STAND_IN, rdata);
}

/* One blank-separated word of the text from *at on; its length is 0 at the end or at a comment. */
static const char *next_word(const char **at, size_t *len)
{
    const char *word = *at + strspn(*at, " \t");
    *len = strcspn(word, " \t;");
    *at = word + *len;
    return word;
}

enum { SOA_FIELDS = 7 }; /* RFC 1035 section 3.3.13 */

/* Some stories have an SOA of six numbers: the last one is passed over, as by the program that they were told to
 * first. */
static const char *without_surplus(struct parser *p, const char *text)
{
    const char *at = text;
    size_t len;
    next_word(&at, &len); /* the owner */
    const char *word = next_word(&at, &len);
    while (len > 0 && (strspn(word, "0123456789") == len || (len == 2 && strncmp(word, "IN", len) == 0)))
        word = next_word(&at, &len);
    if (len != 3 || strncmp(word, "SOA", len) != 0 || strchr(text, '(') != NULL)
        return text;
    for (int i = 0; i < SOA_FIELDS; i++)
        next_word(&at, &len);
    return arena_printf(p->arena, "%.*s", (int)(at - text), text);
}

/* A TTL with the highest bit set (RFC 2181 section 8), which a zone must not have but a server may send: a zero stands
 * in for it while the record is read. */
static const char *hide_ttl(struct parser *p, const char *text, uint32_t *hidden)
{
    const char *at = text;
    size_t len;
    *hidden = 0;
    next_word(&at, &len); /* the owner */
    for (int i = 0; i < 2; i++) {
        const char *word = next_word(&at, &len);
        unsigned long long number = strtoull(word, NULL, 10);
        if (len == 0 || strspn(word, "0123456789") != len || number <= INT32_MAX || number > UINT32_MAX)
            continue;
        *hidden = (uint32_t)number;
        return arena_printf(p->arena, "%.*s0%s", (int)(word - text), text, word + len);
    }
    return text;
}

static bool parse_record(struct parser *p, struct story_records *records)
{
    const char *text = p->text;
    while (open_parentheses(text) > 0) {
        if (!next_line(p))
            return fail(p, "a parenthesis that nobody closes");
        text = arena_printf(p->arena, "%s\n%s", text, p->text);
    }
    uint16_t hidden;
    uint32_t hidden_ttl_s;
    text = hide_type(p, hide_ttl(p, without_surplus(p, text), &hidden_ttl_s), &hidden);
    text = arena_printf(p->arena, "%s\n%s", p->default_ttl, text);
    struct master *master = master_new(text, strlen(text), &p->origin);
    struct master_record record;
    enum err err = master_next(master, &record);
    if (err == OK) {
        struct story_record *kept = ARENA_NEW(p->arena, struct story_record);
        *kept = (struct story_record) {
            .owner = record.owner,
            .type = hidden == 0 ? record.type : hidden,
            .class = record.class,
            .ttl_s = hidden_ttl_s == 0 ? record.ttl_s : hidden_ttl_s,
            .rdata = octets_copy(p->arena, record.rdata),
        };
        STAILQ_INSERT_TAIL(records, kept, next);
    } else {
        fail(p, "%s: %s", err == ERR_FORMAT ? master_error(master) : "not a record", text);
    }
    master_free(master);
    return err == OK;
}

enum { SECTION_NONE = -2, SECTION_QUESTION = -1 };

static bool parse_section(struct parser *p, int *section)
{
    struct words words = words_of(p, p->text);
    static const struct {
        const char *name;
        int section;
    } sections[] = { { "QUESTION", SECTION_QUESTION },
                     { "ANSWER", SECTION_ANSWER },
                     { "AUTHORITY", SECTION_AUTHORITY },
                     { "ADDITIONAL", SECTION_ADDITIONAL } };
    for (size_t i = 0; words.count > 1 && i < ARRAY_LEN(sections); i++) {
        if (strcmp(words.items[1], sections[i].name) == 0) {
            *section = sections[i].section;
            return true;
        }
    }
    return fail(p, "no such SECTION");
}

/* Unbound's packets with options have DO set, whatever is said of it. */
static bool parse_edns_data(struct parser *p, struct story_entry *entry)
{
    entry->has_edns_data = parse_hex_block(p, "HEX_EDNSDATA_END", &entry->edns_data);
    entry->dnssec_ok |= p->story->has_sections;
    return entry->has_edns_data;
}

static bool parse_entry_line(struct parser *p, struct story_entry *entry, int *section)
{
    if (line_is(p, "MATCH"))
        return parse_match(p, entry);
    if (line_is(p, "ADJUST"))
        return parse_adjust(p, entry);
    if (line_is(p, "REPLY") || line_is(p, "FLAGS"))
        return parse_reply(p, entry);
    if (line_is(p, "MANDATORY"))
        return entry->mandatory = true;
    if (line_is(p, "SECTION"))
        return parse_section(p, section);
    if (line_is(p, "HEX_EDNSDATA_BEGIN"))
        return parse_edns_data(p, entry);
    if (line_is(p, "HEX_ANSWER_BEGIN"))
        return entry->has_raw = parse_hex_block(p, "HEX_ANSWER_END", &entry->raw);
    if (line_is(p, "RAW"))
        return entry->has_raw = parse_raw_line(p, &entry->raw);
    if (*section == SECTION_QUESTION)
        return parse_question(p, entry);
    if (*section == SECTION_NONE)
        return fail(p, "expected a line of an entry, got \"%s\"", p->text);
    return parse_record(p, &entry->sections[*section]);
}

static bool parse_entry(struct parser *p, struct story_entries *entries)
{
    struct story_entry *entry = ARENA_NEW(p->arena, struct story_entry);
    int section = SECTION_NONE;
    entry->line = p->line;
    for (size_t i = 0; i < SECTIONS; i++)
        STAILQ_INIT(&entry->sections[i]);
    STAILQ_INSERT_TAIL(entries, entry, next);
    while (next_line(p)) {
        if (line_is(p, "ENTRY_END"))
            return true;
        if (!parse_entry_line(p, entry, &section))
            return false;
    }
    return fail(p, "no ENTRY_END");
}

/* ---- ranges and steps ---- */

static bool parse_number(struct parser *p, const char *text, unsigned *number)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value > UINT32_MAX)
        return fail(p, "not a number: \"%s\"", text);
    *number = (unsigned)value;
    return true;
}

static bool parse_address(struct parser *p, const char *text, struct address *address)
{
    return address_from_text(text, 53, address) == OK || fail(p, "not an address: \"%s\"", text);
}

static bool parse_range_line(struct parser *p, struct story_range *range)
{
    struct words words = words_of(p, p->text);
    if (line_is(p, "ENTRY_BEGIN"))
        return parse_entry(p, &range->entries);
    if (!line_is(p, "ADDRESS") || words.count != 2)
        return fail(p, "expected ADDRESS or ENTRY_BEGIN, got \"%s\"", p->text);
    if (range->address_count == RANGE_ADDRESSES_MAX)
        return fail(p, "more than %d addresses", RANGE_ADDRESSES_MAX);
    return parse_address(p, words.items[1], &range->addresses[range->address_count++]);
}

static bool parse_range(struct parser *p)
{
    struct words words = words_of(p, p->text);
    struct story_range *range = ARENA_NEW(p->arena, struct story_range);
    STAILQ_INIT(&range->entries);
    STAILQ_INSERT_TAIL(&p->story->ranges, range, next);
    if (words.count < 3 || words.count > 4)
        return fail(p, "RANGE_BEGIN wants two steps and at most an address");
    if (!parse_number(p, words.items[1], &range->first) || !parse_number(p, words.items[2], &range->last))
        return false;
    if (words.count == 4 && !parse_address(p, words.items[3], &range->addresses[range->address_count++]))
        return false;
    while (next_line(p)) {
        if (line_is(p, "RANGE_END"))
            return true;
        if (!parse_range_line(p, range))
            return false;
    }
    return fail(p, "no RANGE_END");
}

static const char *const step_kinds[] = {
    [STEP_QUERY] = "QUERY",
    [STEP_CHECK_ANSWER] = "CHECK_ANSWER",
    [STEP_CHECK_OUT_QUERY] = "CHECK_OUT_QUERY",
    [STEP_REPLY] = "REPLY",
    [STEP_TIMEOUT] = "TIMEOUT",
    [STEP_ERROR] = "ERROR",
    [STEP_NOTHING] = "NOTHING",
    [STEP_TIME_PASSES] = "TIME_PASSES",
    [STEP_ASSIGN] = "ASSIGN",
    [STEP_TRAFFIC] = "TRAFFIC",
    [STEP_CHECK_AUTOTRUST] = "CHECK_AUTOTRUST",
    [STEP_INFRA_RTT] = "INFRA_RTT",
    [STEP_FLUSH_MESSAGE] = "FLUSH_MESSAGE",
    [STEP_EXPIRE_MESSAGE] = "EXPIRE_MESSAGE",
    [STEP_CHECK_TEMPFILE] = "CHECK_TEMPFILE",
};

const char *step_kind_text(enum step_kind kind)
{
    return step_kinds[kind];
}

static bool find_step_kind(const char *word, enum step_kind *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(step_kinds); i++) {
        if (strcmp(step_kinds[i], word) == 0) {
            *kind = (enum step_kind)i;
            return true;
        }
    }
    return false;
}

static bool parse_step(struct parser *p)
{
    struct words words = words_of(p, p->text);
    struct story_step *step = ARENA_NEW(p->arena, struct story_step);
    STAILQ_INIT(&step->entries);
    STAILQ_INSERT_TAIL(&p->story->steps, step, next);
    p->last_step = step;
    step->line = p->line;
    if (words.count < 3)
        return fail(p, "STEP wants a number and a kind");
    if (!parse_number(p, words.items[1], &step->number))
        return false;
    if (!find_step_kind(words.items[2], &step->kind))
        return fail(p, "no such kind of STEP: \"%s\"", words.items[2]);
    step->rest = "";
    step->file = "";
    for (unsigned i = 3; i < words.count; i++)
        step->rest = arena_printf(p->arena, "%s%s%s", step->rest, i == 3 ? "" : " ", words.items[i]);
    for (unsigned i = 3; i + 1 < words.count && !step->has_address; i++)
        step->has_address =
            strcmp(words.items[i], "ADDRESS") == 0 && parse_address(p, words.items[i + 1], &step->address);
    return p->error == NULL;
}

/* An ENTRY between steps belongs to the step before it. */
static bool parse_step_entry(struct parser *p)
{
    return p->last_step == NULL ? fail(p, "an entry before the first STEP") : parse_entry(p, &p->last_step->entries);
}

static bool parse_step_file(struct parser *p)
{
    return p->last_step == NULL ? fail(p, "a file before the first STEP")
                                : parse_file(p, "FILE_END", &p->last_step->file);
}

static bool parse_scenario_line(struct parser *p)
{
    if (line_is(p, "RANGE_BEGIN"))
        return parse_range(p);
    if (line_is(p, "RANGE_END")) /* one too many: some stories have it */
        return true;
    if (line_is(p, "STEP"))
        return parse_step(p);
    if (line_is(p, "ENTRY_BEGIN"))
        return parse_step_entry(p);
    if (line_is(p, "FILE_BEGIN"))
        return parse_step_file(p);
    return fail(p, "expected RANGE_BEGIN or STEP, got \"%s\"", p->text);
}

static bool parse_scenario(struct parser *p)
{
    if (!next_line(p) || !line_is(p, "SCENARIO_BEGIN"))
        return fail(p, "no SCENARIO_BEGIN");
    p->story->title = p->text + strlen("SCENARIO_BEGIN");
    while (next_line(p)) {
        if (line_is(p, "SCENARIO_END"))
            return true;
        if (!parse_scenario_line(p))
            return false;
    }
    return fail(p, "no SCENARIO_END");
}

enum err story_parse(struct arena *arena, const char *path, const char *text, size_t len, struct story **story,
                     const char **error)
{
    struct parser p = { .arena = arena, .at = text, .end = text + len, .origin = *dname_root(), .default_ttl = "" };
    p.story = ARENA_NEW(arena, struct story);
    p.story->path = path;
    STAILQ_INIT(&p.story->settings);
    STAILQ_INIT(&p.story->ranges);
    STAILQ_INIT(&p.story->steps);
    bool parsed = parse_configuration(&p) && parse_scenario(&p);
    *story = p.story;
    *error = p.error;
    return parsed ? OK : ERR_FORMAT;
}

enum err story_read(struct arena *arena, const char *path, struct story **story, const char **error)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t size = 0;
    if (file == NULL || getdelim(&text, &size, EOF, file) < 0) {
        *error = arena_printf(arena, "cannot be read: %s", strerror(errno));
        if (file != NULL)
            fclose(file);
        free(text);
        return ERR_SYSTEM;
    }
    fclose(file);
    enum err err = story_parse(arena, path, text, strlen(text), story, error);
    free(text);
    return err;
}
