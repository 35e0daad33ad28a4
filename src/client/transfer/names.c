/* Opens files by their names, and finds out which names are taken. */
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "transfer.h"

/* The highest number for which a new name is tried. */
#define NAMES_MAX (1u << 30)

/* Opens a name. Below the named part it follows no link, since the owner of a
 * tree can replace a file or a directory by a link at any time after the
 * walk. */
int names_open(const char *path, size_t named, int flags)
{
    const struct open_how how = { .flags = (unsigned)flags | O_CLOEXEC,
                                  .resolve = RESOLVE_NO_SYMLINKS };
    char root[PATH_MAX];

    if (named >= strlen(path))
        return open(path, flags | O_CLOEXEC);
    snprintf(root, sizeof(root), "%.*s", (int)named, path);
    FD_CLEANUP int fd =
        open(named ? root : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    path += named ? named + strspn(path + named, "/") : 0;
    if (fd < 0)
        return -1;
    return (int)syscall(SYS_openat2, fd, path[0] ? path : ".", &how,
                        sizeof(how));
}

int names_open_above(const char *path, size_t named, int flags)
{
    char above[PATH_MAX];

    snprintf(above, sizeof(above), "%.*s", (int)(url_base(path) - path), path);
    return names_open(above[0] ? above : ".", named, flags | O_DIRECTORY);
}

/* Writes "new-NAME" for I = 1, "new-2-NAME" for I = 2, and so on. Returns false
 * if the name is too long. */
static bool names_write_new(const char *path, unsigned i, char *out,
                            size_t size)
{
    int head = (int)(url_base(path) - path);
    char number[16] = "";

    if (i > 1)
        snprintf(number, sizeof(number), "%u-", i);
    int n =
        snprintf(out, size, "%.*snew-%s%s", head, path, number, path + head);
    return n > 0 && (size_t)n < size;
}

/* Doubles the number until a name is free, then bisects, to ask only a few
 * times: a server can have a new name from each night of many years, or can
 * claim that every name is taken. */
int names_new(const char *path, names_question *taken, void *of, char *out,
              size_t size, struct failure *why)
{
    unsigned low = 0, high = 0, try = 1;

    while (low < NAMES_MAX && low + 1 != high) {
        if (!names_write_new(path, try, out, size))
            break;
        int r = taken(of, out, why);
        if (r < 0)
            return -1;
        if (r == 0)
            high = try;
        else
            low = try;
        try = high ? low + (high - low) / 2 : 2 * low;
    }
    return high && names_write_new(path, high, out, size)
               ? 0
               : fail(why, EX_CANTCREAT,
                      "%s: each new name is taken or too long", path);
}

/* Lets one thread at a time ask the user, and protects names_taken and
 * names_kept. A capital
 * letter also answers all later questions. */
static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static enum conflict_choice names_for_all = CHOICE_ASK;

/* Writes "12.3 MiB of 2026-11-20 10:02", or "". A size of 0 without a time is
 * unknown. */
static const char *names_facts(struct names_file f, char out[48])
{
    char size[SHOW_SIZE_MAX], when[24] = "";
    struct tm tm;

    if (f.modified > 0) {
        clock_utc(f.modified, &tm);
        strftime(when, sizeof(when), " of %Y-%m-%d %H:%M", &tm);
    }
    snprintf(out, 48, "%s%s", f.size || when[0] ? show_size(f.size, size) : "",
             when);
    return out;
}

static enum conflict_choice names_ask(const char *name, const char *where,
                                      struct names_file old,
                                      struct names_file new)
{
    static const char keys[] = "sroSRO";
    static const enum conflict_choice choices[] = { CHOICE_SKIP, CHOICE_RENAME,
                                                    CHOICE_OVERWRITE };
    char prompt[SHOW_MAX + 256], safe[SHOW_MAX], answer[16];
    char here[48], there[48];

    names_facts(old, there);
    names_facts(new, here);
    snprintf(prompt, sizeof(prompt),
             "%s is %s already%s%s%s%s%s: (s)kip, (r)ename the new file, "
             "(o)verwrite, (q)uit; S, R, O for all? ",
             show_text(name, safe, sizeof(safe)), where, there[0] ? " (" : "",
             there, there[0] && here[0] ? "; the new one: " : "",
             there[0] ? here : "", there[0] ? ")" : "");
    for (int tries = 0;
         tries < 3 && tty_line(prompt, answer, sizeof(answer)) == 0; tries++) {
        if (strcmp(answer, "q") == 0) {
            link_interrupted = 1;
            break;
        }
        /* Only a single letter is an answer, not a line that begins with it. */
        const char *at =
            answer[0] && !answer[1] ? strchr(keys, answer[0]) : NULL;
        if (!at)
            continue;
        enum conflict_choice c = choices[(at - keys) % 3];
        if (at - keys >= 3)
            names_for_all = c;
        return c;
    }
    return CHOICE_SKIP;
}

struct name {
    const char *target, *source;
    char text[];
};

static void *names_taken;

static int names_compare(const void *a, const void *b)
{
    const struct name *one = a, *other = b;

    return strcmp(one->target, other->target);
}

/* Takes a name. If memory is short, the name counts as taken. */
enum names_owner names_take(const char *target, const char *source)
{
    size_t size = strlen(target) + 1, rest = strlen(source) + 1;
    struct name *new = malloc(sizeof(*new) + size + rest);

    if (!new)
        return NAMES_OTHERS;
    new->target = memcpy(new->text, target, size);
    new->source = memcpy(new->text + size, source, rest);
    pthread_mutex_lock(&names_lock);
    struct name **at = tsearch(new, &names_taken, names_compare);
    enum names_owner owner = !at          ? NAMES_OTHERS
                             : *at == new ? NAMES_OURS
                             : source[0] && strcmp((*at)->source, source) == 0
                                 ? NAMES_SAME
                                 : NAMES_OTHERS;
    pthread_mutex_unlock(&names_lock);
    if (owner != NAMES_OURS)
        free(new);
    return owner;
}

/* Hashes of the devices and inodes that names_keep() remembers, and of the
 * names of names_twin(); 0: free. SIZE is a power of two. */
static struct {
    uint64_t *id;
    size_t count, size;
} names_kept;

static uint64_t names_id(uint64_t inode, uint64_t device)
{
    uint64_t id = (inode + device * 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;

    id ^= id >> 32;
    return id ? id : 1;
}

/* Returns the place of ID, or the free one for it. */
static uint64_t *names_place(uint64_t *ids, size_t size, uint64_t id)
{
    size_t at = id & (size - 1);

    while (ids[at] && ids[at] != id)
        at = (at + 1) & (size - 1);
    return &ids[at];
}

/* Numbers. A server can list names without an end. */
#define NAMES_KEPT_MAX (64ul * 1024 * 1024)

/* Doubles the table when it is three quarters full. Returns false if memory is
 * short. */
static bool names_grow(void)
{
    size_t size = names_kept.size ? 2 * names_kept.size : 64;

    if (3 * names_kept.size > 4 * names_kept.count)
        return true;
    uint64_t *ids = size > NAMES_KEPT_MAX ? NULL : calloc(size, sizeof(*ids));
    if (!ids)
        return false;
    for (size_t i = 0; i < names_kept.size; i++)
        if (names_kept.id[i])
            *names_place(ids, size, names_kept.id[i]) = names_kept.id[i];
    free(names_kept.id);
    names_kept.id = ids;
    names_kept.size = size;
    return true;
}

/* Returns 1: ID is kept already; 0: it is now; -1: memory is short. Call it and
 * the next one with the lock. */
static int names_keep_id(uint64_t id)
{
    if (!names_grow())
        return -1;
    uint64_t *place = names_place(names_kept.id, names_kept.size, id);
    const int r = *place == id;
    names_kept.count += r == 0;
    *place = id;
    return r;
}

static bool names_has_id(uint64_t id)
{
    return names_kept.size > 0 &&
           *names_place(names_kept.id, names_kept.size, id) == id;
}

int names_keep(const struct stat *st)
{
    pthread_mutex_lock(&names_lock);
    const int r = names_keep_id(names_id(st->st_ino, st->st_dev));
    pthread_mutex_unlock(&names_lock);
    return r;
}

bool names_are_kept(const struct stat *st, const char *path)
{
    pthread_mutex_lock(&names_lock);
    const bool some = names_has_id(names_id(st->st_ino, st->st_dev));
    pthread_mutex_unlock(&names_lock);
    return some && (S_ISDIR(st->st_mode) || st->st_nlink == 1 ||
                    names_twin(path, true));
}

/* Keeps only the first of several twins with its exact name. */
bool names_twin(const char *target, bool here)
{
    const char *from = here ? target : url_base(target);
    const uint64_t folded = names_id(listing_hash(target, from), 0);
    const uint64_t exact = names_id(listing_hash(target, NULL), 0);

    pthread_mutex_lock(&names_lock);
    const bool twin = names_keep_id(folded) == 0 ? names_keep_id(exact) < 0
                                                 : !names_has_id(exact);
    pthread_mutex_unlock(&names_lock);
    return twin;
}

void names_release(void)
{
    tdestroy(names_taken, free);
    free(names_kept.id);
    memset(&names_kept, 0, sizeof(names_kept));
    names_taken = NULL;
    names_for_all = CHOICE_ASK;
}

bool names_can_ask(const struct options *o)
{
    return tty_there() && !o->json;
}

bool names_asks(const struct options *o)
{
    return o->conflict == CHOICE_ASK && names_can_ask(o);
}

enum conflict_choice names_decide(const struct options *o, const char *name,
                                  bool twice, const char *where,
                                  struct names_file old, struct names_file new)
{
    enum conflict_choice c = (enum conflict_choice)o->conflict;

    if (c != CHOICE_ASK)
        return c;
    if (!names_can_ask(o))
        return CHOICE_RENAME;
    pthread_mutex_lock(&names_lock);
    progress_hold(true);
    /* The answer "O" doesn't let a file of this call replace another file of
     * this call. */
    c = names_for_all == CHOICE_ASK ||
                (twice && names_for_all == CHOICE_OVERWRITE)
            ? names_ask(name, where, old, new)
            : names_for_all;
    progress_hold(false);
    pthread_mutex_unlock(&names_lock);
    return c;
}

/* The number comes before the extension, or where a long name was cut. */
bool names_numbered(const char *name, const char *new)
{
    size_t same = 0;

    while (name[same] && name[same] == new[same])
        same++;
    return strncmp(new + same, " (", 2) == 0 ||
           (same > 0 && strncmp(new + same - 1, " (", 2) == 0);
}

void names_tell(const struct options *o, const char *name, const char *new)
{
    if (o->conflict == CHOICE_ASK && !names_can_ask(o))
        progress_note("%s is there already, and nobody can be asked, so the "
                      "new file becomes %s. In a script, add --conflict "
                      "overwrite, skip or rename",
                      name, new);
}
