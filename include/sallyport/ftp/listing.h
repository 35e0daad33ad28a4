/* Lines of listings and facts (RFC 3659 7). Pure functions: each turns an entry
 * into a line. */
#ifndef SALLYPORT_FTP_LISTING_H
#define SALLYPORT_FTP_LISTING_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"
#include "sallyport/domain/outcome.h"

struct entry {
    struct slice name;   /* bytes as on the disk */
    struct slice target; /* a link's target, for LIST; may be empty */
    enum entry_kind kind;
    uint32_t mode; /* permission bits */
    uint32_t links;
    uint64_t size;
    time_t mtime;
    uint64_t device, inode;
    unsigned perm;      /* enum perm bits */
    struct slice owner; /* a user's name, or empty */
};

/* Each function adds one line with its CRLF. Returns 0; -ENOMEM; -ENOBUFS: the
 * buffer lacks room for the names and 178 further bytes. In names, CR, LF and
 * NUL become '?'; other bytes don't change. */
/* Adds "-rw-r--r--   1 owner group  size Mon DD HH:MM name", with the owner's
 * name or, if it is empty, the word "owner". The year is in the place of the
 * time if the entry is more than 180 days older than NOW, or more than a day
 * newer. */
int listing_long(struct buf *into, const struct entry *e, time_t now);
/* Adds a line of NLST: DIRECTORY, and NAME directly after it. */
int listing_name(struct buf *into, struct slice directory, struct slice name);
/* The supported facts, as bits. OPTS MLST selects some of them. */
enum listing_fact {
    LISTING_TYPE = 1,
    LISTING_SIZE = 2,
    LISTING_MODIFY = 4,
    LISTING_PERM = 8,
    LISTING_UNIQUE = 16,
    LISTING_MODE = 32,
    LISTING_OWNER = 64,
    LISTING_ALL = 127
};
/* Adds "type=file;size=…;modify=…;perm=…;unique=…;UNIX.mode=…;UNIX.ownername=…;
 * name", with the facts in FACTS only. */
int listing_facts(struct buf *into, const struct entry *e, unsigned facts);
/* Parses "type;size;", ignoring case. Unknown facts are ignored (RFC 3659
 * 7.9). */
unsigned listing_facts_parse(struct slice names);
/* Adds the names of the FACTS for the reply to OPTS MLST: "type;size;". If
 * FEAT is true, adds the names of all facts, with a '*' after each of FACTS:
 * "type*;size;". */
void listing_facts_names(struct buf *into, unsigned facts, bool feat);

/* Writes "YYYYMMDDHHMMSS" in UTC (RFC 3659 2.3). Returns OUT. */
const char *listing_time(time_t when, char out[16]);

/* Returns LIST's argument without its options. Drops the first word, and the
 * blank after it, if that word is '-' with letters or 1 ("-la", "-1"). */
struct slice listing_argument(struct slice argument);

#endif
