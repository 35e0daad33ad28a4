/* Each system call of the smaller requests fails once. A listing is complete,
 * or says that it isn't; another request is done, or refused and can be
 * repeated; and the process serves on. */
#include "files/files.h"
#include "peer.h"
#include "support/nth.h"

struct request {
    const char *name;
    int (*ask)(struct peer *p);
    bool (*is_done)(struct peer *p); /* after OUTCOME_OK */
};

static int list(struct peer *p, const char *path, enum list_format format,
                unsigned names)
{
    int r = ask_list(p, path, format, "");

    if (r == OUTCOME_OK && p->listed == OUTCOME_OK)
        cr_expect_eq(p->entries, names, "%s: %lu names, and that's all", path,
                     p->entries);
    return r != OUTCOME_OK ? r : p->listed;
}

static int list_long(struct peer *p)
{
    return list(p, "/d", LIST_LONG, 3);
}
static int list_facts(struct peer *p)
{
    return list(p, "/d", LIST_FACTS, 3);
}
static int list_names(struct peer *p)
{
    return list(p, "/d", LIST_NAMES, 3);
}
static int list_mine(struct peer *p)
{
    return list(p, "/contracts", LIST_FACTS, 3);
}

static int names_mine(struct peer *p)
{
    return list(p, "/contracts", LIST_NAMES, 3);
}

static int make(struct peer *p)
{
    int r = ask_path(p, MSG_directory_make, "/made");

    return r == OUTCOME_EXISTS ? (int)OUTCOME_OK : r; /* STORED, not synced */
}

static bool is_made(struct peer *p)
{
    return disk_has(p, "/made");
}

/* With a partial in it, which no client sees. */
static int remove_directory(struct peer *p)
{
    int r = ask_path(p, MSG_directory_remove, "/removed");

    return r == OUTCOME_NOT_FOUND ? (int)OUTCOME_OK : r;
}

static bool is_removed(struct peer *p)
{
    return !disk_has(p, "/removed");
}

static int set_times(struct peer *p)
{
    return ask_times(p, "/d/a", 5, 7);
}

static bool has_times(struct peer *p)
{
    struct stat st;

    return stat(disk_path(p, "/d/a"), &st) == 0 && st.st_mtime == 7;
}

static int set_mode(struct peer *p)
{
    return ask_mode(p, "/d/b", 0640);
}

static bool has_mode(struct peer *p)
{
    struct stat st;

    return stat(disk_path(p, "/d/b"), &st) == 0 && (st.st_mode & 07777) == 0640;
}

static int size(struct peer *p)
{
    struct msg_facts_are facts = { 0 };
    int r = ask_facts(p, "/d/a", FACTS_FOR_SIZE, &facts);

    cr_expect(r != OUTCOME_OK || facts.size == 10);
    return r;
}

static int read_file(struct peer *p)
{
    int fd, r = ask_read(p, "/d/a", 0, &fd);

    cr_expect((r == OUTCOME_OK) == (fd >= 0));
    if (fd >= 0)
        close(fd);
    return r;
}

static int space(struct peer *p)
{
    uint64_t bytes = 0;

    return ask_space_wanted(p, "/", 0, &bytes);
}

/* In a home that has a directory with rights of its own (play()). */
static int names_guarded(struct peer *p)
{
    return list(p, "/g", LIST_NAMES, 4);
}

static int make_guarded(struct peer *p)
{
    int r = ask_path(p, MSG_directory_make, "/g/d/made");

    return r == OUTCOME_EXISTS ? (int)OUTCOME_OK : r; /* STORED, not synced */
}

static bool is_made_guarded(struct peer *p)
{
    return disk_has(p, "/g/d/made");
}

static int rename_onto_guarded(struct peer *p)
{
    int r = ask_rename(p, "/g/a", "/g/b");

    cr_expect(disk_has(p, "/g/b"));
    if (r == OUTCOME_NOT_FOUND && !disk_has(p, "/g/a"))
        return OUTCOME_OK; /* renamed, and not synced */
    return r;
}

static int rename_directory_guarded(struct peer *p)
{
    int r = ask_rename(p, "/g/d", "/g/e");

    cr_expect(disk_has(p, "/g/d") != disk_has(p, "/g/e"));
    if (r == OUTCOME_NOT_FOUND && disk_has(p, "/g/e"))
        return OUTCOME_OK;
    return r;
}
static bool is_renamed_guarded(struct peer *p)
{
    return disk_has(p, "/g/e");
}

/* The user's own file in a share where others' are hidden. */
static int rename_mine(struct peer *p)
{
    int r = ask_rename(p, "/contracts/a", "/contracts/r");

    if (r == OUTCOME_NOT_FOUND && !disk_has(p, SHARE "/a"))
        return OUTCOME_OK; /* renamed, and not synced */
    cr_expect_neq(r, OUTCOME_NOT_FOUND, "it is there");
    return r;
}

static bool is_renamed(struct peer *p)
{
    return !disk_has(p, SHARE "/a"); /* the new name has a suffix */
}

static bool always(struct peer *p)
{
    (void)p;
    return true;
}

static const struct request requests[] = {
    { "LIST", list_long, always },
    { "MLSD", list_facts, always },
    { "NLST", list_names, always },
    { "MLSD of the own files", list_mine, always },
    { "NLST of the own files", names_mine, always },
    { "MKD", make, is_made },
    { "RMD", remove_directory, is_removed },
    { "MFMT", set_times, has_times },
    { "SITE CHMOD", set_mode, has_mode },
    { "SIZE", size, always },
    { "RETR", read_file, always },
    { "RNTO of an own file", rename_mine, is_renamed },
    { "AVBL", space, always },
};

static const struct request guarded[] = {
    { "NLST", names_guarded, always },
    { "MKD", make_guarded, is_made_guarded },
    { "RNTO onto a file", rename_onto_guarded, always },
    { "RNTO of a directory", rename_directory_guarded, is_renamed_guarded },
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

/* /g with a, b and the directory d. */
static void furnish_guarded(struct peer *p)
{
    disk_fill(p, "/g/a", 10, 1);
    disk_fill(p, "/g/b", 10, 1);
    rmdir(disk_path(p, "/g/e"));
    rmdir(disk_path(p, "/g/d/made"));
    if (!disk_has(p, "/g/d"))
        disk_directory(p, "/g/d");
}

static void play(const struct request *r, bool own_rights, int error)
{
    struct nth *nth = nth_new();
    struct peer p;

    if (!nth)
        cr_skip_test(NTH_MISSING);
    peer_init(&p);
    alarm(600);
    p.nth = nth;
    disk_directory(&p, "/d");
    peer_share(&p, "/contracts",
               RIGHT_LIST | RIGHT_READ | RIGHT_RENAME | RIGHT_MINE);
    disk_directory(&p, "/g");
    disk_directory(&p, "/g/in");
    if (own_rights)
        peer_rights(&p, "/g/in", RIGHT_LIST);
    peer_run(&p);
    for (unsigned n = 1; nth_goes_on(nth); n += nth_stride()) {
        furnish(&p);
        furnish_guarded(&p);
        nth_arm(nth, n, error, NULL);
        int o = r->ask(&p);
        bool met = nth_disarm(nth);
        cr_expect(o == OUTCOME_OK ? r->is_done(&p) : met,
                  "%s: call %u, %s: outcome %d", r->name, n, nth_call(nth), o);
        if (o != OUTCOME_OK)
            o = r->ask(&p);
        cr_expect(o == OUTCOME_OK && r->is_done(&p),
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
        play(&requests[i], false, EIO);
}

/* Nothing that fails opens another spelling, and no name is lost. */
Test(nth_requests, call_says_eio_beside_own_rights)
{
    for (size_t i = 0; i < sizeof(guarded) / sizeof(guarded[0]); i++)
        play(&guarded[i], true, EIO);
}
