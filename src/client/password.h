/* The user's password, from one of several places; never from an argument. */
#ifndef CLIENT_PASSWORD_H
#define CLIENT_PASSWORD_H

#include "fail.h"
#include "options.h"
#include "sallyport/base/secret.h"
#include "url.h"

/* In this order: --password-file, the variable SALLYPORT_PASSWORD, netrc, the
 * desktop's keyring, a question on the terminal. A user that URL doesn't name
 * comes from --user or netrc. 0 or -1 with the reason. */
int password_find(const struct options *o, struct url *url, struct secret *ret,
                  struct failure *why);

/* The password of URL's host (and user, if it has one) in a netrc's text; a
 * user that is missing is filled in. False: there is none. */
bool password_netrc(struct slice text, struct url *url, struct secret *ret);

#endif
