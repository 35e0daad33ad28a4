/* Takes the table of users that reader has made of the users file. Runs in
 * master and check, as root, and in auth. A reader that a hostile file has
 * broken into can write whatever it likes, so each number is checked before it
 * is used. The file is sealed, so nobody changes it afterwards: the texts stay
 * there, and all processes that map it share its memory. */
#include "sallyport/users/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "sallyport/base/fd.h"
#include "sallyport/base/shared.h"

struct image {
    const struct users_head *head;
    const struct users_row *row;
    const struct users_share *share;
    const struct users_team *team;
    const struct grant *grant;
    const struct users_directory *directory;
    char *text;
    size_t text_size;
};

/* The next COUNT items of *rest, which gets the bytes after them; or NULL. */
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

static bool image_open(struct image *i, char *bytes, size_t size)
{
    struct slice rest = { bytes, size };
    const struct users_head *h = image_cut(&rest, 1, 1, sizeof(*h));

    if (!h)
        return false;
    *i = (struct image){
        .head = h,
        .row = image_cut(&rest, h->users, USERS_MAX, sizeof(*i->row)),
    };
    i->share = image_cut(&rest, h->shares, SHARES_MAX, sizeof(*i->share));
    i->team = image_cut(&rest, h->teams, TEAMS_MAX, sizeof(*i->team));
    i->grant = image_cut(&rest, h->grants, GRANTS_MAX, sizeof(*i->grant));
    i->directory = image_cut(&rest, h->directories, DIRECTORIES_MAX,
                             sizeof(*i->directory));
    i->text = bytes + (size - rest.len);
    i->text_size = rest.len;
    return i->row && i->share && i->team && i->grant && i->directory;
}

/* Returns NULL if the bytes aren't in the text, or are more than MOST. A byte
 * must follow them. */
static char *image_find(const struct image *i, struct users_span s, size_t most)
{
    bool fits =
        s.len <= most && s.at < i->text_size && s.len < i->text_size - s.at;

    return fits ? i->text + s.at : NULL;
}

/* A text that a NUL ends. */
static bool image_read_text(const struct image *i, struct users_span s,
                            size_t most, char **ret)
{
    *ret = image_find(i, s, most);
    return *ret && strnlen(*ret, s.len + 1) == s.len;
}

/* A value of the last column. ptr NULL: it isn't there. */
static struct slice image_part(const struct image *i, struct users_span s)
{
    return (struct slice){ image_find(i, s, USER_LINE_MAX), s.len };
}

static bool image_read_texts(const struct image *i, const struct users_row *row,
                             struct user *user)
{
    user->certificate = image_part(i, row->certificate);
    user->totp = (struct slice){ image_find(i, row->totp, TOTP_TEXT_MAX),
                                 row->totp.len };
    return image_read_text(i, row->name, USER_NAME_MAX, &user->name) &&
           image_read_text(i, row->comment, USER_COMMENT_MAX, &user->comment) &&
           image_read_text(i, row->home, USER_HOME_MAX, &user->home) &&
           image_read_text(i, row->hash, USER_HASH_MAX, &user->hash) &&
           user->certificate.ptr && user->totp.ptr &&
           (!user->certificate_only || user->certificate.len > 0) &&
           user_name_ok(slice_from(user->name));
}

static bool rights_ok(uint32_t rights)
{
    return rights != 0 && rights <= RIGHTS_MOST;
}

/* Is it 0, which stands for a default, or a permitted mode? */
static bool mode_or_none_ok(uint32_t mode, unsigned needed, unsigned most)
{
    return mode == 0 || mode_ok(mode, needed, most);
}

static bool image_read_share(const struct image *i,
                             const struct users_share *row, struct share *share)
{
    *share = (struct share){ .gid = row->gid,
                             .file_mode = row->file_mode,
                             .line = row->line };
    memcpy(&share->quota, row->quota, sizeof(share->quota));
    return image_read_text(i, row->name, USER_NAME_MAX, &share->name) &&
           image_read_text(i, row->path, USER_HOME_MAX, &share->path) &&
           group_name_ok(slice_from(share->name)) &&
           user_path_ok(slice_from(share->path)) && row->gid >= SHARE_GID_MIN &&
           row->gid != UINT32_MAX &&
           mode_or_none_ok(row->file_mode, FILE_MODE_NEEDED, FILE_MODE_MOST);
}

static bool image_read_directory(const struct image *i,
                                 const struct users_directory *row,
                                 struct directory_right *directory)
{
    directory->rights = row->rights;
    return rights_ok(row->rights) &&
           image_read_text(i, row->path, USER_HOME_MAX, &directory->path) &&
           user_path_ok(slice_from(directory->path));
}

/* The next grants of the table are this user's. In the order of the shares,
 * none is twice. */
static bool image_read_grants(const struct image *i, size_t count,
                              struct users *u, struct user *user)
{
    const struct grant *from = i->grant + u->grants;

    if (count > USER_MOUNTS_MAX || count > i->head->grants - u->grants)
        return false;
    for (size_t n = 0; n < count; n++)
        if (from[n].share >= i->head->shares || !rights_ok(from[n].rights) ||
            (n > 0 && from[n].share <= from[n - 1].share))
            return false;
    user->share = u->share;
    user->grant = u->grant + u->grants;
    user->grants = count;
    memcpy(u->grant + u->grants, from, count * sizeof(*from));
    u->grants += count;
    return true;
}

static bool image_read_directories(const struct image *i, size_t count,
                                   struct users *u, struct user *user)
{
    const struct users_directory *from = i->directory + u->directories;

    if (count > USER_MOUNTS_MAX - user->grants ||
        count > i->head->directories - u->directories)
        return false;
    user->directory = u->directory + u->directories;
    user->directories = count;
    for (size_t n = 0; n < count; n++)
        if (!image_read_directory(i, &from[n], &u->directory[u->directories++]))
            return false;
    return true;
}

static bool image_read_limits(const struct image *i,
                              const struct users_limits *row,
                              struct row_limits *into)
{
    for (int n = 0; n < ROW_LIMITS; n++) {
        const struct limit_row *limit = &limit_rows[n];
        uint64_t number = (uint64_t)row->number[n][1] << 32 | row->number[n][0];

        if (number > 0 &&
            (number - 1 < limit->least || number - 1 > limit->most))
            return false;
        into->number[n] = number;
    }
    into->networks = image_part(i, row->networks);
    into->hours = image_part(i, row->hours);
    return into->networks.ptr && into->hours.ptr;
}

static bool image_read_team(const struct image *i, const struct users_team *row,
                            struct team *team)
{
    return image_read_text(i, row->name, USER_NAME_MAX, &team->name) &&
           group_name_ok(slice_from(team->name)) &&
           image_read_limits(i, &row->limits, &team->limits);
}

/* Those with limits that the user is in. */
static bool image_read_teams(const struct users_row *row, const struct users *u,
                             struct user *user)
{
    for (size_t n = 0; n < USER_TEAMS_MAX && row->team[n] > 0; n++) {
        if (row->team[n] > u->teams)
            return false;
        user->team[n] = &u->team[row->team[n] - 1];
    }
    return true;
}

static bool image_read_row(const struct image *i, const struct users_row *row,
                           struct users *u, struct user *user)
{
    const uint64_t expires = (uint64_t)row->expires[1] << 32 | row->expires[0];

    if (expires > INT64_MAX)
        return false;
    *user = (struct user){
        .uid = row->uid,
        .gid = row->gid,
        .rights = row->rights,
        .certificate_only = row->certificate_only != 0,
        .locked = row->locked != 0,
        .must_change = row->must_change != 0,
        .file_mode = row->file_mode,
        .dir_mode = row->dir_mode,
        .max_files = row->max_files,
        .expires = (int64_t)expires,
        .line = row->line,
    };
    memcpy(&user->quota, row->quota, sizeof(user->quota));
    for (int n = 0; n < CHOICES; n++) {
        if (row->choice[n] > choices[n].count)
            return false;
        user->choice[n] = row->choice[n];
    }
    return row->rights <= RIGHTS_MOST &&
           mode_or_none_ok(row->file_mode, FILE_MODE_NEEDED, FILE_MODE_MOST) &&
           mode_or_none_ok(row->dir_mode, DIR_MODE_NEEDED, DIR_MODE_MOST) &&
           image_read_limits(i, &row->limits, &user->limits) &&
           image_read_teams(row, u, user) && image_read_texts(i, row, user) &&
           image_read_grants(i, row->grants, u, user) &&
           image_read_directories(i, row->directories, u, user);
}

static bool image_allocate(const struct users_head *h, struct users *u)
{
    u->row = calloc(h->users + 1, sizeof(*u->row));
    u->share = calloc(h->shares + 1, sizeof(*u->share));
    u->team = calloc(h->teams + 1, sizeof(*u->team));
    u->grant = calloc(h->grants + 1, sizeof(*u->grant));
    u->directory = calloc(h->directories + 1, sizeof(*u->directory));
    return u->row && u->share && u->team && u->grant && u->directory;
}

/* 0; -EBADMSG: it isn't what reader writes; -ENOMEM */
static int image_read(struct users *u)
{
    struct image i;

    if (!image_open(&i, u->text, u->text_size) || !build_name_is(i.head->build))
        return -EBADMSG;
    if (!image_allocate(i.head, u))
        return -ENOMEM;
    for (; u->shares < i.head->shares; u->shares++)
        if (!image_read_share(&i, &i.share[u->shares], &u->share[u->shares]))
            return -EBADMSG;
    for (; u->teams < i.head->teams; u->teams++)
        if (!image_read_team(&i, &i.team[u->teams], &u->team[u->teams]))
            return -EBADMSG;
    for (; u->count < i.head->users; u->count++)
        if (!image_read_row(&i, &i.row[u->count], u, &u->row[u->count]))
            return -EBADMSG;
    if (u->grants != i.head->grants || u->directories != i.head->directories)
        return -EBADMSG;
    return users_index(u) ? 0 : -ENOMEM;
}

/* 0; -EBADMSG: the file isn't sealed, or of a wrong size; another -errno */
static int image_map(struct users *u, int fd)
{
    struct stat st;
    void *bytes;
    int r;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!fd_is_sealed(fd) || st.st_size == 0 ||
        (uint64_t)st.st_size > USERS_IMAGE_MAX)
        return -EBADMSG;
    r = shared_map(fd, (size_t)st.st_size, PROT_READ, &bytes);
    if (r < 0)
        return r;
    u->text = bytes;
    u->text_size = (size_t)st.st_size;
    u->mapped = true;
    return 0;
}

int users_take(struct users *u, int fd, struct complaint *c)
{
    int r;

    *u = (struct users){ 0 };
    r = image_map(u, fd);
    if (r == 0)
        r = image_read(u);
    if (r < 0) {
        users_release(u);
        complain(c, "the table of users from reader: %s", strerror(-r));
    }
    return r;
}
