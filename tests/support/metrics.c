#include "metrics.h"

#include "fail.h"
#include "sallyport/event/metrics.h"
#include "test.h"

int metrics_memory(void)
{
    int fd = memfd_create("metrics", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    FAIL_IF(fd < 0 || ftruncate(fd, sizeof(struct metrics)) < 0 ||
                fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0,
            "no memory for metrics");
    return fd;
}
