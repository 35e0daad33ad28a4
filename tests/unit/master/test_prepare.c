/* Tests of the things that master opens and checks before a start: homes,
 * shares, limits, and the keys that outlive master. */
#include <sys/resource.h>

#include "helpers.h"
#include "master/logins/logins.h"
#include "master/start/start.h"
#include "sallyport/base/fd.h"
#include "sallyport/conf/conf.h"
#include "sallyport/ipc/generation.h"
#include "support/cast.h"
#include "support/scratch.h"
#include "support/test.h"

static const struct {
    const char *home;
    uid_t uid;
    gid_t gid;
    bool root, permitted;
} homes[] = {
    { "/srv/sallyport/anna", 70000, 70000, true, true },
    { "/anywhere", 79999, 100, true, true },
    { "/anywhere", 69999, 100, true, false },
    { "/anywhere", 80000, 100, true, false },
    { "/anywhere", 0, 70000, true, false },
    { "/anywhere", 70000, 0, true, false },
    { "anywhere", 70000, 70000, true, false },
    { "", 70000, 70000, true, false },
    /* If the server doesn't run as root, only the home's place counts, not the
     * uid. */
    { "/srv/sallyport/anna", 0, 0, false, true },
    { "/srv/sallyport/a/b", 1, 1, false, true },
    { "/srv/sallyport", 70000, 70000, false, false },
    { "/srv/sallyportal/anna", 70000, 70000, false, false },
    { "/srv/sallyport/../other", 70000, 70000, false, false },
    { "/srv/sallyport/a/..", 70000, 70000, false, false },
    { "/srv/sallyport/..a", 70000, 70000, false, true },
    { "/srv", 70000, 70000, false, false },
};

Test(prepare, homes)
{
    for (size_t i = 0; i < sizeof(homes) / sizeof(homes[0]); i++) {
        struct user user = { .name = (char[]){ "anna" },
                             .uid = homes[i].uid,
                             .gid = homes[i].gid };
        struct complaint c = { "" };
        struct master m;
        int r;

        user.home = strdup(homes[i].home);
        master_init(&m);
        conf_default(&m.settings);
        m.root = homes[i].root;
        r = user_permitted(&user, &m.settings, m.root, &c);
        cr_assert_eq(r == 0, homes[i].permitted, "row %zu: %s", i, c.text);
        cr_assert(r == 0 || strstr(c.text, "user anna"));
        free(user.home);
    }
}

static const struct {
    const char *path;
    gid_t gid;
    bool root, permitted;
} shares[] = {
    { "/anywhere", 80000, true, true },
    { "/anywhere", 100, true, true }, /* the gid of a local group */
    /* If the server doesn't run as root, only the share's place counts. */
    { "/srv/sallyport/shares/s", 100, false, true },
    { "/srv/sallyport/shares/a/b", 100, false, true },
    { "/srv/sallyport/shares", 80000, false, false },
    { "/srv/sallyport/sharesX/s", 80000, false, false },
    { "/srv/sallyport/anna", 80000, false, false },
};

Test(prepare, shares)
{
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        struct share rows[] = { { .name = NULL },
                                { .name = (char[]){ "contracts" },
                                  .gid = shares[i].gid } };
        const struct grant grant = { 1, RIGHT_ALL };
        struct user user = { .name = (char[]){ "anna" },
                             .home = (char[]){ "/srv/sallyport/anna" },
                             .uid = 70000,
                             .gid = 70000,
                             .share = rows,
                             .grant = &grant,
                             .grants = 1 };
        struct complaint c = { "" };
        struct master m;
        int r;

        rows[1].path = strdup(shares[i].path);
        master_init(&m);
        conf_default(&m.settings);
        m.root = shares[i].root;
        r = user_permitted(&user, &m.settings, m.root, &c);
        cr_assert_eq(r == 0, shares[i].permitted, "row %zu: %s", i, c.text);
        cr_assert(r == 0 || strstr(c.text, "user anna: share contracts: "));
        free(rows[1].path);
    }
}

/* Master raises the limit of descriptors, or complains with the number that it
 * needs. */
Test(prepare, limits)
{
    struct complaint c = { "" };
    struct master m;
    char number[32];

    master_init(&m);
    conf_default(&m.settings);
    m.settings.max_sessions = 20000;
    cr_assert(prepare_descriptors(&m) > 80000);
    m.settings.max_sessions = UINT32_MAX; /* above fs.nr_open */
    cr_assert_eq(prepare_limits(&m, &c), -EINVAL);
    snprintf(number, sizeof(number), "%llu", prepare_descriptors(&m));
    cr_assert(strstr(c.text, number), "%s", c.text);
    m.settings.max_sessions = 1;
    cr_assert_eq(prepare_limits(&m, &c), 0);
}

/* --- where log writes ---------------------------------------------------- */

/* systemd names its stream in JOURNAL_STREAM, so a process can check whether
 * standard error is still that stream. */
Test(prepare, output)
{
    struct complaint wrong = { "" };
    struct stat st;
    struct master m;
    char name[64];

    master_init(&m);
    conf_default(&m.settings);
    cr_assert_eq(fstat(STDERR_FILENO, &st), 0);
    for (unsigned long long off = 0; off < 2; off++) {
        snprintf(name, sizeof(name), "%llu:%llu", (unsigned long long)st.st_dev,
                 (unsigned long long)st.st_ino + off);
        setenv("JOURNAL_STREAM", name, 1);
        cr_assert_eq(prepare_output(&m, &wrong), 0);
        cr_expect_eq(m.prefixed, off == 0);
    }
    unsetenv("JOURNAL_STREAM");
    cr_assert_eq(prepare_output(&m, &wrong), 0);
    cr_expect(!m.prefixed);
}

/* --- the key of the partials' names --------------------------------------- */

static struct complaint c;

static void begin(void)
{
    scratch_make();
    c.text[0] = '\0';
}

TestSuite(state, .init = begin, .fini = scratch_remove);

static void put_key(const char *bytes)
{
    int fd =
        open(in_scratch("partials.key"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    cr_assert(fd >= 0 && write(fd, bytes, strlen(bytes)) >= 0);
    close(fd);
}

/* Sets `state` to NAME in the directory of the test. */
static void keeps_state_in(struct master *m, const char *name)
{
    char text[512], state[200];

    helpers_find(m);
    snprintf(state, sizeof(state), "%s", in_scratch(name));
    snprintf(text, sizeof(text), "accounts = 101\nstate = %s\nempty = %s\n",
             state, in_scratch("empty"));
    helpers_configure(m, text);
    c.text[0] = '\0';
}

static int state_of(struct master *m)
{
    cr_assert_eq(prepare_by_check(m, &c), 0);
    return prepare_state(m, &c);
}

/* Master starts without the key, but reports it, if `state` is a path through a
 * file, or is in a directory without access. */
Test(state, where_nothing_can_be_kept)
{
    struct master m;

    put_key("");
    master_init(&m);
    keeps_state_in(&m, "partials.key/s");
    cr_assert_eq(state_of(&m), 0);
    cr_assert(strstr(m.key_lost.text, "/partials.key/s: Not a directory"), "%s",
              m.key_lost.text);
    m.key_lost.text[0] = '\0';
    keeps_state_in(&m, "new");
    m.check = true; /* only a start makes the directory */
    cr_assert_eq(state_of(&m), 0);
    cr_assert_str_eq(m.key_lost.text, "");
    cr_assert_neq(access(in_scratch("new"), F_OK), 0);
    cr_assert_eq(chmod(scratch, 0500), 0);
    m.check = false;
    cr_assert_eq(state_of(&m), 0);
    cr_assert_eq(m.key_lost.text[0] != '\0', geteuid() != 0, "%s",
                 m.key_lost.text);
}

Test(state, a_mistake_is_told_with_its_setting)
{
    struct master m;

    put_key("0123456789abcdef");
    cr_assert_eq(chmod(in_scratch("partials.key"), 0644), 0);
    master_init(&m);
    keeps_state_in(&m, "");
    cr_assert_eq(state_of(&m), -EINVAL);
    cr_assert(strstr(c.text, "chmod o-rwx"), "%s", c.text);
}

/* The server starts with a damaged key, but uploads can't be resumed. The
 * warning comes before the other steps: if one of them ends this start, the
 * next start finds a good key. */
Test(state, a_damaged_key_ends_no_start)
{
    FD_CLEANUP int said = memfd_create("said", MFD_CLOEXEC),
                   before = dup(STDERR_FILENO);
    char text[1024] = "";
    struct master m;

    put_key("short");
    master_init(&m);
    keeps_state_in(&m, "");
    dup2(said, STDERR_FILENO);
    cr_assert_eq(prepare_by_check(&m, &c), 0, "%s", c.text);
    dup2(before, STDERR_FILENO);
    cr_assert_gt(pread(said, text, sizeof(text) - 1, 0), 0);
    cr_expect(strstr(text, "warning: ") && strstr(text, "is set aside"), "%s",
              text);
    cr_assert_eq(prepare_state(&m, &c), 0, "%s", c.text);
    cr_expect_str_eq(m.key_lost.text, "");
}

/* Sets NEXT up with `state` in NAME. NEXT gets the keys of BEFORE through the
 * supervisor, which the test plays. */
static void raise_next(struct master *next, struct master *before,
                       const char *name)
{
    static char kept[GENERATION_NAME_MAX];
    struct channel supervisor;
    struct inherited *h = malloc(sizeof(*h));

    channel_make_both(&before->succession.supervisor, PROCESS_MASTER,
                      &supervisor, PROCESS_SUPERVISOR, PHASE_RUN);
    cr_assert_eq(secrets_keep(before), 0);
    slice_copy(EXPECT(&supervisor, keep)->name, kept, sizeof(kept));
    master_init(next);
    keeps_state_in(next, name);
    *h = (struct inherited){ kept, fd_take(&heard.keep.file) };
    next->succession.inherited = h;
    next->succession.count = 1;
}

static void have_the_same_keys(const struct master *a, const struct master *b)
{
    cr_expect_arr_eq(a->secrets.names, b->secrets.names,
                     sizeof(a->secrets.names));
    cr_expect_arr_eq(a->secrets.versions, b->secrets.versions,
                     sizeof(a->secrets.versions));
}

Test(state, keys_are_inherited)
{
    static struct master first, second, third, restarted;

    master_init(&first);
    keeps_state_in(&first, "s");
    cr_assert_eq(state_of(&first), 0);
    raise_next(&second, &first, "s");
    cr_expect_neq(
        memcmp(second.secrets.names, first.secrets.names, SIPHASH_KEY), 0);
    cr_assert_eq(state_of(&second), 0);
    have_the_same_keys(&second, &first);
    cr_expect_str_eq(second.key_lost.text, "");
    raise_next(&third, &second, "new"); /* `state` is another directory */
    cr_assert_eq(state_of(&third), 0);
    have_the_same_keys(&third, &first);
    master_init(&restarted);
    keeps_state_in(&restarted, "new");
    cr_assert_eq(state_of(&restarted), 0);
    cr_expect_arr_eq(restarted.secrets.names, first.secrets.names, SIPHASH_KEY);
}

/* A master of an older build had fewer keys: the next master takes them, and
 * makes the new key at random. */
Test(state, the_first_keys_are_inherited)
{
    static struct master first, second;

    master_init(&first);
    keeps_state_in(&first, "s");
    cr_assert_eq(state_of(&first), 0);
    raise_next(&second, &first, "new"); /* so the key isn't from the disk */
    close(second.succession.inherited->fd);
    second.succession.inherited->fd = fd_sealed(
        "older", (struct slice){ (char *)&first.secrets, SIPHASH_KEY });
    cr_assert_eq(state_of(&second), 0);
    cr_expect_arr_eq(second.secrets.names, first.secrets.names, SIPHASH_KEY);
    cr_expect_neq(
        memcmp(second.secrets.versions, first.secrets.versions, SIPHASH_KEY),
        0);
}

static int finds_the_key(void *m)
{
    return memmem(m, sizeof(struct master), "0123456789abcdef", SIPHASH_KEY) !=
           NULL;
}

/* The next steps of a start fork, for certificates and for the users file. The
 * forks must not have the key. */
Test(state, forks_of_a_start_have_no_key)
{
    static struct master m;
    int status;
    pid_t pid;

    put_key("0123456789abcdef");
    master_init(&m);
    keeps_state_in(&m, "");
    cr_assert_eq(prepare_by_check(&m, &c), 0);
    cr_expect_arr_eq(m.secrets.names, "0123456789abcdef", SIPHASH_KEY);
    for (enum errand_kind k = ERRAND_LOOKS; k <= ERRAND_WRITES; k++) {
        pid = errand_fork(&m, k, finds_the_key, &m, NULL, 0);
        cr_assert_eq(waitpid(pid, &status, 0), pid);
        cr_expect_eq(status, 0, "0x%x", (unsigned)status);
    }
}

static int is_asked_to_end(void *unused)
{
    (void)unused;
    kill(getpid(), SIGTERM);
    return 0;
}

/* systemd sends SIGTERM to all processes. A fork that writes continues, since
 * half a users file would lose users. */
Test(state, only_a_fork_that_writes_goes_on)
{
    static struct master m;
    sigset_t term;
    int status;

    master_init(&m);
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    cr_assert_eq(sigprocmask(SIG_BLOCK, &term, NULL), 0); /* as in master */
    for (enum errand_kind k = ERRAND_LOOKS; k <= ERRAND_WRITES; k++) {
        pid_t pid = errand_fork(&m, k, is_asked_to_end, NULL, NULL, 0);

        cr_assert_eq(waitpid(pid, &status, 0), pid);
        cr_expect_eq(status, k == ERRAND_LOOKS ? SIGTERM : 0, "0x%x",
                     (unsigned)status);
    }
}

/* The disk has another key than the present one: master reports that, since a
 * restart would use the key on the disk. */
Test(state, another_key_stands_there)
{
    static struct master first, second;

    master_init(&first);
    put_key("0123456789abcdef");
    raise_next(&second, &first, "");
    cr_assert_eq(state_of(&second), 0);
    have_the_same_keys(&second, &first);
    cr_expect(strstr(second.key_lost.text, "another key"), "%s",
              second.key_lost.text);
}

/* A key file with a mistake ends a reload, but never a recovery. */
Test(state, a_recovery_needs_no_disk)
{
    static struct master first, second;

    master_init(&first);
    put_key("0123456789abcdef");
    cr_assert_eq(chmod(in_scratch("partials.key"), 0644), 0);
    raise_next(&second, &first, "");
    cr_expect_eq(state_of(&second), -EINVAL);
    free(second.succession.inherited);
    raise_next(&second, &first, "");
    second.succession.recovery = true;
    cr_assert_eq(state_of(&second), 0, "%s", c.text);
    have_the_same_keys(&second, &first);
}

/* A start fails if check is late, since the next steps need its answer. With
 * --check, the step of each part reports that. */
Test(state, check_is_late)
{
    static struct master m;

    master_init(&m);
    keeps_state_in(&m, "s");
    m.helpers_until = 1;
    cr_expect_eq(prepare_by_check(&m, &c), -EIO);
    cr_expect_str_eq(c.text, "the program check has failed: it was late");
    c.text[0] = '\0';
    m.check = true;
    cr_expect_eq(prepare_by_check(&m, &c), 0);
    cr_expect_str_eq(c.text, "");
    cr_expect_eq(prepare_identities(&m, &c), -EIO);
    cr_expect_str_eq(c.text, "the program check has failed: it was late");
}
