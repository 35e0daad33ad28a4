/* fsync with the fault that a test asks for. */
#include "syncs.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

bool sync_folders_fail;

int fsync(int fd)
{
    struct stat st;

    if (sync_folders_fail && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}
