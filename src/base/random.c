/* Random bytes from the kernel. */
#include "sallyport/base/random.h"

#include <errno.h>
#include <sys/random.h>
#include <sysexits.h>

#include "sallyport/base/die.h"

void random_bytes(void *out, size_t len)
{
    char *at = out;

    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            die(EX_OSERR, "the kernel gives no random bytes");
        at += n;
        len -= (size_t)n;
    }
}
