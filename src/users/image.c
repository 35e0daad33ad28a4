/* Takes the table of users that reader has made of the users file. Runs as
 * root, in master. A reader that a hostile file has broken into can write
 * whatever it likes, so each number is checked before it is used. The copy is
 * in master's own memory, where nobody changes it afterwards. */
#include "sallyport/users/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sallyport/base/fd.h"

struct image {
    const struct users_head *head;
    const struct users_row *row;
    char *text;
    size_t text_size;
};

static bool image_open(struct image *i, const struct buf *bytes)
{
    size_t rest = bytes->len, rows;

    if (rest < sizeof(*i->head))
        return false;
    i->head = (const void *)bytes->data;
    rest -= sizeof(*i->head);
    rows = i->head->count * sizeof(*i->row);
    if (i->head->count > USERS_MAX || rows > rest)
        return false;
    i->row = (const void *)(bytes->data + sizeof(*i->head));
    i->text = bytes->data + sizeof(*i->head) + rows;
    i->text_size = rest - rows;
    return true;
}

/* Returns NULL if the bytes aren't in the text, or are more than MOST. A byte
 * must follow them. */
static char *image_find(const struct image *i, struct users_span s, size_t most)
{
    bool fits =
        s.len <= most && s.at < i->text_size && s.len < i->text_size - s.at;

    return fits ? i->text + s.at : NULL;
}

static bool image_read_texts(const struct image *i, const struct users_row *row,
                             struct user *user)
{
    const struct {
        char **to;
        struct users_span from;
        size_t most;
    } texts[] = {
        { &user->name, row->name, USER_NAME_MAX },
        { &user->comment, row->comment, USER_COMMENT_MAX },
        { &user->home, row->home, USER_HOME_MAX },
        { &user->hash, row->hash, USER_HASH_MAX },
    };

    for (size_t n = 0; n < sizeof(texts) / sizeof(texts[0]); n++) {
        size_t len = texts[n].from.len;
        char *text = image_find(i, texts[n].from, texts[n].most);

        if (!text || strnlen(text, len + 1) != len)
            return false;
        *texts[n].to = text;
    }
    user->certificate =
        (struct slice){ image_find(i, row->certificate, USER_LINE_MAX),
                        row->certificate.len };
    user->totp = (struct slice){ image_find(i, row->totp, TOTP_TEXT_MAX),
                                 row->totp.len };
    return user->certificate.ptr && user->totp.ptr &&
           user_name_ok(slice_from(user->name));
}

static bool image_read_row(const struct image *i, const struct users_row *row,
                           struct user *user)
{
    if (row->rights > RIGHT_ALL)
        return false;
    *user = (struct user){
        .uid = row->uid,
        .gid = row->gid,
        .rights = row->rights,
        .certificate_only = row->certificate_only != 0,
        .locked = row->locked != 0,
        .line = row->line,
    };
    for (int n = 0; n < CHOICES; n++) {
        if (row->choice[n] > choices[n].count)
            return false;
        user->choice[n] = row->choice[n];
    }
    return image_read_texts(i, row, user);
}

/* 0; -EBADMSG: it isn't what reader writes; -ENOMEM */
static int image_read(struct users *u, const struct buf *bytes)
{
    struct image i;

    if (!image_open(&i, bytes) || !build_name_is(i.head->build))
        return -EBADMSG;
    u->row = calloc(i.head->count + 1, sizeof(*u->row));
    if (!u->row)
        return -ENOMEM;
    for (; u->count < i.head->count; u->count++)
        if (!image_read_row(&i, &i.row[u->count], &u->row[u->count]))
            return -EBADMSG;
    return 0;
}

int users_take(struct users *u, int fd, struct complaint *c)
{
    struct buf bytes;
    int r;

    *u = (struct users){ 0 };
    buf_init(&bytes, USERS_IMAGE_MAX);
    r = fd_read_file(fd, &bytes);
    if (r == 0)
        r = image_read(u, &bytes);
    u->text = bytes.data; /* users_release() wipes and frees it */
    u->text_size = bytes.len;
    if (r < 0) {
        users_release(u);
        complain(c, "the table of users from reader: %s", strerror(-r));
    }
    return r;
}
