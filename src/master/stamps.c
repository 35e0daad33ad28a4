/* By which master, which reads none of them, knows certificates and keys again
 * that have not changed: a reload then needs no new set of them. */
#include "stamps.h"

#include <string.h>
#include <sys/stat.h>

static uint64_t nanoseconds(struct timespec t)
{
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct file_stamp stamp(int fd)
{
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return (struct file_stamp){ 0 };
    return (struct file_stamp){ st.st_dev, st.st_ino, (uint64_t)st.st_size,
                                nanoseconds(st.st_mtim),
                                nanoseconds(st.st_ctim) };
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

static bool is_same_certificate(const struct pair_files *a,
                                const struct pair_files *b)
{
    return is_same(a->stamp[0], b->stamp[0]) &&
           is_same_name(a->certificate_name, b->certificate_name);
}

static bool is_same_pair(const struct pair_files *a, const struct pair_files *b)
{
    return is_same_certificate(a, b) && is_same(a->stamp[1], b->stamp[1]) &&
           is_same(a->stamp[2], b->stamp[2]) &&
           is_same_name(a->key_name, b->key_name) &&
           is_same_name(a->staple_name, b->staple_name);
}

static bool is_same_file(const struct named_file *a, const struct named_file *b)
{
    return is_same(a->stamp, b->stamp) && is_same_name(a->name, b->name);
}

bool stamps_are_same(const struct pair_set *a, const struct pair_set *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!is_same_pair(&a->pair[i], &b->pair[i]))
            return false;
    return is_same_file(&a->client_ca, &b->client_ca) &&
           is_same_file(&a->client_crl, &b->client_crl);
}

void stamps_compare(struct pair_set *set, const struct pair_set *current)
{
    for (size_t i = 0; i < set->count; i++)
        for (size_t at = 0; at < current->count; at++)
            if (is_same_certificate(&set->pair[i], &current->pair[at]))
                set->pair[i].in_use |= current->pair[at].in_use;
    set->client_ca.in_use = is_same_file(&set->client_ca, &current->client_ca);
    set->client_crl.in_use =
        is_same_file(&set->client_crl, &current->client_crl);
}
