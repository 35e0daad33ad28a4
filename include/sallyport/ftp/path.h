/* Virtual paths, as clients see them. Each byte stands for itself. A resolved
 * path is absolute. Only these functions normalise paths. */
#ifndef SALLYPORT_FTP_PATH_H
#define SALLYPORT_FTP_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"
#include "sallyport/ftp/line.h"

struct path {
    size_t len;
    bool directory; /* the original argument names a directory:
                       path_names_directory() */
    /* "/" or "/a/b": without "//", ".", "..", and without a '/' at the end.
     * Ends with a NUL */
    char bytes[FTP_PATH_MAX + 1];
};

/* Sets *p to "/". */
void path_root(struct path *p);
/* Resolves ARG against CWD. ".." at the root stays at the root. Returns 0;
 * -EINVAL: ARG is empty, or has a NUL, CR or LF; -ENAMETOOLONG: the path has
 * more than FTP_PATH_MAX bytes, or a component more than 255. On failure *ret
 * doesn't change. RET and CWD can be the same struct. */
int path_resolve(const struct path *cwd, struct slice arg, struct path *ret);
/* Returns the bytes of P, valid as long as P. */
struct slice path_slice(const struct path *p);
/* Does ARG itself say that it names a directory? Returns true if its last
 * component is empty, "." or "..". */
bool path_names_directory(struct slice arg);
/* Is P normal already? Call it for a path from another process. */
bool path_is_normal(struct slice p);
/* Splits "/a/b" into the directory "/a" (or "/") and the name "b". "/" has an
 * empty name. */
void path_split(struct slice p, struct slice *directory, struct slice *name);

/* Can a new file or directory have this name? The name must have 1 to 255
 * bytes, without '/' and control bytes (below 0x20, or 0x7f), and must not be
 * reserved, "." or "..". */
bool path_name_ok(struct slice name);
/* Does NAME begin with PATH_RESERVED, or could a file system that ignores case
 * take NAME for such a name? */
bool path_name_is_reserved(struct slice name);
#define PATH_RESERVED ".sallyport-"

/* Makes the path for STOU. If NAMED, NEAR is the path that the client has
 * given, and NUMBER goes in hexadecimal before its extension. Otherwise NEAR is
 * a directory, and the result is a new name in that directory. Returns 0;
 * -EINVAL: NAMED, and NEAR is "/"; -ENAMETOOLONG. */
int path_unique(const struct path *near, bool named, uint64_t number,
                struct path *ret);

/* Adds P with each '"' doubled, for a 257 reply (RFC 959 appendix II). The
 * quotes around the path are in the text of the reply. INTO needs room for
 * twice the bytes of P. */
void path_quote(struct slice p, struct buf *into);

#endif
