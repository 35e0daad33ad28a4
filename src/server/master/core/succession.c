/* Master and the supervisor. The names of inherited descriptors are in a file
 * that the supervisor wrote and sealed, so master trusts them. */
#include "core.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/random.h"
#include "sallyport/ipc/generation.h"

#define NAMES_MAX (64 << 20)
#define SAY_MS    10000

void succession_init(struct succession *s)
{
    *s = (struct succession){ .watch.fd = -1 };
    channel_init(&s->supervisor, -1, PROCESS_MASTER, PROCESS_SUPERVISOR,
                 PHASE_RUN);
    buf_init(&s->names, NAMES_MAX);
}

/* Reads a line such as "12 listen 0.0.0.0:21". A NUL replaces the line end, so
 * that the name is a C string. */
static int read_inherited(struct succession *s, struct slice line)
{
    struct slice number;
    uint64_t kept;
    int r;

    if (!slice_cut(&line, ' ', &number) ||
        slice_number(number, INT32_MAX, &kept) < 0)
        return -EPROTO;
    r = fd_set_cloexec((int)kept, true);
    if (r < 0)
        return r;
    ((char *)(uintptr_t)line.ptr)[line.len] = '\0';
    s->inherited[s->count++] = (struct inherited){ line.ptr, (int)kept };
    return 0;
}

static int read_names(struct succession *s)
{
    struct slice text, line, word;
    size_t lines = 0;
    int r = fd_read_file(GENERATION_NAMES_FD, &s->names);

    if (r < 0)
        return r;
    text = buf_slice(&s->names);
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    s->inherited = calloc(lines + 1, sizeof(*s->inherited));
    if (!s->inherited)
        return -ENOMEM;
    /* the first line: "generation 7" or "recovery 7" */
    if (!slice_cut(&text, '\n', &line) || !slice_cut(&line, ' ', &word) ||
        slice_number(line, UINT64_MAX, &s->generation) < 0)
        return -EPROTO;
    s->recovery = slice_equal(word, SLICE("recovery"));
    while (r == 0 && slice_cut(&text, '\n', &line) && line.len > 0)
        r = read_inherited(s, line);
    return r;
}

int succession_open(struct succession *s)
{
    int names = GENERATION_NAMES_FD;
    int r = fd_set_cloexec(GENERATION_CHANNEL_FD, true);

    if (r == 0)
        r = read_names(s);
    if (r < 0)
        return r;
    fd_close(&names);
    channel_init(&s->supervisor, GENERATION_CHANNEL_FD, PROCESS_MASTER,
                 PROCESS_SUPERVISOR, PHASE_RUN);
    return SEND(&s->supervisor, hello, 0, .version = GENERATION_VERSION);
}

void succession_close_untaken(struct succession *s)
{
    for (size_t i = 0; i < s->count; i++)
        fd_close(&s->inherited[i].fd);
}

void succession_release(struct succession *s)
{
    succession_close_untaken(s);
    free(s->inherited);
    buf_release(&s->names);
    channel_close(&s->supervisor);
    succession_init(s);
}

static struct inherited *find_inherited(const struct succession *s,
                                        const char *name)
{
    for (size_t i = 0; s && i < s->count; i++)
        if (strcmp(s->inherited[i].name, name) == 0)
            return &s->inherited[i];
    return NULL;
}

int succession_inherit(struct succession *s, const char *name)
{
    struct inherited *found = find_inherited(s, name);

    return found ? fd_take(&found->fd) : -1;
}

/* The name contains a hash of the path, since a path can be longer than a name.
 */
static const char *name_of_file(const char *path,
                                char name[GENERATION_NAME_MAX])
{
    static const uint8_t key[SIPHASH_KEY];

    snprintf(name, GENERATION_NAME_MAX, "file %016llx",
             (unsigned long long)siphash(key, path, strlen(path)));
    return name;
}

/* Returns a copy, since several settings may name the same file. */
int succession_recover_file(struct succession *s, const char *path)
{
    char name[GENERATION_NAME_MAX];
    const struct inherited *found =
        s->recovery ? find_inherited(s, name_of_file(path, name)) : NULL;

    return found && found->fd >= 0 ? fcntl(found->fd, F_DUPFD_CLOEXEC, 0) : -1;
}

bool succession_had_file(const struct succession *s, const char *path, int fd,
                         size_t most)
{
    char name[GENERATION_NAME_MAX];
    const struct inherited *found = find_inherited(s, name_of_file(path, name));
    struct buf before, now;
    bool same;

    buf_init(&before, most);
    buf_init(&now, most);
    same = found && found->fd >= 0 && fd_read_file(found->fd, &before) == 0 &&
           fd_read_file(fd, &now) == 0 &&
           slice_equal(buf_slice(&before), buf_slice(&now));
    buf_release(&before);
    buf_release(&now);
    return same;
}

int succession_keep_file(struct succession *s, const char *path, int fd)
{
    char name[GENERATION_NAME_MAX];

    return fd < 0 ? 0 : succession_keep(s, name_of_file(path, name), fd);
}

int succession_say(struct succession *s, enum message_kind kind,
                   const void *body)
{
    return channel_send_by(&s->supervisor, kind, body, clock_ms() + SAY_MS);
}

int succession_keep(struct succession *s, const char *name, int fd)
{
    if (!s || s->supervisor.fd < 0)
        return 0;
    return SUCCESSION_SAY(s, keep, 0, .name = slice_from(name), .file = fd);
}

int succession_keep_bytes(struct succession *s, const char *name,
                          struct slice bytes)
{
    FD_CLEANUP int fd = fd_sealed(name, bytes);

    return fd < 0 ? fd : succession_keep(s, name, fd);
}

size_t succession_inherit_bytes(struct succession *s, const char *name,
                                void *out, size_t size)
{
    FD_CLEANUP int fd = succession_inherit(s, name);
    struct stat st;

    return fd >= 0 && fstat(fd, &st) == 0 && pread(fd, out, size, 0) >= 0
               ? (size_t)st.st_size
               : 0;
}
