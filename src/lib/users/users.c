/* The table of users: decides which users can have a process files, computes
 * the version of a row, and frees the table. Runs in master, which asks before
 * each fork, and in other processes. */
#include "sallyport/users/users.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sallyport/base/pages.h"
#include "sallyport/base/shared.h"
#include "sallyport/settings/settings.h"

static bool name_has_only(struct slice name, const char *letters)
{
    return name.len > 0 && name.len <= USER_NAME_MAX &&
           !memchr(".-@", name.ptr[0], 3) && slice_has_only(name, letters);
}

bool user_name_ok(struct slice name)
{
    return name_has_only(name, USER_NAME_LETTERS);
}

bool group_name_ok(struct slice name)
{
    return name_has_only(name, NAME_LETTERS);
}

/* Returns true only if reader accepts the hash (userparse/user_hash.c): with
 * another hash, reader would refuse the whole users file. The character after
 * "$y$j" is hash_cost, from 5 to 8. */
bool user_hash_is_new(struct slice hash)
{
    static const char costs[] = "9ABC";
    size_t dollars = 0, tail = 0;

    for (size_t i = 0; i < hash.len; i++) {
        char c = hash.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c >= '.' && c <= '9') || c == '$'))
            return false;
        dollars += c == '$';
        tail = c == '$' ? 0 : tail + 1;
    }
    return hash.len <= USER_HASH_MAX && slice_starts(hash, SLICE("$y$j")) &&
           dollars == 4 && tail == 43 && memchr(costs, hash.ptr[4], 4) &&
           memcmp(hash.ptr + 5, "T$", 2) == 0;
}

static bool advise_rows(const struct users *u, int advice)
{
    return pages_advise(u->row, u->count * sizeof(*u->row), advice) &&
           pages_advise(u->by_name, u->names * sizeof(*u->by_name), advice) &&
           pages_advise(u->grant, u->grants * sizeof(*u->grant), advice);
}

void users_keep_from_forks(struct users *u)
{
    u->kept_from_forks = advise_rows(u, MADV_WIPEONFORK);
    if (!u->kept_from_forks)
        advise_rows(u, MADV_KEEPONFORK);
}

void users_release(struct users *u)
{
    if (u->kept_from_forks) /* malloc(3) will reuse the memory */
        advise_rows(u, MADV_KEEPONFORK);
    if (u->mapped) {
        shared_unmap(u->text, u->text_size);
    } else if (u->text) {
        explicit_bzero(u->text, u->text_size);
        free(u->text);
    }
    free(u->row);
    free(u->by_name);
    free(u->share);
    free(u->team);
    free(u->grant);
    *u = (struct users){ 0 };
}

bool user_path_ok(struct slice path)
{
    struct slice part;

    if (path.len > USER_HOME_MAX || slice_has_control(path) ||
        !slice_cut(&path, '/', &part) || part.len > 0 || !path.ptr)
        return false;
    while (slice_cut(&path, '/', &part))
        if (part.len == 0 || slice_equal(part, SLICE(".")) ||
            slice_equal(part, SLICE("..")))
            return false;
    return true;
}

int user_path_order(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (*a == '/' ? 1 : (unsigned char)*a) -
           (*b == '/' ? 1 : (unsigned char)*b);
}

bool user_path_beneath(const char *path, const char *directory)
{
    size_t len = strlen(directory);

    while (len > 1 && directory[len - 1] == '/')
        len--;
    return strncmp(path, directory, len) == 0 && path[len] == '/';
}

bool user_path_within(const char *path, const char *directory)
{
    size_t len = strlen(directory);

    while (len > 0 && directory[len - 1] == '/')
        len--;
    return strncmp(path, directory, len) == 0 &&
           (path[len] == '/' || path[len] == '\0');
}

static bool has_dot_dot(const char *path)
{
    struct slice rest = slice_from(path), part;

    while (slice_cut(&rest, '/', &part))
        if (slice_equal(part, SLICE("..")))
            return true;
    return false;
}

int user_permitted(const struct user *user, const struct settings *s, bool root,
                   struct complaint *c)
{
    unsigned somewhere, everywhere;

    if (user->home[0] != '/' || strlen(user->home) > USER_HOME_MAX)
        return complain(c, "user %s: the home is not absolute, or too long",
                        user->name);
    if (!root &&
        (has_dot_dot(user->home) || !user_path_beneath(user->home, s->homes)))
        return complain(c, "user %s: without root, homes must be below %s",
                        user->name, s->homes);
    if (root && (user->uid < s->uid_first || user->uid > s->uid_last))
        return complain(c,
                        "user %s: uid %lu is not in %llu-%llu (uid_first, "
                        "uid_last); give it and its files another one; run: "
                        "sallyportctl user edit",
                        user->name, (unsigned long)user->uid,
                        (unsigned long long)s->uid_first,
                        (unsigned long long)s->uid_last);
    if (root && user->gid == 0)
        return complain(c, "user %s: gid 0 is root's", user->name);
    user_rights(user, &somewhere, &everywhere);
    if (!root && somewhere & RIGHT_MINE)
        return complain(c,
                        "user %s: mine (u) works only if root runs the server: "
                        "otherwise all files have one owner",
                        user->name);
    /* A share can have the gid of any group that isn't Debian's own
     * (SHARE_GID_MIN), such as the group of local programs that fetch the
     * share's files. */
    for (size_t i = 0; !root && i < user->grants; i++) {
        const struct share *one = &user->share[user->grant[i].share];

        if (!user_path_beneath(one->path, s->shares))
            return complain(c,
                            "user %s: share %s: without root, shares must be "
                            "below %s",
                            user->name, one->name, s->shares);
    }
    return 0;
}

bool user_expired(const struct user *user, int64_t now)
{
    return user->expires > 0 && user->expires <= now;
}

unsigned user_choice(const struct user *user, int choice, unsigned setting)
{
    return user->choice[choice] ? user->choice[choice] - 1 : setting;
}

static unsigned user_can(unsigned rights)
{
    return rights_drop(rights) ? rights | RIGHT_ALL : rights;
}

void user_rights(const struct user *user, unsigned *somewhere,
                 unsigned *everywhere)
{
    *everywhere = user->rights;
    *somewhere = user_can(user->rights);
    for (size_t i = 0; i < user->grants; i++) {
        *somewhere |= user_can(user->grant[i].rights);
        *everywhere &= user->grant[i].rights;
    }
}

uint64_t row_limit(const struct row_limits *l, int limit, uint64_t setting)
{
    return l->number[limit] ? l->number[limit] - 1 : setting;
}

uint64_t user_limit(const struct user *user, int limit, uint64_t setting)
{
    uint64_t least = row_limit(&user->limits, limit, setting);

    for (int i = 0; i < USER_TEAMS_MAX && user->team[i]; i++) {
        uint64_t other = row_limit(&user->team[i]->limits, limit, 0);

        if (other > 0 && (least == 0 || other < least))
            least = other;
    }
    return least;
}

/* The version of a row is a keyed hash of the fields that grant access.
 * Sessions and tickets contain the version, so it must reveal nothing about the
 * password's hash. */
#define PARTS_ALWAYS 10 /* parts of each version */

static uint64_t text_hash(const uint8_t key[SIPHASH_KEY], struct slice text)
{
    return siphash(key, text.ptr, text.len);
}

/* Hashes shares as numbers of a fixed size, so that two different lists never
 * give the same bytes. */
static uint64_t mounts_hash(const uint8_t key[SIPHASH_KEY],
                            const struct user *user)
{
    uint64_t parts[USER_MOUNTS_MAX];
    const size_t n = user->grants;

    for (size_t i = 0; i < n; i++) {
        const struct share *s = &user->share[user->grant[i].share];
        const uint64_t share[] = { text_hash(key, slice_from(s->name)),
                                   text_hash(key, slice_from(s->path)), s->gid,
                                   s->file_mode, user->grant[i].rights };

        parts[i] = siphash(key, share, sizeof(share));
    }
    return n > 0 ? siphash(key, parts, n * sizeof(parts[0])) : 0;
}

/* Computes the version. A part that a row doesn't use is 0, and zeros at the
 * end don't count. So add a new part at the end: then the versions of rows that
 * don't use it stay, and an upgrade ends no session. */
uint64_t user_version(const struct user *user, const uint8_t key[SIPHASH_KEY])
{
    const uint64_t parts[] = {
        text_hash(key, slice_from(user->name)),
        text_hash(key, slice_from(user->hash)),
        text_hash(key, slice_from(user->home)),
        text_hash(key, user->certificate),
        user->certificate_only,
        user->locked,
        user->uid,
        user->gid,
        user->rights,
        user->choice[CHOICE_BINDING],
        (uint64_t)user->expires,
        user->totp.len > 0 ? text_hash(key, user->totp) : 0,
        user->file_mode,
        user->dir_mode,
        mounts_hash(key, user),
        user->must_change,
        row_limit(&user->limits, ROW_UPLOADS, 0),
        row_limit(&user->limits, ROW_UPLOAD_BYTES, 0),
    };
    size_t count = sizeof(parts) / sizeof(parts[0]);

    while (count > PARTS_ALWAYS && parts[count - 1] == 0)
        count--;
    return siphash(key, parts, count * sizeof(parts[0]));
}
