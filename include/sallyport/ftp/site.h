/* The sub-commands of SITE, a small command table. SITE HELP and HELP SITE come
 * from it. */
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
    bool argument;   /* must have an argument; false: must have none */
    unsigned rights; /* enum right bits: all of them are needed */
    const char *help;
};
/* Sorted by name. */
extern const struct site site_table[SITE_COUNT];

/* Finds a row by its name, ignoring case; NULL if it is unknown. */
const struct site *site_find(struct slice name);
/* Adds the syntax of each row by reply_line(). */
void site_help(struct buf *into);

#endif
