/* Downloads, in the process files: hands out a regular file, opened for
 * reading, and keeps no copy. Never a directory, a FIFO or a device: what the
 * session reads from one is no file. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "request.h"
#include "resolve.h"
#include "sallyport/base/fd.h"

int read_on_file_read(void *owner, struct msg_file_read *m)
{
    struct files *f = owner;
    struct path path;
    struct stat st;

    resolve_request(m->path, &path);
    /* O_NONBLOCK: the open of a FIFO without a writer would wait. */
    FD_CLEANUP int fd =
        resolve_open(f, path.bytes, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? OUTCOME_IS_DIRECTORY : OUTCOME_NOT_REGULAR;
    if (m->offset > (uint64_t)st.st_size)
        return OUTCOME_BAD_OFFSET;
    return ANSWER(f, file_readable, m->request, .size = (uint64_t)st.st_size,
                  .file = fd);
}
