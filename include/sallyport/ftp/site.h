/* The sub-commands of SITE: as the command table, smaller. SITE HELP and HELP
 * SITE come from it. */
#ifndef SALLYPORT_FTP_SITE_H
#define SALLYPORT_FTP_SITE_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"

enum site_verb { SITE_CHMOD, SITE_HELP, SITE_UTIME, SITE_COUNT };

struct site {
    const char *name;
    enum site_verb verb;
    bool argument;   /* needs one; else takes none */
    unsigned rights; /* enum right bits, all of which are needed */
    const char *help;
};
/* Sorted by name. */
extern const struct site site_table[SITE_COUNT];

/* By name, letters in either case; NULL: unknown. */
const struct site *site_find(struct slice name);
/* The syntax of each, as reply_line() adds it. 0 or -ENOBUFS */
int site_help(struct buf *into);

#endif
