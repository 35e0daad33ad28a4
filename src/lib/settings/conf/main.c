/* describe: a program of the build. It writes the example of the configuration
 * and sallyport.conf(5), so that each text about a setting exists once, in the
 * table. Its arguments are the page without the settings, and the two files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "kinds.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"

#define MAX_SIZE (1 << 20)

static void write_text(const char *path, const struct buf *text)
{
    FILE *out = fopen(path, "we");

    if (!out)
        die(EX_CANTCREAT, "%s: %s", path, strerror(errno));
    fwrite(text->data, 1, text->len, out);
    if (ferror(out) || fclose(out) != 0)
        die(EX_IOERR, "%s: %s", path, strerror(errno));
}

int main(int argc, char **argv)
{
    struct buf page, manual, example;
    int r;

    if (argc != 4)
        die(EX_USAGE, "expected PAGE.in, PAGE and EXAMPLE");
    buf_init(&page, MAX_SIZE);
    buf_init(&manual, MAX_SIZE);
    buf_init(&example, MAX_SIZE);
    FD_CLEANUP int in = open(argv[1], O_RDONLY | O_CLOEXEC);

    r = in < 0 ? -errno : fd_read_file(in, &page);
    if (r == 0)
        r = buf_add(&page, "", 1);
    if (r < 0)
        die(EX_NOINPUT, "%s: %s", argv[1], strerror(-r));
    r = describe_manual(&manual, page.data);
    if (r < 0)
        die(EX_DATAERR, "%s: %s", argv[1],
            r == -EINVAL ? "no place for the settings" : strerror(-r));
    r = describe_example(&example);
    if (r < 0)
        die(EX_SOFTWARE, "the example: %s", strerror(-r));
    write_text(argv[2], &manual);
    write_text(argv[3], &example);
    buf_release(&page);
    buf_release(&manual);
    buf_release(&example);
    return 0;
}
