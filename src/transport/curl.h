/* libcurl, loaded when it is needed.  It brings thirty libraries along (LDAP, Kerberos, SSH …), and loading those would
 * take longer than all else of a start, while most runs fetch nothing. */
#ifndef TRANSPORT_CURL_H
#define TRANSPORT_CURL_H

#define CURL_DISABLE_TYPECHECK /* its macros would call the functions by name */
#include <curl/curl.h>

#define CURL_FUNCTIONS(X)                                                                                              \
    X(curl_easy_cleanup)                                                                                               \
    X(curl_easy_getinfo)                                                                                               \
    X(curl_easy_init)                                                                                                  \
    X(curl_easy_setopt)                                                                                                \
    X(curl_easy_strerror)                                                                                              \
    X(curl_free)                                                                                                       \
    X(curl_global_cleanup)                                                                                             \
    X(curl_global_init)                                                                                                \
    X(curl_multi_add_handle)                                                                                           \
    X(curl_multi_cleanup)                                                                                              \
    X(curl_multi_info_read)                                                                                            \
    X(curl_multi_init)                                                                                                 \
    X(curl_multi_remove_handle)                                                                                        \
    X(curl_multi_setopt)                                                                                               \
    X(curl_multi_socket_action)                                                                                        \
    X(curl_slist_append)                                                                                               \
    X(curl_slist_free_all)                                                                                             \
    X(curl_url)                                                                                                        \
    X(curl_url_cleanup)                                                                                                \
    X(curl_url_get)                                                                                                    \
    X(curl_url_set)

#define CURL_MEMBER(name) __typeof__(&name) name;
struct curl_library {
    CURL_FUNCTIONS(CURL_MEMBER)
};
#undef CURL_MEMBER

/* Its functions, behind a good curl_load(). */
extern struct curl_library libcurl;

/* NULL: it is loaded; else why it is not to be had.  Stays loaded.  Not for several threads at once. */
const char *curl_load(void);

#endif
