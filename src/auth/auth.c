/* The handlers of auth. Auth knows password hashes and nothing else: it has no
 * file, no network and no rights. Its answer is yes or no, and the user's
 * row. */
#include "auth.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"

static void auth_init(void *owner)
{
    struct auth *a = owner;

    *a = (struct auth){ .frame = a->frame };
}

static void auth_release(void *owner)
{
    struct auth *a = owner;

    pending_release(a);
    users_release(&a->users);
}

int auth_take_users(struct auth *a, int fd, uint64_t generation,
                    struct complaint *c)
{
    struct users newer;
    int r = users_read(&newer, fd, "users", c);

    fd_close(&fd);
    if (r < 0)
        return r;
    if (a->generation > 0)
        users_release(&a->users);
    a->users = newer;
    a->generation = generation;
    return 0;
}

static void auth_take_key(struct auth *a, const struct msg_users *m)
{
    memcpy(a->name_key, &m->name_key_1, sizeof(m->name_key_1));
    memcpy(a->name_key + sizeof(m->name_key_1), &m->name_key_2,
           sizeof(m->name_key_2));
}

static int auth_on_first_users(void *owner, struct msg_users *m)
{
    struct auth *a = owner;

    auth_take_key(a, m);
    return auth_take_users(a, fd_take(&m->users), m->edition, &a->frame.why);
}

/* Master has parsed the same bytes before. */
static int auth_on_users(void *owner, struct msg_users *m)
{
    struct auth *a = owner;

    if (auth_on_first_users(a, m) < 0)
        die(EX_DATAERR, "%s", a->frame.why.text);
    return 0;
}

/* Gate checks the certificate and reports errors. If auth can't read it, no
 * client can prove anything for it. */
static int auth_on_certificate(void *owner, struct msg_certificate *m)
{
    struct auth *a = owner;

    proof_servers_add(&a->servers, m->file);
    return 0;
}

static int auth_on_verify(void *owner, struct msg_verify *m)
{
    struct auth *a = owner;

    if (m->edition > a->generation)
        die(EX_PROTOCOL, "master asks about a users file that it hasn't sent");
    pending_open(a, fd_take(&m->session), m->serial, &m->peer);
    return 0;
}

/* Standard ones, master, log, the loop; a new users file for a moment; the
 * pairs to sessions. */
#define FILES_BESIDES 16

static int auth_complete(void *owner)
{
    struct auth *a = owner;

    a->frame.plan.max_files = VERIFICATIONS_MAX + FILES_BESIDES;
    if (a->generation == 0)
        return complain(&a->frame.why, "auth: set-up: no users");
    if (proof_begin() < 0)
        return complain(&a->frame.why, "auth: no memory for OpenSSL");
    return 0;
}

static const struct handler auth_setup[] = {
    FRAME_SETUP_WITH_LOG,
    ON(users, auth_on_first_users),
    ON(certificate, auth_on_certificate),
};

static const struct handler auth_work[] = {
    ON(users, auth_on_users),
    ON(verify, auth_on_verify),
};

const struct frame_row auth_row = {
    .process = PROCESS_AUTH,
    .filter = &filter_auth,
    FRAME_HANDLERS(auth_setup, auth_work),
    .init = auth_init,
    .complete = auth_complete,
    .release = auth_release,
};
