/* Temporary names on servers that show an upload while it grows. The file gets
 * its own name when it is complete and was compared. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "transfer.h"

atomic_bool temporary_off;

/* Makes the digits of the temporary name. The next call that sends the same
 * local file to the same place makes the same digits, to find the temporary
 * file again. A call of another user, or a call at the same time, makes other
 * digits. The lock is an abstract socket address, which isn't in a directory:
 * only one bind() in a network namespace succeeds, and the kernel frees the
 * address when the process ends. Returns false if there are no random bytes. */
static bool temporary_owner(struct file_transfer *t, char out[9])
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    char host[256] = "", machine[64] = "", text[PATH_MAX + 2 * URL_PATH_MAX];
    struct stat network = { 0 };
    unsigned char hash[32];
    char *path = upload_is_stream(t) ? NULL : realpath(t->local, NULL);

    if (path) {
        gethostname(host, sizeof(host) - 1);
        FD_CLEANUP int id = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);
        if (id >= 0 && read(id, machine, sizeof(machine) - 1) < 0)
            machine[0] = '\0';
        stat("/proc/self/ns/net", &network);
        snprintf(text, sizeof(text), "%s %s %llu %u %s %s %s", host, machine,
                 (unsigned long long)network.st_ino, (unsigned)geteuid(), path,
                 t->link->site->url.host, t->remote);
        SHA256((unsigned char *)text, strlen(text), hash);
        memcpy(name.sun_path + 1, hash, sizeof(hash));
        t->lock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    }
    bool known = path && t->lock >= 0 &&
                 bind(t->lock, (struct sockaddr *)&name,
                      offsetof(struct sockaddr_un, sun_path) + 33) == 0;
    free(path);
    if (!known && RAND_bytes(hash, 4) != 1)
        return false;
    snprintf(out, 9, "%02x%02x%02x%02x", hash[0], hash[1], hash[2], hash[3]);
    return true;
}

void temporary_end(struct file_transfer *t)
{
    char kept[URL_PATH_MAX];

    memcpy(kept, t->remote, sizeof(kept));
    memcpy(t->remote, t->other, sizeof(kept));
    memcpy(t->other, kept, sizeof(kept));
}

/* Sets the temporary name. A retry uses the temporary name of the first try,
 * even if the file's own name has changed since. */
bool temporary_begin(struct file_transfer *t)
{
    const struct site *s = t->link->site;
    const char *base = url_base(t->remote);
    int head = (int)(base - t->remote);
    char owner[9];

    t->aside = false;
    if (s->atomic || s->options->no_temporary || t->in_place ||
        (!t->other[0] && atomic_load(&temporary_off)))
        return false;
    if (!t->other[0] && temporary_owner(t, owner)) {
        int n = snprintf(t->other, sizeof(t->other),
                         "%.*s" PART_PREFIX "%s-%s" PART_SUFFIX, head,
                         t->remote, owner, base);

        /* If the temporary name would be too long, the file is uploaded under
         * its own name. */
        if (n >= URL_PATH_MAX || n - head > NAME_MAX)
            t->other[0] = '\0';
    }
    t->aside = t->other[0] != '\0';
    if (t->aside)
        temporary_end(t);
    return t->aside;
}

static bool temporary_may_replace(const struct file_transfer *t)
{
    return t->replaces || t->link->site->options->conflict == CHOICE_OVERWRITE;
}

/* Finds out whether the last try has sent the whole file. If it has, only the
 * rename can be missing; or nothing, if only the reply to RNTO was lost. */
enum arrival temporary_arrived(struct file_transfer *t, struct failure *why)
{
    uint64_t length = 0;

    if (t->has != HAS_COMPARED)
        return ARRIVAL_NONE;
    int r = remote_length(t->link, t->remote, &length, why);
    /* If the server reports no length, assume that it has all of standard
     * input, which can't be sent again. */
    enum arrival there = r < 0 ? ARRIVAL_UNKNOWN
                         : (r == 0 ? length == t->done : upload_is_stream(t))
                             ? ARRIVAL_WHOLE
                             : ARRIVAL_NONE;
    /* Under the file's own name, the length proves nothing if an old file was
     * to be replaced: that file may have the same length. */
    if (r <= 0 || !t->renaming || temporary_may_replace(t))
        return there;
    r = remote_length(t->link, t->other, &length, why);
    return r < 0                         ? ARRIVAL_UNKNOWN
           : r == 0 && length == t->done ? ARRIVAL_NAMED
                                         : there;
}

void temporary_remove(struct file_transfer *t)
{
    struct failure why;

    if (t->has == HAS_NOTHING && t->first == 0)
        return;
    if (link_command(t->link, &why, "DELE %s", t->remote) == 0)
        t->has = HAS_NOTHING;
    else
        progress_note("the temporary file /%s can't be removed from the "
                      "server: %s",
                      t->remote, why.text);
}

void temporary_refused(const char *why)
{
    if (!atomic_exchange(&temporary_off, true))
        progress_note("warning: the server refuses temporary names (%s), so "
                      "its users see each file while it grows; --no-temporary "
                      "uploads under the final name at once",
                      why);
}

/* Gives the file its name. The upload may have taken hours: if another file has
 * got this name since, that file isn't replaced, and this one gets a new
 * name. */
int temporary_finish(struct file_transfer *t, struct failure *why)
{
    struct listing_entry e;
    const bool again = t->renaming;
    char tried[URL_PATH_MAX];

    memcpy(tried, t->other, sizeof(tried));
    enum presence there =
        temporary_may_replace(t)
            ? ABSENT
            : remote_look(t->link, t->other, LOOK_FREE, &e, why);
    int r = there == PRESENT ? 0 : 1;

    if (there == PRESENCE_UNKNOWN)
        return -1;
    if (r == 0) {
        temporary_end(t);
        r = upload_rename(t, why);
        temporary_end(t);
        if (r < 0)
            return -1;
    }
    t->renaming = true;
    if (remote_rename(t->link, t->remote, t->other, why) == 0)
        return 0;
    if (why->transient || why->lost || link_interrupted)
        return -1;
    if (upload_is_stream(t) && again && why->reply == 550) {
        t->has = HAS_NOTHING; /* under the temporary name */
        return fail(why, EX_CANTCREAT,
                    "the answer to the rename was lost; run ls: the new file "
                    "is /%s, or still /%s",
                    tried, t->remote);
    }
    if (upload_is_stream(t))
        return fail(why, EX_CANTCREAT,
                    "the whole file has arrived as /%s, but the server "
                    "refuses to rename it; next time add --no-temporary",
                    t->remote);
    temporary_refused(why->text);
    temporary_remove(t);
    t->ours = false;
    return 1;
}
