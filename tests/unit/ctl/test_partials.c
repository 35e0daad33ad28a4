/* "partials list" and "retention run": their output, and the effect of a
 * process files that lies. The test plays the processes files. */
#include <jansson.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <syslog.h>

#include "fake_server.h"
#include "world.h"

TestSuite(partials, .init = world_make, .fini = scratch_remove);

static void write_users(void)
{
    char text[512];

    snprintf(text, sizeof(text),
             "anna:!:70000:70000::%s/anna::\nbert:!:70001:70001::%s/bert::\n",
             world.homes, world.homes);
    file_write(world.users, text);
}

static void says_partial(struct channel *files, const char *path,
                         const char *is_for, uint64_t bytes,
                         enum partial_state state)
{
    FAKE_SAYS(files, partial, .path = slice_from(path),
              .name = slice_from(is_for), .bytes = bytes, .state = state);
}

static void says_end(struct channel *files, uint64_t unread, int error)
{
    FAKE_SAYS(files, partials_end, .unread = unread, .error = error);
}

static void finds_two(struct channel *ctl)
{
    says_partial(ctl, "/a b.part", "", 5, PARTIAL_RESTS);
    says_partial(ctl, "/x\n/\033\xff.part", "r\"\t.pdf", 7, PARTIAL_IN_USE);
    says_end(ctl, 0, 0);
}

Test(partials, list)
{
    const struct run *r;

    write_users();
    fake_files_are(NULL, finds_two);
    r = expect_run(0, "", "partials list anna");
    cr_expect_not_null(strstr(r->out, "USER "), "%s", r->out);
    cr_expect_not_null(strstr(r->out, " waiting   /a b.part\n"), "%s", r->out);
    cr_expect_not_null(strstr(r->out, " uploading /x?/r\"?.pdf\n"), "%s",
                       r->out);
#define FOUND(user)                                                            \
    "{\"user\":\"" user "\",\"path\":\"/a b.part\",\"for\":null,"              \
    "\"bytes\":5,\"modified\":\"1970-01-01T00:00:00Z\","                       \
    "\"state\":\"waiting\",\"owner\":\"" user "\"},"                           \
    "{\"user\":\"" user "\",\"path\":\"/x?/??.part\","                         \
    "\"for\":\"r\\\"\\t.pdf\",\"bytes\":7,"                                    \
    "\"modified\":\"1970-01-01T00:00:00Z\",\"state\":\"uploading\","           \
    "\"owner\":\"" user "\"}"
    cr_expect_str_eq(world_json("partials list --json"),
                     "[" FOUND("anna") "," FOUND("bert") "]");
}

/* The command searches a share once, with the share's own ids. */
static bool enters_share(const struct files_start *start,
                         struct channel *master)
{
    const bool share = strcmp(start->name, "contracts") == 0;

    return start->mount_count == 0 && !start->uid_is_shared &&
           strcmp(start->homes, share ? world.shares : world.homes) == 0 &&
           start->uid == (share ? 80000 : 70000) && start->gid == start->uid &&
           fake_ready(start, master);
}

static void finds_of_two_owners(struct channel *ctl)
{
    for (uint64_t uid = 70000; heard.find.share && uid < 70002; uid++) {
        FAKE_SAYS(ctl, partial_owner, .uid = uid);
        says_partial(ctl, "/in/p", "", 5, PARTIAL_RESTS);
    }
    says_end(ctl, 0, 0);
}

/* Each partial has the name of the user with its uid. If no user has the uid,
 * the owner is the share. */
Test(partials, in_shares)
{
    char text[512];

    snprintf(text, sizeof(text),
             "@share:contracts:80000:%s/contracts:\n"
             "anna:!:70000:70000::%s/anna::shares=contracts rights./in=drop\n",
             world.shares, world.homes);
    file_write(world.users, text);
    fake_files_are(enters_share, finds_two);
    expect_out(0, "", "partials list", "\n/contracts ");
    expect_out(0, "", "partials list --json", "\"state\": null");
    fake_files_are(enters_share, finds_of_two_owners);
    const bool root = geteuid() == 0;
    const struct run *r = expect_run(0, "", "partials list --csv");
    cr_expect(strstr(r->out, root ? "\n/contracts,anna,5," : "s,/contracts,5,"),
              "%s", r->out);
    cr_expect(strstr(r->out, "\n/contracts,/contracts,5,"), "%s", r->out);
    cr_expect_null(
        strstr(expect_run(0, "", "partials list anna")->out, "contracts"));
}

static void finds_nothing(struct channel *ctl)
{
    says_end(ctl, 0, 0);
}

#ifndef __SANITIZE_ADDRESS__ /* it has copies of freed memory, and more pages  \
                              */
#define HASH  "$y$j9T$0123456789ab"
#define USERS 5000

/* Is a hash in the memory that this process can write to? A hash is HASH and a
 * digit; the texts of this program have none. */
static bool has_hash(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    const size_t len = strlen(HASH);
    char *from, *to, mode[5];
    bool found = false;

    while (fscanf(maps, "%p-%p %4s%*[^\n]", (void **)&from, (void **)&to,
                  mode) == 3)
        for (char *at = from; strncmp(mode, "rw", 2) == 0 && at;
             at = at ? at + 1 : NULL) {
            at = memmem(at, (size_t)(to - at), HASH, len);
            found |= at && at + len < to && at[len] >= '0' && at[len] <= '9';
        }
    fclose(maps);
    return found;
}

/* The process has no hash, and has copied no page of the users for that. */
static bool has_no_users(const struct files_start *start,
                         struct channel *master)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    FILE *f = fopen(in_scratch("has"), "a");
    fprintf(f, "%s %s\n", has_hash() ? "a hash" : "no hash",
            used.ru_minflt < USERS * 60 / 4096 ? "few" : "many");
    fclose(f);
    return fake_ready(start, master);
}

Test(partials, no_hash_in_a_search)
{
    char line[1024];

    snprintf(line, sizeof(line),
             "seq 70000 %d | sed 's#.*#u&:" HASH "&ABCDE$%043d:&:&::%s/u::#' "
             ">%s",
             70000 + USERS, 0, world.homes, world.users);
    cr_assert_eq(system(line), 0);
    fake_files_are(has_no_users, finds_nothing);
    expect_run(0, "", "partials list u70000");
    cr_expect_str_eq(file_text(in_scratch("has")), "no hash few\n");
}
#endif

Test(partials, list_of_nothing)
{
    write_users();
    fake_files_are(NULL, finds_nothing);
    cr_expect_str_eq(expect_run(0, "", "partials list")->out, "");
    cr_expect_str_eq(expect_run(0, "", "partials list --json")->out, "[]\n");
    file_write(world.users, "");
    cr_expect_str_eq(expect_run(0, "", "partials list")->out, "");
}

/* Replaces libc's syslog(). The runs are forks, so the lines go into a file. */
__attribute__((format(printf, 1, 0))) static void take_line(const char *format,
                                                            va_list args)
{
    FILE *f = fopen(in_scratch("syslog"), "a");

    cr_assert_not_null(f);
    vfprintf(f, format, args);
    putc('\n', f);
    fclose(f);
}

__attribute__((format(printf, 2, 3))) void syslog(int priority,
                                                  const char *format, ...)
{
    va_list args;

    (void)priority;
    va_start(args, format);
    take_line(format, args);
    va_end(args);
}

/* The name of syslog() if _FORTIFY_SOURCE is defined. */
__attribute__((format(printf, 3, 4))) void
__syslog_chk(int priority, int flag, const char *format, ...);
void __syslog_chk(int priority, int flag, const char *format, ...)
{
    va_list args;

    (void)priority, (void)flag;
    va_start(args, format);
    take_line(format, args);
    va_end(args);
}

/* A server without root has one uid, which isn't the uid of the user's row. */
Test(partials, a_server_without_root)
{
    const struct run *r;

    if (geteuid() != 0)
        world_skip("root's part");
    write_users();
    cr_assert_eq(mkdir(world.homes, 0755), 0);
    cr_assert_eq(mkdir(in(world.homes, "anna"), 0700), 0);
    cr_assert_eq(chown(in(world.homes, "anna"), 4711, 4711), 0);
    fake_files_are(NULL, finds_nothing);
    r = expect_run(EX_NOINPUT, "", "partials list anna");
    cr_expect_not_null(strstr(r->err, "/anna belongs to uid 4711, not to uid "
                                      "70000; if the server runs without root"),
                       "%s", r->err);
    cr_assert_eq(chown(in(world.homes, "anna"), 0, 0), 0);
    expect_run(0, "", "partials list anna");
}

static void fails_to_read(struct channel *ctl)
{
    says_partial(ctl, "/p", "", 1, PARTIAL_RESTS);
    says_end(ctl, 3, 13);
}

static void cant_remove(struct channel *ctl)
{
    says_partial(ctl, "/p", "", 1, PARTIAL_STAYS);
    says_end(ctl, 0, 0);
}

static void breaks_off(struct channel *ctl)
{
    says_partial(ctl, "/p", "", 1, PARTIAL_RESTS);
}

static void has_a_strange_state(struct channel *ctl)
{
    says_partial(ctl, "/p", "", 1, PARTIAL_STATE_COUNT);
    says_end(ctl, 0, 0);
}

static void answers_another(struct channel *ctl)
{
    heard.request += 7;
    says_end(ctl, 0, 0);
}

static void speaks_as_files_of_a_session(struct channel *ctl)
{
    ctl->peer = PROCESS_SESSION; /* passes the check at the test's own end */
    FAKE_SAYS(ctl, done);
}

static void speaks_as_master(struct channel *ctl)
{
    ctl->self = PROCESS_MASTER;
    FAKE_SAYS(ctl, control_done);
}

static bool dies(const struct files_start *start, struct channel *master)
{
    (void)start;
    (void)master;
    return false;
}

/* Sends READY, and ends before it answers FIND. */
static bool answers_early(const struct files_start *start,
                          struct channel *master)
{
    fake_ready(start, master);
    return false;
}

static bool cant_enter(const struct files_start *start, struct channel *master)
{
    (void)start;
    SEND(master, failed, 0, .error = EACCES, .why = SLICE(""));
    return false;
}

static bool has_no_sandbox(const struct files_start *start,
                           struct channel *master)
{
    (void)start;
    SEND(master, failed, 0, .error = EPERM,
         .why = SLICE("sandbox of files: it fails"));
    return false;
}

static const struct {
    fake_enter *enter;
    fake_find *find;
    int code;
    const char *complaint;
} lies[] = {
    { NULL, fails_to_read, EX_IOERR,
      "3 directories or files could not be read: P" },
    { NULL, cant_remove, EX_IOERR, "some could not be removed" },
    { NULL, breaks_off, EX_TEMPFAIL,
      "the search process closed the connection" },
    { NULL, has_a_strange_state, EX_PROTOCOL, "unknown or malformed" },
    { NULL, answers_another, EX_PROTOCOL, "an answer without a request" },
    { NULL, speaks_as_files_of_a_session, EX_PROTOCOL, "not this peer's" },
    { NULL, speaks_as_master, EX_PROTOCOL, "not this peer's" },
    { dies, NULL, EX_TEMPFAIL, "the search process closed the connection" },
    { answers_early, NULL, EX_TEMPFAIL,
      "the search process closed the connection" },
    { cant_enter, NULL, EX_NOINPUT,
      "/anna can't be entered: Permission denied" },
    { has_no_sandbox, NULL, EX_OSERR, "anna: sandbox of files: it f" },
};

Test(partials, lies)
{
    write_users();
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        const struct run *r;

        fake_files_are(lies[i].enter, lies[i].find);
        r = expect_run(lies[i].code, "", "partials list anna");
        cr_expect_not_null(strstr(r->err, lies[i].complaint), "%s", r->err);
        r = expect_run(lies[i].code, "", "partials list anna --json");
        json_t *all = json_loads(r->out, 0, NULL);
        cr_expect_not_null(all, "%s", r->out); /* the JSON is complete */
        json_decref(all);
    }
}

/* If files can't enter the home of one user, the output names this user, and
 * the command finds the partials of the next user. The exit code belongs to the
 * first failure. */
static bool anna_cant_enter(const struct files_start *start,
                            struct channel *master)
{
    return strcmp(start->name, "anna") == 0 ? cant_enter(start, master)
                                            : fake_ready(start, master);
}

Test(partials, goes_on_with_the_next_user)
{
    const struct run *r;

    write_users();
    fake_files_are(anna_cant_enter, fails_to_read);
    r = expect_run(EX_NOINPUT, "", "partials list");
    cr_expect_not_null(strstr(r->err, "anna: the home "), "%s", r->err);
    cr_expect_not_null(strstr(r->out, "bert "), "%s", r->out);
}

/* Each entry of retain= is one request to a process with the ids of the home,
 * or of the share. One more request asks for forgotten partials. */
static bool has_ids(const struct files_start *start, struct channel *master)
{
    FILE *f = fopen(in_scratch("starts"), "a");

    fprintf(f, "%s %s %u %u\n", start->name, strrchr(start->home, '/'),
            (unsigned)start->uid, (unsigned)start->gid);
    fclose(f);
    return fake_ready(start, master);
}

static void echoes_expired(struct channel *ctl)
{
    const struct msg_find *m = &heard.find;
    const bool expired = m->what == FIND_EXPIRED;

    if (!expired)
        cr_expect_eq(m->what, FIND_ABANDONED);
    if (!expired)
        cr_expect(slice_equal(m->path, SLICE("/")));
    FAKE_SAYS(ctl, partial, .path = m->path,
              .name = slice_from(expired    ? ""
                                 : m->share ? "of a share"
                                            : "of a home"),
              .bytes = m->age, .mtime = 86400,
              .state = m->remove ? PARTIAL_REMOVED : PARTIAL_RESTS);
    says_end(ctl, 0, 0);
}

static void write_retentions(void)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "anna:!:70000:70001::%s/anna::retain=/:30d,/in:2h\n"
             "bert:!:70002:70002::%s/bert::\n"
             "@share:a:80000:%s/a:retain=/:1w\n@share:b:80001:%s/b:\n",
             world.homes, world.homes, world.shares, world.shares);
    files_make_folder(world.homes, 0711);
    file_write(world.users, text);
}

Test(partials, retention)
{
    const struct run *r;
    json_t *all;

    write_retentions();
    fake_files_are(has_ids, echoes_expired);
    r = expect_run(0, "", "retention run --dry-run");
    cr_expect_not_null(strstr(r->out, " expired /\n"), "%s", r->out);
    cr_expect_null(strstr(r->out, "removed"), "%s", r->out);
    cr_expect_str_eq(file_text(in_scratch("starts")),
                     "anna /anna 70000 70001\nanna /anna 70000 70001\n"
                     "anna /anna 70000 70001\nbert /bert 70002 70002\n"
                     "a /a 80000 80000\na /a 80000 80000\n"
                     "b /b 80001 80001\n");
    cr_expect_str_eq(file_text(in_scratch("syslog")), "");
    r = expect_run(0, "", "retention run");
    cr_expect_not_null(strstr(r->out, "7 removed, 5623200 bytes"), "%s",
                       r->out);
#define SINCE "bytes, unchanged since 1970-01-02T00:00:00Z\n"
#define LEFT  "retention: removed the unfinished upload /of a "
    cr_expect_str_eq(
        file_text(in_scratch("syslog")),
        "retention: removed / of anna, 2592000 " SINCE
        "retention: removed /in of anna, 7200 " SINCE LEFT
        "home of anna, 604800 " SINCE LEFT "home of bert, 604800 " SINCE
        "retention: removed / of /a, 604800 " SINCE LEFT
        "share of /a, 604800 " SINCE LEFT "share of /b, 604800 " SINCE);
    all = json_loads(expect_run(0, "", "retention run --json")->out, 0, NULL);
    cr_assert_eq(json_array_size(all), 7);
    json_decref(all);
}

static void finds_no_directory(struct channel *ctl)
{
    says_end(ctl, 0, heard.find.what == FIND_EXPIRED ? ENOENT : 0);
}

/* A directory that doesn't exist yet isn't worth a line in a timer's mail. */
Test(partials, nothing_is_due)
{
    const struct run *r;

    write_retentions();
    fake_files_are(fake_ready, finds_no_directory);
    r = expect_run(0, "", "retention run --dry-run");
    cr_expect_str_eq(r->out, "no file is older than retain= permits, and no "
                             "partial older than partial_days\n");
    cr_expect_str_eq(r->err, "");
}

static bool has_no_home(const struct files_start *start, struct channel *master)
{
    if (strcmp(start->name, "bert") == 0)
        return SEND(master, failed, 0, .error = ENOENT, .why = SLICE("")) < 0;
    return fake_ready(start, master);
}

/* A missing home has no partials, so "retention run" doesn't fail because of
 * it. "partials list" does. */
Test(partials, retention_without_a_home)
{
    const struct run *r;

    write_retentions();
    fake_files_are(has_no_home, finds_nothing);
    r = expect_run(0, "", "retention run");
    cr_expect_str_eq(r->err, "");
    cr_expect_not_null(strstr(r->out, "0 removed"), "%s", r->out);
    r = expect_run(EX_NOINPUT, "", "partials list bert");
    cr_expect_not_null(strstr(r->err, "can't be entered: No such file"), "%s",
                       r->err);
}

static int cant_read; /* the error of a directory */

static void cant_read_one(struct channel *ctl)
{
    says_end(ctl, heard.find.what == FIND_ABANDONED ? 1 : 0,
             heard.find.what == FIND_ABANDONED ? cant_read : 0);
}

/* "retention run" doesn't fail because of a directory that its ids can't enter,
 * such as root's: its timer would fail each day. Other errors are failures. */
Test(partials, retention_beside_a_closed_directory)
{
    const struct run *r;

    write_retentions();
    cant_read = EACCES;
    fake_files_are(fake_ready, cant_read_one);
    r = expect_run(0, "", "retention run");
    cr_expect_not_null(strstr(r->err, "bert: 1 directories or files could not "
                                      "be read: Permission denied"),
                       "%s", r->err);
    cant_read = EIO;
    r = expect_run(EX_IOERR, "", "retention run");
    cr_expect_not_null(strstr(r->err, "could not be read: Input/output"), "%s",
                       r->err);
    cr_expect_not_null(strstr(r->err, "/b: 1 "), "the last one: %s", r->err);
}
