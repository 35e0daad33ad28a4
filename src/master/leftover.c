/* What the dead have said while there was no log: their wires' ends, in the
 * order of their deaths, each with its name, until a log takes them. Bounded;
 * what finds no place is counted and told. Runs in master, which reads none of
 * it, and never waits. */
#include "leftover.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "master.h"
#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"

#define BESIDES_SESSIONS 16

size_t leftovers_for(uint64_t max_sessions)
{
    return (size_t)max_sessions + BESIDES_SESSIONS;
}

int leftovers_init(struct leftovers *l, uint64_t max_sessions)
{
    *l = (struct leftovers){ .size = leftovers_for(max_sessions) };
    l->all = sessions_memory(l->size * sizeof(*l->all));
    return l->all ? 0 : -ENOMEM;
}

/* 1: something lies there; 0: nothing, and nothing more will; -1: not yet. */
static int has_words(int end)
{
    char byte;

    return (int)recv(end, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
}

static bool has_place(const struct leftovers *l, bool of_user)
{
    return l->used < (of_user ? l->size : l->size / 2);
}

/* The ends of those who lived on a moment, and said nothing more. */
static void sweep(struct leftovers *l)
{
    size_t kept = 0;

    for (size_t i = 0; i < l->used; i++)
        if (has_words(l->all[i].end) == 0)
            fd_close(&l->all[i].end);
        else
            l->all[kept++] = l->all[i];
    l->used = kept;
}

void leftovers_release(struct leftovers *l)
{
    uint64_t lost;

    sweep(l);
    lost = l->lost + l->used;
    if (lost > 0)
        say("%llu processes have ended, and no log took what they said",
            (unsigned long long)lost);
    for (size_t i = 0; i < l->used; i++)
        fd_close(&l->all[i].end);
    if (l->all)
        munmap(l->all, l->size * sizeof(*l->all));
    *l = (struct leftovers){ 0 };
}

static void keep(struct leftovers *l, struct wire *w, const struct speaker *who,
                 bool of_user)
{
    if (!has_place(l, of_user))
        sweep(l);
    if (!has_place(l, of_user)) {
        l->lost++;
        return;
    }
    l->all[l->used++] = (struct leftover){ *who, w->end };
    w->end = -1;
}

void leftovers_take(struct master *m, struct wire *w, const struct speaker *who,
                    bool of_user)
{
    int words = w->end < 0 ? 0 : has_words(w->end);

    if (words > 0 || (words < 0 && !w->held))
        keep(&m->leftovers, w, who, of_user);
    wire_close(w);
    leftovers_flush(m);
}

static void tell_lost(struct master *m)
{
    uint64_t lost = m->leftovers.lost;

    if (lost == 0 || m->events.channel.fd < 0)
        return;
    m->leftovers.lost = 0;
    master_report(m, EVENT_SERVICE, PROCESS_MASTER,
                  "%llu processes have ended, and there was no room for what "
                  "they said",
                  (unsigned long long)lost);
}

int leftovers_flush(struct master *m)
{
    struct leftovers *l = &m->leftovers;
    struct child *log = master_log(m);
    size_t done = 0;
    int r = 0;

    if (!log)
        return 0;
    sweep(l);
    while (done < l->used && r == 0) {
        r = wire_introduce(log, &l->all[done].who, l->all[done].end);
        if (r == 0)
            fd_close(&l->all[done++].end);
    }
    if (done > 0)
        memmove(l->all, l->all + done, (l->used - done) * sizeof(*l->all));
    l->used -= done;
    if (r == -EAGAIN)
        child_wait_writable(log);
    tell_lost(m);
    return r;
}
