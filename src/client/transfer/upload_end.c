/* The end of an upload: the server's reply, the comparison, and the message
 * about what a failed upload has left. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "transfer.h"

void upload_tell(const struct file_transfer *t, struct failure *why)
{
    const struct site *s = t->link->site;

    /* STOR makes the file, so it is the directory that is missing. */
    if (why->reply == 550 && strchr(t->remote, '/') &&
        strcasestr(why->text, "no such file or directory")) {
        fail(why, EX_NOINPUT, "there is no directory /%.*s; make it with mkdir",
             (int)(strrchr(t->remote, '/') - t->remote), t->remote);
        return;
    }
    if (t->has == HAS_NOTHING || t->has == HAS_COMPARED)
        return;
    if (t->has == HAS_PART && t->done > 0 && t->size >= RESUME_LEAST &&
        transfer_hash_name(t) && !s->options->no_resume && !upload_is_stream(t))
        transfer_tell_next(t, why); /* the server keeps the unfinished upload */
    else
        fail_add(
            why, "; %s",
            t->has == HAS_CONFIRMED
                ? "the server has confirmed the file, but may have only a "
                  "part of it; send it again"
            : t->has == HAS_ALL
                ? "all bytes were sent, but the server hasn't confirmed the "
                  "file; run ls to see whether it is there"
                : "the server may have only a part of the file; send it again");
}

/* Returns the file's length in Sallyport's reply: 5 in "226 Transfer complete:
 * 5 bytes stored as /a", or 9 in "5 bytes (9 in all)" after a resume;
 * UNCONFIRMED: the reply has no length. */
static uint64_t upload_confirmed(const struct file_transfer *t)
{
    static const char mark[] = "226 Transfer complete: ", some[] = " bytes (";
    static const char digits[] = "0123456789";
    const char *at = t->link->done;
    uint64_t all;

    if (strncmp(at, mark, strlen(mark)) != 0)
        return UNCONFIRMED;
    at += strlen(mark);
    const char *end = at + strspn(at, digits);
    if (strncmp(end, some, strlen(some)) == 0) {
        end += strlen(some);
        /* The reply about a held file has "(id ...)" there instead. */
        at = end[strspn(end, digits)] == ' ' ? end : at;
    }
    return slice_number((struct slice){ at, strspn(at, digits) }, INT64_MAX,
                        &all) < 0
               ? UNCONFIRMED
               : all;
}

/* Compares the length in the server's 226, if the checksum couldn't be
 * compared. Returns 0, or -1 with the reason. */
static int upload_length(struct file_transfer *t, struct failure *why)
{
    t->sized = !t->link->site->options->no_verify && t->confirmed == t->done;
    if (t->sized || t->link->site->options->no_verify ||
        t->confirmed == UNCONFIRMED)
        return 0;
    fail(why, EX_DATAERR, "%llu bytes were sent, but the server has %llu",
         (unsigned long long)t->done, (unsigned long long)t->confirmed);
    why->transient = true;
    return -1;
}

/* Sets T->remote to the name under which the server has stored the file, such
 * as /a/b (2) in "226 5 bytes stored as /a/b (2)", so that the comparison gets
 * the right file. */
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
    /* Keep a name with control bytes, since a reply shows them in another
     * form. */
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
    /* Only the administrator can read a file that is held, so compare the
     * length in the 226; a visible file of this name is an older one. A file's
     * name can contain the words of MARK, but then its path, with a slash,
     * begins before them. */
    if (held && !memchr(b->data, '/', (size_t)(held - b->data))) {
        t->modified = 0; /* there is no visible file that could get a time */
        t->sized =
            !t->link->site->options->no_verify && t->confirmed == t->done;
        if (t->sized)
            progress_note("%s: kept for inspection; all of it has arrived "
                          "(%s)",
                          t->remote, show_size(t->done, size));
        else
            progress_note("%s: kept for inspection; not compared", t->remote);
        return 0;
    }
    upload_follow(t);
    if (strcmp(t->remote, t->job->remote) != 0)
        upload_takes_name(t); /* before another link may be asked */
    int r = transfer_verify(t, why);
    if (r == 0 && !t->checked)
        r = upload_length(t, why);
    if (r == 0)
        t->has = HAS_COMPARED;
    return r;
}

bool upload_takes_name(const struct file_transfer *t)
{
    char name[URL_PATH_MAX + 1];

    /* Names cost memory, and matter only for a question. */
    if (!names_asks(t->link->site->options))
        return false;
    /* The wanted names, which jobs_add() takes, don't begin with a slash. */
    snprintf(name, sizeof(name), "/%s", t->remote);
    return names_take(name, t->local) == NAMES_OTHERS;
}

int upload_tell_name(const struct file_transfer *t, struct failure *why)
{
    bool renamed = names_numbered(t->job->remote, t->remote);

    if (t->job->overwrite && strcmp(t->remote, t->job->remote) != 0)
        return fail(why, EX_CANTCREAT,
                    "the server renames uploads here, this one to /%s, so "
                    "each sync would send all files again; use put",
                    t->remote);
    if (renamed && t->choice == CHOICE_OVERWRITE)
        return fail(why, EX_CANTCREAT,
                    "the server doesn't let files be replaced: /%s is "
                    "unchanged, and the new file is /%s",
                    t->job->remote, t->remote);
    if (renamed)
        names_tell(t->link->site->options, t->job->remote, t->remote);
    return 0;
}
