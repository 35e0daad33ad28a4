/* Parses listings. Pure. Every byte comes from the server, so a name that would
 * leave the directory, or control the terminal, is refused. */
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "link.h"
#include "sallyport/ftp/times.h"

/* Bytes of all listings that exist, in all threads. */
static atomic_size_t listing_bytes;

bool listing_safe(struct slice name)
{
    if (name.len == 0 || name.len > NAME_MAX || slice_equal(name, SLICE(".")) ||
        slice_equal(name, SLICE("..")))
        return false;
    return !slice_has_control(name) && !slice_has(name, '/');
}

void listing_release(struct listing *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->entry[i].name);
    free(l->entry);
    atomic_fetch_sub(&listing_bytes, l->bytes);
    *l = (struct listing){ 0 };
}

/* Counts a line that perhaps names a file, but gives no entry. Returns 1. */
static int listing_refuse(struct listing *l)
{
    l->refused++;
    return 1;
}

/* Adds an entry, except the directory itself and its parent. */
static int listing_add_listed(struct listing *l, const struct listing_entry *e,
                              struct slice name)
{
    if (slice_equal(name, SLICE(".")) || slice_equal(name, SLICE("..")))
        return 1;
    if (!listing_safe(name))
        return listing_refuse(l);
    if (l->count == LISTING_MAX)
        return -E2BIG;
    size_t bytes = sizeof(*l->entry) + name.len + 1;
    if (atomic_fetch_add(&listing_bytes, bytes) + bytes > LISTING_BYTES_MAX) {
        atomic_fetch_sub(&listing_bytes, bytes);
        return -E2BIG;
    }
    l->bytes += bytes;
    if (l->count == l->size) {
        size_t size = l->size ? 2 * l->size : 64;
        struct listing_entry *more =
            reallocarray(l->entry, size, sizeof(*more));
        if (!more)
            return -ENOMEM;
        l->entry = more;
        l->size = size;
    }
    l->entry[l->count] = *e;
    l->entry[l->count].name = strndup(name.ptr, name.len);
    if (!l->entry[l->count].name)
        return -ENOMEM;
    l->count++;
    return 0;
}

/* Reads the time. 0 means unknown, so the first second of 1970, and all times
 * before it, become 1. */
time_t listing_read_time(struct slice text)
{
    time_t when = 0;
    int r = time_parse(text, &when);

    if (r == 0)
        return when ? when : 1;
    return r == -ERANGE && memcmp(text.ptr, "1970", 4) < 0;
}

/* Reads a fact. Returns false for "cdir" and "pdir", which are no entries. */
static bool listing_fact(struct listing_entry *e, struct slice fact)
{
    struct slice value = fact, name;

    slice_cut(&value, '=', &name);
    if (!value.ptr)
        return true;
    if (slice_equal_nocase(name, SLICE("size"))) {
        e->sized = slice_number(value, INT64_MAX, &e->size) == 0;
    } else if (slice_equal_nocase(name, SLICE("modify"))) {
        e->modified = listing_read_time(value);
    } else if (slice_equal_nocase(name, SLICE("unique"))) {
        /* "DEVICEUINODE". Two nodes can have two numbers for one device. */
        slice_cut(&value, 'U', &name);
        for (size_t i = 0; i < value.len; i++)
            e->unique = 257 * e->unique + (unsigned char)value.ptr[i];
    } else if (slice_equal_nocase(name, SLICE("type"))) {
        bool itself = slice_equal_nocase(value, SLICE("cdir")) ||
                      slice_equal_nocase(value, SLICE("pdir"));

        e->kind = slice_equal_nocase(value, SLICE("file")) ? LISTED_FILE
                  : itself || slice_equal_nocase(value, SLICE("dir"))
                      ? LISTED_DIRECTORY
                      : LISTED_OTHER;
        return !itself;
    }
    return true;
}

void listing_take_mlst(struct listing_entry *e, struct slice line)
{
    struct slice facts, fact;

    e->kind = LISTED_OTHER;
    slice_cut(&line, ' ', &facts);
    while (slice_cut(&facts, ';', &fact))
        listing_fact(e, fact);
}

int listing_take_mlsd(struct listing *l, struct slice line)
{
    struct listing_entry e = { .kind = LISTED_OTHER };
    struct slice facts, fact;

    slice_cut(&line, ' ', &facts);
    if (!line.ptr)
        return listing_refuse(l);
    while (slice_cut(&facts, ';', &fact))
        if (!listing_fact(&e, fact))
            return 1;
    return listing_add_listed(l, &e, line);
}

static int listing_compare(const void *a, const void *b)
{
    return strcmp(((const struct listing_entry *)a)->name,
                  ((const struct listing_entry *)b)->name);
}

void listing_sort(struct listing *l)
{
    if (l->count > 1)
        qsort(l->entry, l->count, sizeof(*l->entry), listing_compare);
}

bool listing_is_same(const struct listing_entry *e, uint64_t size,
                     time_t modified, uint64_t unique)
{
    return e->size == size && e->modified == modified &&
           (e->unique == unique || !e->unique || !unique);
}

uint64_t listing_hash(const char *path, const char *folds)
{
    uint64_t hash = folds != NULL;

    for (size_t n; *path; path += n) {
        wchar_t c = 0;

        n = mbrtowc(&c, path, MB_CUR_MAX, &(mbstate_t){ 0 });
        if (n > MB_CUR_MAX) { /* not in UTF-8: no letter */
            c = 0x110000 + (unsigned char)*path;
            n = 1;
        }
        hash ^=
            folds && path >= folds ? towlower(towupper((wint_t)c)) : (wint_t)c;
        hash *= 0x9e3779b97f4a7c15;
    }
    return hash;
}

const struct listing_entry *listing_find(const struct listing *l,
                                         const char *path)
{
    const struct listing_entry key = { .name = (char *)url_base(path) };

    return l->count ? bsearch(&key, l->entry, l->count, sizeof(*l->entry),
                              listing_compare)
                    : NULL;
}
