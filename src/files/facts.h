/* What is known of one name in an open directory. */
#ifndef FILES_FACTS_H
#define FILES_FACTS_H

#include <stdbool.h>
#include <sys/stat.h>

#include "sallyport/domain/entry.h"
#include "sallyport/ftp/path.h"

struct files;

/* A directory in which names are looked up. */
struct view {
    int fd;
    struct stat st;
    struct slice path; /* its virtual path, to follow links from */
};

struct facts {
    struct stat st; /* of a link's target, if there is one */
    bool dangling;  /* a link that leads nowhere inside the home */
    unsigned perm;
};

/* 0 or -errno */
int facts_read(const struct files *f, const struct view *in, const char *name,
               struct facts *ret);
enum entry_kind facts_kind(const struct facts *facts);

#endif
