/* Finds the user's password in one of several places; never in an argument. */
#ifndef CLIENT_PASSWORD_H
#define CLIENT_PASSWORD_H

#include "fail.h"
#include "options.h"
#include "sallyport/base/secret.h"
#include "url.h"

/* Looks, in this order, at --password-file, the variable SALLYPORT_PASSWORD,
 * netrc and the desktop's keyring, and then asks on the terminal. If URL has no
 * user, --user or netrc gives one. Returns 0, or -1 with the reason. */
int password_find(const struct options *o, struct url *url, struct secret *ret,
                  struct failure *why);

/* Finds the password of URL's host (and user, if it has one) in the text of a
 * netrc, and fills in a missing user. Returns false if there is none. */
bool password_netrc(struct slice text, struct url *url, struct secret *ret);

#endif
