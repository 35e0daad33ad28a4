/* Each system call of the smaller requests fails once. A listing is complete,
 * or says that it isn't. Another request is done, or it is refused and succeeds
 * when it is repeated. The process serves further requests. */
#include "peer.h"
#include "support/nth.h"

struct request {
    const char *name;
    int (*ask)(struct peer *p, const struct request *r);
    bool (*is_done)(struct peer *p, const char *path); /* after OUTCOME_OK */
    const char *path;
    enum list_format format;
    unsigned names; /* in a complete listing */
};

static int list(struct peer *p, const struct request *r)
{
    int o = ask_list(p, r->path, r->format, "");

    if (o == OUTCOME_OK && p->listed == OUTCOME_OK)
        cr_expect_eq(p->entries, r->names, "%s: %lu names, and that's all",
                     r->path, p->entries);
    return o != OUTCOME_OK ? o : p->listed;
}

static int make(struct peer *p, const struct request *r)
{
    int o = ask_path(p, MSG_directory_make, r->path);

    return o == OUTCOME_EXISTS ? (int)OUTCOME_OK : o; /* made, not synced */
}

/* Removes a directory with a partial in it, which no client sees. */
static int remove_directory(struct peer *p, const struct request *r)
{
    int o = ask_path(p, MSG_directory_remove, r->path);

    return o == OUTCOME_NOT_FOUND ? (int)OUTCOME_OK : o;
}

static bool is_gone(struct peer *p, const char *path)
{
    return !disk_has(p, path);
}

static int set_times(struct peer *p, const struct request *r)
{
    return ask_times(p, r->path, 5, 7);
}

static bool has_times(struct peer *p, const char *path)
{
    return disk_stat(p, path).st_mtime == 7;
}

static int set_mode(struct peer *p, const struct request *r)
{
    return ask_mode(p, r->path, 0640);
}

static bool has_mode(struct peer *p, const char *path)
{
    return disk_mode(p, path) == 0640;
}

static int size(struct peer *p, const struct request *r)
{
    int o = ask_facts(p, r->path, FACTS_FOR_SIZE);

    cr_expect(o != OUTCOME_OK || p->are.size == 10);
    return o;
}

static int read_file(struct peer *p, const struct request *r)
{
    int fd, o = ask_read(p, r->path, 0, &fd);

    cr_expect((o == OUTCOME_OK) == (fd >= 0));
    if (fd >= 0)
        close(fd);
    return o;
}

static int space(struct peer *p, const struct request *r)
{
    return ask_space(p, r->path, 0);
}

/* Renames the user's own file in a share that hides files of others: the new
 * name gets a suffix. */
static int rename_mine(struct peer *p, const struct request *r)
{
    int o = ask_rename(p, "/contracts/a", "/contracts/r");

    if (o == OUTCOME_NOT_FOUND && !disk_has(p, r->path))
        return OUTCOME_OK; /* renamed, but not synced */
    cr_expect_neq(o, OUTCOME_NOT_FOUND, "it is there");
    return o;
}

static bool always(struct peer *p, const char *path)
{
    (void)p;
    (void)path;
    return true;
}

static const struct request requests[] = {
    { "LIST", list, always, "/d", LIST_LONG, 3 },
    { "MLSD", list, always, "/d", LIST_FACTS, 3 },
    { "NLST", list, always, "/d", LIST_NAMES, 3 },
    { "MLSD of the own files", list, always, "/contracts", LIST_FACTS, 3 },
    { "NLST of the own files", list, always, "/contracts", LIST_NAMES, 3 },
    { "MKD", make, disk_has, "/made", 0, 0 },
    { "RMD", remove_directory, is_gone, "/removed", 0, 0 },
    { "MFMT", set_times, has_times, "/d/a", 0, 0 },
    { "SITE CHMOD", set_mode, has_mode, "/d/b", 0, 0 },
    { "SIZE", size, always, "/d/a", 0, 0 },
    { "RETR", read_file, always, "/d/a", 0, 0 },
    { "RNTO of an own file", rename_mine, is_gone, SHARE "/a", 0, 0 },
    { "AVBL", space, always, "/", 0, 0 },
};

static void furnish(struct peer *p)
{
    static const char *const files[] = { "/d/a",     "/d/b",     "/d/c",
                                         SHARE "/a", SHARE "/b", SHARE "/c" };

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        disk_fill(p, files[i], 10, 1);
    rmdir(disk_path(p, "/made"));
    if (!disk_has(p, "/removed"))
        disk_directory(p, "/removed");
    if (disk_partials(p, "/removed") == 0)
        ask_cut(p, "/removed/f", 100 * 1024, 1);
}

static void play(const struct request *r, int error)
{
    struct nth *nth = nth_new();
    struct peer p;

    if (!nth)
        cr_skip_test(NTH_MISSING);
    peer_init(&p);
    alarm(600);
    p.nth = nth;
    PLAY(&p, DIRECTORY("/d"),
         SHARES("/contracts",
                RIGHT_LIST | RIGHT_READ | RIGHT_RENAME | RIGHT_MINE),
         RUN());
    for (unsigned n = 1; nth_goes_on(nth); n += nth_stride()) {
        furnish(&p);
        nth_arm(nth, n, error, NULL);
        int o = r->ask(&p, r);
        bool met = nth_disarm(nth);
        cr_expect(o == OUTCOME_OK ? r->is_done(&p, r->path) : met,
                  "%s: call %u, %s: outcome %d", r->name, n, nth_call(nth), o);
        if (o != OUTCOME_OK)
            o = r->ask(&p, r);
        cr_expect(o == OUTCOME_OK && r->is_done(&p, r->path),
                  "%s: call %u, %s: again: outcome %d", r->name, n,
                  nth_call(nth), o);
    }
    cr_expect_gt(nth_count(nth), 0, "%s: no call", r->name);
    peer_leave(&p);
    peer_remove(&p);
    nth_free(nth);
}

Test(nth_requests, call_says_eio)
{
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        play(&requests[i], EIO);
}
