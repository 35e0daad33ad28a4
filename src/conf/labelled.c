/* Rows with a label in their key: further certificates, and their keys and OCSP
 * responses. Runs wherever the configuration is read. Must never open a file.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kinds.h"

int labelled_set(const struct assignment *a)
{
    struct labelled_list *l = a->field;
    struct labelled one = { .line = a->line };
    struct assignment path = *a;
    const struct labelled *old;

    if (!kinds_is_word(a->keyed) ||
        slice_copy(a->keyed, one.label, sizeof(one.label)))
        return kinds_refuse(a,
                            "expected a label after \"%s\": letters, "
                            "digits, '-', '_' and '.', at most %d",
                            a->row->key, SETTINGS_NAME_MAX - 1);
    path.field = one.path;
    if (kinds_set_path(&path))
        return -EINVAL;
    old = settings_find_label(l, one.label);
    if (old)
        return kinds_refuse(a, "is in line %zu already; keep one", old->line);
    if (l->count == CERTIFICATES_MAX - 1)
        return kinds_refuse(a, "more than %d certificates", CERTIFICATES_MAX);
    l->all[l->count++] = one;
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
