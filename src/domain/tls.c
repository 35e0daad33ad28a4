/* Words about TLS. Pure: processes without OpenSSL check the configuration's
 * names with it. The list of suites must never have one without forward secrecy
 * or without authenticated encryption (RFC 9325 4.2). */
#include "sallyport/domain/tls.h"

#include <errno.h>

const char *const tls_version_words[TLS_VERSIONS] = { "1.2", "1.3" };

/* AES-128 comes first: it is the fastest, and strong enough. */
const char *const suite_names[TLS_VERSIONS][SUITES_MAX + 1] = {
    [TLS_12] = { "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
                 "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
                 "ECDHE-ECDSA-CHACHA20-POLY1305",
                 "ECDHE-RSA-CHACHA20-POLY1305" },
    [TLS_13] = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                 "TLS_CHACHA20_POLY1305_SHA256" },
};

void suites_policy_init(struct tls_policy *p)
{
    *p = (struct tls_policy){ .least = TLS_12 };
    for (unsigned v = 0; v < TLS_VERSIONS; v++)
        for (unsigned i = 0; suite_names[v][i]; i++)
            p->suites[v].place[p->suites[v].count++] = (unsigned char)i;
}

static bool suites_has(const struct suites *s, unsigned place)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->place[i] == place)
            return true;
    return false;
}

int suites_add(struct suites *s, enum tls_version v, struct slice name)
{
    for (unsigned i = 0; suite_names[v][i]; i++) {
        if (!slice_equal(name, slice_from(suite_names[v][i])))
            continue;
        if (suites_has(s, i))
            return -EEXIST;
        s->place[s->count++] = (unsigned char)i;
        return 0;
    }
    return -ENOENT;
}

int suites_text(const struct suites *s, enum tls_version v, const char *between,
                struct buf *into)
{
    for (size_t i = 0; i < s->count; i++) {
        int r = i > 0 ? buf_add_text(into, between) : 0;

        if (r == 0)
            r = buf_add_text(into, suite_names[v][s->place[i]]);
        if (r < 0)
            return r;
    }
    return 0;
}

const char *const clients_words[CLIENTS_COUNT] = {
    [CLIENTS_OFF] = "off",
    [CLIENTS_REQUEST] = "request",
    [CLIENTS_REQUIRE] = "require",
};
