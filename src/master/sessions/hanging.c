/* Processes files, in master, that wait for a disk that doesn't answer, so that
 * even SIGKILL has no effect; and their directories, which no other process
 * opens meanwhile. They are few, and take no session's record. */
#include "sessions.h"

#include <string.h>
#include <sys/mman.h>

#define LATE_MS 60000 /* a directory that was late once isn't opened */

int hanging_init(struct hanging_table *t, size_t size)
{
    *t = (struct hanging_table){ .size = size };
    t->all = master_memory(size * sizeof(*t->all));
    return t->all ? 0 : -1;
}

void hanging_release(struct hanging_table *t)
{
    if (t->all)
        munmap(t->all, t->size * sizeof(*t->all));
    *t = (struct hanging_table){ 0 };
}

/* Drops those that have ended, and whose directories may be opened again. */
static void hanging_tidy(struct hanging_table *t)
{
    const uint64_t now = clock_ms();

    for (size_t i = t->count; i > 0; i--)
        if (t->all[i - 1].pid == 0 && now >= t->all[i - 1].until)
            t->all[i - 1] = t->all[--t->count];
}

bool hanging_add(struct hanging_table *t, pid_t pid, uint64_t user,
                 uint64_t place)
{
    hanging_tidy(t);
    if (t->count == t->size)
        return false;
    t->all[t->count++] = (struct hanging){
        .pid = pid,
        .user = user,
        .place = place,
        .until = place ? clock_ms() + LATE_MS : 0,
    };
    return true;
}

static struct hanging *hanging_find(struct hanging_table *t, pid_t pid)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->all[i].pid == pid)
            return &t->all[i];
    return NULL;
}

bool hanging_has(struct hanging_table *t, pid_t pid)
{
    return hanging_find(t, pid) != NULL;
}

bool hanging_reaped(struct hanging_table *t, pid_t pid)
{
    struct hanging *h = hanging_find(t, pid);

    if (h)
        h->pid = 0;
    return h != NULL;
}

bool hanging_is_late(struct hanging_table *t, uint64_t place)
{
    hanging_tidy(t);
    for (size_t i = 0; i < t->count; i++)
        if (t->all[i].place == place)
            return true;
    return false;
}

size_t hanging_of_user(const struct hanging_table *t, uint64_t user)
{
    size_t n = 0;

    for (size_t i = 0; i < t->count; i++)
        n += t->all[i].pid > 0 && t->all[i].user == user;
    return n;
}
