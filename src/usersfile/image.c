/* Writes the table for master, auth and check, in reader. The text is that of
 * the file, as users_read() has cut it. */
#include <string.h>

#include "sallyport/base/fd.h"
#include "sallyport/users/image.h"
#include "sallyport/usersfile/usersfile.h"

static struct users_span span_of(const struct users *u, struct slice part)
{
    if (part.len == 0 && !part.ptr)
        return (struct users_span){ 0, 0 };
    return (struct users_span){ (uint32_t)(part.ptr - u->text),
                                (uint32_t)part.len };
}

static struct users_span span_of_text(const struct users *u, const char *text)
{
    return span_of(u, slice_from(text));
}

static struct users_limits limits_of(const struct users *u,
                                     const struct row_limits *l)
{
    struct users_limits row = { .networks = span_of(u, l->networks),
                                .hours = span_of(u, l->hours) };

    for (int i = 0; i < ROW_LIMITS; i++) {
        row.number[i][0] = (uint32_t)l->number[i];
        row.number[i][1] = (uint32_t)(l->number[i] >> 32);
    }
    return row;
}

static struct users_row row_of(const struct users *u, const struct user *user)
{
    struct users_row row = {
        .name = span_of_text(u, user->name),
        .comment = span_of_text(u, user->comment),
        .home = span_of_text(u, user->home),
        .hash = span_of_text(u, user->hash),
        .certificate = span_of(u, user->certificate),
        .totp = span_of(u, user->totp),
        .uid = user->uid,
        .gid = user->gid,
        .rights = user->rights,
        .certificate_only = user->certificate_only,
        .locked = user->locked,
        .must_change = user->must_change,
        .expires = { (uint32_t)user->expires,
                     (uint32_t)((uint64_t)user->expires >> 32) },
        .limits = limits_of(u, &user->limits),
        .file_mode = user->file_mode,
        .dir_mode = user->dir_mode,
        .max_files = user->max_files,
        .grants = (uint32_t)user->grants,
        .directories = (uint32_t)user->directories,
        .line = (uint32_t)user->line,
    };

    memcpy(row.quota, &user->quota, sizeof(row.quota));
    for (int i = 0; i < CHOICES; i++)
        row.choice[i] = user->choice[i];
    for (int i = 0; i < USER_TEAMS_MAX && user->team[i]; i++)
        row.team[i] = (uint32_t)(user->team[i] - u->team) + 1;
    return row;
}

static int image_add_users(const struct users *u, struct buf *into)
{
    int r = 0;

    for (size_t i = 0; i < u->count && r == 0; i++) {
        struct users_row row = row_of(u, &u->row[i]);

        r = buf_add(into, &row, sizeof(row));
    }
    return r;
}

static int image_add_shares(const struct users *u, struct buf *into)
{
    int r = 0;

    for (size_t i = 0; i < u->shares && r == 0; i++) {
        const struct share *s = &u->share[i];
        struct users_share row = { .name = span_of_text(u, s->name),
                                   .path = span_of_text(u, s->path),
                                   .gid = s->gid,
                                   .file_mode = s->file_mode,
                                   .line = (uint32_t)s->line };

        memcpy(row.quota, &s->quota, sizeof(row.quota));
        r = buf_add(into, &row, sizeof(row));
    }
    return r;
}

static int image_add_teams(const struct users *u, struct buf *into)
{
    int r = 0;

    for (size_t i = 0; i < u->teams && r == 0; i++) {
        const struct team *t = &u->team[i];
        const struct users_team row = { .name = span_of_text(u, t->name),
                                        .limits = limits_of(u, &t->limits) };

        r = buf_add(into, &row, sizeof(row));
    }
    return r;
}

static int image_add_grants(const struct users *u, struct buf *into)
{
    int r = 0;

    for (size_t i = 0; i < u->count && r == 0; i++)
        r = buf_add(into, u->row[i].grant,
                    u->row[i].grants * sizeof(struct grant));
    return r;
}

static int image_add_user_directories(const struct users *u,
                                      const struct user *user, struct buf *into)
{
    int r = 0;

    for (size_t i = 0; i < user->directories && r == 0; i++) {
        const struct directory_right *d = &user->directory[i];
        const struct users_directory row = { .path = span_of_text(u, d->path),
                                             .rights = d->rights };

        r = buf_add(into, &row, sizeof(row));
    }
    return r;
}

static int image_add_directories(const struct users *u, struct buf *into)
{
    int r = 0;

    for (size_t i = 0; i < u->count && r == 0; i++)
        r = image_add_user_directories(u, &u->row[i], into);
    return r;
}

static struct users_head head_of(const struct users *u)
{
    struct users_head head = { .users = (uint32_t)u->count,
                               .shares = (uint32_t)u->shares,
                               .teams = (uint32_t)u->teams };

    build_name_fill(head.build);
    for (size_t i = 0; i < u->count; i++) {
        head.grants += (uint32_t)u->row[i].grants;
        head.directories += (uint32_t)u->row[i].directories;
    }
    return head;
}

int users_write(const struct users *u, int fd)
{
    const struct users_head head = head_of(u);
    struct buf rows;
    int r;

    buf_init(&rows, USERS_IMAGE_MAX);
    r = buf_add(&rows, &head, sizeof(head));
    if (r == 0)
        r = image_add_users(u, &rows);
    if (r == 0)
        r = image_add_shares(u, &rows);
    if (r == 0)
        r = image_add_teams(u, &rows);
    if (r == 0)
        r = image_add_grants(u, &rows);
    if (r == 0)
        r = image_add_directories(u, &rows);
    if (r == 0)
        r = fd_write_all(fd, rows.data, rows.len);
    buf_release(&rows);
    return r < 0 ? r : fd_write_all(fd, u->text, u->text_size + 1);
}
