/* Writes the table for master, auth and check, in reader: of a whole text, or,
 * after a change of a few lines, of the old table. The text is that of the
 * file, as users_read() has cut it. */
#include "reader.h"

#include <string.h>

#include "sallyport/base/fd.h"
#include "sallyport/users/image.h"

/* Rows to be written. */
struct image_rows {
    const struct users *users;
    size_t text_at; /* the place of their text in that of the table */
};

static union users_cell cell_of_text(const struct image_rows *w,
                                     const char *text, size_t len)
{
    union users_cell cell = { 0 };

    if (text) {
        cell.at = (uint32_t)(w->text_at + (size_t)(text - w->users->text));
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

static union users_cell cell_of(const struct image_rows *w,
                                const struct users_field *f, const void *from)
{
    const char *const *text = from;
    const struct slice *part = from;

    if (f->kind < USERS_PART)
        return cell_of_text(w, *text, strlen(*text));
    if (f->kind == USERS_PART)
        return cell_of_text(w, part->ptr, part->len);
    return (union users_cell){ .number = number_of(w->users, f, from) };
}

static int image_add(const struct image_rows *w,
                     const struct users_fields *fields, const void *items,
                     size_t count, struct buf *into)
{
    union users_cell row[sizeof(struct users_row) / sizeof(union users_cell)];
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++) {
        const char *item = (const char *)items + i * fields->size;

        for (size_t n = 0; n < fields->count; n++)
            row[n] = cell_of(w, &fields->field[n], item + fields->field[n].at);
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

static int image_add_directories(const struct image_rows *w, struct buf *into)
{
    const struct users *u = w->users;
    int r = 0;

    for (size_t i = 0; i < u->count && r == 0; i++)
        r = image_add(w, &users_directory_fields, u->row[i].directory,
                      u->row[i].directories, into);
    return r;
}

static struct users_head image_head(const struct users *u)
{
    struct users_head head = { .users = u->count,
                               .shares = u->shares,
                               .teams = u->teams };

    for (size_t i = 0; i < u->count; i++) {
        head.grants += u->row[i].grants;
        head.directories += u->row[i].directories;
    }
    return head;
}

/* Makes room for all rows at once: a buffer that grows is copied and wiped each
 * time. */
static int image_reserve(const struct users_head *h, struct buf *into)
{
    return buf_reserve(into,
                       sizeof(*h) + h->users * sizeof(struct users_row) +
                           h->shares * sizeof(struct users_share) +
                           h->teams * sizeof(struct users_team) +
                           h->grants * sizeof(struct grant) +
                           h->directories * sizeof(struct users_directory));
}

static int image_begin(struct users_head *h, struct buf *into)
{
    int r;

    build_name_fill(h->build);
    buf_init(into, USERS_IMAGE_MAX);
    r = image_reserve(h, into);
    return r == 0 ? buf_add(into, h, sizeof(*h)) : r;
}

int users_write(const struct users *u, int fd)
{
    const struct image_rows w = { u, 0 };
    struct users_head head = image_head(u);
    struct buf rows;
    int r = image_begin(&head, &rows);

    if (r == 0)
        r = image_add(&w, &users_row_fields, u->row, u->count, &rows);
    if (r == 0)
        r = image_add(&w, &users_share_fields, u->share, u->shares, &rows);
    if (r == 0)
        r = image_add(&w, &users_team_fields, u->team, u->teams, &rows);
    if (r == 0)
        r = image_add_grants(u, &rows);
    if (r == 0)
        r = image_add_directories(&w, &rows);
    if (r == 0)
        r = fd_write_all(fd, rows.data, rows.len);
    buf_release(&rows);
    return r < 0 ? r : fd_write_all(fd, u->text, u->text_size + 1);
}

/* The table after a change. */

static struct users_head change_head(const struct change *c)
{
    const struct users *old = c->old, *added = &c->added;

    return (struct users_head){
        .users = old->count - (c->row.to - c->row.from) + added->count,
        .shares = old->shares,
        .teams = old->teams,
        .grants = old->grants - (c->grant.to - c->grant.from) + added->grants,
        .directories = old->directories -
                       (c->directory.to - c->directory.from) +
                       added->directories,
    };
}

/* Adds the rows FROM to TO - 1 of the old table. The text and the lines after
 * the change have moved. A cell that isn't set points to no text after it. */
static int change_add(const struct change *c, const struct users_fields *fields,
                      const void *rows, size_t from, size_t to,
                      struct buf *into)
{
    const size_t size = fields->count * sizeof(union users_cell);
    const uint64_t last = c->line + c->lines_before;
    const union users_cell *row;
    union users_cell *cell;
    int r = 0;

    for (size_t i = from; i < to && r == 0; i++) {
        row = (const union users_cell *)rows + i * fields->count;
        cell = (union users_cell *)(void *)(into->data + into->len);
        r = buf_add(into, row, size);
        for (size_t n = 0; n < fields->count && r == 0; n++)
            if (fields->field[n].kind <= USERS_PART && row[n].at >= c->before)
                cell[n].at += (uint32_t)(c->now - c->before);
            else if (fields->field[n].kind == USERS_LINE &&
                     row[n].number > last)
                cell[n].number += c->lines_now - c->lines_before;
    }
    return r;
}

/* The old rows before the change stay as they are. */
static int change_add_users(const struct change *c, const struct users_image *i,
                            const struct image_rows *w, struct buf *into)
{
    int r = buf_add(into, i->row, c->row.from * sizeof(*i->row));

    if (r == 0)
        r = image_add(w, &users_row_fields, c->added.row, c->added.count, into);
    return r ? r
             : change_add(c, &users_row_fields, i->row, c->row.to,
                          c->old->count, into);
}

static int change_add_grants(const struct change *c,
                             const struct users_image *i, struct buf *into)
{
    int r = buf_add(into, i->grant, c->grant.from * sizeof(*i->grant));

    if (r == 0)
        r = image_add_grants(&c->added, into);
    return r ? r
             : buf_add(into, i->grant + c->grant.to,
                       (c->old->grants - c->grant.to) * sizeof(*i->grant));
}

static int change_add_directories(const struct change *c,
                                  const struct users_image *i,
                                  const struct image_rows *w, struct buf *into)
{
    int r =
        buf_add(into, i->directory, c->directory.from * sizeof(*i->directory));

    if (r == 0)
        r = image_add_directories(w, into);
    return r ? r
             : change_add(c, &users_directory_fields, i->directory,
                          c->directory.to, c->old->directories, into);
}

static int change_write_text(const struct change *c,
                             const struct users_image *i, int fd)
{
    int r = fd_write_all(fd, i->text, c->at);

    if (r == 0)
        r = fd_write_all(fd, c->added.text, c->added.text_size);
    return r ? r
             : fd_write_all(fd, i->text + c->before, i->text_size - c->before);
}

int change_write(const struct change *c, const struct users_image *i, int fd)
{
    const struct image_rows w = { &c->added, c->at };
    struct users_head head = change_head(c);
    struct buf rows;
    int r = image_begin(&head, &rows);

    if (r == 0)
        r = change_add_users(c, i, &w, &rows);
    if (r == 0)
        r = change_add(c, &users_share_fields, i->share, 0, c->old->shares,
                       &rows);
    if (r == 0)
        r = change_add(c, &users_team_fields, i->team, 0, c->old->teams, &rows);
    if (r == 0)
        r = change_add_grants(c, i, &rows);
    if (r == 0)
        r = change_add_directories(c, i, &w, &rows);
    if (r == 0)
        r = fd_write_all(fd, rows.data, rows.len);
    buf_release(&rows);
    return r ? r : change_write_text(c, i, fd);
}
