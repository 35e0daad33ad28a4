/* The table of SITE's sub-commands, and what it alone can answer. Data for the
 * session process, which holds what a row says before a handler runs. Never
 * here, and never to come: EXEC, SYMLINK, CPFR and their kind. */
#include "sallyport/ftp/site.h"

#include "sallyport/domain/rights.h"
#include "sallyport/ftp/reply.h"

/* Who may send a file may say of when it is; its mode says who can change it,
 * so that takes what a change takes. */
const struct site site_table[SITE_COUNT] = {
    { .name = "CHMOD",
      .verb = SITE_CHMOD,
      .argument = true,
      .rights = RIGHT_WRITE | RIGHT_REPLACE,
      .help = "SITE CHMOD mode path" },
    { .name = "HELP", .verb = SITE_HELP, .help = "SITE HELP" },
    { .name = "UTIME",
      .verb = SITE_UTIME,
      .argument = true,
      .rights = RIGHT_WRITE,
      .help = "SITE UTIME YYYYMMDDHHMM[SS] path | path atime mtime ctime UTC" },
};

const struct site *site_find(struct slice name)
{
    for (size_t i = 0; i < SITE_COUNT; i++)
        if (slice_equal_nocase(name, slice_from(site_table[i].name)))
            return &site_table[i];
    return NULL;
}

int site_help(struct buf *into)
{
    size_t before = into->len;
    int r = 0;

    for (size_t i = 0; r == 0 && i < SITE_COUNT; i++)
        r = reply_line(into, slice_from(site_table[i].help));
    if (r < 0)
        into->len = before;
    return r;
}
