#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_OCTETS_MAX = 4096 }; /* longer lines are cut: a pipe takes this much in one piece (PIPE_BUF) */

static const struct {
    const char *text;
    const char *journal_prefix; /* sd-daemon(3) */
} levels[] = {
    [LOG_LEVEL_ERROR] = { "error", "<3>" },
    [LOG_LEVEL_WARNING] = { "warning", "<4>" },
    [LOG_LEVEL_INFO] = { "info", "<6>" },
    [LOG_LEVEL_DEBUG] = { "debug", "<7>" },
};

static _Atomic int wanted_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&wanted_level, (int)level, memory_order_relaxed);
}

bool log_wanted(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&wanted_level, memory_order_relaxed);
}

/* systemd names the device and inode of the journal's stream (systemd.exec(5), JOURNAL_STREAM). */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat status;
    return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &status) == 0 &&
           status.st_dev == device && status.st_ino == inode;
}

/* Appends text, anything but printable ASCII as \DDD, the form that names have: no line can forge another line or
 * speak to a terminal.  Returns the new length, at most LINE_OCTETS_MAX - 1. */
static size_t append_escaped(char *line, size_t len, const char *text)
{
    for (; *text != '\0' && len < LINE_OCTETS_MAX - 5; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= 0x20 && c < 0x7f)
            line[len++] = (char)c;
        else
            len += (size_t)snprintf(line + len, 5, "\\%03u", c);
    }
    return len;
}

/* One write a line, so that threads do not mix.  A log that cannot be written is nobody's to report. */
static void write_line(enum log_level level, const char *format, va_list arguments)
{
    char text[LINE_OCTETS_MAX], line[LINE_OCTETS_MAX];
    if (!log_wanted(level))
        return;
    vsnprintf(text, sizeof(text), format, arguments);
    size_t len = (size_t)snprintf(line, sizeof(line), "%s%s: ", stderr_is_journal() ? levels[level].journal_prefix : "",
                                  levels[level].text);
    len = append_escaped(line, len, text);
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, len) < 0)
        return;
}

#define DEFINE_LOG(name, level)                                                                                        \
    void name(const char *format, ...)                                                                                 \
    {                                                                                                                  \
        va_list arguments;                                                                                             \
        va_start(arguments, format);                                                                                   \
        write_line(level, format, arguments);                                                                          \
        va_end(arguments);                                                                                             \
    }

DEFINE_LOG(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)
