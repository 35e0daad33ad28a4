/* Which TLS is spoken: the versions and cipher suites that can be chosen from,
 * by the names that OpenSSL gives them. What isn't here can't be configured. */
#ifndef SALLYPORT_BASE_SUITES_H
#define SALLYPORT_BASE_SUITES_H

#include <stddef.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"

enum tls_version { TLS_12, TLS_13, TLS_VERSIONS };
extern const char *const tls_version_words[TLS_VERSIONS]; /* "1.2", "1.3" */

#define SUITES_MAX 6

/* All there are, the preferred first; NULL behind the last. */
extern const char *const suite_names[TLS_VERSIONS][SUITES_MAX + 1];

/* Some of them, in the server's order: places in suite_names. */
struct suites {
    size_t count; /* 1 to SUITES_MAX, none twice */
    unsigned char place[SUITES_MAX];
};

struct tls_policy {
    unsigned least; /* enum tls_version */
    struct suites suites[TLS_VERSIONS];
};

/* TLS 1.2 and 1.3 with all suites. */
void tls_policy_init(struct tls_policy *p);

/* Adds one at the end: 0, -ENOENT (there is no such one), -EEXIST (it is there
 * already). */
int suites_add(struct suites *s, enum tls_version v, struct slice name);
/* Their names, BETWEEN two of them: 0, -ENOBUFS or -ENOMEM. */
int suites_text(const struct suites *s, enum tls_version v, const char *between,
                struct buf *into);

#endif
