/* Tests of changes of the users file: which change makes a new edition, what
 * master reports, and which users stay. The program reader of this build parses
 * the file, or a false reader that hangs, lies or dies. */
#include <sys/mount.h>
#include <sys/resource.h>

#include "helpers.h"
#include "master/children/children.h"
#include "master/logins/logins.h"
#include "master/start/start.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/shared.h"
#include "sallyport/users/image.h"
#include "support/long.h"
#include "support/scratch.h"
#include "support/server.h"
#include "support/test.h"
#include "support/users_table.h"

#define HASH                                                                   \
    "$6$rounds=1000$sallyport$"                                                \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"         \
    "aaaaaaaaaaaaaaaaaaaaaa"
#define ANNA "anna:" HASH ":70000:70000::/a::\n"
#define BERT "bert:" HASH ":70000:70000::/b::\n"
#define CARL "carl:" HASH ":70001:70001::/c::\n"

static char path[SCRATCH_SIZE + 16], made[SCRATCH_SIZE + 16],
    stage[SCRATCH_SIZE + 16];
static struct userdb db;
static struct master m;
static struct board board;

static void put(const char *where, const char *text, mode_t mode)
{
    FILE *f = fopen(where, "w");

    cr_assert(f && fputs(text, f) >= 0 && fchmod(fileno(f), mode) == 0);
    fclose(f);
}

static void replace(const char *text)
{
    put(made, text, 0600);
    cr_assert_eq(rename(made, path), 0);
}

static void set_up(void)
{
    struct complaint c = { "" };

    scratch_make();
    snprintf(path, sizeof(path), "%s/users", scratch);
    snprintf(made, sizeof(made), "%s/new", scratch);
    snprintf(stage, sizeof(stage), "%s/stage", scratch);
    replace(ANNA);
    master_init(&m);
    m.deadlines.quiet = 0;
    m.deadlines.pause = 0;
    m.board = &board;
    helpers_find(&m);
    snprintf(m.settings.users, sizeof(m.settings.users), "%s", path);
    snprintf(m.settings.homes, sizeof(m.settings.homes), "%s", scratch);
    userdb_init(&db, &m);
    cr_assert_eq(userdb_look(&db, &c), 1, "%s", c.text);
    cr_assert_eq(db.edition, 1);
}

static void tear_down(void)
{
    userdb_release(&db);
    scratch_remove();
}

TestSuite(userdb, .init = set_up, .fini = tear_down);

static int look(void)
{
    struct complaint c = { "" };

    return userdb_look(&db, &c);
}

/* Checks that the users have NAMES, in any order. */
static void expect_names(const char *names)
{
    struct slice rest = slice_from(names), name;
    size_t n = 0;

    for (; slice_cut(&rest, ' ', &name); n++)
        cr_expect(users_find(&db.users, name), "%.*s", (int)name.len, name.ptr);
    cr_expect_eq(db.users.count, n, "%s", names);
}

static const char *first_name(void)
{
    return db.users.count > 0 ? db.users.row[0].name : "";
}

Test(userdb, unchanged)
{
    for (int i = 0; i < 10; i++)
        cr_assert_eq(look(), 0);
    replace(ANNA); /* another file, the same bytes */
    cr_assert_eq(look(), 0);
    cr_assert_eq(db.edition, 1);
}

/* Returns true if a look starts a process. The look must find nothing new. */
static bool look_forks(bool homes)
{
    struct complaint c = { "" };
    pid_t pid = userdb_begin(&db, homes, &c);

    if (pid > 0)
        cr_expect_eq(userdb_go_on(&db, exec_wait(pid, 10000), &pid, &c),
                     USERDB_SAME, "%s", c.text);
    return pid != 0;
}

/* Does a look start no process? The kernel may refuse an open from its memory
 * for a moment, for example beside somebody's mount(2): then one is started. */
static bool look_rests(bool homes)
{
    for (int i = 0; i < 20; i++)
        if (!look_forks(homes))
            return true;
    return false;
}

/* A look starts no process for a local file with unchanged attributes. It
 * always starts a process for a file on a network disk, since another machine
 * can have changed the attributes. */
Test(userdb, no_process_for_an_unchanged_local_file)
{
    cr_expect(look_rests(false));
    replace(ANNA);
    cr_expect(look_forks(false), "another file");
    cr_expect(look_rests(false), "which was read");
    put(path, ANNA, 0600);
    cr_expect(look_forks(false), "written again");
    cr_expect(look_rests(false));
    db.local = false;
    cr_expect(look_forks(false), "on a network disk");
    db.local = true;
    db.state = USERS_EARLY;
    cr_expect(look_forks(false), "read before it was quiet");
}

/* Master looks at the homes in the same way. */
Test(userdb, no_process_for_local_homes)
{
    cr_expect(look_rests(true));
    db.homes_local = false;
    cr_expect(look_forks(true), "on a network disk");
    cr_expect(look_rests(true));
    db.homes_at.mount++;
    cr_expect(look_forks(true), "mounted again");
    cr_expect(look_rests(true));
    db.homes_at.device++;
    cr_expect(look_forks(true), "another disk");
    cr_expect(look_rests(true));
    snprintf(m.settings.homes, sizeof(m.settings.homes), "%s/none", scratch);
    cr_expect(look_forks(true), "they aren't there");
}

/* The disk of the homes isn't mounted: no home of a user is there. It doesn't
 * matter if master has seen the homes before. */
Test(userdb, homes_that_are_missing)
{
    char homes[128], home[160], row[512];

    snprintf(homes, sizeof(homes), "%s/homes", scratch);
    snprintf(home, sizeof(home), "%s/anna", homes);
    snprintf(row, sizeof(row), "anna:" HASH ":70000:70000::%s::\n" CARL, home);
    strcpy(m.settings.homes, homes);
    replace(row);
    for (int i = 0; i < 2; i++) {
        look();
        cr_expect(strstr(db.away.text, "1 of 1 homes in "), "%s", db.away.text);
        cr_assert_eq(mkdir(homes, 0711), 0);
        look();
        cr_expect(strstr(db.away.text, "1 of 1 homes in "), "%s", db.away.text);
        cr_assert_eq(mkdir(home, 0700), 0);
        look();
        cr_expect_str_eq(db.away.text, "");
        cr_expect(look_rests(true));
        cr_assert_eq(rmdir(home) | rmdir(homes), 0);
    }
    replace(CARL);
    cr_assert_eq(mkdir(homes, 0711), 0);
    look();
    cr_expect_str_eq(db.away.text, "");
    cr_expect(look_forks(true), "the users can change");
    /* Most homes are elsewhere; or Anna is locked. */
    strcat(row, "dora:" HASH ":70002:70002::/d::\n");
    replace(row);
    cr_expect_eq(look(), USERDB_NEW);
    cr_expect_str_eq(db.away.text, "", "most homes are elsewhere");
    snprintf(row, sizeof(row), "anna:!" HASH ":70000:70000::%s::\n" CARL, home);
    replace(row);
    cr_expect_eq(look(), USERDB_NEW);
    cr_expect_str_eq(db.away.text, "", "a locked user needs no home");
}

/* autofs mounts a home when somebody opens it: until then it lists none. */
Test(userdb, homes_that_autofs_mounts)
{
    char homes[128], text[512];
    int end[2];

    snprintf(homes, sizeof(homes), "%s/homes", scratch);
    snprintf(text, sizeof(text), "anna:" HASH ":70000:70000::%s/anna::\n",
             homes);
    strcpy(m.settings.homes, homes);
    replace(text);
    cr_assert_eq(mkdir(homes, 0711) | pipe2(end, O_CLOEXEC), 0);
    snprintf(text, sizeof(text), "fd=%d,pgrp=%d,minproto=5,maxproto=5,indirect",
             end[1], getpgrp());
    if (mount("auto", homes, "autofs", 0, text) < 0)
        cr_skip_test("no autofs can be mounted here");
    look();
    cr_expect_str_eq(db.away.text, "");
    cr_assert_eq(umount2(homes, MNT_DETACH), 0);
    look();
    cr_expect(strstr(db.away.text, "1 of 1 homes in "), "%s", db.away.text);
}

/* Master reads a changed file when it has been quiet for a while. Until then, a
 * login starts no process, which would only find the file too new. */
Test(userdb, no_process_for_a_local_file_that_rests)
{
    m.deadlines.quiet = 60000;
    replace(ANNA);
    cr_expect(look_forks(false), "another file");
    cr_expect(look_rests(false), "which may still change");
    userdb_announce(&db);
    cr_expect(look_forks(false), "announced: it is read at once");
    cr_expect(look_rests(false), "it still rests");
    db.local = false;
    cr_expect(look_forks(false), "on a network disk");
    db.local = true;
    db.until = 0;
    cr_expect(look_forks(false), "it has rested");
    cr_expect(look_rests(false));
}

Test(userdb, replaced)
{
    replace(BERT);
    cr_assert_eq(look(), 1);
    cr_assert_eq(db.edition, 2);
    cr_assert_str_eq(first_name(), "bert");
}

static int look_announced(void)
{
    userdb_announce(&db);
    return look();
}

static void wait_until_quiet(void)
{
    const uint64_t end = clock_ms() + m.deadlines.quiet + 10;

    while (clock_ms() < end)
        poll(NULL, 0, 5);
}

/* Waits until the file has been quiet for long enough, and looks. */
static int look_quiet(void)
{
    wait_until_quiet();
    return look();
}

/* A program overwrites the file in place with the same size, within one tick of
 * the clock: only the bytes differ. So master reads a file again that it used
 * before the file was quiet. */
Test(userdb, overwritten)
{
    m.deadlines.quiet = 100;
    put(path, BERT, 0600);
    cr_assert_eq(look_announced(), 1);
    cr_assert_str_eq(first_name(), "bert");
    put(path, ANNA, 0600);
    look();
    look_quiet();
    cr_assert_str_eq(first_name(), "anna");
    cr_assert_eq(db.state, USERS_KNOWN);
}

/* A change counts when the file has been quiet for a while, or when
 * sallyportctl has announced the change. */
Test(userdb, quiet)
{
    m.deadlines.quiet = 60000;
    replace(BERT);
    cr_assert_eq(look(), 0);
    cr_assert_eq(look(), 0);
    cr_assert_str_eq(first_name(), "anna");
    cr_assert_eq(look_announced(), 1);
    cr_assert_str_eq(first_name(), "bert");
    m.deadlines.quiet = 2000;
    replace(ANNA);
    cr_assert_eq(look(), 0);
    wait_until_quiet();
    cr_assert_eq(look_quiet(), 1);
    cr_assert_str_eq(first_name(), "anna");
}

/* A new generation has the text of the one before. It waits for another text
 * that was written just now, and for no other. */
Test(userdb, young_at_a_reload)
{
    struct complaint c = { "" };

    m.deadlines.quiet = 2000;
    for (int other = 0; other <= 1; other++) {
        FD_CLEANUP int before = fd_sealed("users", SLICE(ANNA));

        userdb_release(&db);
        userdb_init(&db, &m);
        cr_assert_eq(userdb_restore(&db, before, &c), 0, "%s", c.text);
        replace(other ? BERT : ANNA);
        for (int i = 0; i < 2; i++) {
            cr_assert_eq(look(), 0);
            cr_expect_eq(db.young, other, "%d", i);
        }
        wait_until_quiet();
        cr_expect_eq(db.young, other, "quiet now, but nobody has read it");
        cr_assert_eq(look_quiet(), other);
        cr_expect_not(db.young);
        cr_assert_str_eq(first_name(), other ? "bert" : "anna");
    }
}

/* A full disk or a failed program can leave an empty file, or a file of
 * comments: master keeps its users. sallyportctl can remove the last user. */
Test(userdb, no_users_any_more)
{
    static const char *const texts[] = { "", "# nobody\n" };

    for (size_t i = 0; i < 2; i++) {
        struct complaint c = { "" };

        put(path, texts[i], 0600);
        cr_expect_eq(userdb_look(&db, &c), -EINVAL);
        cr_expect(strstr(c.text, "no users now"), "%s", c.text);
        cr_expect_str_eq(first_name(), "anna");
        put(path, ANNA, 0600);
        cr_expect_eq(look(), 0);
    }
    put(path, "", 0600);
    cr_expect_eq(look_announced(), 1);
    cr_expect_eq(db.users.count, 0);
}

#define TOTP "totp=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
#define WHOLE                                                                  \
    ANNA "bert:" HASH ":70001:70001:Bert:/b:"                                  \
         ":rights=drop networks=192.0.2.0/24 " TOTP "\n"                       \
         "# the last one\ncarl:" HASH ":70002:70002::/c::" TOTP "\n"

static void expect_whole_lines(size_t len)
{
    const struct users *u = &db.users;

    cr_assert(u->count > 0, "%zu bytes", len);
    cr_expect_str_eq(u->row[0].name, "anna");
    for (size_t i = 1; i < u->count; i++)
        cr_expect_eq(u->row[i].totp.len, 32, "%zu bytes: row %zu", len, i);
}

/* A program writes the file in place, so each prefix is there for a moment, or
 * for ever if the disk is full. As long as the program has the file open,
 * master ignores the file; later, it ignores the file if the last line is
 * cut. */
Test(userdb, every_prefix, .timeout = 300, WITH_SANITIZERS)
{
    static const char whole[] = WHOLE;
    const size_t step = is_long() ? 1 : 12;

    for (size_t len = 0; len < sizeof(whole); len++) {
        const uint64_t before = db.edition;
        int fd;

        /* A short run looks also around each end of a line. */
        if (len % step != (sizeof(whole) - 1) % step && whole[len] != '\n' &&
            (len == 0 || whole[len - 1] != '\n'))
            continue;
        fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
        cr_assert_eq(write(fd, whole, len), (ssize_t)len);
        look();
        look_announced();
        cr_expect_eq(db.edition, before, "%zu bytes: still open", len);
        close(fd);
        look();
        if (len == 0 || whole[len - 1] != '\n')
            cr_expect_eq(db.edition, before, "%zu bytes", len);
        expect_whole_lines(len);
    }
    cr_expect_eq(db.users.count, 3);
}

/* A file that was written by hand can lack the end of its last line. A start
 * uses it, since there are no other users; a later change counts only if the
 * last line is ended. */
Test(userdb, unended_at_a_start)
{
    struct complaint c = { "" };

    put(path, "bert:" HASH ":70001:70001::/b::", 0600);
    userdb_release(&db);
    userdb_init(&db, &m);
    cr_assert_eq(look(), 1);
    cr_expect(userdb_is_unended(&db));
    cr_expect_str_eq(first_name(), "bert");
    put(path, BERT "carl:" HASH ":70002:70002::/c::", 0600);
    userdb_announce(&db);
    cr_expect_eq(userdb_look(&db, &c), -EINVAL);
    cr_expect(strstr(c.text, "its last line isn't ended"), "%s", c.text);
    cr_expect_eq(db.users.count, 1);
    put(path, BERT, 0600);
    cr_expect_eq(look(), 1);
    cr_expect_not(userdb_is_unended(&db));
}

static bool file_is(int fd, struct slice bytes)
{
    struct buf text;
    bool same;

    buf_init(&text, 4096);
    same = fd_read_file(fd, &text) == 0 && slice_equal(buf_slice(&text), bytes);
    buf_release(&text);
    return same;
}

/* Master keeps exactly the text of the file, sealed. */
Test(userdb, sealed)
{
    cr_assert(file_is(db.fd, SLICE(ANNA)));
    cr_assert_eq(write(db.fd, "x", 1), -1);
    cr_assert_eq(ftruncate(db.fd, 0), -1);
}

static void broken(void)
{
    replace("x\n");
}

static void twice(void)
{
    replace(ANNA ANNA);
}

static void open_to_all(void)
{
    chmod(path, 0644);
}

static void fifo(void)
{
    unlink(path);
    cr_assert_eq(mkfifo(path, 0600), 0);
}

static void a_folder(void)
{
    unlink(path);
    cr_assert_eq(mkdir(path, 0700), 0);
}

static const struct {
    void (*spoil)(void);
    const char *words;
} spoilt[] = {
    { broken, "users:1: " },       { twice, "users:2: " },
    { open_to_all, "chmod" },      { fifo, "not a regular" },
    { a_folder, "not a regular" },
};

/* Master reports a bad file once, keeps the old rows, and uses the next good
 * file. */
Test(userdb, spoilt)
{
    for (size_t i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++) {
        struct complaint c = { "" };

        spoilt[i].spoil();
        cr_assert_eq(userdb_look(&db, &c), -EINVAL, "row %zu", i);
        cr_assert(strstr(c.text, spoilt[i].words), "%s", c.text);
        cr_assert_eq(look(), 0, "row %zu: told twice", i);
        cr_assert_str_eq(first_name(), i % 2 ? "bert" : "anna");
        remove(path);
        replace(i % 2 ? ANNA : BERT);
        cr_assert_eq(look(), 1, "row %zu", i);
    }
}

/* A server can start before its first user is made. If a file that was there
 * vanishes, the users stay. */
Test(userdb, missing_at_the_first_start)
{
    struct complaint c = { "" };

    unlink(path);
    userdb_release(&db);
    userdb_init(&db, &m);
    cr_expect_eq(userdb_look(&db, &c), -ENOENT);
    cr_expect(strstr(c.text, "No such file"), "%s", c.text);
    db.state = USERS_NONE;
    db.may_be_missing = true;
    cr_assert_eq(look(), 1);
    cr_expect_eq(db.users.count, 0);
    cr_expect(file_is(db.fd, SLICE("")), "auth gets an empty table");
    cr_assert_eq(look(), 0);
    replace(ANNA);
    cr_assert_eq(look(), 1);
    cr_expect_str_eq(first_name(), "anna");
    unlink(path);
    cr_expect_eq(userdb_look(&db, &c), -ENOENT);
    cr_expect(strstr(c.text, "restore it"), "%s", c.text);
    cr_expect_str_eq(first_name(), "anna");
    cr_expect_not_null(strstr(db.away.text, "restore it"));
    replace(ANNA);
    cr_expect_eq(look(), 0);
    cr_expect(!db.away.text[0] && db.state == USERS_KNOWN);
}

/* Replaces the file by a file of an old time, since master always compares the
 * bytes of a young file. */
static void replace_old(const char *text)
{
    const struct timespec times[2] = { { 1000000000, 0 }, { 1000000000, 0 } };

    put(made, text, 0600);
    cr_assert_eq(utimensat(AT_FDCWD, made, times, 0), 0);
    cr_assert_eq(rename(made, path), 0);
}

static int lowest_free(void)
{
    int fd = dup(0);

    close(fd);
    return fd;
}

/* If a change can't be read for lack of descriptors, the next look reads the
 * file. */
Test(userdb, want_of_descriptors)
{
    /* LEFT 0: no descriptor is free; 1: none for the text; 2: none for the
     * answer; 3: none for the wait. */
    for (int left = 0; left <= 3; left++) {
        struct complaint c = { "" }, again = { "" };
        struct rlimit was, low;

        replace_old(left % 2 ? ANNA : BERT);
        cr_assert_eq(getrlimit(RLIMIT_NOFILE, &was), 0);
        low = (struct rlimit){ (rlim_t)(lowest_free() + left), was.rlim_max };
        cr_assert_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
        cr_expect_eq(userdb_look(&db, &c), -EMFILE);
        db.until = 0;
        cr_expect_eq(userdb_look(&db, &again), -EMFILE);
        cr_expect(db.away.text[0] && db.state == USERS_FAILED);
        db.until = 0;
        cr_assert_eq(setrlimit(RLIMIT_NOFILE, &was), 0);
        cr_assert(strstr(c.text, "Too many open files"), "%s", c.text);
        cr_assert_eq(look(), 1, "the change is forgotten");
        cr_assert_str_eq(first_name(), left % 2 ? "anna" : "bert");
        cr_assert_eq(look(), 0);
    }
}

/* After a crash of master, reader parses the text that the supervisor has
 * kept. */
Test(userdb, restored)
{
    FD_CLEANUP int kept = fd_sealed("users", SLICE(BERT));
    FD_CLEANUP int nonsense = fd_sealed("users", SLICE("x\n"));
    struct complaint c = { "" };

    cr_expect_eq(userdb_restore(&db, kept, &c), 0, "%s", c.text);
    cr_expect_str_eq(first_name(), "bert");
    cr_expect(file_is(db.fd, SLICE(BERT)), "auth gets it");
    cr_expect_eq(userdb_restore(&db, nonsense, &c), -EINVAL);
    cr_expect(strstr(c.text, "users:1: too few columns"), "%s", c.text);
    cr_expect_eq(userdb_restore(&db, -1, &c), -EBADF);
    cr_expect_str_eq(first_name(), "bert");
}

/* --- other readers -------------------------------------------------------- */

/* Lets a shell run SCRIPT in place of reader. Reader's first argument, after
 * the title, is "users": the shell takes that for the name of its script. */
static void play_reader(const char *script)
{
    FD_CLEANUP int shell = open("/bin/sh", O_PATH | O_CLOEXEC);

    cr_assert_geq(shell, 0);
    cr_assert_geq(dup3(shell, programs_find(m.programs, "reader"), O_CLOEXEC),
                  0);
    cr_assert(mkdir(stage, 0700) == 0 || errno == EEXIST);
    cr_assert_eq(chdir(stage), 0);
    put("users", script, 0600);
    db.until = 0;
}

static void expect_good_reader_reads(void)
{
    helpers_find(&m);
    m.deadlines.reader = 20000; /* for the real reader on a slow machine */
    db.until = 0;
    cr_expect_eq(look(), 1);
    cr_expect_str_eq(first_name(), "bert");
}

static void look_in_vain(int error, const char *words)
{
    struct complaint c = { "" };

    cr_expect_eq(userdb_look(&db, &c), error);
    cr_expect(strstr(c.text, words), "%s", c.text);
    cr_expect_str_eq(first_name(), "anna");
    cr_expect_eq(db.edition, 1);
}

/* Master kills a reader that hangs. Until a look succeeds, nobody can log in.
 * Master doesn't look before the pause is over, unless a change is
 * announced. */
Test(userdb, reader_that_hangs)
{
    uint64_t start = clock_ms();
    int status;

    play_reader("exec sleep 100\n");
    m.deadlines.reader = 200;
    m.deadlines.pause = 60000;
    replace(BERT);
    cr_expect_not(userdb_rests(&db));
    look_in_vain(-ETIMEDOUT, "the program reader has failed: it was late");
    cr_expect_geq(clock_ms() - start, 200);
    cr_assert_gt(waitpid(-1, &status, 0), 0);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    cr_expect(userdb_rests(&db) && db.away.text[0]);
    expect_good_reader_reads();
    cr_expect_not(userdb_rests(&db) || db.away.text[0]);
}

/* Reader fails for the inherited text at a start: master reads the file without
 * a pause, and the file gives the reason of the failure. */
Test(userdb, reader_that_hangs_at_a_start)
{
    struct inherited text = { "users", fd_sealed("users", SLICE(BERT)) };
    struct complaint c = { "" };

    userdb_release(&db);
    userdb_init(&db, &m);
    m.users = &db;
    m.settings.said_count = 1;
    strcpy(m.settings.said[0].key, "users");
    m.succession.inherited = &text;
    m.succession.count = 1;
    play_reader("exec sleep 100\n");
    m.deadlines.reader = 200;
    cr_expect_eq(prepare_users(&m, &c), -ETIMEDOUT);
    cr_expect(strstr(c.text, "the program reader has failed: it was late"),
              "%s", c.text);
}

/* A second change in the same tick of the clock would leave the same times. So
 * master takes the file's age from before the reading. */
Test(userdb, reader_that_is_slow)
{
    bool told = false;
    uint64_t began;

    play_reader("sleep 1\necho wrong >&4\nexit 78\n");
    m.deadlines.quiet = 900;
    do { /* until the look begins while the file is young */
        began = clock_ms();
        replace(BERT);
        told = look_announced() == -EINVAL || told;
    } while (clock_ms() - began >= 1800);
    cr_expect(told);
    cr_expect_eq(db.state, USERS_CHANGING, "a later look reads it again");
    expect_good_reader_reads();
}

/* Reader dies, gives up, or is missing. */
Test(userdb, reader_that_fails)
{
    replace(BERT);
    play_reader("kill -SEGV $$\n");
    look_in_vain(-EIO, "the program reader has failed: Segmentation fault");
    play_reader("exit 71\n");
    look_in_vain(-EIO, "the program reader has failed: see its line above");
    close(programs_find(m.programs, "reader"));
    look_in_vain(-EIO, "the program reader has failed: see its line above");
    expect_good_reader_reads();
}

/* Master complains with reader's output, cut to the room for it. */
Test(userdb, reader_that_complains)
{
    play_reader("printf 'users:7: %01000d' 0 >&4\nexit 78\n");
    replace(BERT);
    look_in_vain(-EINVAL, "users:7: 0000");
}

/* The complaint is about the new text; the old users stay. */
Test(userdb, mistakes)
{
    static const struct {
        const char *text, *words;
    } table[] = {
        { ANNA CARL "x\n", "users:3: too few columns" },
        { ANNA CARL ANNA, "users:3: the name is also in line 1" },
        { ANNA CARL BERT, "users:3: the uid is also in line 1" },
        { "# nobody\n", "it has no users now" },
    };

    replace(ANNA CARL);
    cr_assert_eq(look(), 1);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct complaint c = { "" };

        replace(table[i].text);
        cr_expect_eq(userdb_look(&db, &c), -EINVAL, "%zu", i);
        cr_expect(strstr(c.text, table[i].words), "%s", c.text);
        cr_expect_eq(db.edition, 2);
        expect_names("anna carl");
    }
    replace(ANNA CARL "# the end\n");
    cr_expect_eq(look(), 1);
}

/* Returns true if the table for auth has a row of carl. */
static bool has_carl(void)
{
    struct slice bytes;
    bool has;

    cr_assert_eq(shared_map_whole(db.table, &bytes), 0);
    has = memmem(bytes.ptr, bytes.len, "carl", 4) != NULL;
    shared_unmap(bytes.ptr, bytes.len);
    return has;
}

/* The next table has no data of a removed user, such as the hash. */
Test(userdb, removed_user)
{
    replace(ANNA CARL);
    cr_assert_eq(look(), 1);
    cr_expect(has_carl());
    replace(ANNA);
    cr_assert_eq(look(), 1);
    cr_expect_not(has_carl());
    expect_names("anna");
}

static void write_image(const char *name, const struct users_head *head,
                        const struct users_row *row)
{
    static const char text[] = "bert\0/b";
    FILE *f = fopen(name, "w");

    cr_assert(f);
    cr_assert_eq(fwrite(head, sizeof(*head), 1, f), 1);
    cr_assert_eq(fwrite(row, sizeof(*row), 1, f), 1);
    cr_assert_eq(fwrite(text, sizeof(text), 1, f), 1);
    fclose(f);
}

/* Reader sends the image of a table with the user bert. Each row names a number
 * in the image, and the false value for it. */
Test(userdb, reader_that_lies)
{
    struct users_head head = { .users = 1 };
    struct users_row row = { .name = { .at = 0, .len = 4 },
                             .comment = { .at = 4 },
                             .home = { .at = 5, .len = 2 },
                             .hash = { .at = 4 } };
    const struct {
        uint64_t *number, lie;
    } lies[] = {
        { &head.users, 2 },
        { &head.users, UINT32_MAX },
        { &row.name.number, (union users_cell){ .at = 100, .len = 4 }.number },
        { &row.name.number, (union users_cell){ .len = 100 }.number },
        { &row.home.number, UINT64_MAX },
        { &row.hash.number, UINT64_MAX },
        { &row.certificate.number, 9 },
        { &row.rights.number, RIGHTS_MOST + 1 },
        { &row.grants.number, 1 },
        { &head.shares, UINT32_MAX },
        { &head.grants, 1 },
        { &row.conflict.number, 99 },
        { (uint64_t *)(void *)head.build, 0 },
    };

    build_name_fill(head.build);
    play_reader("cat image >&4\n");
    replace(BERT);
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        uint64_t truth = *lies[i].number;

        *lies[i].number = lies[i].lie;
        write_image("image", &head, &row);
        *lies[i].number = truth;
        look_in_vain(-EBADMSG, i ? "" : "of another build");
        db.until = 0;
    }
    write_image("image", &head, &row);
    cr_expect_eq(look(), 1, "the truth");
    cr_expect_str_eq(first_name(), "bert");
}
