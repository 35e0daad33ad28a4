/* The settings of TLS: its least version and its cipher suites. A name is held
 * to the list in base, since master reads the configuration and has no OpenSSL.
 * Runs wherever the configuration is read. */
#include "sallyport/base/suites.h"

#include <errno.h>

#include "kinds.h"

int set_tls_version(const struct assignment *a)
{
    return set_word(a, tls_version_words, TLS_VERSIONS);
}

int show_tls_version(const void *field, struct buf *into)
{
    return buf_add_text(into, tls_version_words[*(const unsigned *)field]);
}

static int refuse(const struct assignment *a, enum tls_version v,
                  struct slice name, int error)
{
    struct suites elsewhere = { 0 };

    if (error == -EEXIST)
        return assignment_refuse(a, "%.*s stands there twice", (int)name.len,
                                 name.ptr);
    if (suites_add(&elsewhere, v == TLS_12 ? TLS_13 : TLS_12, name) == 0)
        return assignment_refuse(
            a, "%.*s is of TLS %s, and this is for %s", (int)name.len, name.ptr,
            tls_version_words[v == TLS_12 ? TLS_13 : TLS_12],
            tls_version_words[v]);
    return assignment_refuse(a,
                             "%.*s is none of the suites with forward secrecy "
                             "and authenticated encryption, which the default "
                             "has",
                             (int)name.len, name.ptr);
}

static int set_suites(const struct assignment *a, enum tls_version v)
{
    struct slice rest = a->value, name;
    struct suites s = { 0 };

    while (slice_cut(&rest, ',', &name)) {
        int r;

        name = slice_trim(name);
        if (name.len == 0)
            return assignment_refuse(a, "expected %s",
                                     setting_kinds[a->row->type].syntax);
        r = suites_add(&s, v, name);
        if (r < 0)
            return refuse(a, v, name, r);
    }
    *(struct suites *)a->field = s;
    return 0;
}

int set_suites_12(const struct assignment *a)
{
    return set_suites(a, TLS_12);
}

int set_suites_13(const struct assignment *a)
{
    return set_suites(a, TLS_13);
}

int show_suites_12(const void *field, struct buf *into)
{
    return suites_text(field, TLS_12, ", ", into);
}

int show_suites_13(const void *field, struct buf *into)
{
    return suites_text(field, TLS_13, ", ", into);
}
