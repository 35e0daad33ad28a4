/* Rights, letter by letter, and the roles that bundle them. */
#ifndef SALLYPORT_DOMAIN_RIGHTS_H
#define SALLYPORT_DOMAIN_RIGHTS_H

#include "sallyport/base/slice.h"

enum right {
    RIGHT_LIST = 1,       /* l: LIST, NLST, MLSD, MLST, SIZE, MDTM */
    RIGHT_READ = 2,       /* r: RETR */
    RIGHT_WRITE = 4,      /* w: STOR of a new name, APPE */
    RIGHT_REPLACE = 8,    /* o: with w, STOR over an existing name */
    RIGHT_DELETE = 16,    /* d: DELE */
    RIGHT_RENAME = 32,    /* n: RNFR, RNTO */
    RIGHT_DIRECTORY = 64, /* m: MKD, RMD */
    RIGHT_ALL = 127
};

/* Parses "full", "read", "collect", or letters like "lrw". Returns 0 or
 * -EINVAL. */
int rights_parse(struct slice text, unsigned *ret);
/* Says why rights_parse() refuses this text, in words for the administrator. */
const char *rights_why_not(struct slice text);
/* Writes the name of the role with these rights, or their letters. Returns
 * OUT. */
const char *rights_text(unsigned rights, char out[16]);

#endif
