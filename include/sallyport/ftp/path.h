/* Virtual paths: bytes, taken literally; a resolved path is absolute. Paths are
 * normalised only here. */
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
    /* "/" or "/a/b": no "//", ".", "..", and no '/' at the end; ends with a
     * NUL */
    char bytes[FTP_PATH_MAX + 1];
};

/* Sets *p to "/". */
void path_root(struct path *p);
/* Resolves ARG against CWD. ".." at the root stays at the root. Returns 0;
 * -EINVAL if ARG is empty or has a NUL, CR or LF; -ENAMETOOLONG if the path is
 * over FTP_PATH_MAX bytes or a component over 255. On failure *ret is
 * untouched. RET may be CWD. */
int path_resolve(const struct path *cwd, struct slice arg, struct path *ret);
/* Returns the bytes of P, valid as long as P. */
struct slice path_slice(const struct path *p);
/* Does ARG name a directory rather than a file? Its last component is then
 * empty, "." or "..". */
bool path_names_directory(struct slice arg);
/* Is P normal already? For paths received over a channel. */
bool path_is_normal(struct slice p);
/* Splits "/a/b" into the directory "/a" (or "/") and the name "b". "/" has an
 * empty name. */
void path_split(struct slice p, struct slice *directory, struct slice *name);

/* May a new file or directory have this name? It must have 1 to 255 bytes, no
 * '/', no control byte (below 0x20, or 0x7f), and not be reserved; "." and ".."
 * are refused. */
bool path_name_ok(struct slice name);
/* Does it begin with PATH_RESERVED, also to a file system that ignores case? */
bool path_name_is_reserved(struct slice name);
#define PATH_RESERVED ".sallyport-"

/* Makes the name for STOU. If the client has given a name (NAMED), NUMBER goes
 * in hexadecimal before the extension of NEAR. Otherwise NEAR is a directory,
 * and the result is a new name in it. Returns 0; -EINVAL if the name is "/";
 * -ENAMETOOLONG. */
int path_unique(const struct path *near, bool named, uint64_t number,
                struct path *ret);

/* Adds P with each '"' doubled, for a 257 reply (RFC 959 appendix II). The
 * quotes around it belong to the reply. INTO needs room for twice the bytes. */
void path_quote(struct slice p, struct buf *into);

#endif
