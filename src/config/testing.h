/* For unit tests only: configurations out of texts. */
#ifndef CONFIG_TESTING_H
#define CONFIG_TESTING_H

#include "config/config.h"

/* 2026-11-21T00:00:00Z */
static const struct now test_now = { .wall_ms = INT64_C(1795219200000), .wall_is_fit = true };

static inline enum err load_text(const char *text, struct config **config, struct config_error *error)
{
    struct octets octets = { (const uint8_t *)text, strlen(text) };
    return config_read(octets, "FILE", test_now, config, error);
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
