#include "base/err.h"

#include <stddef.h>

static const char *const texts[] = {
    [OK] = "no error",
    [ERR_FORMAT] = "malformed input",
    [ERR_SPACE] = "does not fit",
    [ERR_LIMIT] = "limit reached",
    [ERR_NOT_FOUND] = "not found",
    [ERR_SYSTEM] = "system error",
};

const char *err_text(enum err err)
{
    if ((size_t)err >= ARRAY_LEN(texts))
        return "unknown error";
    return texts[err];
}
