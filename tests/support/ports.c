/* Finds free ports, for the setting `ports` and for listeners. */
#include "ports.h"

#include <stdio.h>
#include <sys/un.h>

#include "fail.h"
#include "sallyport/base/fd.h"
#include "test.h"

/* All ports are below the range from which the kernel chooses. */
#define FIRST  10000u
#define BLOCK  256u
#define BLOCKS 85u
#define SINGLE 64u /* the last ports of a block, for ports_one() */

/* Binds as the server does: a port is free even if a connection to it has just
 * ended. */
static bool port_is_free(unsigned port)
{
    const int one = 1;
    const struct sockaddr_in at = { .sin_family = AF_INET,
                                    .sin_port = htons((uint16_t)port) };
    FD_CLEANUP int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
           bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;
}

/* Returns the first port of a block that only this process uses: it and its
 * forks hold an abstract socket name as long as they live. Otherwise another
 * test could take a port after this process has found it free and before it
 * uses it. A fork that asks gets a block of its own. */
static unsigned ports_own(void)
{
    static unsigned first;
    static pid_t owner;

    if (owner != getpid())
        first = 0;
    owner = getpid();
    for (unsigned i = 0; i < BLOCKS && first == 0; i++) {
        const unsigned block = ((unsigned)getpid() + i) % BLOCKS;
        struct sockaddr_un name = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1,
                 "sallyport test ports %u", block);
        if (bind(fd, (const struct sockaddr *)&name, sizeof(name)) == 0)
            first = FIRST + block * BLOCK;
        else
            close(fd);
    }
    FAIL_IF(first == 0, "each of %u blocks of ports is in use", BLOCKS);
    return first;
}

unsigned ports_free(unsigned count)
{
    const unsigned first = ports_own();
    unsigned in_row = 0;

    for (unsigned port = first; port < first + BLOCK; port++) {
        in_row = port_is_free(port) ? in_row + 1 : 0;
        if (in_row == count)
            return port + 1 - count;
    }
    FAIL_IF(true, "no %u ports in a row are free", count);
    return 0;
}

unsigned ports_one(void)
{
    static unsigned tries;
    const unsigned first = ports_own() + BLOCK - SINGLE;

    for (unsigned i = 0; i < SINGLE; i++) {
        const unsigned port = first + tries++ % SINGLE;

        if (port_is_free(port))
            return port;
    }
    FAIL_IF(true, "none of %u ports is free", SINGLE);
    return 0;
}
