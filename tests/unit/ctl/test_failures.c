/* A command that fails changes no file, or says that it has. --dry-run prints
 * what the run does. Each command of ctl_commands is here. */
#include <ftw.h>
#include <sys/file.h>

#include "ctl/ctl.h"
#include "played.h"
#include "support/long.h"
#include "support/nth.h"
#include "world.h"

TestSuite(failures, .init = world_make, .fini = scratch_remove, .timeout = 1800,
          WITHOUT_SANITIZERS);

/* Commands that edit the users file, each with words for a run that succeeds,
 * for one with an unknown name, and for one with a bad value. NULL: there are
 * no such words */
static const struct failing {
    const char *command, *good, *unknown, *bad;
} rows[] = {
    { "user add", "zoe --share old:read --hash-stdin",
      "zoe --share none:read --hash-stdin", "zoe --role x --hash-stdin" },
    { "user change", "anna --comment New --home HOMES/new", "zoe --role read",
      "anna --role x" },
    { "user edit", "", NULL, NULL },
    { "user passwd", "anna", "zoe", "anna --x" },
    { "user rename", "anna eva", "zoe eva", "anna e/a" },
    { "user import", "one", "none", "users" },
    { "user del", "bert --yes", "zoe --yes", "bert --x" },
    { "user lock", "anna bert", "zoe", "anna --x" },
    { "user unlock", "bert", "bert zoe", "bert --x" },
    { "user totp", "anna", "zoe", "anna --x" },
    { "invite", "zoe --share old:drop", "zoe --share none:drop",
      "zoe --share old:x" },
    { "share add", "new anna:full", "new anna:full zoe:full",
      "new anna:full bert:x" },
    { "share change", "old --retain 30d", "new --retain 30d",
      "old --retain x" },
    { "share rename", "old new", "none new", "old n/w" },
    { "share grant", "old bert:read", "old bert:read zoe:read", "old bert:x" },
    { "share revoke", "old anna", "old anna zoe", "old anna --x" },
    { "share del", "old --yes", "none --yes", "old --x" },
    { "team add", "new bert", "new bert zoe", "n/w bert" },
    { "team join", "legal bert", "legal bert zoe", "legal bert --x" },
    { "team leave", "legal anna", "legal anna zoe", "legal anna --x" },
    { "team change", "legal --max-sessions 3", "none --max-sessions 3",
      "legal --max-sessions x" },
    { "team rename", "legal law", "none law", "legal l/w" },
    { "team del", "legal --yes", "none --yes", "legal --x" },
};
#define ROWS (sizeof(rows) / sizeof(*rows))

/* The other commands only look, or ask the kernel, processes files or the
 * server. */
static const char others[] =
    "|user list|user show|user can|share list|share show|team list|team show|"
    "partials list|inspect list|inspect read|inspect release|inspect reject|"
    "quota set|quota list|retention run|status|metrics|who|kick|ban list|"
    "ban add|ban del|check|log|report|drain|reload|";

static const struct dry {
    const char *before, *command, *words;
} dries[] = {
    { NULL, "user import", "import" },
    { "user import import --sync dir", "user import", "import2 --sync dir" },
    { NULL, "retention run", "" },
};
#define DRIES (sizeof(dries) / sizeof(*dries))

Test(failures, each_command_is_here)
{
    for (size_t i = 0; i < ctl_command_count; i++) {
        char name[CTL_NAME], other[CTL_NAME + 2];
        size_t here = 0, dry = 0;

        ctl_name_of(&ctl_commands[i], name);
        snprintf(other, sizeof(other), "|%s|", name);
        for (size_t n = 0; n < ROWS; n++)
            here += strcmp(rows[n].command, name) == 0;
        for (size_t n = 0; n < DRIES; n++)
            dry += strcmp(dries[n].command, name) == 0;
        cr_expect_eq(here + (strstr(others, other) != NULL), 1, "%s", name);
        cr_expect_eq(dry > 0, ctl_takes(&ctl_commands[i], OPTION_dry_run), "%s",
                     name);
    }
}

/* The sum of the names, owners, modes and bytes of all files. Their order
 * doesn't count. */
static uint64_t sum;

static uint64_t add_to(uint64_t hash, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3;
    return hash;
}

static int add_file(const char *path, const struct stat *st, int flag,
                    struct FTW *at)
{
    const unsigned facts[] = { st->st_mode, st->st_uid, st->st_gid };
    uint64_t one = add_to(0xcbf29ce484222325, path, strlen(path));
    struct buf text;

    (void)at;
    if (strstr(path, "/.users.")) /* the next command removes it */
        return 0;
    buf_init(&text, 1 << 20);
    if (flag == FTW_F)
        files_read(path, &text);
    one = add_to(one, facts, sizeof(facts));
    sum += add_to(one, text.data, text.len);
    buf_release(&text);
    return 0;
}

static uint64_t sum_of_files(void)
{
    sum = 0;
    nftw(scratch, add_file, 16, FTW_PHYS);
    return sum;
}

static const struct run *run_words(const char *command, const char *words)
{
    static struct run r;
    const char *at = strstr(words, "HOMES");
    char all[512];

    snprintf(all, sizeof(all), "%s %.*s%s%s", command,
             (int)(at ? at - words : (ptrdiff_t)strlen(words)), words,
             at ? world.homes : "", at ? at + strlen("HOMES") : "");
    run_ctl(&r, WORLD_HASH "\n", all);
    return &r;
}

/* Expects that the command has failed, and that the sum of the files is BEFORE,
 * as before the run. */
static void expect_same(const struct run *r, const char *command,
                        const char *words, uint64_t before)
{
    if (strstr(r->err, "move its directory away")) /* of user edit */
        scratch_remove_tree("users.edit");
    cr_expect_neq(r->code, 0, "%s %s: it doesn't fail", command, words);
    cr_expect_eq(sum_of_files(), before, "%s %s: %d: files have changed:\n%s%s",
                 command, words, r->code, r->err, file_text(world.users));
}

static int fails(const char *command, const char *words)
{
    const uint64_t before = sum_of_files();
    const struct run *r = run_words(command, words);

    expect_same(r, command, words, before);
    return r->code;
}

Test(failures, of_names_values_and_the_users_file)
{
    setenv("EDITOR", "sed -i s/full/read/", 1);
    world_people();
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].unknown)
            cr_expect_neq(fails(rows[i].command, rows[i].unknown), EX_USAGE,
                          "%s", rows[i].command);
        if (rows[i].bad)
            fails(rows[i].command, rows[i].bad);
    }
    files_change(world.users, ":!$6", ":secret$6", true);
    for (size_t i = 0; i < ROWS; i++)
        cr_expect_neq(fails(rows[i].command, rows[i].good), EX_USAGE, "%s",
                      rows[i].command);
}

/* All commands run at once, since each waits 10 s for the lock. */
Test(failures, of_the_lock)
{
    pid_t pid[ROWS];
    int status;

    world_people();
    const uint64_t before = sum_of_files();
    const int fd = open("users.lock", O_RDWR | O_CLOEXEC);
    cr_assert_eq(flock(fd, LOCK_EX), 0);
    for (size_t i = 0; i < ROWS; i++) {
        fflush(NULL);
        pid[i] = fork();
        if (pid[i] == 0)
            _exit(run_words(rows[i].command, rows[i].good)->code);
    }
    for (size_t i = 0; i < ROWS; i++) {
        cr_assert_eq(waitpid(pid[i], &status, 0), pid[i]);
        cr_expect_eq(WEXITSTATUS(status), EX_TEMPFAIL, "%s: %d",
                     rows[i].command, WEXITSTATUS(status));
    }
    cr_expect_eq(sum_of_files(), before, "%s", file_text(world.users));
    close(fd);
}

/* Makes the Nth call of the command fail, for many N. If a call after the
 * rename fails, the command says that the change is made. */
static void fail_calls(const struct failing *row, int error)
{
    const unsigned step = is_long() ? 1 : 7 * nth_stride();
    char after[128];

    for (unsigned n = 1; nth_goes_on(world.nth); n += step) {
        world_people();
        const uint64_t before = sum_of_files();
        nth_arm(world.nth, n, error, scratch);
        const struct run *r = run_words(row->command, row->good);
        const bool met = nth_disarm(world.nth);
        snprintf(after, sizeof(after), "%s: call %u, %s", row->good, n,
                 nth_call(world.nth));
        if (r->code != 0 && !strstr(r->err, "users: was changed, but ") &&
            !strstr(r->err, "the users file was changed;"))
            expect_same(r, row->command, after, before);
        else
            cr_expect_neq(sum_of_files(), before, "%s %s: %d, nothing is done",
                          row->command, after, r->code);
        cr_expect(met || r->code == 0, "%s: %d\n%s", row->command, r->code,
                  r->err);
        cr_expect(r->code == 0 || strcmp(row->command, "user lock") != 0 ||
                      strstr(r->err, world_command("kick USER\n")) ||
                      strstr(r->err, "was changed") ||
                      strstr(r->err, "/conf: "),
                  "%s: %s", after, r->err);
    }
}

Test(failures, of_the_disk, WITH_SANITIZERS)
{
    setenv("EDITOR", "sed -i s/full/read/", 1);
    for (size_t i = 0; i < ROWS; i++) {
        for (int long_run = 0; long_run < (is_long() ? 2 : 1); long_run++) {
            world.nth = nth_new();
            if (!world.nth)
                world_skip(NTH_MISSING);
            fail_calls(&rows[i], long_run ? EIO : ENOSPC);
            nth_free(world.nth);
        }
    }
}

/* A command whose report can't be written says that its change stands. */
Test(failures, of_the_report)
{
    setenv("EDITOR", "sed -i s/full/read/", 1);
    for (size_t i = 0; i < ROWS; i++) {
        world_people();
        const uint64_t before = sum_of_files();
        world.out = "/dev/full";
        const struct run *r = run_words(rows[i].command, rows[i].good);
        world.out = NULL;
        cr_expect_neq(r->code, 0, "%s", rows[i].command);
        if (sum_of_files() != before)
            cr_expect(strstr(r->err, "the users file was changed;"), "%s: %s",
                      rows[i].command, r->err);
    }
}

/* Cuts the ends and words in which a dry run and a real one differ. */
static const char *tidy(char *text)
{
    char *at;

    if ((at = strstr(text, "; nothing has changed (--dry-run)\n")) ||
        (at = strstr(text, "4 removed, 20 bytes; ")))
        *at = '\0';
    while ((at = strstr(text, "expired")))
        memcpy(at, "removed", 7);
    at = text + strlen(text);
    if (at > text && at[-1] == '\n')
        at[-1] = '\0';
    return text;
}

Test(failures, a_dry_run_says_what_the_run_does)
{
    played_files("ON find remove=1\n"
                 "-> partial path=/old bytes=5 state=PARTIAL_REMOVED\n"
                 "-> partials_end\n"
                 "ON find -> partial path=/old bytes=5 -> partials_end\n");
    for (size_t i = 0; i < DRIES; i++) {
        static struct run dry, real;
        char words[128];

        world_people();
        if (dries[i].before)
            expect_run(0, "", dries[i].before);
        const uint64_t before = sum_of_files();
        snprintf(words, sizeof(words), "%s --dry-run", dries[i].words);
        dry = *run_words(dries[i].command, words);
        cr_expect_eq(sum_of_files(), before, "%s", dries[i].command);
        real = *run_words(dries[i].command, dries[i].words);
        cr_expect_eq(dry.code, real.code);
        cr_expect_str_eq(tidy(dry.out), tidy(real.out));
    }
}
