/* Writes the table for master, auth and check, in reader: of a whole text, or,
 * after a change of a few lines, of the old table. The text is that of the
 * file, as users_read() has cut it. */
#include "reader.h"

#include <string.h>

#include "sallyport/base/fd.h"
#include "sallyport/users/image.h"

/* The file is written in pieces: a buffer for all rows would cost more time
 * than the rest. The first error stays. */
struct image_out {
    int fd, error;
    size_t len;
    char bytes[65536];
};

static void out_write(struct image_out *o, const void *bytes, size_t len)
{
    if (o->error == 0)
        o->error = fd_write_all(o->fd, bytes, len);
}

static void out_flush(struct image_out *o)
{
    out_write(o, o->bytes, o->len);
    o->len = 0;
}

static void out_add(struct image_out *o, const void *bytes, size_t len)
{
    if (len > sizeof(o->bytes) - o->len)
        out_flush(o);
    if (len > sizeof(o->bytes)) {
        out_write(o, bytes, len);
    } else if (len > 0) {
        memcpy(o->bytes + o->len, bytes, len);
        o->len += len;
    }
}

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

static void image_add(struct image_out *o, const struct image_rows *w,
                      const struct users_fields *fields, const void *items,
                      size_t count)
{
    union users_cell row[sizeof(struct users_row) / sizeof(union users_cell)];

    for (size_t i = 0; i < count; i++) {
        const char *item = (const char *)items + i * fields->size;

        for (size_t n = 0; n < fields->count; n++)
            row[n] = cell_of(w, &fields->field[n], item + fields->field[n].at);
        out_add(o, row, fields->count * sizeof(row[0]));
    }
}

static void image_add_grants(struct image_out *o, const struct users *u)
{
    for (size_t i = 0; i < u->count; i++)
        out_add(o, u->row[i].grant, u->row[i].grants * sizeof(struct grant));
}

static void image_add_directories(struct image_out *o,
                                  const struct image_rows *w)
{
    const struct users *u = w->users;

    for (size_t i = 0; i < u->count; i++)
        image_add(o, w, &users_directory_fields, u->row[i].directory,
                  u->row[i].directories);
}

static struct users_head image_head(const struct users *u)
{
    struct users_head head = { .users = u->count,
                               .shares = u->shares,
                               .teams = u->teams };

    build_name_fill(head.build);
    for (size_t i = 0; i < u->count; i++) {
        head.grants += u->row[i].grants;
        head.directories += u->row[i].directories;
    }
    return head;
}

int users_write(const struct users *u, int fd)
{
    const struct users_head head = image_head(u);
    const struct image_rows w = { u, 0 };
    struct image_out o = { .fd = fd };

    out_add(&o, &head, sizeof(head));
    image_add(&o, &w, &users_row_fields, u->row, u->count);
    image_add(&o, &w, &users_share_fields, u->share, u->shares);
    image_add(&o, &w, &users_team_fields, u->team, u->teams);
    image_add_grants(&o, u);
    image_add_directories(&o, &w);
    out_flush(&o);
    out_write(&o, u->text, u->text_size + 1);
    return o.error;
}

/* The table after a change. */

static struct users_head change_head(const struct users_change *c)
{
    const struct users *old = c->old, *added = &c->added;
    struct users_head head = {
        .users = c->count - (c->row.to - c->row.from) + added->count,
        .shares = old->shares,
        .teams = old->teams,
        .grants = c->grants - (c->grant.to - c->grant.from) + added->grants,
        .directories = c->directories - (c->directory.to - c->directory.from) +
                       added->directories,
    };

    build_name_fill(head.build);
    return head;
}

/* Adds the rows FROM to TO - 1 of the old table. The text and the lines after
 * the change have moved. A cell that isn't set points to no text after it. */
static void change_add(struct image_out *o, const struct users_change *c,
                       const struct users_fields *fields, const void *rows,
                       size_t from, size_t to)
{
    union users_cell row[sizeof(struct users_row) / sizeof(union users_cell)];
    const size_t size = fields->count * sizeof(row[0]);
    const uint64_t last = c->line + c->lines_before;

    for (size_t i = from; i < to; i++) {
        memcpy(row, (const char *)rows + i * size, size);
        for (size_t n = 0; n < fields->count; n++)
            if (fields->field[n].kind <= USERS_PART && row[n].at >= c->before)
                row[n].at += (uint32_t)(c->now - c->before);
            else if (fields->field[n].kind == USERS_LINE &&
                     row[n].number > last)
                row[n].number += c->lines_now - c->lines_before;
        out_add(o, row, size);
    }
}

/* The old rows before the change stay as they are. */
static void change_add_users(struct image_out *o, const struct users_change *c,
                             const struct users_image *i,
                             const struct image_rows *w)
{
    out_add(o, i->row, c->row.from * sizeof(*i->row));
    image_add(o, w, &users_row_fields, c->added.row, c->added.count);
    change_add(o, c, &users_row_fields, i->row, c->row.to, c->count);
}

static void change_add_grants(struct image_out *o, const struct users_change *c,
                              const struct users_image *i)
{
    out_add(o, i->grant, c->grant.from * sizeof(*i->grant));
    image_add_grants(o, &c->added);
    out_add(o, i->grant + c->grant.to,
            (c->grants - c->grant.to) * sizeof(*i->grant));
}

static void change_add_directories(struct image_out *o,
                                   const struct users_change *c,
                                   const struct users_image *i,
                                   const struct image_rows *w)
{
    out_add(o, i->directory, c->directory.from * sizeof(*i->directory));
    image_add_directories(o, w);
    change_add(o, c, &users_directory_fields, i->directory, c->directory.to,
               c->directories);
}

int image_write_change(const struct users_change *c, int fd)
{
    const struct users_image *i = c->image;
    const struct image_rows w = { &c->added, c->at };
    const struct users_head head = change_head(c);
    struct image_out o = { .fd = fd };

    out_add(&o, &head, sizeof(head));
    change_add_users(&o, c, i, &w);
    change_add(&o, c, &users_share_fields, i->share, 0, c->old->shares);
    change_add(&o, c, &users_team_fields, i->team, 0, c->old->teams);
    change_add_grants(&o, c, i);
    change_add_directories(&o, c, i, &w);
    out_flush(&o);
    out_write(&o, i->text, c->at);
    out_write(&o, c->added.text, c->added.text_size);
    out_write(&o, i->text + c->before, i->text_size - c->before);
    return o.error;
}
