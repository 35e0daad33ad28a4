/* The perm fact (RFC 3659 7.5.5): what this user may do with an entry. */
#ifndef FILES_PERM_H
#define FILES_PERM_H

#include <stdbool.h>

struct files;
struct stat;

/* Its bits, enum perm. DIRECTORY is the entry's directory (NULL for "/"). LINK:
 * it was reached through a link there, and ST describes the link's target. */
unsigned perm_of(const struct files *f, const struct stat *directory,
                 const struct stat *st, bool link);

#endif
