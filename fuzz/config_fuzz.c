/* A configuration: what is taken can be printed, and what is printed means the same. */
#include <assert.h>
#include <stdlib.h>

#include "config/testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config, *again;
    struct config_error error;
    if (config_read((struct octets) { data, size }, "FILE", test_now, &config, &error) != OK) {
        assert(error.text[0] != '\0');
        return 0;
    }
    char *printed = print_text(config);
    enum err err = load_text(printed, &again, &error);
    assert(err == OK);
    char *printed_again = print_text(again);
    assert(strcmp(printed, printed_again) == 0);
    free(printed_again);
    free(printed);
    config_free(again);
    config_free(config);
    return 0;
}
