/* What a download and an upload share. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/base/fd.h"
#include "transfer.h"

static const char *const verbs[] = { [JOB_GET] = "get", [JOB_PUT] = "put" };

const char *transfer_hash_name(const struct file_transfer *t)
{
    const struct site *s = t->link->site;

    return s->options->no_verify ? NULL : s->hash;
}

void transfer_tell_next(const struct file_transfer *t, struct failure *why)
{
    size_t len = strlen(why->text);
    char size[SHOW_SIZE_MAX];

    snprintf(why->text + len, sizeof(why->text) - len,
             "; run the same command again: it can go on at about %s",
             show_size(t->done, size));
}

int transfer_begin_digest(struct file_transfer *t, bool follows,
                          struct failure *why)
{
    if (digest_begin(&t->digest, transfer_hash_name(t)) < 0)
        return fail(why, EX_OSERR, "out of memory");
    if (follows)
        digest_follow(&t->digest, t->fd, &t->done, t->link);
    return 0;
}

static int transfer_catch_up(struct file_transfer *t, struct failure *why)
{
    int r = digest_catch_up(&t->digest);

    if (r == -EINTR)
        return fail(why, EX_TEMPFAIL, "interrupted");
    if (r == -ENODATA)
        return fail(why, EX_IOERR, "%s became shorter while it was compared",
                    t->local);
    return r < 0 ? fail_errno(why, -r, t->local) : 0;
}

/* The server computes its checksum meanwhile, so it is asked first. */
static int transfer_compare(struct file_transfer *t, struct failure *why)
{
    char here[DIGEST_HEX_MAX], there[REMOTE_HASH_MAX];
    uint64_t most = t->size > t->done ? t->size : t->done;

    if (remote_hash(t->link, t->remote, most, there, why) < 0) {
        /* A user who may only upload can't get the checksum: then there is
         * nothing to compare. */
        if (why->lost || link_interrupted)
            return -1;
        if (t->job->kind == JOB_PUT && remote_lacks_right(t->link))
            progress_note("%s: stored; not compared, since this account may "
                          "not read it",
                          t->remote);
        else
            progress_note("%s: not verified: %s", t->remote, why->text);
        return 0;
    }
    if (transfer_catch_up(t, why) < 0)
        return -1;
    digest_end(&t->digest, here);
    if (strcmp(here, there) != 0)
        return fail(why, EX_DATAERR,
                    "the checksums differ (%s here, %s there); the file is "
                    "damaged or has changed: transfer it again with "
                    "--no-resume --conflict overwrite",
                    here, there);
    t->checked = true;
    return 0;
}

int transfer_verify(struct file_transfer *t, struct failure *why)
{
    int r = 0;

    t->checked = false;
    if (digest_is_wanted(&t->digest))
        r = transfer_compare(t, why);
    digest_end(&t->digest, NULL);
    return r;
}

void transfer_moved(void *of)
{
    struct file_transfer *t = of;

    if (t->row)
        progress_moved(t->row, t->done);
}

void transfer_show(struct file_transfer *t)
{
    const char *name = t->job->kind == JOB_GET ? t->job->remote : t->job->local;

    if (!t->row)
        t->row = progress_begin(verbs[t->job->kind], name, t->size);
    progress_resume(t->row, t->first);
}

bool transfer_in_mode_z(const struct file_transfer *t)
{
    const struct site *s = t->link->site;

    return s->options->compress && s->modez;
}

void transfer_set_mode_z(struct file_transfer *t)
{
    if (zstream_begin(&t->z, t->job->kind == JOB_PUT) < 0)
        link_lacks_memory(t->link);
    link_set_mode_z(t->link);
}

int transfer_end(struct file_transfer *t, int r, uint64_t *moved,
                 struct failure *why)
{
    const struct job *job = t->job;

    if (r < 0 && job->kind == JOB_PUT)
        upload_tell(t, why);
    else if (r < 0 && download_goes_on(t, why))
        transfer_tell_next(t, why);
    if (r == 0 && !t->skipped && t->link->site->options->remove_source)
        r = source_remove(t, why);
    fd_close(&t->lock);
    *moved = t->done > t->size ? t->done : t->size;
    if (t->skipped)
        progress_note("%s: skipped, it is there already", t->local);
    if (!t->row && r == 0) {
        progress_settle(job->size);
        return t->skipped;
    }
    if (!t->row)
        transfer_show(t);
    progress_end(t->row, job->kind == JOB_GET ? t->local : t->remote,
                 t->checked, r < 0 ? why : NULL);
    return r;
}
