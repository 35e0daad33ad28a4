/* Lines of listings and facts (RFC 3659 7). Pure: what is known
 * of an entry in, one line out. */
#ifndef SALLYPORT_FTP_LISTING_H
#define SALLYPORT_FTP_LISTING_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"
#include "sallyport/domain/entry.h"

struct entry {
    struct slice name;   /* bytes as stored */
    struct slice target; /* of a link, for LIST; may be empty */
    enum entry_kind kind;
    uint32_t mode; /* permission bits */
    uint32_t links;
    uint64_t size;
    time_t mtime;
    uint64_t device, inode;
    char perm[12]; /* RFC 3659 7.5.5, NUL-terminated */
};

/* Each adds one line with its CRLF: 0 or -ENOBUFS. In names, CR, LF and NUL
 * become '?'; other bytes stay. */
/* "-rw-r--r--   1 owner group  size Mon DD HH:MM name"; a year in place of the
 * time when mtime is over 180 days from NOW or in the future by over a day. */
int listing_long(struct buf *into, const struct entry *e, time_t now);
int listing_name(struct buf *into, struct slice folder, const struct entry *e);
/* The facts that there are, as bits: OPTS MLST takes a selection. */
enum listing_fact {
    LISTING_TYPE = 1,
    LISTING_SIZE = 2,
    LISTING_MODIFY = 4,
    LISTING_PERM = 8,
    LISTING_UNIQUE = 16,
    LISTING_MODE = 32,
    LISTING_ALL = 63
};
/* "type=file;size=…;modify=…;perm=…;unique=…;UNIX.mode=…; name", of those the
 * ones in FACTS. */
int listing_facts(struct buf *into, const struct entry *e, unsigned facts);
/* The facts named in "type;size;", letters in either case; others are passed
 * over (RFC 3659 7.9). */
unsigned listing_facts_parse(struct slice names);
/* OPTS MLST's reply, "type;size;": those in FACTS. 0 or -ENOBUFS */
int listing_facts_chosen(struct buf *into, unsigned facts);
/* FEAT's line, "type*;size;": all, with a '*' behind those in FACTS. */
int listing_facts_feat(struct buf *into, unsigned facts);

/* "YYYYMMDDHHMMSS" in UTC (RFC 3659 2.3). Returns out. */
const char *listing_time(time_t when, char out[16]);

/* LIST's argument without a leading word of '-' and letters ("-la") and the one
 * blank behind it. */
struct slice listing_argument(struct slice argument);

#endif
