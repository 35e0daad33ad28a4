/* Decides whether a server is trusted. */
#ifndef CLIENT_TRUST_H
#define CLIENT_TRUST_H

#include "certificate.h"
#include "fail.h"
#include "options.h"
#include "sallyport/base/slice.h"
#include "url.h"

struct trust {
    char pin[CERTIFICATE_PIN_MAX]; /* "": the CAs decide */
    bool by_pin_alone;             /* no CA decides */
};

/* Uses --pin, or the file of known hosts, or the CAs. With --trust-new it gets
 * the certificate of an unknown server before USER is sent, shows it, and
 * remembers its key if the user agrees. Returns 0, or -1 with the reason. */
int trust_decide(const struct options *o, const struct url *url,
                 struct trust *ret, struct failure *why);

/* Finds the key for HOST:PORT in TEXT, a file of known hosts. Returns 0, or 1:
 * there is none. */
int trust_known(struct slice text, const char *host, unsigned port,
                char pin[CERTIFICATE_PIN_MAX]);

#endif
