/* Writes the table for master, auth and check, in reader. The text is that of
 * the file, as users_read() has cut it. */
#include <string.h>

#include "sallyport/base/fd.h"
#include "sallyport/userparse/userparse.h"
#include "sallyport/users/image.h"

static union users_cell cell_of_text(const struct users *u, const char *text,
                                     size_t len)
{
    union users_cell cell = { 0 };

    if (text) {
        cell.at = (uint32_t)(text - u->text);
        cell.len = (uint32_t)len;
    }
    return cell;
}

static uint64_t number_of(const struct users *u, const struct users_field *f,
                          const void *from)
{
    const struct team *const *team = from;

    if (f->kind == USERS_TEAM)
        return *team ? (uint64_t)(*team - u->team) + 1 : 0;
    if (f->size == sizeof(bool))
        return *(const bool *)from;
    return f->size == sizeof(uint32_t) ? *(const uint32_t *)from
                                       : *(const uint64_t *)from;
}

static union users_cell cell_of(const struct users *u,
                                const struct users_field *f, const void *from)
{
    const char *const *text = from;
    const struct slice *part = from;

    if (f->kind < USERS_PART)
        return cell_of_text(u, *text, strlen(*text));
    if (f->kind == USERS_PART)
        return cell_of_text(u, part->ptr, part->len);
    return (union users_cell){ .number = number_of(u, f, from) };
}

static int image_add(const struct users *u, const struct users_fields *fields,
                     const void *items, size_t count, struct buf *into)
{
    union users_cell row[sizeof(struct users_row) / sizeof(union users_cell)];
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++) {
        const char *item = (const char *)items + i * fields->size;

        for (size_t n = 0; n < fields->count; n++)
            row[n] = cell_of(u, &fields->field[n], item + fields->field[n].at);
        r = buf_add(into, row, fields->count * sizeof(row[0]));
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

static int image_add_directories(const struct users *u, struct buf *into)
{
    int r = 0;

    for (size_t i = 0; i < u->count && r == 0; i++)
        r = image_add(u, &users_directory_fields, u->row[i].directory,
                      u->row[i].directories, into);
    return r;
}

static int image_add_head(const struct users *u, struct buf *into)
{
    struct users_head head = { .users = u->count,
                               .shares = u->shares,
                               .teams = u->teams };

    build_name_fill(head.build);
    for (size_t i = 0; i < u->count; i++) {
        head.grants += u->row[i].grants;
        head.directories += u->row[i].directories;
    }
    return buf_add(into, &head, sizeof(head));
}

/* Makes room for all rows at once: a buffer that grows is copied and wiped each
 * time. */
static int image_reserve(const struct users *u, struct buf *into)
{
    return buf_reserve(
        into, sizeof(struct users_head) + u->count * sizeof(struct users_row) +
                  u->shares * sizeof(struct users_share) +
                  u->teams * sizeof(struct users_team) +
                  u->grants * sizeof(struct grant) +
                  u->directories * sizeof(struct users_directory));
}

int users_write(const struct users *u, int fd)
{
    struct buf rows;
    int r;

    buf_init(&rows, USERS_IMAGE_MAX);
    r = image_reserve(u, &rows);
    if (r == 0)
        r = image_add_head(u, &rows);
    if (r == 0)
        r = image_add(u, &users_row_fields, u->row, u->count, &rows);
    if (r == 0)
        r = image_add(u, &users_share_fields, u->share, u->shares, &rows);
    if (r == 0)
        r = image_add(u, &users_team_fields, u->team, u->teams, &rows);
    if (r == 0)
        r = image_add_grants(u, &rows);
    if (r == 0)
        r = image_add_directories(u, &rows);
    if (r == 0)
        r = fd_write_all(fd, rows.data, rows.len);
    buf_release(&rows);
    return r < 0 ? r : fd_write_all(fd, u->text, u->text_size + 1);
}
