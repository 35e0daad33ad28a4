/* Takes the table of users that reader has made from the users file. Runs in
 * master and check, as root, and in auth. An attacker who has broken into
 * reader by a hostile file can write anything, so this code checks each number
 * before it uses the number. The table's file is sealed, so nobody can change
 * it afterwards: the texts stay there, and all processes that map the file
 * share its memory. */
#include "sallyport/users/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "sallyport/base/fd.h"
#include "sallyport/base/pages.h"
#include "sallyport/base/shared.h"

/* Takes the next COUNT items, of SIZE bytes each, from *rest. Returns NULL if
 * there are fewer, or if COUNT is above MOST. */
static const void *image_cut(struct slice *rest, size_t count, size_t most,
                             size_t size)
{
    const void *items = rest->ptr;

    if (count > most || count * size > rest->len)
        return NULL;
    rest->ptr += count * size;
    rest->len -= count * size;
    return items;
}

static bool users_image_open(struct users_image *i, char *bytes, size_t size)
{
    struct slice rest = { bytes, size };
    const struct users_head *h = image_cut(&rest, 1, 1, sizeof(*h));

    if (!h)
        return false;
    *i = (struct users_image){
        .head = h,
        .row = image_cut(&rest, h->users, USERS_MAX, sizeof(*i->row)),
    };
    i->share = image_cut(&rest, h->shares, SHARES_MAX, sizeof(*i->share));
    i->team = image_cut(&rest, h->teams, TEAMS_MAX, sizeof(*i->team));
    i->grant = image_cut(&rest, h->grants, GRANTS_MAX, sizeof(*i->grant));
    i->text = bytes + (size - rest.len);
    i->text_size = rest.len;
    return i->row && i->share && i->team && i->grant;
}

#define FIELD(type, kind, member, least, most)                                 \
    { USERS_##kind, offsetof(type, member), sizeof(((type *)0)->member),       \
      least, most },
#define OF_USER(k, n, m, a, b)  FIELD(struct user, k, m, a, b)
#define OF_SHARE(k, n, m, a, b) FIELD(struct share, k, m, a, b)
#define OF_TEAM(k, n, m, a, b)  FIELD(struct team, k, m, a, b)
#define SIZES(row, type)                                                       \
    sizeof(struct row) / sizeof(union users_cell), sizeof(struct type)

const struct users_fields users_row_fields = {
    SIZES(users_row, user),
    (const struct users_field[]){ USERS_ROW_FIELDS(OF_USER) },
};
const struct users_fields users_share_fields = {
    SIZES(users_share, share),
    (const struct users_field[]){ USERS_SHARE_FIELDS(OF_SHARE) },
};
const struct users_fields users_team_fields = {
    SIZES(users_team, team),
    (const struct users_field[]){ USERS_TEAM_FIELDS(OF_TEAM) },
};

/* Reads a text. At least one byte must follow the text: for most kinds a NUL.
 */
static bool image_read_text(const struct users_image *i,
                            const struct users_field *f, union users_cell cell,
                            void *into)
{
    static bool (*const text_ok[])(struct slice) = {
        [USERS_NAME] = user_name_ok,
        [USERS_GROUP] = group_name_ok,
        [USERS_PATH] = user_path_ok,
    };
    char *text;

    if (cell.len < f->least || cell.len > f->most || cell.at >= i->text_size ||
        cell.len >= i->text_size - cell.at)
        return false;
    text = i->text + cell.at;
    if (f->kind == USERS_PART) {
        *(struct slice *)into =
            (struct slice){ cell.len > 0 ? text : NULL, cell.len };
        return true;
    }
    *(char **)into = text;
    return strnlen(text, cell.len + 1) == cell.len &&
           (f->kind == USERS_TEXT ||
            text_ok[f->kind]((struct slice){ text, cell.len }));
}

static bool image_read_number(const struct users *u,
                              const struct users_field *f, uint64_t n,
                              void *into)
{
    const struct limit_row *limit;
    bool ok;

    switch (f->kind) {
    case USERS_MODE:
        ok = n == 0 || mode_ok(n, (unsigned)f->least, (unsigned)f->most);
        break;
    case USERS_LIMIT:
        limit = &limit_rows[f->least];
        ok = n == 0 || (n - 1 >= limit->least && n - 1 <= limit->most);
        break;
    case USERS_TEAM:
        ok = n <= u->teams;
        break;
    default:
        ok = n >= f->least && n <= f->most;
    }
    if (!ok)
        return false;
    if (f->kind == USERS_TEAM)
        *(const struct team **)into = n > 0 ? &u->team[n - 1] : NULL;
    else if (f->size == sizeof(bool))
        *(bool *)into = n > 0;
    else if (f->size == sizeof(uint32_t))
        *(uint32_t *)into = (uint32_t)n;
    else
        *(uint64_t *)into = n;
    return true;
}

static bool image_read_fields(const struct users_image *i,
                              const struct users *u,
                              const struct users_fields *fields,
                              const void *row, void *into)
{
    const union users_cell *cell = row;

    for (const struct users_field *f = fields->field;
         f < fields->field + fields->count; f++, cell++) {
        void *at = (char *)into + f->at;

        /* If 0 means "not set" in this cell, the struct's field stays 0. */
        if (cell->number == 0 && f->kind >= USERS_PART &&
            (f->least == 0 || f->kind == USERS_MODE || f->kind == USERS_LIMIT))
            continue;
        if (f->kind <= USERS_PART ? !image_read_text(i, f, *cell, at)
                                  : !image_read_number(u, f, cell->number, at))
            return false;
    }
    return true;
}

/* Takes the next grants of the table, which are this user's. They must be in
 * the order of the shares, each share once. */
static bool image_read_grants(const struct users_image *i, struct users *u,
                              struct user *user)
{
    const struct grant *from = i->grant + u->grants;

    if (user->grants > i->head->grants - u->grants)
        return false;
    for (size_t n = 0; n < user->grants; n++)
        if (from[n].share >= u->shares || from[n].rights == 0 ||
            from[n].rights > RIGHTS_MOST ||
            (n > 0 && from[n].share <= from[n - 1].share))
            return false;
    user->share = u->share;
    user->grant = u->grant + u->grants;
    memcpy(u->grant + u->grants, from, user->grants * sizeof(*from));
    u->grants += user->grants;
    return true;
}

static bool image_read_rows(const struct users_image *i, struct users *u)
{
    for (; u->shares < i->head->shares; u->shares++)
        if (!image_read_fields(i, u, &users_share_fields, &i->share[u->shares],
                               &u->share[u->shares]))
            return false;
    for (; u->teams < i->head->teams; u->teams++)
        if (!image_read_fields(i, u, &users_team_fields, &i->team[u->teams],
                               &u->team[u->teams]))
            return false;
    /* For a user with certificate_only, auth asks only for a certificate, so
     * the user must have one. */
    for (; u->count < i->head->users; u->count++) {
        struct user *user = &u->row[u->count];

        if (!image_read_fields(i, u, &users_row_fields, &i->row[u->count],
                               user) ||
            (user->certificate_only && user->certificate.len == 0) ||
            !image_read_grants(i, u, user))
            return false;
    }
    return u->grants == i->head->grants;
}

/* Returns 0; -EBADMSG: this build's process reader never makes such a file; or
 * another -errno. */
static int image_read(struct users *u, int fd)
{
    const struct users_head *h;
    struct users_image i;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!fd_is_sealed(fd) || st.st_size == 0 ||
        (uint64_t)st.st_size > USERS_IMAGE_MAX)
        return -EBADMSG;
    u->text = shared_map(fd, (size_t)st.st_size, PROT_READ);
    if (!u->text)
        return -errno;
    u->text_size = (size_t)st.st_size;
    u->mapped = true;
    if (!users_image_open(&i, u->text, u->text_size) ||
        !build_name_is(i.head->build))
        return -EBADMSG;
    h = i.head;
    u->row = calloc(h->users + 1, sizeof(*u->row));
    u->grant = calloc(h->grants + 1, sizeof(*u->grant));
    u->share = calloc(h->shares + 1, sizeof(*u->share));
    u->team = calloc(h->teams + 1, sizeof(*u->team));
    if (!u->row || !u->share || !u->team || !u->grant)
        return -ENOMEM;
    /* The rows of 100,000 users take 37 MB: large pages save page faults. */
    pages_advise(u->row, h->users * sizeof(*u->row), MADV_HUGEPAGE);
    if (!image_read_rows(&i, u))
        return -EBADMSG;
    return users_index(u) ? 0 : -ENOMEM;
}

int users_take(struct users *u, int fd, struct complaint *c)
{
    int r;

    *u = (struct users){ 0 };
    r = image_read(u, fd);
    if (r < 0) {
        users_release(u);
        complain(c, "the table of users from reader: %s",
                 r == -EBADMSG ? "it is damaged, or reader is of another build"
                               : strerror(-r));
    }
    return r;
}
