/* Writes the table of users for master. Runs in reader. The text is that of the
 * file, as users_read() has cut it. */
#include "sallyport/users/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sallyport/base/fd.h"
#include "sallyport/usersfile/usersfile.h"

static struct users_span span_of(const struct users *u, struct slice part)
{
    if (part.len == 0 && !part.ptr)
        return (struct users_span){ 0, 0 };
    return (struct users_span){ (uint32_t)(part.ptr - u->text),
                                (uint32_t)part.len };
}

static struct users_row row_of(const struct users *u, const struct user *user)
{
    return (struct users_row){
        .name = span_of(u, slice_from(user->name)),
        .comment = span_of(u, slice_from(user->comment)),
        .home = span_of(u, slice_from(user->home)),
        .hash = span_of(u, slice_from(user->hash)),
        .certificate = span_of(u, user->certificate),
        .uid = user->uid,
        .gid = user->gid,
        .rights = user->rights,
        .has_conflict = user->has_conflict,
        .on_conflict = user->on_conflict,
        .has_upload_eof = user->has_upload_eof,
        .upload_eof = user->upload_eof,
        .has_binding = user->has_binding,
        .data_binding = user->data_binding,
        .certificate_only = user->certificate_only,
        .locked = user->locked,
        .line = (uint32_t)user->line,
    };
}

static int write_rows(const struct users *u, int fd)
{
    struct users_row *rows = calloc(u->count + 1, sizeof(*rows));
    int r;

    if (!rows)
        return -ENOMEM;
    for (size_t i = 0; i < u->count; i++)
        rows[i] = row_of(u, &u->row[i]);
    r = fd_write_all(fd, rows, u->count * sizeof(*rows));
    free(rows);
    return r;
}

int users_write(const struct users *u, int fd)
{
    struct users_head head = { .count = (uint32_t)u->count };
    int r;

    build_name_fill(head.build);
    r = fd_write_all(fd, &head, sizeof(head));
    if (r == 0)
        r = write_rows(u, fd);
    return r < 0 ? r : fd_write_all(fd, u->text, u->text_size + 1);
}
