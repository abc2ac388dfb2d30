/* For unit tests only: configurations out of texts. */
#ifndef CONFIG_TESTING_H
#define CONFIG_TESTING_H

#include "base/log.h"
#include "config/config.h"
#include "message/testing.h"

/* 2026-11-21T00:00:00Z */
static const struct now test_now = { .wall_ms = INT64_C(1795219200000), .wall_is_fit = true };

/* For cmocka_run_group_tests(): what is refused is not logged, too. */
static inline int set_up_quietly(void **state)
{
    log_set_level(LOG_LEVEL_ERROR);
    return set_up_hashing(state);
}

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
