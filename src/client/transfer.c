/* Retries, and functions for download.c and upload.c. */
#include "transfer.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "remote.h"

static const char *const verbs[] = { [JOB_GET] = "get", [JOB_PUT] = "put" };

const char *transfer_hash_name(const struct transfer *t)
{
    const struct site *s = t->link->site;

    return s->options->no_verify || !s->hash ? NULL : s->hash_name;
}

int transfer_verify(struct transfer *t, struct failure *why)
{
    char here[DIGEST_HEX_MAX], there[REMOTE_HASH_MAX];

    uint64_t most = t->size > t->done ? t->size : t->done;

    digest_end(&t->digest, here);
    if (!here[0])
        return 0;
    if (remote_hash(t->link, t->remote, most, there, why) < 0) {
        /* A user who may only upload can't get the checksum: then there is
         * nothing to compare. */
        if (why->cut)
            return -1;
        if (t->job->kind == JOB_PUT && remote_lacks_right(t->link))
            progress_note("%s: stored; not compared, since this account may "
                          "not read it",
                          t->remote);
        else
            progress_note("%s: not verified: %s", t->remote, why->text);
        return 0;
    }
    if (strcmp(here, there) != 0)
        return fail(why, EX_DATAERR,
                    "the checksums differ (%s here, %s there); the file is "
                    "damaged or has changed: transfer it again with "
                    "--no-resume --conflict overwrite",
                    here, there);
    t->checked = true;
    return 0;
}

void transfer_moved(void *of, uint64_t bytes)
{
    struct transfer *t = of;

    (void)bytes; /* bytes of the connection, which may be compressed */
    if (t->row)
        progress_moved(t->row, t->done);
}

void transfer_show(struct transfer *t)
{
    const char *name = t->job->kind == JOB_GET ? t->job->remote : t->job->local;

    if (!t->row)
        t->row = progress_begin(verbs[t->job->kind], name, t->size);
    progress_resume(t->row, t->first);
}

bool transfer_in_mode_z(const struct transfer *t)
{
    const struct site *s = t->link->site;

    return s->options->compress && s->modez;
}

static int transfer_try(struct transfer *t, struct failure *why)
{
    struct retry retry = { 0 };
    int r;

    do
        r = t->job->kind == JOB_GET ? download_once(t, why)
                                    : upload_once(t, why);
    while (r < 0 && (((why->reply == 425 || why->reply == 522) &&
                      link_next_manner(t->link)) ||
                     link_again(t->link, &retry, t->remote, why)));
    return r;
}

int transfer_run(struct link *l, const struct job *job, struct failure *why)
{
    static _Thread_local struct transfer t;

    t = (struct transfer){ .link = l, .job = job, .fd = -1 };

    *why = (struct failure){ 0 };
    snprintf(t.remote, sizeof(t.remote), "%s", job->remote);
    snprintf(t.local, sizeof(t.local), "%s", job->local);
    int r = transfer_try(&t, why);
    if (r < 0 && job->kind == JOB_PUT)
        upload_tell(&t, why);
    if (t.skipped) {
        progress_note("%s: skipped, it is there already", t.local);
        return 0;
    }
    if (!t.row && r == 0)
        return 0;
    if (!t.row)
        transfer_show(&t);
    progress_end(t.row, job->kind == JOB_GET ? t.local : t.remote, t.checked,
                 r < 0 ? why : NULL);
    return r;
}
