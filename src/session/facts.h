/* The answer FACTS_ARE. */
#ifndef SALLYPORT_SRC_SESSION_FACTS_H
#define SALLYPORT_SRC_SESSION_FACTS_H

#include "session.h"

/* Its values, by position. */
enum {
    FACT_KIND,
    FACT_SIZE,
    FACT_MTIME,
    FACT_PERM,
    FACT_MODE,
    FACT_DEVICE,
    FACT_INODE
};

/* SIZE and MDTM are for files: false, and the client has its reply, for
 * anything else and for a refusal. */
bool facts_of_file(struct session *s, struct packet *p);

#endif
