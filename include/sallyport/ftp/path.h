/* Virtual paths: bytes, taken literally, always absolute after resolving. The
 * one place where a path is normalised. */
#ifndef SALLYPORT_FTP_PATH_H
#define SALLYPORT_FTP_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"
#include "sallyport/ftp/line.h"

struct path {
    /* "/" or "/a/b": no "//", ".", "..", no '/' at the end; a NUL behind */
    char bytes[FTP_PATH_MAX + 1];
    size_t len;
    bool directory; /* path_names_folder() of what it was resolved from */
};

void path_root(struct path *p);
/* ARG against CWD: ".." at the root stays there. -EINVAL for a NUL, CR, LF or
 * empty ARG; -ENAMETOOLONG over FTP_PATH_MAX, or a component over 255. On
 * failure *ret is untouched; ret may be cwd itself. */
int path_resolve(const struct path *cwd, struct slice arg, struct path *ret);
struct slice path_slice(const struct path *p);
/* ARG can't be the name of a file: its last component is empty, "." or "..". */
bool path_names_folder(struct slice arg);
/* An already normal path, as it comes over a channel? */
bool path_is_normal(struct slice p);
/* "/a/b": folder "/a" (or "/"), name "b". "/" has an empty name. */
void path_split(struct slice p, struct slice *folder, struct slice *name);

/* A name for a new file or folder: not empty, ".", "..", no '/', no control
 * byte (under 0x20, 0x7f), not beginning with PATH_RESERVED, up to 255. */
bool path_name_ok(struct slice name);
#define PATH_RESERVED ".sallyport-"

/* STOU's name: NUMBER, in hexadecimal, in front of the extension of NEAR; or,
 * unless NEAR is NAMED by the client, a new name in the folder NEAR. -EINVAL
 * for "/" as a name; -ENAMETOOLONG. */
int path_unique(const struct path *near, bool named, uint64_t number,
                struct path *ret);

/* For the quotes of a 257 reply: '"' doubled (RFC 959 appendix II); the quotes
 * around it are the reply's. 0, -ENOBUFS */
int path_quote(struct slice p, struct buf *into);

#endif
