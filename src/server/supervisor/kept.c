/* Named descriptors, in the supervisor. Their numbers are higher than those
 * with a fixed meaning in a master, so that a child inherits them unchanged. */
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"

#define ROOM_FIRST 64
#define NAMES_MAX  (64 << 20)

/* Begins the search at row FIRST. */
static struct kept_row *find_row(const struct kept *k, size_t first,
                                 struct slice name)
{
    for (size_t i = 0; i < k->count; i++) {
        struct kept_row *row = &k->row[(first + i) % k->count];

        if (slice_equal(slice_from(row->name), name))
            return row;
    }
    return NULL;
}

static struct kept_row *new_row(struct kept *k, struct slice name)
{
    size_t room = k->room ? 2 * k->room : ROOM_FIRST;
    struct kept_row *row;

    if (k->count == k->room) {
        row = reallocarray(k->row, room, sizeof(*row));
        if (!row)
            return NULL;
        k->row = row;
        k->room = room;
    }
    row = &k->row[k->count];
    *row = (struct kept_row){ strndup(name.ptr, name.len), -1 };
    k->count += row->name != NULL;
    return row->name ? row : NULL;
}

int kept_add(struct kept *k, struct slice name, int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, GENERATION_FIRST_FD);
    int error = errno;
    struct kept_row *row;

    close(fd);
    if (high < 0)
        return -error;
    row = new_row(k, name);
    if (!row) {
        close(high);
        return -ENOMEM;
    }
    row->fd = high;
    return 0;
}

static bool is_same_file(int a, int b)
{
    struct stat x, y;

    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

/* Generations name their descriptors in the same order, so the row is found at
 * once. */
int kept_add_again(struct kept *k, const struct kept *before, struct slice name,
                   int fd)
{
    const struct kept_row *row = find_row(before, k->count, name);

    if (!row || !is_same_file(row->fd, fd))
        return kept_add(k, name, fd);
    close(fd);
    return new_row(k, name) ? 0 : -ENOMEM;
}

/* A row with fd -1 means: BEFORE has this file under the same name; kept_take()
 * moves it here. If two rows have the same name, only the first gets it. */
void kept_take(struct kept *k, struct kept *before)
{
    size_t count = 0;

    for (size_t i = 0; i < k->count; i++) {
        struct kept_row row = k->row[i], *old = NULL;

        if (row.fd < 0)
            old = find_row(before, i, slice_from(row.name));
        if (old)
            row.fd = fd_take(&old->fd);
        if (row.fd >= 0)
            k->row[count++] = row;
        else
            free(row.name);
    }
    k->count = count;
}

int kept_replace(struct kept *k, struct slice name, int fd)
{
    struct kept_row *row = find_row(k, 0, name);
    int r;

    if (!row)
        return kept_add(k, name, fd);
    if (row->fd < 0) {
        row->fd = fcntl(fd, F_DUPFD_CLOEXEC, GENERATION_FIRST_FD);
        r = row->fd < 0 ? -errno : 0;
    } else {
        r = dup3(fd, row->fd, O_CLOEXEC) < 0 ? -errno : 0;
    }
    close(fd);
    return r;
}

int kept_find(const struct kept *k, const char *name)
{
    const struct kept_row *row = find_row(k, 0, slice_from(name));

    return row ? row->fd : -1;
}

static struct kept_row *find_sessions(const struct kept *k, uint64_t number)
{
    char name[GENERATION_NAME_MAX];

    snprintf(name, sizeof(name), GENERATION_SESSIONS "%" PRIu64, number);
    return find_row(k, 0, slice_from(name));
}

void kept_end_sessions(struct kept *k, uint64_t number)
{
    struct kept_row *row = find_sessions(k, number);

    if (!row)
        return;
    (void)!pwrite(row->fd, "\1", 1, 0);
    fd_close(&row->fd);
    free(row->name);
    *row = k->row[--k->count];
}

void kept_release(struct kept *k)
{
    for (size_t i = 0; i < k->count; i++) {
        fd_close(&k->row[i].fd);
        free(k->row[i].name);
    }
    free(k->row);
    *k = (struct kept){ 0 };
}

int kept_names(const struct kept *k, const char *heading, uint64_t number)
{
    struct buf text;
    int r;

    buf_init(&text, NAMES_MAX);
    r = buf_add_format(&text, "%s %" PRIu64 "\n", heading, number);
    for (size_t i = 0; i < k->count && r == 0; i++)
        r = buf_add_format(&text, "%d %s\n", k->row[i].fd, k->row[i].name);
    if (r == 0)
        r = fd_sealed("inherited", buf_slice(&text));
    buf_release(&text);
    return r;
}

int kept_pass_on(const struct kept *k)
{
    int r = 0;

    for (size_t i = 0; i < k->count && r == 0; i++)
        r = fd_set_cloexec(k->row[i].fd, false);
    return r;
}
