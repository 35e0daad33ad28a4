/* The program "describe" of the build. It writes sallyport.conf(5) and the
 * example of the configuration, so that each text about a setting exists once,
 * in the table. Its arguments are the page without the settings, and these two
 * files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "kinds.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"

#define MAX_SIZE (1 << 20)

int main(int argc, char **argv)
{
    struct buf page;
    int r;

    if (argc != 4)
        die(EX_USAGE, "expected PAGE.in, PAGE and EXAMPLE");
    buf_init(&page, MAX_SIZE);
    FD_CLEANUP int in = open(argv[1], O_RDONLY | O_CLOEXEC);

    r = in < 0 ? -errno : fd_read_file(in, &page);
    if (r == 0)
        r = buf_add(&page, "", 1);
    if (r < 0)
        die(EX_NOINPUT, "%s: %s", argv[1], strerror(-r));
    for (int i = 2; i < argc; i++) {
        FILE *out = fopen(argv[i], "we");

        if (!out)
            die(EX_CANTCREAT, "%s: %s", argv[i], strerror(errno));
        if (i == 3)
            describe_example(out);
        else if (describe_manual(out, page.data) < 0)
            die(EX_DATAERR, "%s: no place for the settings", argv[1]);
        if (ferror(out) || fclose(out) != 0)
            die(EX_IOERR, "%s: %s", argv[i], strerror(errno));
    }
    buf_release(&page);
    return 0;
}
