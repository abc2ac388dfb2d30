/* Runs one fuzz target without libFuzzer: every file of its corpus, then random mutations of them from a seed.
 * Usage: NAME-fuzz [-runs=N] [-seed=N] [FILE|DIRECTORY…].  The same arguments give the same inputs.
 * An input that crashes the target, fails an assertion or takes too long is kept as crash-NAME. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/random.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

enum {
    INPUT_OCTETS_MAX = 65535, /* a DNS message */
    MUTANT_OCTETS_MAX = 4096, /* unless its parent is larger: longer inputs only cost time */
    MUTATIONS_MAX = 8,        /* on top of each other */
    INPUT_SECONDS_MAX = 20,   /* under sanitizers on a busy machine; a parser needs microseconds */
    RUNS_DEFAULT = 10000,
};

struct input {
    uint8_t *data;
    size_t len;
};

struct corpus {
    struct input *inputs;
    size_t count;
};

static struct input current;
static const char *target;

/* The only output that a dying process can still make: no buffers, no allocation. */
static void keep_current_input(void)
{
    char path[256];
    snprintf(path, sizeof(path), "crash-%s", target);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file < 0 || write(file, current.data, current.len) != (ssize_t)current.len)
        return;
    close(file);
    fprintf(stderr, "%s: the input (%zu octets) is kept in %s\n", target, current.len, path);
}

static void on_signal(int number)
{
    signal(number, SIG_DFL);
    if (number == SIGALRM)
        fprintf(stderr, "%s: more than %d seconds for one input\n", target, INPUT_SECONDS_MAX);
    keep_current_input();
    if (number == SIGALRM)
        abort();
    raise(number);
}

static void run(const uint8_t *data, size_t len)
{
    /* A copy of exactly this size, so that a read behind the end is seen. */
    current = (struct input) { memory_new(len, 1), len };
    if (len > 0)
        memcpy(current.data, data, len);
    alarm(INPUT_SECONDS_MAX);
    LLVMFuzzerTestOneInput(current.data, current.len);
    alarm(0);
    free(current.data);
    current = (struct input) { NULL, 0 };
}

static void read_file(struct corpus *corpus, const char *path)
{
    struct input input = { memory_new(INPUT_OCTETS_MAX, 1), 0 };
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    input.len = fread(input.data, 1, INPUT_OCTETS_MAX, file);
    fclose(file);
    corpus->inputs = memory_resize(corpus->inputs, corpus->count + 1, sizeof(input));
    corpus->inputs[corpus->count++] = input;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* In the order of their names: the same corpus gives the same run. */
static void read_directory(struct corpus *corpus, const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, is_visible, alphasort);
    if (count < 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    for (int i = 0; i < count; i++) {
        char file[4096];
        snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
        read_file(corpus, file);
        free(entries[i]);
    }
    free(entries);
}

static uint8_t interesting_octet(struct random *random)
{
    /* lengths of labels and of nothing, pointers, signs, and the characters that text formats turn on */
    static const uint8_t octets[] = { 0,   1,   2,    0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff,
                                      ' ', '"', '\\', '(',  ')',  '.',  '0',  '\n' };
    return octets[random_below(random, ARRAY_LEN(octets))];
}

static void overwrite(struct random *random, struct input *input)
{
    size_t at = random_below(random, (uint32_t)input->len);
    switch (random_below(random, 4)) {
    case 0:
        input->data[at] ^= (uint8_t)(1u << random_below(random, 8));
        break;
    case 1:
        input->data[at] = (uint8_t)random_u32(random);
        break;
    case 2:
        input->data[at] = interesting_octet(random);
        break;
    case 3:
        input->data[at] += (uint8_t)(random_below(random, 9) - 4);
        break;
    }
}

static void delete_part(struct random *random, struct input *input)
{
    size_t at = random_below(random, (uint32_t)input->len);
    size_t len = 1 + random_below(random, (uint32_t)(input->len - at));
    memmove(input->data + at, input->data + at + len, input->len - at - len);
    input->len -= len;
}

static void insert_part(struct random *random, struct input *input, size_t limit, struct octets part)
{
    size_t at = random_below(random, (uint32_t)input->len + 1);
    if (part.len > limit - input->len)
        part.len = limit - input->len;
    memmove(input->data + at + part.len, input->data + at, input->len - at);
    if (part.len > 0)
        memcpy(input->data + at, part.data, part.len);
    input->len += part.len;
}

static struct octets part_of(struct random *random, const struct input *input)
{
    if (input->len == 0)
        return (struct octets) { NULL, 0 };
    size_t at = random_below(random, (uint32_t)input->len);
    return (struct octets) { input->data + at, 1 + random_below(random, (uint32_t)(input->len - at)) };
}

static void mutate(struct random *random, const struct corpus *corpus, struct input *input, size_t limit)
{
    uint8_t part[64];
    uint32_t kind = random_below(random, 8);
    if (input->len > 0 && kind < 4) {
        overwrite(random, input);
    } else if (input->len > 0 && kind == 4) {
        delete_part(random, input);
    } else if (corpus->count > 0 && kind == 5) {
        const struct input *other = &corpus->inputs[random_below(random, (uint32_t)corpus->count)];
        insert_part(random, input, limit, part_of(random, other));
    } else {
        size_t len = 1 + random_below(random, sizeof(part));
        random->fill(random, part, len);
        if (kind == 6)
            memset(part, interesting_octet(random), len);
        insert_part(random, input, limit, (struct octets) { part, len });
    }
}

static void run_mutant(struct random *random, const struct corpus *corpus)
{
    static uint8_t buffer[INPUT_OCTETS_MAX];
    struct input mutant = { buffer, 0 };
    if (corpus->count > 0) {
        const struct input *parent = &corpus->inputs[random_below(random, (uint32_t)corpus->count)];
        memcpy(buffer, parent->data, parent->len);
        mutant.len = parent->len;
    }
    size_t limit = mutant.len > MUTANT_OCTETS_MAX ? mutant.len : MUTANT_OCTETS_MAX;
    for (uint32_t n = 1 + random_below(random, MUTATIONS_MAX); n > 0; n--)
        mutate(random, corpus, &mutant, limit);
    run(mutant.data, mutant.len);
}

static void read_path(struct corpus *corpus, const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    if (S_ISDIR(status.st_mode))
        read_directory(corpus, path);
    else
        read_file(corpus, path);
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    target = slash == NULL ? argv[0] : slash + 1;
    signal(SIGABRT, on_signal);
    signal(SIGALRM, on_signal);
    if (__sanitizer_set_death_callback != NULL)
        __sanitizer_set_death_callback(keep_current_input);
    else
        signal(SIGSEGV, on_signal);
    LLVMFuzzerInitialize(&argc, &argv);

    unsigned long runs = RUNS_DEFAULT, seed = 1;
    struct corpus corpus = { NULL, 0 };
    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "-runs=%lu", &runs) != 1 && sscanf(argv[i], "-seed=%lu", &seed) != 1)
            read_path(&corpus, argv[i]);

    for (size_t i = 0; i < corpus.count; i++)
        run(corpus.inputs[i].data, corpus.inputs[i].len);
    struct random *random = random_seeded_new(seed);
    for (unsigned long i = 0; i < runs; i++)
        run_mutant(random, &corpus);
    printf("%s: %zu files of the corpus, %lu mutants from seed %lu\n", target, corpus.count, runs, seed);

    random_free(random);
    for (size_t i = 0; i < corpus.count; i++)
        free(corpus.inputs[i].data);
    free(corpus.inputs);
    return EXIT_SUCCESS;
}
