/* Named descriptors, in the supervisor. Their numbers are above the fixed
 * numbers of a master, so that a child inherits them unchanged. */
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"

#define ROOM_FIRST 64
#define NAMES_MAX  (64 << 20)

static struct kept_row *find_row(const struct kept *k, struct slice name)
{
    for (size_t i = 0; i < k->count; i++)
        if (slice_equal(slice_from(k->row[i].name), name))
            return &k->row[i];
    return NULL;
}

int kept_add(struct kept *k, struct slice name, int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, GENERATION_FIRST_FD);
    int r = high < 0 ? -errno : 0;
    size_t room = k->room ? 2 * k->room : ROOM_FIRST;
    struct kept_row *rows = k->row;
    char *own = strndup(name.ptr, name.len);

    close(fd);
    if (k->count == k->room)
        rows = reallocarray(k->row, room, sizeof(*rows));
    if (rows && k->count == k->room) {
        k->row = rows;
        k->room = room;
    }
    if (r == 0 && rows && own) {
        k->row[k->count++] = (struct kept_row){ own, high };
        return 0;
    }
    free(own);
    fd_close(&high);
    return r < 0 ? r : -ENOMEM;
}

int kept_replace(struct kept *k, struct slice name, int fd)
{
    const struct kept_row *row = find_row(k, name);
    int r;

    if (!row)
        return kept_add(k, name, fd);
    r = dup3(fd, row->fd, O_CLOEXEC) < 0 ? -errno : 0;
    close(fd);
    return r;
}

int kept_find(const struct kept *k, const char *name)
{
    const struct kept_row *row = find_row(k, slice_from(name));

    return row ? row->fd : -1;
}

static void drop_row(struct kept *k, struct kept_row *row)
{
    fd_close(&row->fd);
    free(row->name);
    *row = k->row[--k->count];
}

void kept_end_sessions(struct kept *k, uint64_t number)
{
    char name[GENERATION_NAME_MAX];
    struct kept_row *row;

    snprintf(name, sizeof(name), GENERATION_SESSIONS "%" PRIu64, number);
    row = find_row(k, slice_from(name));
    if (!row)
        return;
    (void)!pwrite(row->fd, "\1", 1, 0);
    drop_row(k, row);
}

void kept_drop_ended(struct kept *k)
{
    char mark;

    for (size_t i = k->count; i-- > 0;)
        if (slice_starts(slice_from(k->row[i].name),
                         SLICE(GENERATION_SESSIONS)) &&
            pread(k->row[i].fd, &mark, 1, 0) == 1 && mark == 1)
            drop_row(k, &k->row[i]);
}

void kept_release(struct kept *k)
{
    while (k->count > 0)
        drop_row(k, k->row + k->count - 1);
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
