/* By which master, which reads none of them, knows certificates and keys again
 * that have not changed: a reload then needs no new set of them. */
#include "stamps.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define FRESH_NS (2 * UINT64_C(1000000000))

static uint64_t nanoseconds(struct timespec t)
{
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return nanoseconds(t);
}

static struct file_stamp stamp(int fd)
{
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return (struct file_stamp){ 0 };
    return (struct file_stamp){ st.st_dev,
                                st.st_ino,
                                (uint64_t)st.st_size,
                                nanoseconds(st.st_mtim),
                                nanoseconds(st.st_ctim),
                                now() };
}

void stamps_take(struct pair_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        struct pair_files *p = &set->pair[i];

        p->stamp[0] = stamp(p->certificate);
        p->stamp[1] = stamp(p->key);
        p->stamp[2] = stamp(p->staple);
    }
    set->client_ca.stamp = stamp(set->client_ca.fd);
    set->client_crl.stamp = stamp(set->client_crl.fd);
}

static bool is_same_name(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same(struct file_stamp a, struct file_stamp b)
{
    return a.device == b.device && a.inode == b.inode && a.size == b.size &&
           a.modified == b.modified && a.changed == b.changed;
}

/* Whatever became of its owner, its mode and its links. */
static bool has_same_content(struct file_stamp a, struct file_stamp b)
{
    b.changed = a.changed;
    return is_same(a, b);
}

static bool is_same_pair(const struct pair_files *a, const struct pair_files *b)
{
    return is_same(a->stamp[0], b->stamp[0]) &&
           is_same(a->stamp[1], b->stamp[1]) &&
           is_same(a->stamp[2], b->stamp[2]) &&
           is_same_name(a->certificate_name, b->certificate_name) &&
           is_same_name(a->key_name, b->key_name) &&
           is_same_name(a->staple_name, b->staple_name);
}

static bool is_same_file(const struct named_file *a, const struct named_file *b)
{
    return is_same(a->stamp, b->stamp) && is_same_name(a->name, b->name);
}

static bool is_fresh_file(const struct file_stamp *s)
{
    return s->opened < s->modified + FRESH_NS &&
           s->modified < s->opened + FRESH_NS && s->opened != 0;
}

/* Within two seconds of a change another one may leave no trace in the times.
 */
static bool is_fresh(const struct pair_set *set)
{
    bool fresh = is_fresh_file(&set->client_ca.stamp) ||
                 is_fresh_file(&set->client_crl.stamp);

    for (size_t i = 0; i < set->count; i++)
        for (int f = 0; f < 3; f++)
            fresh |= is_fresh_file(&set->pair[i].stamp[f]);
    return fresh;
}

bool stamps_are_same(const struct pair_set *a, const struct pair_set *b)
{
    if (a->count != b->count || is_fresh(a))
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!is_same_pair(&a->pair[i], &b->pair[i]))
            return false;
    return is_same_file(&a->client_ca, &b->client_ca) &&
           is_same_file(&a->client_crl, &b->client_crl);
}

static bool is_in(const struct pair_files *a, const struct pair_files *b)
{
    return has_same_content(a->stamp[0], b->stamp[0]) &&
           is_same_name(a->certificate_name, b->certificate_name);
}

static bool is_known(const struct named_file *a, const struct named_file *b)
{
    return has_same_content(a->stamp, b->stamp) &&
           is_same_name(a->name, b->name);
}

void stamps_compare(struct pair_set *set, const struct pair_set *current)
{
    for (size_t i = 0; i < set->count; i++)
        for (size_t at = 0; at < current->count; at++)
            set->pair[i].in_use |= current->pair[at].in_use &&
                                   is_in(&set->pair[i], &current->pair[at]);
    set->client_ca.in_use = is_known(&set->client_ca, &current->client_ca);
    set->client_crl.in_use = is_known(&set->client_crl, &current->client_crl);
}
