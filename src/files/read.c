/* FILE_READ in the process files: hands out a regular file, opened for reading,
 * and keeps no copy. Never a folder, a FIFO or a device: a session that sends
 * what it reads from one would send no file. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "request.h"
#include "resolve.h"
#include "sallyport/base/fd.h"

int serve_read(struct files *f, const struct packet *p)
{
    struct path path;
    struct stat st;

    request_path(p->value[0].text, &path);
    /* O_NONBLOCK: the open of a FIFO without a writer would wait. */
    FD_CLEANUP int fd =
        resolve_open(f, path.bytes, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? OUTCOME_IS_FOLDER : OUTCOME_NOT_REGULAR;
    if (p->value[1].number > (uint64_t)st.st_size)
        return OUTCOME_BAD_OFFSET;
    answer(f, p,
           &(struct packet){
               .message = MSG_FILE_READABLE,
               .value = { NUMBER(st.st_size), NUMBER(st.st_mtime) },
               .fd = { fd, -1 },
           });
    return 0;
}
