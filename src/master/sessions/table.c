/* The table of sessions. All records are allocated at the start; a session is
 * found by its serial. Runs in master. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/master.h"
#include "sallyport/base/random.h"
#include "session.h"

/* Records beyond max_sessions: an ended session keeps its record until its
 * process files is reaped, while a new session may come in. */
#define SLACK 64

/* All descriptors are -1, even in an unused record. */
static void table_blank(struct session *s)
{
    *s = (struct session){ .channel.fd = -1 };
    home_blank(&s->home);
}

int sessions_init(struct session_table *t, size_t limit)
{
    *t = (struct session_table){ .limit = limit, .size = 2 * limit + SLACK };
    t->buckets = 64;
    while (t->buckets < t->size)
        t->buckets *= 2;
    t->all = master_memory(t->size * sizeof(*t->all));
    t->bucket = calloc(t->buckets, sizeof(struct session *));
    if (!t->all || !t->bucket) {
        sessions_release(t);
        return -ENOMEM;
    }
    random_bytes(t->hash_key, sizeof(t->hash_key));
    for (size_t i = t->size; i > 0; i--) {
        table_blank(&t->all[i - 1]);
        t->all[i - 1].next = t->free;
        t->free = &t->all[i - 1];
    }
    return 0;
}

void sessions_release(struct session_table *t)
{
    if (t->all)
        munmap(t->all, t->size * sizeof(*t->all));
    free(t->bucket);
    *t = (struct session_table){ 0 };
}

/* The hash has a key: gate chooses serials, and must not choose buckets. */
static struct session **bucket_of(struct session_table *t, uint64_t serial)
{
    uint64_t hash = siphash(t->hash_key, &serial, sizeof(serial));

    return &t->bucket[hash & (t->buckets - 1)];
}

struct session *sessions_find(struct session_table *t, uint64_t serial)
{
    struct session *s = *bucket_of(t, serial);

    while (s && s->serial != serial)
        s = s->next;
    return s;
}

struct session *sessions_by_files(struct session_table *t, pid_t pid)
{
    SESSIONS_EACH(t, s)
        if (s->home.pid == pid)
            return s;
    return NULL;
}

size_t sessions_of_user(const struct session_table *t, const char *name)
{
    size_t n = 0;

    SESSIONS_EACH(t, s)
        n += (s->home.pid > 0 || (s->older && s->state != SESSION_ENDED)) &&
             strcmp(s->home.user, name) == 0;
    return n;
}

size_t sessions_logged_in(const struct session_table *t)
{
    size_t n = 0;

    SESSIONS_EACH(t, s)
        n += session_is_there(s) && s->login > 0;
    return n;
}

struct session *sessions_take(struct session_table *t, uint64_t serial)
{
    struct session *s = t->free;
    struct session **bucket = bucket_of(t, serial);

    if (!s || t->living >= t->limit)
        return NULL;
    t->free = s->next;
    s->serial = serial;
    s->next = *bucket;
    *bucket = s;
    t->living++;
    t->used++;
    return s;
}

void sessions_give_back(struct session_table *t, struct session *s)
{
    struct session **at = bucket_of(t, s->serial);

    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    table_blank(s);
    s->next = t->free;
    t->free = s;
    t->used--;
}
