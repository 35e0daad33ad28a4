/* The cipher suites of TLS. Their names are compared with a list in domain,
 * since reader has no OpenSSL. Runs wherever the configuration is read. */
#include "sallyport/domain/suites.h"

#include <errno.h>

#include "kinds.h"

static int refuse_suite(const struct assignment *a, enum tls_version v,
                        struct slice name, int error)
{
    struct suites elsewhere = { 0 };

    if (error == -EEXIST)
        return kinds_refuse(a, "%.*s occurs twice", (int)name.len, name.ptr);
    if (suites_add(&elsewhere, v == TLS_12 ? TLS_13 : TLS_12, name) == 0)
        return kinds_refuse(a, "%.*s is of TLS %s, and this is for %s",
                            (int)name.len, name.ptr,
                            tls_version_words[v == TLS_12 ? TLS_13 : TLS_12],
                            tls_version_words[v]);
    return kinds_refuse(a,
                        "%.*s is none of the suites with forward secrecy "
                        "and authenticated encryption, which the default "
                        "has",
                        (int)name.len, name.ptr);
}

int suites_set(const struct assignment *a)
{
    enum tls_version v = a->row->type == SETTING_SUITES_12 ? TLS_12 : TLS_13;
    struct slice rest = a->value, name;
    struct suites s = { 0 };

    while (slice_cut(&rest, ',', &name)) {
        int r;

        name = slice_trim(name);
        if (name.len == 0)
            return kinds_refuse_syntax(a);
        r = suites_add(&s, v, name);
        if (r < 0)
            return refuse_suite(a, v, name, r);
    }
    *(struct suites *)a->field = s;
    return 0;
}
