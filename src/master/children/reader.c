/* Executes reader, which parses the configuration and the users file, and waits
 * for its end: at a start, and when the users file has changed. So no parser is
 * in a process of root. */
#include "reader.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "exec.h"
#include "sallyport/base/fd.h"

/* Writes reader's complaint, or that reader has failed. For --check reader has
 * printed all mistakes in the configuration, and left no complaint. */
static int why_refused(int status, int answer, struct complaint *c)
{
    ssize_t n;

    if (status < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != EX_CONFIG) {
        exec_failed("reader", status, c);
        return status < 0 ? status : -EIO;
    }
    n = pread(answer, c->text, sizeof(c->text) - 1, 0);
    c->text[n < 0 ? 0 : n] = '\0';
    return -EINVAL;
}

int reader_ask(const struct master *m, const char *mode, const char *path,
               int file, int wait_ms, struct complaint *c)
{
    FD_CLEANUP int answer =
        memfd_create("answer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    const struct helper reader = { .name = "reader",
                                   .argv = { "sallyport: reader", mode, path },
                                   .fd = { file, answer } };
    int status;

    if (answer < 0) {
        int error = -errno;

        complain(c, "memfd: %s", strerror(-error));
        return error;
    }
    status = exec_helper(m, &reader, wait_ms);
    return status == 0 ? fd_take(&answer) : why_refused(status, answer, c);
}
