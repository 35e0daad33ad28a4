/* The numbers of users and shares. USERS.last-uid and USERS.last-gid have the
 * last assigned numbers, or higher numbers of the ranges that removed rows had.
 * No number is assigned twice, even after its user was removed, since files
 * with that number can still exist. */
#include "edit.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/idmap.h"

#define SPARE    32
#define LAST_MAX (1u << 20)

static const char *const kinds[] = { "uid", "gid" }; /* for users, for shares */

/* The answers of the disk and of NSS, as a fork returns them. */
struct ids_free {
    bool share;
    const char *own;      /* name of a directory that doesn't count, or NULL */
    uint32_t first, last; /* the range in the settings */
    uint64_t next;        /* the next number to ask for */
    size_t wanted, count;
    uint32_t id[];
};

static struct ids_free *free_ids; /* one command takes only one kind */
static uint32_t taken;            /* the edit's last number; 0: none */
static size_t next_free;
static uint32_t lost[2]; /* the highest that ids_lose() has noted; 0: none */

/* Returns the highest number in USERS.last-uid or USERS.last-gid; 0: there is
 * no file. Older versions wrote further lines. */
static uint64_t read_last(bool share)
{
    char path[PATH_MAX + 16], real[PATH_MAX];
    struct slice rest, line;
    uint64_t last = 0, one;
    struct buf text;

    snprintf(path, sizeof(path), "%s.last-%s",
             realpath(ctl.settings.users, real) ? real : ctl.settings.users,
             kinds[share]);
    FD_CLEANUP int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return 0;
    buf_init(&text, LAST_MAX);
    if (fd < 0 || fd_read_file(fd, &text))
        fail(EX_IOERR, "%s: it can't be read", path);
    rest = buf_slice(&text);
    for (bool first = true; slice_cut(&rest, '\n', &line); first = false) {
        if (!first && line.len == 0)
            continue;
        if (slice_number(line, UINT32_MAX, &one))
            fail(EX_DATAERR,
                 "%s: a line isn't a number; write the highest %s ever "
                 "assigned into the file",
                 path, kinds[share]);
        last = one > last ? one : last;
    }
    buf_release(&text);
    return last;
}

size_t ids_line(const struct users *u, uint64_t id)
{
    for (size_t i = 0; i < u->count; i++)
        if (u->row[i].uid == id || u->row[i].gid == id)
            return u->row[i].line;
    for (size_t i = 0; i < u->shares; i++)
        if (u->share[i].gid == id)
            return u->share[i].line;
    return 0;
}

/* Fails if ERROR, the errno of a question to NSS, is a failure. The values that
 * are permitted here mean that there is no such account: see getpwuid(3). */
static void nss_need(int error)
{
    if (error && error != ENOENT && error != ESRCH && error != EBADF &&
        error != EPERM)
        fail(EX_TEMPFAIL,
             "the system's accounts and groups can't be looked up (%s), so no "
             "number was assigned; try: getent passwd",
             strerror(error));
}

static bool has_account(uint64_t id, bool share)
{
    errno = 0;
    if (!share && getpwuid((uid_t)id))
        return true;
    nss_need(errno);
    errno = 0;
    if (getgrgid((gid_t)id))
        return true;
    nss_need(errno);
    return false;
}

bool ids_system_has_gid(gid_t gid)
{
    FILE *accounts = fopen("/etc/passwd", "re");
    const struct passwd *one = NULL;

    while (accounts && (one = fgetpwent(accounts)) && one->pw_gid != gid)
        ;
    if (accounts)
        fclose(accounts);
    return one || has_account(gid, true);
}

/* A bit for each id from f->first on: does a directory have it, or an account
 * as its primary group? Only in the fork. */
static uint8_t *owners;

static void set_owner_bit(const struct ids_free *f, uint32_t id)
{
    if (id >= f->first && id <= f->last)
        owners[(id - f->first) / 8] |= (uint8_t)(1 << (id - f->first) % 8);
}

static int add_owner(void *data, int directory, const char *name)
{
    const struct ids_free *f = data;
    struct stat st;

    if ((f->own && strcmp(name, f->own) == 0) ||
        fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) ||
        !S_ISDIR(st.st_mode))
        return 0;
    set_owner_bit(f, f->share ? st.st_gid : st.st_uid);
    return 0;
}

/* Returns after half of the time that the directory has left of disk_ms;
 * ids_ask() then asks for the rest, with new time: NSS can need some
 * milliseconds for each of many numbers. */
static void find_free(void *data)
{
    uint64_t end = clock_ms() + (uint64_t)disk_ms;
    struct ids_free *f = data;
    const char *path = f->share ? ctl.settings.shares : ctl.settings.homes;
    FILE *accounts = fopen("/etc/passwd", "re");
    const struct passwd *one;
    FD_CLEANUP int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 && errno != ENOENT ? -errno : 0;

    if (f->own)
        f->own =
            user_path_within(f->own, path) ? f->own + strlen(path) + 1 : NULL;
    owners = calloc((f->last - f->first) / 8 + 1, 1);
    if (!owners)
        fail_no_memory();
    if (fd >= 0)
        r = home_each_entry(fd, add_owner, f);
    if (r < 0)
        fail(ctl_exit_of(-r), "%s: %s", path, strerror(-r));
    while (accounts && (one = fgetpwent(accounts)))
        set_owner_bit(f, one->pw_gid);
    end = (end + clock_ms()) / 2;
    do {
        const uint64_t id = f->next++;

        if (!(owners[(id - f->first) / 8] >> (id - f->first) % 8 & 1) &&
            !ids_line(&ctl.users, id) && !has_account(id, f->share))
            f->id[f->count++] = (uint32_t)id;
    } while (f->count < f->wanted && f->next <= f->last && clock_ms() < end);
}

void ids_ask(bool share, size_t n, const char *own)
{
    const struct settings *s = &ctl.settings;
    const size_t wanted = n + SPARE,
                 size = sizeof(struct ids_free) + wanted * sizeof(uint32_t);
    const uint64_t last = read_last(share);
    struct ids_free *f = calloc(1, size);
    uint64_t there;

    if (!f)
        fail_no_memory();
    f->share = share;
    f->first = (uint32_t)(share ? s->gid_first : s->uid_first);
    f->last = (uint32_t)(share ? s->gid_last : s->uid_last);
    if (geteuid() == 0 && !idmap_has(share ? IDMAP_GIDS : IDMAP_UIDS, f->first,
                                     f->last, &there)) {
        const char *kind = kinds[share];

        if (there < f->first)
            fail(EX_CONFIG,
                 "this container has no %s %u (%s); set %s_first and %s_last, "
                 "such as %s",
                 kind, (unsigned)f->first, share ? IDMAP_GIDS : IDMAP_UIDS,
                 kind, kind, share ? "30000 and 39999" : "20000 and 29999");
        f->last = (uint32_t)there;
    }
    f->wanted = wanted;
    f->next = last < f->first ? f->first : last + 1;
    while (f->count < wanted && f->next <= f->last) {
        f->own = own;
        disk_run(find_free, f, size,
                 share ? "the system's list of accounts, or the directory of "
                         "the shares,"
                       : "the system's list of accounts, or the directory of "
                         "the homes,");
    }
    free(free_ids);
    free_ids = f;
    next_free = 0;
}

uint32_t ids_likely(size_t n)
{
    return n < free_ids->count ? free_ids->id[n] : 0;
}

uint32_t ids_take(void)
{
    const struct ids_free *f = free_ids;
    const uint64_t last = taken ? taken : read_last(f->share);

    for (; next_free < f->count; next_free++)
        if (f->id[next_free] > last && !ids_line(edit_users, f->id[next_free]))
            return taken = f->id[next_free++];
    if (f->count == f->wanted)
        fail(EX_TEMPFAIL, "other commands have taken the next ids; run the "
                          "command again");
    fail(EX_CONFIG,
         "no %s is left up to %u; raise %s_last (all up to the number in "
         "%s.last-%s count as used)",
         kinds[f->share], (unsigned)f->last, kinds[f->share],
         ctl.settings.users, kinds[f->share]);
}

static int write_last(const struct users_file *file, bool share, uint32_t id)
{
    char name[NAME_MAX + 1], text[16];
    bool stands;

    snprintf(name, sizeof(name), "%s.last-%s", file->name, kinds[share]);
    snprintf(text, sizeof(text), "%u\n", (unsigned)id);
    return users_file_replace(file->directory_fd, name, slice_from(text), NULL,
                              NULL, NULL, &stands);
}

void ids_lose(const struct users *now, uint32_t id)
{
    const struct settings *s = &ctl.settings;

    for (int share = 0; share < 2; share++)
        if (id >= (share ? s->gid_first : s->uid_first) &&
            id <= (share ? s->gid_last : s->uid_last) && id > lost[share] &&
            !(now && ids_line(now, id)))
            lost[share] = id;
}

void ids_record_lost(const struct users_file *file)
{
    for (int share = 0; share < 2; share++) {
        const int r = lost[share] > 0 && lost[share] > read_last(share)
                          ? write_last(file, share, lost[share])
                          : 0;

        if (r)
            fail(ctl_exit_of(-r),
                 "%s.last-%s can't be written, so nothing was changed: %s",
                 file->path, kinds[share], strerror(-r));
    }
}

/* If the number can't be recorded, only warns: the row and its directory still
 * keep the number from being assigned again. */
void ids_record(const struct users_file *file)
{
    int r;

    if (!edit_stands || !taken)
        return;
    r = write_last(file, free_ids->share, taken);
    if (r)
        stderr_print("%s.last-%s can't be written: %s", file->path,
                     kinds[free_ids->share], strerror(-r));
    taken = 0;
}

struct asked_group {
    const char *text;
    gid_t gid;
};

static void ask_group(void *data)
{
    struct asked_group *g = data;
    uint64_t number;
    const bool named = slice_number(slice_from(g->text), USER_ID_MAX, &number);
    const struct group *found;

    errno = 0;
    found = named ? getgrnam(g->text) : getgrgid((gid_t)number);
    if (!found)
        nss_need(errno);
    if (!found)
        fail(EX_USAGE,
             "%s: there is no such group; make it with: groupadd --system "
             "%s%s%s",
             g->text, named ? "" : "--gid ", g->text, named ? "" : " NAME");
    g->gid = found->gr_gid;
}

gid_t ids_of_group(const char *text)
{
    struct asked_group g = { .text = text };

    disk_run(ask_group, &g, sizeof(g), "the system's list of groups");
    if (g.gid < SHARE_GID_MIN)
        fail(EX_USAGE,
             "%s is a group of the system, with gid %u; use one with a gid "
             "from %d on",
             text, (unsigned)g.gid, SHARE_GID_MIN);
    return g.gid;
}
