/* Compares the directories of users and shares as the kernel would find them:
 * by a symbolic link, two different paths can lead to the same directory. */
#include "sallyport/users/places.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"

int place_tidy(struct slice path, char *out, size_t size)
{
    struct slice part;
    size_t len = 0;

    while (slice_cut(&path, '/', &part)) {
        if (part.len == 0)
            continue;
        if (len + part.len + 2 > size)
            return -ENAMETOOLONG;
        out[len++] = '/';
        memmove(out + len, part.ptr, part.len);
        len += part.len;
    }
    out[len] = '\0';
    return 0;
}

void place_resolve(const void *none, const char *path, char out[PATH_MAX])
{
    char tidy[PATH_MAX], head[PATH_MAX], real[PATH_MAX] = "";
    int len;

    (void)none;
    if (place_tidy(slice_from(path), tidy, sizeof(tidy)))
        tidy[0] = '\0'; /* PATH is longer than any path of a row */
    memcpy(head, tidy, sizeof(head));
    while (head[0] && !realpath(head, real))
        *strrchr(head, '/') = '\0';
    len = snprintf(out, PATH_MAX, "%s%s", head[0] && real[1] ? real : "",
                   tidy + strlen(head));
    if (len >= PATH_MAX)
        memcpy(out, tidy, sizeof(tidy));
}

static bool place_add(struct places *p, struct row_place one, const char *path)
{
    char real[PATH_MAX];

    p->resolve(p->owner, path, real);
    one.path = strdup(real);
    p->all[p->count] = one;
    p->count += one.path != NULL;
    return one.path != NULL;
}

/* Sorts each directory before the paths in it, and equal paths by their
 * lines. */
static int place_order(const void *a, const void *b)
{
    const struct row_place *x = a, *y = b;
    int order = user_path_order(x->path, y->path);

    return order ? order : (x->line > y->line) - (x->line < y->line);
}

bool places_fill(struct places *p, const struct users *u,
                 place_resolver *resolve, const void *owner)
{
    bool ok;

    *p = (struct places){ .all =
                              calloc(u->count + u->shares + 1, sizeof(*p->all)),
                          .resolve = resolve ? resolve : place_resolve,
                          .owner = owner };
    ok = p->all != NULL;
    for (size_t i = 0; i < u->count && ok; i++) {
        const struct user *row = &u->row[i];

        ok = place_add(
            p, (struct row_place){ NULL, row, row->name, row->line, false },
            row->home);
    }
    for (size_t i = 0; i < u->shares && ok; i++) {
        const struct share *row = &u->share[i];

        ok = place_add(
            p, (struct row_place){ NULL, row, row->name, row->line, true },
            row->path);
    }
    if (ok)
        qsort(p->all, p->count, sizeof(*p->all), place_order);
    return ok;
}

void places_release(struct places *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->all[i].path);
    free(p->all);
    *p = (struct places){ .all = NULL };
}

/* Finds the first place that is PATH or, if BENEATH, lies in PATH. Ignores the
 * place of the row OWN. */
static const struct row_place *place_find(const struct places *p,
                                          const char *path, bool beneath,
                                          const void *own)
{
    size_t from = 0, to = p->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (user_path_order(p->all[middle].path, path) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    for (size_t i = from; i < p->count; i++) {
        const struct row_place *one = &p->all[i];

        if (strcmp(one->path, path) != 0 &&
            !(beneath && user_path_beneath(one->path, path)))
            return NULL;
        if (one->row != own)
            return one;
    }
    return NULL;
}

const struct row_place *places_overlap(const struct places *p, const char *path,
                                       const void *own)
{
    char real[PATH_MAX], *slash;
    const struct row_place *found;

    p->resolve(p->owner, path, real);
    found = place_find(p, real, true, own);
    while (!found && (slash = strrchr(real, '/'))) {
        *slash = '\0';
        found = place_find(p, real, false, own);
    }
    return found;
}

int places_homes(const struct users *u, const char *below, struct buf *into)
{
    int r = 0;

    buf_init(into, SIZE_MAX);
    for (size_t i = 0; i < u->count && r == 0; i++) {
        const struct user *row = &u->row[i];

        if (!row->locked && user_path_beneath(row->home, below))
            r = buf_add(into, row->home, strlen(row->home) + 1);
    }
    return r;
}

size_t places_missing(struct slice homes, const char *below,
                      struct complaint *c)
{
    size_t all = 0, missing = 0;
    struct slice home;

    for (; homes.len > 0 && slice_cut(&homes, '\0', &home); all++) {
        FD_CLEANUP int fd = open(home.ptr, O_PATH | O_DIRECTORY | O_CLOEXEC);

        missing += fd < 0 && errno == ENOENT;
        if (all + 1 - missing >= PLACES_ENOUGH)
            return 0;
    }
    if (missing * 2 <= all)
        return 0;
    complain(c, "%zu of %zu homes in %s " PLACES_LOST, missing, all, below);
    return missing;
}
