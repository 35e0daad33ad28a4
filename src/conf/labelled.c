/* Rows with a label in their key: further certificates, and their keys and OCSP
 * responses. Runs wherever the configuration is read. Must never open a file.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kinds.h"

static bool is_label(struct slice s)
{
    if (s.len == 0 || s.len >= SETTINGS_NAME_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'))
            return false;
    }
    return true;
}

static int set_path_of(const struct assignment *a, struct labelled *one)
{
    if (a->value.len == 0 || a->value.ptr[0] != '/')
        return kinds_refuse(a, "expected %s",
                            setting_kinds[a->row->type].syntax);
    if (slice_copy(a->value, one->path, sizeof(one->path)))
        return kinds_refuse(a, "too long; at most %d bytes",
                            SETTINGS_PATH_MAX - 1);
    return 0;
}

int labelled_set(const struct assignment *a)
{
    struct labelled_list *l = a->field;
    struct labelled one = { .line = a->line };
    const struct labelled *old;

    if (!is_label(a->keyed))
        return kinds_refuse(a,
                            "expected a label after \"%s\": letters, "
                            "digits, '-', '_' and '.', at most %d",
                            a->row->key, SETTINGS_NAME_MAX - 1);
    slice_copy(a->keyed, one.label, sizeof(one.label));
    if (set_path_of(a, &one))
        return -EINVAL;
    old = settings_find_label(l, one.label);
    if (old)
        return kinds_refuse(a, "is in line %zu already; keep one", old->line);
    if (l->count == CERTIFICATES_MAX - 1)
        return kinds_refuse(a, "more than %d certificates", CERTIFICATES_MAX);
    l->all[l->count++] = one;
    return 0;
}

int labelled_show(const void *field, struct buf *into)
{
    const struct labelled_list *l = field;

    for (size_t i = 0; i < l->count; i++) {
        int r =
            buf_add_format(into, "%s = %s\n", l->all[i].label, l->all[i].path);

        if (r)
            return r;
    }
    return 0;
}

/* Every row of A has its partner in B. */
static int have_partners(const struct settings *s, const char *key,
                         const struct labelled_list *a, const char *other,
                         const struct labelled_list *b, struct complaint *c)
{
    for (size_t i = 0; i < a->count; i++) {
        char why[SETTINGS_NAME_MAX + 64];

        if (settings_find_label(b, a->all[i].label))
            continue;
        snprintf(why, sizeof(why), "there is no %s%s", other, a->all[i].label);
        return settings_blame_labelled(s, key, &a->all[i], c, why);
    }
    return 0;
}

int labelled_check(const struct settings *s, struct complaint *c)
{
    int r =
        have_partners(s, "certificate.", &s->certificates, "key.", &s->keys, c);

    if (r == 0)
        r = have_partners(s, "key.", &s->keys, "certificate.", &s->certificates,
                          c);
    return r != 0 ? r
                  : have_partners(s, "ocsp_file.", &s->ocsp_files,
                                  "certificate.", &s->certificates, c);
}
