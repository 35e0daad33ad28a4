/* Where log writes: opened here, since log's sandbox opens nothing. Runs in
 * master, before its sandbox. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/choices.h"
#include "start.h"

/* systemd.journal-fields(7), JOURNAL_NATIVE_PROTOCOL. systemd holds this socket
 * also while journald is restarted. */
#define JOURNAL "/run/systemd/journal/socket"

static int output_journal(struct master *m, struct complaint *c)
{
    static const struct sockaddr_un to = { AF_UNIX, JOURNAL };
    FD_CLEANUP int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
        return settings_blame(&m->settings, "log_format", c,
                              "journald's socket " JOURNAL
                              ": %s; use text or json where there is no "
                              "journald",
                              strerror(errno));
    m->output = fd_take(&fd);
    return 0;
}

/* Is standard error a stream to journald? (systemd.exec(5), JOURNAL_STREAM) */
static bool output_is_stream(void)
{
    const char *named = getenv("JOURNAL_STREAM");
    char own[64];
    struct stat st;

    if (!named || fstat(STDERR_FILENO, &st) < 0)
        return false;
    snprintf(own, sizeof(own), "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    return strcmp(named, own) == 0;
}

int prepare_output(struct master *m, struct complaint *c)
{
    if (m->settings.log_format == LOG_JOURNAL)
        return output_journal(m, c);
    m->prefixed = output_is_stream();
    return 0;
}
