/* Which server is trusted to be the right one. */
#ifndef CLIENT_TRUST_H
#define CLIENT_TRUST_H

#include "certificate.h"
#include "fail.h"
#include "options.h"
#include "sallyport/base/slice.h"
#include "url.h"

struct trust {
    char pin[CERTIFICATE_PIN_MAX]; /* "": the CAs decide */
    bool by_pin_alone;             /* no CA is asked */
};

/* --pin, else the file of known hosts, else the CAs. With --trust-new an
 * unknown server's certificate is fetched before USER is sent, shown, and its
 * key remembered if the user agrees. 0 or -1 with the reason. */
int trust_decide(const struct options *o, const struct url *url,
                 struct trust *ret, struct failure *why);

/* The key that TEXT, known hosts, has for HOST:PORT. 0, or 1: none. */
int trust_known(struct slice text, const char *host, unsigned port,
                char pin[CERTIFICATE_PIN_MAX]);

#endif
