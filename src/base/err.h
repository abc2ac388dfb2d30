/* Errors of the world: memory, descriptors, malformed input.  What the protocol refuses has enums of its own. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define MUST_USE                      __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_at, first) __attribute__((format(printf, format_at, first)))
#define ARRAY_LEN(a)                  (sizeof(a) / sizeof((a)[0]))

enum err {
    OK = 0,
    ERR_FORMAT,    /* the input is not what its specification says */
    ERR_SPACE,     /* the output does not fit */
    ERR_LIMIT,     /* one of our limits (base/limits.h) is reached */
    ERR_NOT_FOUND, /* no such thing */
    ERR_SYSTEM,    /* the system refused: errno says why */
};

/* A short English phrase for a log line.  Static storage. */
const char *err_text(enum err err);

#endif
