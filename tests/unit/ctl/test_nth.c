/* Each system call of a command that edits fails once, or the process is killed
 * there. Afterwards the users file is the old or the new one, and the same
 * command succeeds. No file is lost, no temporary file stays, and each try
 * spends at most one id. */
#include <dirent.h>
#include <grp.h>
#include <pwd.h>

#include "ctl/ctl.h"
#include "support/allocation.h"
#include "support/long.h"
#include "support/nth.h"
#include "world.h"

#define HASH WORLD_HASH "\n"

TestSuite(nth, .init = world_make, .fini = scratch_remove, .timeout = 1800,
          WITHOUT_SANITIZERS);

struct edit_case {
    const char *words;
    const char *mark;      /* in the users file only after it, or only before */
    bool removes;          /* the mark is there only before */
    int again;             /* the exit status if the change is made already */
    const char *directory; /* the one that it makes or removes; NULL: none */
};

static const struct edit_case cases[] = {
    { "user add bob --hash-stdin", "\nbob:", false, EX_DATAERR, "homes/bob" },
    { "user change anna --comment New --home @/homes/new", ":New:", false, 0,
      "homes/new" },
    { "user del anna --purge --yes", "anna:", true, EX_NOUSER, "homes/anna" },
    { "share add s anna:full", "@share:s:", false, EX_DATAERR, "shares/s" },
    { "share del old --purge --yes", "@share:old:", true, EX_NOUSER,
      "shares/old" },
    { "user import @/import", "\nb3:", false, 0, "homes/b3" },
};

/* "@" stands for the scratch directory. */
static const char *words_of(const struct edit_case *c)
{
    static char out[512];
    size_t len = 0;

    for (const char *at = c->words; *at; at++)
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%.*s",
                                *at == '@' ? (int)strlen(scratch) : 1,
                                *at == '@' ? scratch : at);
    return out;
}

/* Returns true if DIRECTORY has a temporary file. Unless MAY, expects that it
 * has none. */
static bool has_temporary(const char *directory, const char *after, bool may)
{
    DIR *dir = opendir(directory);
    const struct dirent *entry;
    bool found = false;

    while (dir && (entry = readdir(dir))) {
        bool one = strstr(entry->d_name, ".new") ||
                   strstr(entry->d_name, ".sallyport-");

        cr_expect(may || !one, "%s: %s stays", after, entry->d_name);
        found = found || one;
    }
    if (dir)
        closedir(dir);
    return found;
}

/* Expects no temporary file. Only the directory of the users file may have one,
 * which the next commands must remove. */
static void expect_no_temporary(const char *after)
{
    has_temporary(world.homes, after, false);
    has_temporary(world.shares, after, false);
    if (!has_temporary(scratch, after, true))
        return;
    expect_run(0, HASH, "user add zoe --hash-stdin");
    expect_run(0, "", "share add zoe");
    has_temporary(scratch, after, false);
}

/* Expects that each home belongs to the uid of its user. */
static void expect_owners(const char *after)
{
    struct complaint c = { "" };
    struct users u;
    struct stat st;
    int fd = open(world.users, O_RDONLY);

    cr_assert_eq(users_read(&u, fd, "users", &c), 0, "%s: %s", after, c.text);
    close(fd);
    for (size_t i = 0; i < u.count; i++) {
        cr_assert_eq(stat(u.row[i].home, &st), 0, "%s: no home of %s", after,
                     u.row[i].name);
        cr_expect_eq(st.st_uid, geteuid() == 0 ? u.row[i].uid : geteuid());
        cr_expect_lt(u.row[i].uid, 70008, "%s: many uids are spent", after);
    }
    users_release(&u);
}

static void expect_truth(const struct edit_case *c, const char *after,
                         int status, const char *before)
{
    char directory[256], now[4096];
    bool done;

    snprintf(now, sizeof(now), "%s", file_text(world.users));
    done = (strstr(now, c->mark) != NULL) != c->removes;
    /* A refused import may have added lines, but the lines before them stay. */
    cr_expect(done || (status == EX_DATAERR && strstr(c->words, "import")
                           ? strncmp(now, before, strlen(before))
                           : strcmp(now, before)) == 0,
              "%s: neither old nor new:\n%s", after, now);
    cr_expect(status != 0 || done, "%s: status 0, and nothing is done", after);
    if (!done && c->removes) /* the command can try again */
        expect_run(0, "", words_of(c));
    else
        expect_run(done ? c->again : 0, HASH, words_of(c));
    cr_expect((strstr(file_text(world.users), c->mark) != NULL) != c->removes,
              "%s", after);
    if (c->removes)
        expect_run(0, "", "retention run");
    snprintf(directory, sizeof(directory), "%s/%s%s", scratch, c->directory,
             c->removes ? "/file" : "");
    /* If the process is killed after the row is removed, and before the
     * directory gets its reserved name, all files stay, as without --purge. */
    if (!c->removes || status == 0)
        cr_expect_eq(files_exists(directory), !c->removes, "%s: %s", after,
                     directory);
    expect_owners(after);
    expect_no_temporary(after);
}

static void play(const struct edit_case *c, int error)
{
    /* The short run tries each sixteenth call. */
    const unsigned step = is_long() ? 1 : 4 * nth_stride();
    struct nth *nth = nth_new();
    static struct run r;
    char before[4096], after[128];
    unsigned n;

    if (!nth)
        world_skip(NTH_MISSING);
    for (n = 1; nth_goes_on(nth); n += step) {
        int status;

        world_people();
        snprintf(before, sizeof(before), "%s", file_text(world.users));
        nth_arm(nth, n, error, scratch);
        world.nth = nth;
        run_ctl(&r, HASH, words_of(c));
        world.nth = NULL;
        nth_disarm(nth);
        status = r.code;
        snprintf(after, sizeof(after), "%.20s, call %u, %s, %d: %d", c->words,
                 n, nth_call(nth), error, status);
        expect_truth(c, after, status, before);
    }
    cr_expect_gt(n, 10);
    nth_free(nth);
}

/* Plays the kills. A long run also plays calls that fail. */
static void play_all(const struct edit_case *c)
{
    play(c, NTH_KILL);
    if (is_long()) {
        play(c, EIO);
        play(c, ENOSPC);
        play(c, EINTR);
    }
}

Test(nth, user_add)
{
    play_all(&cases[0]);
}

Test(nth, user_change)
{
    play_all(&cases[1]);
}

Test(nth, user_del)
{
    play_all(&cases[2]);
}

Test(nth, share_add)
{
    play_all(&cases[3]);
}

Test(nth, share_del)
{
    play_all(&cases[4]);
}

Test(nth, user_import, WITH_SANITIZERS)
{
    play_all(&cases[5]);
}

/* Runs the command with a failing Nth allocation. Returns false if it makes
 * fewer than N allocations. */
static bool run_without_memory(const struct edit_case *c, unsigned n,
                               int *status)
{
    static struct run r;

    /* Loads the C library's modules now: if there were no memory for them
     * later, the library would end the process. */
    getpwuid(0);
    getgrgid(0);
    world.fails = n;
    run_ctl(&r, HASH, words_of(c));
    world.fails = 0;
    *status = r.code == NOTHING_FAILS ? 0 : r.code;
    return r.code != NOTHING_FAILS;
}

/* A short run fails only some of the allocations. */
static void play_memory(const struct edit_case *c)
{
    const unsigned step = is_long() ? 1 : 421;
    bool failed;
    char before[4096], after[128];
    unsigned n = 1;

    do {
        int status;

        world_people();
        snprintf(before, sizeof(before), "%s", file_text(world.users));
        failed = run_without_memory(c, n, &status);
        snprintf(after, sizeof(after), "%.20s, allocation %u: %d", c->words, n,
                 status);
        cr_expect_lt(status, 128, "%s: it crashed", after);
        expect_truth(c, after, status, before);
        n += step;
    } while (failed);
    cr_expect_gt(n, 20, "%.20s: %u allocations", c->words, n);
}

Test(nth, memory)
{
    if (!allocation_can_fail())
        world_skip(ALLOCATION_MISSING);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        play_memory(&cases[i]);
}

/* If an allocation fails, an import adds all users or none. */
Test(nth, an_import_is_one_change)
{
    const unsigned step = is_long() ? 1 : 211;
    bool failed;
    unsigned n = 1;

    if (!allocation_can_fail())
        world_skip(ALLOCATION_MISSING);
    do {
        const char *text;
        int status;

        world_people();
        failed = run_without_memory(&cases[5], n, &status);
        text = file_text(world.users);
        cr_expect_eq(strstr(text, "\nb1:") != NULL,
                     strstr(text, "\nb3:") != NULL, "%u: %d\n%s", n, status,
                     text);
        cr_expect_eq(strstr(text, "\nb2:") != NULL,
                     strstr(text, "\nb3:") != NULL, "%u: %d\n%s", n, status,
                     text);
        n += step;
    } while (failed);
}
