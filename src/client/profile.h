/* Profiles: named servers with their options, in ~/.config/sallyport/config:
 *
 *     [work]
 *     url = ftps://anna@drop.example.org/in
 *     cacert = /home/anna/drop.pem
 *     parallel = 4
 *
 * The section [default] is for all profiles. A profile's own setting counts
 * more, and one of the command line counts most. */
#ifndef CLIENT_PROFILE_H
#define CLIENT_PROFILE_H

#include "fail.h"
#include "options.h"
#include "sallyport/base/buf.h"
#include "url.h"

#define PROFILE_NAME_MAX 64

struct profile {
    char name[PROFILE_NAME_MAX]; /* "": no profile is loaded */
    struct buf text;             /* the options point into it */
    const char *url;             /* NULL: none */
};

void profile_init(struct profile *p);
void profile_release(struct profile *p);

/* Reads section NAME (and [default]) into the options, which keep pointing into
 * *P. Returns 0; 1: there is no such section; -1 with the reason. */
int profile_load(struct profile *p, const char *name, struct options *o,
                 struct failure *why);

#endif
