/* Records which upload owns a partial on a network disk, in the process files.
 * Such a disk can give the lock of a partial to a second server without telling
 * the first one. So an upload writes its token into an attribute of the
 * partial: only one upload can create this attribute. */
#include "files.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "sallyport/base/fd.h"
#include "sallyport/base/random.h"

/* Asks only about a new disk, since network disks take long to answer. */
void owner_note_disk(struct files *f, int directory)
{
    struct stat st;

    if (resolve_known(directory, &st) < 0 || st.st_dev == f->asked_device)
        return;
    f->asked_device = st.st_dev;
    f->locks_die = fd_on_network_disk(directory);
}

static bool owner_is(int fd, const uint8_t token[OWNER_BYTES])
{
    uint8_t bytes[OWNER_BYTES];

    return fgetxattr(fd, OWNER_ATTRIBUTE, bytes, sizeof(bytes)) ==
               OWNER_BYTES &&
           memcmp(bytes, token, OWNER_BYTES) == 0;
}

bool owner_is_ours(const struct partial *p)
{
    return !p->locks_die ||
           (p->claimed ? owner_is(p->fd, p->token)
                       : !attribute_is_set(p->fd, ATTRIBUTE_OWNER));
}

/* Sets the token. Returns 0, also if the disk can't store it: the partial then
 * gets no mark; OUTCOME_PARTIAL_TAKEN: the partial has another upload's token.
 */
static int owner_claim(struct partial *p)
{
    if (!p->locks_die || p->claimed)
        return 0;
    random_bytes(p->token, sizeof(p->token));
    int error = fsetxattr(p->fd, OWNER_ATTRIBUTE, p->token, OWNER_BYTES,
                          XATTR_CREATE) < 0
                    ? errno
                    : 0;
    /* NFS can have sent the request twice, since its server was restarted in
     * between. */
    if (error == EEXIST && owner_is(p->fd, p->token))
        error = 0;
    p->claimed = error == 0;
    p->no_tokens = error == EOPNOTSUPP;
    return error == EEXIST ? (int)OUTCOME_PARTIAL_TAKEN : 0;
}

/* Sets no token on a partial that is too short to be resumed, which saves
 * requests to the disk. */
int owner_check(const struct files *f, struct partial *p)
{
    struct stat st;

    if (!p->locks_die || !f->rules.resume || fstat(p->fd, &st) < 0 ||
        resume_length((uint64_t)st.st_size) == 0)
        return 0;
    int r = owner_claim(p);
    if (r == 0 &&
        !(owner_is_ours(p) && partial_is_there(f->upload.directory, p)))
        r = OUTCOME_PARTIAL_TAKEN;
    return r;
}

void owner_release(struct partial *p)
{
    if (p->claimed)
        attributes_remove(p->fd, ATTRIBUTE_OWNER);
    p->claimed = false;
}

/* Refuses the partial if another server's session has written to it since P was
 * opened, even if that session has ended. Ignores the ctime, since the new
 * token changes it. */
int owner_claim_rest(struct partial *p)
{
    struct stat st;
    int r = owner_claim(p);

    if (r != 0 || !p->locks_die)
        return r;
    if (!p->claimed)
        return -EIO;
    if (fstat(p->fd, &st) == 0) {
        st.st_ctim = p->opened.st_ctim;
        if (resolve_is_unchanged(&st, &p->opened))
            return 0;
    }
    owner_release(p);
    return OUTCOME_PARTIAL_TAKEN;
}
