/* What a data connection must prove: words that the configuration, the users
 * file, master and session share. */
#ifndef SALLYPORT_BASE_BINDING_H
#define SALLYPORT_BASE_BINDING_H

#include "sallyport/base/slice.h"

enum data_binding {
    BINDING_USER,    /* a TLS session of the same user and address */
    BINDING_SESSION, /* of this very control connection */
    BINDING_ADDRESS, /* nothing but the address */
    BINDING_COUNT
};

extern const char *const binding_words[BINDING_COUNT];

/* 0 or -EINVAL */
int binding_parse(struct slice text, enum data_binding *ret);

#endif
