/* Ports for the setting `ports`. */
#include "ports.h"

#include "fail.h"
#include "sallyport/base/fd.h"
#include "test.h"

static bool port_is_free(unsigned port)
{
    const struct sockaddr_in at = { .sin_family = AF_INET,
                                    .sin_port = htons((uint16_t)port) };
    FD_CLEANUP int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;
}

/* Below the kernel's own range. Tests that run at the same time begin at
 * different places. */
unsigned ports_free(unsigned count)
{
    unsigned first = 10000 + (unsigned)getpid() * 16 % 20000, in_row = 0;

    for (unsigned port = first; port < 32000; port++) {
        in_row = port_is_free(port) ? in_row + 1 : 0;
        if (in_row == count)
            return port + 1 - count;
    }
    FAIL_IF(true, "no %u ports in a row are free", count);
    return 0;
}
