/* Finds the names of users who own files in shares. Runs in the process files,
 * which has only uids, so it asks master once for each uid. Master names a
 * user only if that user and the process's own user are in one share. */
#include "files.h"

#include <poll.h>

#include "sallyport/base/clock.h"

#define NAME_MS 2000
/* Milliseconds for which master isn't asked again after it gave no answer. */
#define NAME_REST_MS 60000

int names_on_owner_is(void *owner, struct msg_owner_is *m)
{
    struct files *f = owner;
    struct owner_name *o = &f->owner[(uid_t)m->uid % OWNERS_MAX];

    o->uid = (uid_t)m->uid;
    return slice_copy(m->name, o->name, sizeof(o->name));
}

static bool names_ask(struct files *f, uid_t uid)
{
    const struct owner_name *o = &f->owner[uid % OWNERS_MAX];
    uint64_t now = clock_ms(), end = now + NAME_MS;

    if (now < f->nameless_until ||
        SEND(&f->master, owner_of, channel_next(&f->master), .uid = uid) < 0)
        return false;
    for (; o->uid != uid && now < end && !f->over; now = clock_ms()) {
        struct pollfd master = { .fd = f->master.fd, .events = POLLIN };

        if (poll(&master, 1, (int)(end - now)) > 0)
            files_serve_master(f);
    }
    if (o->uid != uid)
        f->nameless_until = now + NAME_REST_MS;
    return o->uid == uid;
}

/* Files of root have no owner's name, since uid 0 marks an empty entry. */
struct slice names_owner(struct files *f, const struct mount *m, uid_t uid)
{
    const struct owner_name *o = &f->owner[uid % OWNERS_MAX];

    if (!m->share || f->uid_is_shared || uid == 0)
        return (struct slice){ "", 0 };
    if (uid == f->uid)
        return slice_from(f->user);
    return slice_from(o->uid == uid || names_ask(f, uid) ? o->name : "");
}
