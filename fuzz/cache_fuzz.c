/* Any sequence of calls: the cache answers as its naive model does (src/cache/model.h). */
#include "cache/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    model_run((struct octets) { data, size });
    return 0;
}
