/* For unit tests only: configurations out of texts. */
#ifndef CONFIG_TESTING_H
#define CONFIG_TESTING_H

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"

/* 2026-11-21T00:00:00Z */
static const struct now test_now = { .wall_ms = INT64_C(1795219200000), .wall_is_fit = true };

/* Loads a file with this content.  *error holds the message without the path before it. */
static inline enum err load_octets(struct octets text, struct config **config, struct config_error *error)
{
    char path[] = "/tmp/vouch-test-XXXXXX";
    int file = mkstemp(path);
    assert(file >= 0);
    ssize_t written = write(file, text.data, text.len);
    assert(written == (ssize_t)text.len);
    close(file);
    enum err err = config_load(path, test_now, config, error);
    unlink(path);
    size_t prefix = strlen(path);
    if (strncmp(error->text, path, prefix) == 0)
        memmove(error->text, error->text + prefix, strlen(error->text) - prefix + 1);
    return err;
}

static inline enum err load_text(const char *text, struct config **config, struct config_error *error)
{
    return load_octets((struct octets) { (const uint8_t *)text, strlen(text) }, config, error);
}

/* What config_print() prints; malloc'd. */
static inline char *print_text(const struct config *config)
{
    char *text;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    config_print(config, to);
    fclose(to);
    return text;
}

#endif
