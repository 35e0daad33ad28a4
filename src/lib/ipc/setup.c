/* Writes and reads the struct that master gives to a program that it executes.
 * setup_read() checks that master and the program are of one build, so the
 * bytes of the struct can be the file's format. */
#include "sallyport/ipc/setup.h"

#include <string.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

void setup_init(struct setup *s)
{
    memset(
        s, 0,
        sizeof(
            *s)); /* clear the padding, too, since another process reads it */
    build_name_fill(s->build);
    for (size_t i = 0; i < SETUP_PLACES; i++)
        s->file[i].fd = -1;
}

int setup_write(const struct setup *s, int fd[SETUP_FDS])
{
    static struct setup theirs;
    int n = 1;

    memcpy(&theirs, s, sizeof(theirs));
    for (size_t i = 0; i < SETUP_PLACES; i++)
        if (s->file[i].fd >= 0) {
            theirs.file[i].fd = SETUP_STRUCT_FD + n;
            fd[n++] = s->file[i].fd;
        }
    fd[0] = fd_sealed("setup",
                      (struct slice){ (const char *)&theirs, sizeof(theirs) });
    return fd[0] < 0 ? fd[0] : n;
}

int setup_read(struct setup *s, enum process self, int fd, struct complaint *c)
{
    const ssize_t n = pread(fd, s, sizeof(*s), 0);
    char master[BUILD_NAME_MAX] = "unknown";

    fd_close(&fd);
    if (n == sizeof(*s) && build_name_is(s->build))
        return 0;
    if (n >= BUILD_NAME_MAX)
        memcpy(master, s->build, sizeof(master) - 1);
    setup_init(s);
    return complain(c,
                    "%s is of build %s, and master of %s: the installation is "
                    "half done; install again, then reload",
                    process_name(self), build_name(), master);
}

int setup_take(struct setup *s, size_t place)
{
    return fd_take(&s->file[place].fd);
}

void setup_close(struct setup *s)
{
    for (size_t i = 0; i < SETUP_PLACES; i++)
        fd_close(&s->file[i].fd);
}
