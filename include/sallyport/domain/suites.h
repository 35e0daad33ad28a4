/* The TLS versions and cipher suites that can be configured, by their names in
 * OpenSSL. */
#ifndef SALLYPORT_DOMAIN_SUITES_H
#define SALLYPORT_DOMAIN_SUITES_H

#include <stddef.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"

enum tls_version { TLS_12, TLS_13, TLS_VERSIONS };
extern const char *const tls_version_words[TLS_VERSIONS]; /* "1.2", "1.3" */

#define SUITES_MAX 6

/* All suites of a version, the preferred ones first; NULL after the last. */
extern const char *const suite_names[TLS_VERSIONS][SUITES_MAX + 1];

/* A choice of suites in the server's order, as indices of suite_names. */
struct suites {
    size_t count; /* 1 to SUITES_MAX; none occurs twice */
    unsigned char place[SUITES_MAX];
};

struct tls_policy {
    unsigned least; /* enum tls_version */
    struct suites suites[TLS_VERSIONS];
};

/* Sets TLS 1.2 and 1.3 with all suites. */
void suites_policy_init(struct tls_policy *p);

/* Adds a suite at the end. Returns 0; -ENOENT: there is no such suite; -EEXIST:
 * it is in the list already. */
int suites_add(struct suites *s, enum tls_version v, struct slice name);
/* Adds the names of the suites, with BETWEEN between them. Returns 0, -ENOBUFS
 * or -ENOMEM. */
int suites_text(const struct suites *s, enum tls_version v, const char *between,
                struct buf *into);

#endif
