#include "transport/curl.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"

struct curl_library libcurl;

static const struct {
    const char *name;
    size_t at;
} functions[] = {
#define CURL_PLACE(name) { #name, offsetof(struct curl_library, name) },
    CURL_FUNCTIONS(CURL_PLACE)
#undef CURL_PLACE
};

static void *open_library(void)
{
    static const char *const names[] = { "libcurl-gnutls.so.4", "libcurl.so.4" }; /* GnuTLS is in this process anyway */
    void *library = NULL;
    for (size_t i = 0; i < ARRAY_LEN(names) && library == NULL; i++)
        library = dlopen(names[i], RTLD_LAZY | RTLD_LOCAL);
    return library;
}

static bool find_functions(void *library)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        void *function = dlsym(library, functions[i].name);
        if (function == NULL)
            return false;
        memcpy((char *)&libcurl + functions[i].at, &function, sizeof(function));
    }
    return true;
}

const char *curl_load(void)
{
    static bool is_loaded;
    if (is_loaded)
        return NULL;
    void *library = open_library();
    is_loaded = library != NULL && find_functions(library);
    return is_loaded ? NULL : dlerror();
}
