/* What a start needs before a process runs. */
#ifndef SALLYPORT_SRC_CHECK_PREPARE_H
#define SALLYPORT_SRC_CHECK_PREPARE_H

#include "sallyport/settings/prepared.h"

struct check;

/* Each returns what becomes p->result, with the complaint in p->why. */
typedef int prepare_part(const struct check *k, struct prepared *p);

/* The accounts of all children, which must be apart from each other and from
 * the users. Without root there are none. */
prepare_part prepare_accounts;
/* The directory `empty`. */
prepare_part prepare_empty;
/* The key of the partials' names, in the directory `state`. If p->inherited,
 * the file must have that key, since a restart uses the file's. */
prepare_part prepare_key;
/* Whether this kernel and container can do what master and files need for
 * their sandboxes. */
prepare_part prepare_sandbox;

#endif
