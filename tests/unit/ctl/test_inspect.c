/* "inspect list", "release" and "reject". The test plays the processes files.
 */
#include "fake_server.h"
#include "sallyport/base/fd.h"
#include "world.h"

#define ID "0123456789abcdef"

TestSuite(inspect, .init = world_make, .fini = scratch_remove);

static void write_users(void)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "anna:!:70000:70000::%s/anna::\n"
             "bert:!:70001:70001::%s/bert::shares=contracts\n"
             "@share:contracts:80000:%s/contracts:\n",
             world.homes, world.homes, world.shares);
    file_write(world.users, text);
}

static void says_held(struct channel *ctl, const char *path, uint64_t uid,
                      enum outcome o)
{
    FAKE_SAYS(ctl, held, .id = SLICE(ID), .path = slice_from(path), .uid = uid,
              .bytes = 5, .since = 86400, .outcome = o);
}

static void ends(struct channel *ctl)
{
    FAKE_SAYS(ctl, partials_end);
}

/* Writes the name and the ids of the process, and the number of its shares,
 * into the file "starts". */
static bool has_started(const struct files_start *start, struct channel *master)
{
    FILE *f = fopen(in_scratch("starts"), "a");

    fprintf(f, "%s %u %u %zu\n", start->name, (unsigned)start->uid,
            (unsigned)start->gid, start->mount_count);
    fclose(f);
    return fake_ready(start, master);
}

static void holds_one(struct channel *ctl)
{
    if (heard.kind == MSG_held_find && heard.held_find.order == HELD_LIST)
        says_held(ctl, "/a\n.pdf", 70001, OUTCOME_OK);
    ends(ctl);
}

/* The command only asks in homes and shares where the right i is in force,
 * since the example of a scanner runs it each 30 s. */
Test(inspect, list_asks_where_something_is_held)
{
    char text[2048];

    snprintf(text, sizeof(text),
             "anna:!:70000:70000::%s/anna::\n"
             "bert:!:70001:70001::%s/bert::rights=wi shares=a,b:wi\n"
             "carl:!:70002:70002::%s/carl::rights./in=wi teams=t\n"
             "@team:t:shares=c:wi\n@share:a:80000:%s/a:\n"
             "@share:b:80001:%s/b:\n@share:c:80002:%s/c:\n",
             world.homes, world.homes, world.homes, world.shares, world.shares,
             world.shares);
    file_write(world.users, text);
    fake_files_are(has_started, holds_one);
    expect_run(0, "", "inspect list");
    cr_expect_str_eq(file_text(in_scratch("starts")),
                     "bert 70001 70001 0\ncarl 70002 70002 0\n"
                     "b 80001 80001 0\nc 80002 80002 0\n");
}

/* With --all the command asks in all homes, and once in each share, with the
 * share's ids. */
Test(inspect, list)
{
    const struct run *r;

    write_users();
    fake_files_are(has_started, holds_one);
    cr_expect_str_eq(expect_run(0, "", "inspect list")->out, "");
    r = expect_run(0, "", "inspect list --all");
    cr_expect_not_null(strstr(r->out, ID " bert "), "%s", r->out);
    cr_expect_not_null(strstr(r->out, " /a?.pdf\n"), "%s", r->out);
    cr_expect_not_null(strstr(r->out, " /contracts/a?.pdf\n"), "%s", r->out);
    cr_expect_str_eq(file_text(in_scratch("starts")),
                     "anna 70000 70000 0\nbert 70001 70001 0\n"
                     "contracts 80000 80000 0\n");
    file_write(in_scratch("starts"), "");
#define HELD(user, path)                                                       \
    "{\"id\":\"" ID "\",\"user\":\"" user "\",\"path\":\"" path "/a\\n.pdf\"," \
    "\"bytes\":5,\"since\":\"1970-01-02T00:00:00Z\"}"
    cr_expect_str_eq(
        world_json("inspect list bert --json"),
        geteuid() == 0
            ? "[" HELD("bert", "") "," HELD("bert", "/contracts") "]"
            : "[" HELD("bert", "") "," HELD("/contracts", "/contracts") "]");
    cr_expect_str_eq(file_text(in_scratch("starts")),
                     "bert 70001 70001 0\nbert 70001 80000 0\n");
    fake_files_are(NULL, ends);
    cr_expect_str_eq(expect_run(0, "", "inspect list --json")->out, "[]\n");
    expect_err(EX_NOUSER, "", "inspect list carla", "carla");
}

static void obeys(struct channel *ctl)
{
    if (slice_equal(heard.held_find.id, SLICE(ID)))
        says_held(ctl, heard.held_find.order == HELD_RELEASE ? "/a (2)" : "/a",
                  70000, OUTCOME_OK);
    ends(ctl);
}

/* The search for an id ends where the upload is found. */
Test(inspect, orders)
{
    write_users();
    fake_files_are(has_started, obeys);
    expect_out(0, "", "inspect release " ID, "released: /a (2)\n");
    expect_out(0, "", "inspect reject " ID, "rejected: /a\n");
    cr_expect_str_eq(file_text(in_scratch("starts")),
                     "anna 70000 70000 0\nanna 70000 70000 0\n");
    file_write(in_scratch("starts"), "");
    expect_out(0, "", "inspect release " ID " bert", "released: /a (2)\n");
    cr_expect_str_eq(file_text(in_scratch("starts")), "bert 70001 70001 0\n");
    expect_err(EX_NOINPUT, "", "inspect release fedcba9876543210",
               "no upload fedcba9876543210 waits");
    expect_err(EX_USAGE, "", "inspect release 0123", "expected an id");
    expect_err(EX_USAGE, "", "inspect reject " ID "0", "expected an id");
    expect_err(EX_USAGE, "", "inspect release", "ID is missing");
    expect_err(EX_NOUSER, "", "inspect release " ID " carla", "carla");
}

static bool not_for_anna(const struct files_start *start,
                         struct channel *master)
{
    return strcmp(start->name, "anna") != 0 && fake_ready(start, master);
}

/* The order is carried out even if a home before it fails. */
Test(inspect, orders_beside_a_home_that_fails)
{
    write_users();
    fake_files_are(not_for_anna, obeys);
    expect_out(0, "", "inspect release " ID, "released: /a (2)\n");
    expect_err(EX_TEMPFAIL, "", "inspect release fedcba9876543210",
               "anna: the search process closed the connection");
}

static enum outcome outcome;

static void refuses(struct channel *ctl)
{
    says_held(ctl, "/a", 70000, outcome);
    ends(ctl);
}

static void breaks_off(struct channel *ctl)
{
    (void)ctl;
}

static void answers_another(struct channel *ctl)
{
    FAKE_SAYS(ctl, partial, .path = SLICE("/p"));
}

Test(inspect, refusals)
{
    static const struct {
        enum outcome outcome;
        int code;
        const char *complaint;
    } rows[] = {
        { OUTCOME_NAME_TAKEN, EX_CANTCREAT, "its name is taken" },
        { OUTCOME_IS_DIRECTORY, EX_CANTCREAT, "a directory has its name" },
        { OUTCOME_STORED_UNSAFE, EX_IOERR, "is visible" },
        { OUTCOME_BUSY, EX_TEMPFAIL, "try again" },
        { OUTCOME_EXISTS, EX_CANTCREAT, "this upload; --replace-newer" },
        { OUTCOME_DENIED, EX_NOPERM, "can't read it, or can't write" },
        { OUTCOME_READ_ONLY, EX_IOERR, "stays: error" },
    };

    write_users();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        outcome = rows[i].outcome;
        fake_files_are(NULL, refuses);
        const struct run *r =
            expect_run(rows[i].code, "", "inspect release " ID);
        cr_expect(strstr(r->err, rows[i].complaint), "%s", r->err);
        cr_expect_eq(outcome == OUTCOME_STORED_UNSAFE,
                     strstr(r->out, "released: ") != NULL, "%s", r->out);
    }
    fake_files_are(NULL, breaks_off);
    expect_err(EX_TEMPFAIL, "", "inspect release " ID " anna",
               "closed the connection");
    fake_files_are(NULL, answers_another);
    expect_err(EX_PROTOCOL, "", "inspect list anna", "no answer about");
}

static void sends_a_part(struct channel *ctl)
{
    says_held(ctl, "/a", 70000, outcome);
    if (outcome == OUTCOME_OK) {
        FD_CLEANUP int fd = open(in_scratch("part"), O_RDONLY | O_CLOEXEC);

        FAKE_SAYS(ctl, held_bytes, .file = fd);
    }
    ends(ctl);
}

/* "inspect read" fails if bytes are missing, so that a program doesn't take a
 * part for the whole. */
Test(inspect, bytes_that_do_not_come)
{
    write_users();
    outcome = OUTCOME_OK;
    fake_files_are(NULL, sends_a_part);
    file_write(in_scratch("part"), "byte");
    expect_err(EX_IOERR, "", "inspect read " ID, "not all of it could be read");
    file_write(in_scratch("part"), "bytes");
    expect_out(0, "", "inspect read " ID, "bytes");
    outcome = OUTCOME_IO;
    expect_err(EX_IOERR, "", "inspect read " ID, "stays: error");
}

static char of[USER_NAME_MAX + 1]; /* the name of this process files */
static bool of_share;

static bool is_of(const struct files_start *start, struct channel *master)
{
    snprintf(of, sizeof(of), "%s", start->name);
    of_share = start->gid == 80000;
    return has_started(start, master);
}

static enum held_order ordered;

static void only_for_bert(struct channel *ctl)
{
    if (heard.held_find.order != ordered)
        says_held(ctl, "/wrong", 70001, OUTCOME_IO);
    else if (!strcmp(of, "contracts"))
        says_held(ctl, "/d/a", 70001, OUTCOME_DENIED);
    else if (!strcmp(of, "bert") && of_share)
        says_held(ctl, "/d/a", 70001, OUTCOME_OK);
    ends(ctl);
}

/* If the share's group can't write in a directory, the process with the owner's
 * uid carries the order out. */
Test(inspect, a_directory_of_a_member)
{
    write_users();
    if (geteuid() != 0)
        cr_skip_test("all files have one owner");
    fake_files_are(is_of, only_for_bert);
    ordered = HELD_RELEASE;
    expect_out(0, "", "inspect release " ID, "released: /contracts/d/a\n");
    cr_expect_str_eq(file_text(in_scratch("starts")),
                     "anna 70000 70000 0\nbert 70001 70001 0\n"
                     "contracts 80000 80000 0\nbert 70001 80000 0\n");
    ordered = HELD_REPLACE;
    expect_out(0, "", "inspect release --replace-newer " ID,
               "released: /contracts/");
}

/* A user or a share with uploads that wait can't be removed: their clients have
 * the 226, and no command would find the uploads any more. */
Test(inspect, del_of_what_has_uploads_that_wait)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "anna:!:70000:70000::%s/anna::rights=lr\n"
             "bert:!:70001:70001::%s/bert::rights=wi shares=contracts:wi\n"
             "carl:!:70002:70002::%s/carl::rights=lr rights./in=wi\n"
             "@share:contracts:80000:%s/contracts:\n"
             "@share:plain:80001:%s/plain:\n",
             world.homes, world.homes, world.homes, world.shares, world.shares);
    file_write(world.users, text);
    files_make_folder(world.homes, 0711);
    files_make_folder(world.shares, 0711);
    files_make_folder(in(world.homes, "anna"), 0700);
    files_make_folder(in(world.homes, "bert"), 0700);
    files_make_folder(in(world.homes, "carl"), 0700);
    files_make_folder(in(world.shares, "contracts"), 0700);
    fake_files_are(has_started, holds_one);
    expect_err(EX_USAGE, "y\n", "user del bert",
               "bert has uploads that wait for inspection (1; see: "
               "sallyportctl inspect list --all), and no command would find "
               "them any more; nothing was removed; release or reject them");
    expect_run(EX_USAGE, "y\n", "user del carl --purge");
    expect_run(EX_USAGE, "", "share del contracts");
    /* anna's uploads came before anna lost the right i. */
    expect_run(EX_USAGE, "", "user del anna");
    cr_expect_str_eq(file_text(world.users), text);
    /* The command asks in the home without its shares: uploads in a share can
     * still be found after the removal. */
    cr_expect_str_eq(file_text(in_scratch("starts")),
                     "bert 70001 70001 0\ncarl 70002 70002 0\n"
                     "contracts 80000 80000 0\nanna 70000 70000 0\n");
    expect_run(0, "", "share del plain"); /* it has no directory */
    expect_run(0, "", "user del bert --waiting");
    fake_files_are(NULL, ends);
    expect_run(0, "", "user del carl");
}

/* The number of marks in another user's hash. The marks are three letters again
 * and again, which the test's own memory never has. */
#define MARKS 43

static bool has_marks(const char *at, size_t len)
{
    for (size_t n = 0, i = 0; i < len; i++) {
        n = at[i] == "Qz7"[n % 3] ? n + 1 : at[i] == 'Q';
        if (n == MARKS)
            return true;
    }
    return false;
}

static void write_marked(void)
{
    pid_t pid = fork();

    cr_assert_geq(pid, 0);
    if (pid == 0) {
        FILE *f = fopen(world.users, "w");

        if (!f)
            _exit(1);
        fprintf(f, "anna:!:70000:70000::%s/anna::\nbert:$5$salt$", world.homes);
        for (size_t i = 0; i < MARKS; i++)
            putc("Qz7"[i % 3], f);
        fprintf(f, ":70001:70001::%s/bert::\n", world.homes);
        fclose(f);
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

/* Enters if no memory that the process can write to has the marks: its user
 * could find them there. */
static bool enters_without_hashes(const struct files_start *start,
                                  struct channel *master)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512], may[5];
    unsigned long from, to;
    size_t looked = 0;
    bool found = false;

    while (maps && fgets(line, sizeof(line), maps))
        if (sscanf(line, "%lx-%lx %4s", &from, &to, may) == 3 &&
            strncmp(may, "rw", 2) == 0) {
            found =
                found || has_marks((const char *)(uintptr_t)from, to - from);
            looked++;
        }
    if (maps)
        fclose(maps);
    return looked > 5 && !found && fake_ready(start, master);
}

/* No process that works beneath a home has another user's hash in its
 * memory. */
Test(inspect, the_processes_know_no_hash)
{
#ifdef __SANITIZE_ADDRESS__
    world_skip("the memory of sanitizers is too large");
#endif
    write_marked();
    cr_assert_eq(mkdir(world.homes, 0711), 0);
    cr_assert_eq(mkdir(in(world.homes, "anna"), 0700), 0);
    cr_assert_eq(mkdir(in(world.homes, "bert"), 0700), 0);
    if (geteuid() == 0)
        cr_assert_eq(chown(in(world.homes, "anna"), 70000, 70000) +
                         chown(in(world.homes, "bert"), 70001, 70001),
                     0);
    fake_files_are(enters_without_hashes, ends);
    expect_run(0, "", "partials list anna");
    expect_run(0, "", "inspect list");
    expect_run(0, "", "retention run");
    expect_run(0, "", "user del anna");
}
