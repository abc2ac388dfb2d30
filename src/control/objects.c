#include "control/objects.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/control.h"
#include "time/rfc3339.h"

enum { OBJECT_FLAGS = JSON_COMPACT | JSON_ENSURE_ASCII }; /* nothing in it speaks to a terminal */

/* ---- values ---- */

/* JSON is UTF-8; paths need not be. */
json_t *json_of_text(const char *text)
{
    json_t *string = text == NULL ? json_null() : json_string(text);
    if (string != NULL)
        return string;
    char *ascii = strdup(text);
    for (char *at = ascii; at != NULL && *at != '\0'; at++) {
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    }
    string = json_string(ascii == NULL ? "" : ascii);
    free(ascii);
    return string;
}

json_t *json_of_name(const struct dname *name)
{
    char text[DNAME_TEXT_MAX];
    return json_string(dname_to_text(name, text));
}

json_t *json_of_time(int64_t unix_s)
{
    char text[RFC3339_TEXT_MAX];
    return json_string(rfc3339_to_text(unix_s, text));
}

json_t *json_of_time_or_null(int64_t unix_s)
{
    return unix_s == 0 ? json_null() : json_of_time(unix_s);
}

const char *store_condition_text(enum store_condition condition)
{
    static const char *const texts[] = { [STORE_NONE] = "none", [STORE_GOOD] = "good", [STORE_FAILING] = "failing" };
    return texts[condition];
}

/* ---- objects ---- */

json_t *new_object(void)
{
    json_t *object = json_object();
    json_object_set_new(object, "version", json_integer(CONTROL_VERSION));
    return object;
}

size_t object_write(const json_t *object, char *buffer, size_t size)
{
    return json_dumpb(object, buffer, size, OBJECT_FLAGS);
}

char *line_of(json_t *object)
{
    size_t len = object_write(object, NULL, 0);
    char *line = memory_new(len + 2, 1);
    object_write(object, line, len);
    line[len] = '\n';
    json_decref(object);
    return line;
}

/* ---- refusals ---- */

json_t *refuse(struct refusal *refusal, const char *code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    refusal->code = code;
    vsnprintf(refusal->text, sizeof(refusal->text), format, arguments);
    va_end(arguments);
    return NULL;
}

json_t *refuse_failed(struct refusal *refusal, const struct order_failure *failure)
{
    refuse(refusal, "failed", "%s", failure->text);
    snprintf(refusal->hint, sizeof(refusal->hint), "%s", failure->hint);
    return NULL;
}

char *command_refusal(const char *code, const char *text, const char *hint)
{
    json_t *error = json_object(), *object = new_object();
    json_object_set_new(error, "code", json_string(code));
    json_object_set_new(error, "text", json_of_text(text));
    json_object_set_new(error, "hint", json_of_text(hint == NULL ? "" : hint));
    json_object_set_new(object, "error", error);
    return line_of(object);
}

/* ---- arguments ---- */

bool name_argument(const json_t *request, const char *key, struct dname *name, struct refusal *refusal)
{
    const char *text = json_string_value(json_object_get(request, key));
    if (text != NULL && text[0] != '\0' && dname_from_text(text, name) == OK)
        return true;
    refuse(refusal, "bad-argument", "%s: expected a domain name", key);
    return false;
}

bool tag_argument(const json_t *request, uint16_t *key_tag, struct refusal *refusal)
{
    const json_t *tag = json_object_get(request, "key_tag");
    bool is_good = json_is_integer(tag) && json_integer_value(tag) >= 0 && json_integer_value(tag) <= UINT16_MAX;
    *key_tag = is_good ? (uint16_t)json_integer_value(tag) : 0;
    if (!is_good)
        refuse(refusal, "bad-argument", "key_tag: expected a number from 0 to 65535");
    return is_good;
}

const char *name_peer(const struct peer *peer, char text[PEER_TEXT_MAX])
{
    const struct passwd *user = getpwuid(peer->uid);
    int len = snprintf(text, PEER_TEXT_MAX, "uid %u", (unsigned)peer->uid);
    if (user != NULL)
        snprintf(text + len, (size_t)(PEER_TEXT_MAX - len), " (%s)", user->pw_name);
    return text;
}
