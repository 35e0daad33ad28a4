/* The last column of a users line: "key=value key=value". A new key is a row of
 * this table. Pure. */
#include "options.h"

#include <errno.h>

static int set_rights(struct user *user, struct slice value,
                      struct complaint *c)
{
    if (rights_parse(value, &user->rights) == 0)
        return 0;
    return complain(c, "rights=%.*s: %s", (int)value.len, value.ptr,
                    rights_why_not(value));
}

static int set_conflict(struct user *user, struct slice value,
                        struct complaint *c)
{
    if (conflict_parse(value, &user->on_conflict) < 0)
        return complain(c,
                        "on_conflict=%.*s: expected overwrite, rename, "
                        "version or reject",
                        (int)value.len, value.ptr);
    user->has_conflict = true;
    return 0;
}

static int set_upload_eof(struct user *user, struct slice value,
                          struct complaint *c)
{
    if (upload_eof_parse(value, &user->upload_eof) < 0)
        return complain(
            c, "upload_eof=%.*s: expected strict, size, lenient or announced",
            (int)value.len, value.ptr);
    user->has_upload_eof = true;
    return 0;
}

static int set_binding(struct user *user, struct slice value,
                       struct complaint *c)
{
    if (binding_parse(value, &user->data_binding) < 0)
        return complain(c,
                        "data_binding=%.*s: expected user, session or address",
                        (int)value.len, value.ptr);
    user->has_binding = true;
    return 0;
}

static int set_certificate(struct user *user, struct slice value,
                           struct complaint *c)
{
    user->certificate = value;
    return user_certificate_check(value, c);
}

static int set_login(struct user *user, struct slice value, struct complaint *c)
{
    user->certificate_only = slice_equal(value, SLICE("certificate"));
    if (user->certificate_only || slice_equal(value, SLICE("password")))
        return 0;
    return complain(c, "login=%.*s: expected password or certificate",
                    (int)value.len, value.ptr);
}

static const struct option {
    const char *key;
    int (*set)(struct user *user, struct slice value, struct complaint *c);
} options[] = {
    { "rights", set_rights },           { "on_conflict", set_conflict },
    { "upload_eof", set_upload_eof },   { "data_binding", set_binding },
    { "certificate", set_certificate }, { "login", set_login },
};
#define OPTIONS (sizeof(options) / sizeof(options[0]))
_Static_assert(OPTIONS <= 32, "a bit for each option that was seen");

static int set_option(struct user *user, struct slice word, unsigned *seen,
                      struct complaint *c)
{
    struct slice key, value = word;

    slice_cut(&value, '=', &key);
    if (!value.ptr)
        return complain(c, "\"%.*s\" in the last column: expected key=value",
                        (int)word.len, word.ptr);
    for (size_t i = 0; i < OPTIONS; i++) {
        if (!slice_equal(key, slice_from(options[i].key)))
            continue;
        if (*seen & 1u << i)
            return complain(c, "%s= occurs twice", options[i].key);
        *seen |= 1u << i;
        return options[i].set(user, value, c);
    }
    return complain(c, "unknown key \"%.*s\" in the last column", (int)key.len,
                    key.ptr);
}

/* With login=certificate the client must prove its certificate to auth. A
 * fingerprint can be proved, a name can't. */
static int check_login(const struct user *user, struct complaint *c)
{
    struct slice rest = user->certificate, one;
    unsigned pins = 0;

    if (!user->certificate_only)
        return 0;
    if (rest.len == 0)
        return complain(c, "login=certificate needs certificate=sha256:…");
    while (slice_cut(&rest, ';', &one)) {
        if (!slice_starts(one, SLICE("sha256:")))
            return complain(c,
                            "login=certificate goes with sha256: only, not "
                            "with %.*s",
                            (int)one.len, one.ptr);
        if (++pins > USER_PINS_MAX)
            return complain(c, "login=certificate takes %d certificates",
                            USER_PINS_MAX);
    }
    return 0;
}

int options_read(struct user *user, struct slice text, struct complaint *c)
{
    struct slice word;
    unsigned seen = 0;

    user->rights = RIGHT_ALL;
    while (slice_cut(&text, ' ', &word))
        if (word.len && set_option(user, word, &seen, c))
            return -EINVAL;
    return check_login(user, c);
}
