/* What every target needs before its first input, under the driver and under libFuzzer alike. */
#include "base/hash.h"
#include "base/log.h"
#include "base/random.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    struct random *random = random_seeded_new(0);
    hash_init(random);
    random_free(random);
    log_set_level(LOG_LEVEL_ERROR);
    return 0;
}
