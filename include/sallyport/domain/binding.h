/* The proof that a data connection must give: words that the configuration, the
 * users file, master and session share. */
#ifndef SALLYPORT_DOMAIN_BINDING_H
#define SALLYPORT_DOMAIN_BINDING_H

#include "sallyport/base/slice.h"

enum data_binding {
    BINDING_USER,    /* a TLS session of the same user and address */
    BINDING_SESSION, /* the TLS session of this control connection */
    BINDING_ADDRESS, /* only the client's address */
    BINDING_COUNT
};

extern const char *const binding_words[BINDING_COUNT];

/* Returns 0 or -EINVAL. */
int binding_parse(struct slice text, enum data_binding *ret);

#endif
