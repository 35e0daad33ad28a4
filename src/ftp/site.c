/* The table of SITE's sub-commands, and what needs only the table. Runs in
 * session, which checks what a row says before it calls a handler. EXEC,
 * SYMLINK, CPFR and similar commands are excluded for good. */
#include "sallyport/ftp/site.h"

#include "sallyport/domain/rights.h"
#include "sallyport/ftp/reply.h"

/* Whoever may upload a file may set its times. The mode decides who can change
 * a file, so it needs the rights of a change. */
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

void site_help(struct buf *into)
{
    for (size_t i = 0; i < SITE_COUNT; i++)
        reply_line(into, slice_from(site_table[i].help));
}
