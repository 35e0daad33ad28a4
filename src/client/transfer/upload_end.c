/* The end of an upload: what the server's reply says, the comparison, and what
 * a user needs to know after a failure. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "transfer.h"

void upload_tell(const struct file_transfer *t, struct failure *why)
{
    const struct site *s = t->link->site;

    /* STOR can't miss a file: the directory is missing. */
    if (why->reply == 550 && strchr(t->remote, '/') &&
        strcasestr(why->text, "no such file or directory")) {
        fail(why, EX_NOINPUT, "there is no directory /%.*s; make it by mkdir",
             (int)(strrchr(t->remote, '/') - t->remote), t->remote);
        return;
    }
    if (t->has == HAS_NOTHING || (t->has == HAS_COMPARED && !t->aside))
        return;
    if (t->aside)
        fail_add(why,
                 "; what has arrived is /%s, so run the same command again",
                 t->other);
    else if (s->decides && t->has == HAS_PART && t->done > 0 &&
             t->size >= RESUME_LEAST && transfer_hash_name(t) &&
             !s->options->no_resume && !upload_is_stream(t))
        transfer_tell_next(t, why); /* the server keeps the part */
    else
        fail_add(
            why, "; %s",
            t->has == HAS_CONFIRMED
                ? "the server has confirmed it, but may have only a part "
                  "of the file, so send it again"
            : t->has == HAS_ALL
                ? "all bytes were sent, but the server hasn't confirmed the "
                  "file; see by ls whether it is there"
                : "the server may have only a part of the file, so send "
                  "it again");
}

/* Returns the length in Sallyport's "226 Transfer complete: 5 bytes stored as
 * /a", or after a resume in "5 bytes (9 in all)"; UNCONFIRMED: there is none.
 */
static uint64_t upload_confirmed(const struct file_transfer *t)
{
    static const char mark[] = "226 Transfer complete: ", some[] = " bytes (";
    static const char digits[] = "0123456789";
    const char *at = t->link->done;
    uint64_t all;

    if (!t->link->site->atomic || strncmp(at, mark, strlen(mark)) != 0)
        return UNCONFIRMED;
    at += strlen(mark);
    const char *end = at + strspn(at, digits);
    if (strncmp(end, some, strlen(some)) == 0) {
        end += strlen(some);
        /* Another word in the parentheses is the name of a held file. */
        at = end[strspn(end, digits)] == ' ' ? end : at;
    }
    return slice_number((struct slice){ at, strspn(at, digits) }, INT64_MAX,
                        &all) < 0
               ? UNCONFIRMED
               : all;
}

/* Compares the length, for servers without HASH: after a reset some servers
 * count an incomplete upload as complete. If the account may not ask for the
 * length, the server's 226 is enough. */
static int upload_length(struct file_transfer *t, struct failure *why)
{
    uint64_t there = 0;

    if (t->link->site->options->no_verify)
        return 0;
    int r = remote_length(t->link, t->remote, &there, why);
    if (r == 1 && t->confirmed != UNCONFIRMED) {
        r = 0;
        there = t->confirmed;
    }
    t->sized = r == 0 && there == t->done;
    if (r != 0 || t->sized)
        return r < 0 ? -1 : 0;
    fail(why, EX_DATAERR, "%llu bytes were sent, and %llu arrived",
         (unsigned long long)t->done, (unsigned long long)there);
    why->transient = true;
    return -1;
}

/* Follows a file to which the server has given another name, as in "226 5 bytes
 * stored as /a/b (2)": that is the file to compare. */
static void upload_follow(struct file_transfer *t)
{
    static const char mark[] = " stored as /";
    size_t head = (size_t)(url_base(t->remote) - t->remote);
    const struct buf *b = &t->link->lines;
    const char *at = memmem(b->data, b->len, mark, strlen(mark));
    struct slice rest, path = { 0 }, name = { 0 };

    if (at) {
        at += strlen(mark) - 1;
        rest = (struct slice){ at, b->len - (size_t)(at - b->data) };
        slice_cut(&rest, '\n', &path);
    }
    while (slice_cut(&path, '/', &name))
        ;
    /* A reply shows control bytes in another form. */
    if (listing_safe(slice_from(t->remote + head)) && listing_safe(name))
        slice_copy(name, t->remote + head, sizeof(t->remote) - head);
}

int upload_compare(struct file_transfer *t, struct failure *why)
{
    static const char mark[] = ") kept for inspection; released, it is ";
    const struct buf *b = &t->link->lines;
    const char *held = memmem(b->data, b->len, mark, strlen(mark));
    char size[SHOW_SIZE_MAX];

    t->confirmed = upload_confirmed(t);
    /* Only the administrator can read a file that is held, so the length in the
     * 226 is compared; a visible file of this name is an older one. A name may
     * have the words of MARK, but a path begins with a slash. */
    if (held && !memchr(b->data, '/', (size_t)(held - b->data))) {
        t->modified = 0; /* there is no visible file that could get a time */
        t->sized =
            !t->link->site->options->no_verify && t->confirmed == t->done;
        if (t->sized)
            progress_note("%s: kept for inspection; the server has all of it "
                          "(%s)",
                          t->remote, show_size(t->done, size));
        else
            progress_note("%s: kept for inspection; not compared", t->remote);
        return 0;
    }
    upload_follow(t);
    int r = transfer_verify(t, why);
    if (r == 0 && !t->checked)
        r = upload_length(t, why);
    if (r == 0)
        t->has = HAS_COMPARED;
    return r;
}

/* Says that the name has changed. If it was taken, a server that decides calls
 * the file "NAME (2)"; a drop adds other suffixes. */
int upload_tell_name(const struct file_transfer *t, struct failure *why)
{
    size_t len = strlen(t->job->remote);
    bool renamed = strncmp(t->remote, t->job->remote, len) == 0 &&
                   strncmp(t->remote + len, " (", 2) == 0;

    if (t->job->overwrite && strcmp(t->remote, t->job->remote) != 0)
        return fail(why, EX_CANTCREAT,
                    "the server chooses the names here, and stored this file "
                    "as /%s, so each sync would send all again; use put",
                    t->remote);
    if (renamed && t->choice == CONFLICT_OVERWRITE)
        return fail(why, EX_CANTCREAT,
                    "the server replaces no file: it kept /%s, and stored this "
                    "one as /%s",
                    t->job->remote, t->remote);
    if (renamed)
        names_tell(t->link->site->options, t->job->remote, t->remote);
    return 0;
}
