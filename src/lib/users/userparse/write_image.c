/* Writes the table for master, auth and check. Runs in reader. The table's text
 * is the text of the users file, as users_read() has cut it. */
#include "reader.h"

#include <string.h>

#include "sallyport/base/fd.h"
#include "sallyport/users/image.h"

/* Writes the file in pieces, since a buffer for all rows would take more time
 * than all other work. Keeps the first error. */
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

static void out_add(struct image_out *o, const void *bytes, size_t len)
{
    if (len > sizeof(o->bytes) - o->len) {
        out_write(o, o->bytes, o->len);
        o->len = 0;
    }
    if (len > sizeof(o->bytes)) {
        out_write(o, bytes, len);
    } else if (len > 0) {
        memcpy(o->bytes + o->len, bytes, len);
        o->len += len;
    }
}

static union users_cell cell_of_text(const struct users *u, struct slice text)
{
    union users_cell cell = { 0 };

    if (text.ptr) {
        cell.at = (uint32_t)(text.ptr - u->text);
        cell.len = (uint32_t)text.len;
    }
    return cell;
}

static union users_cell cell_of(const struct users *u,
                                const struct users_field *f, const void *from)
{
    const struct team *const *team = from;
    union users_cell cell = { 0 };

    if (f->kind < USERS_PART)
        return cell_of_text(u, slice_from(*(const char *const *)from));
    if (f->kind == USERS_PART)
        return cell_of_text(u, *(const struct slice *)from);
    if (f->kind == USERS_TEAM)
        cell.number = *team ? (uint64_t)(*team - u->team) + 1 : 0;
    else if (f->size == sizeof(bool))
        cell.number = *(const bool *)from;
    else
        cell.number = f->size == sizeof(uint32_t) ? *(const uint32_t *)from
                                                  : *(const uint64_t *)from;
    return cell;
}

static void image_add(struct image_out *o, const struct users *u,
                      const struct users_fields *fields, const void *items,
                      size_t count)
{
    union users_cell row[sizeof(struct users_row) / sizeof(union users_cell)];

    for (size_t i = 0; i < count; i++) {
        const char *item = (const char *)items + i * fields->size;

        for (size_t n = 0; n < fields->count; n++)
            row[n] = cell_of(u, &fields->field[n], item + fields->field[n].at);
        out_add(o, row, fields->count * sizeof(row[0]));
    }
}

int users_write(const struct users *u, int fd)
{
    struct users_head head = { .users = u->count,
                               .shares = u->shares,
                               .teams = u->teams };
    struct image_out o = { .fd = fd };

    build_name_fill(head.build);
    for (size_t i = 0; i < u->count; i++)
        head.grants += u->row[i].grants;
    out_add(&o, &head, sizeof(head));
    image_add(&o, u, &users_row_fields, u->row, u->count);
    image_add(&o, u, &users_share_fields, u->share, u->shares);
    image_add(&o, u, &users_team_fields, u->team, u->teams);
    for (size_t i = 0; i < u->count; i++)
        out_add(&o, u->row[i].grant, u->row[i].grants * sizeof(struct grant));
    out_write(&o, o.bytes, o.len);
    out_write(&o, u->text, u->text_size + 1);
    return o.error;
}
