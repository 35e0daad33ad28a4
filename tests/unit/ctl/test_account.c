/* The life of an account: its uid, its first password, and how long it lasts;
 * cases/account.txt has the rest. */
#include <crypt.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "sallyport/userparse/userparse.h"

#include "ctl/ctl.h"
#include "support/long.h"
#include "world.h"

TestSuite(account, .init = world_make, .fini = scratch_remove);

#define PASSWORD "correct horse\n"

/* Returns the value of KEY, such as "expires=", in the only row of the users
 * file. */
static const char *value_of(const char *key)
{
    static char value[64];
    const char *at = strstr(file_text(world.users), key);

    snprintf(value, sizeof(value), "%.*s",
             at ? (int)strcspn(at + strlen(key), " \n") : 0,
             at ? at + strlen(key) : "");
    return value;
}

Test(account, ttl)
{
    static const struct {
        const char *ttl;
        int64_t seconds;
    } table[] = {
        { "90s", 90 },       { "5min", 300 },      { "1h", 3600 },
        { "7d", 7 * 86400 }, { "2w", 14 * 86400 }, { "99999w", 60479395200 },
    };
    char words[64];

    expect_run(0, PASSWORD, "user add anna");
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        int64_t before = time(NULL), expires = 0;

        snprintf(words, sizeof(words), "user change anna --expires %s",
                 table[i].ttl);
        expect_run(0, "", words);
        cr_expect_eq(
            user_expires_parse(slice_from(value_of("expires=")), &expires), 0,
            "%s", value_of("expires="));
        cr_expect_geq(expires, before + table[i].seconds, "%s", words);
        cr_expect_leq(expires, (int64_t)time(NULL) + table[i].seconds, "%s",
                      words);
    }
}

/* Accounts of the system. The functions replace libc's. */
static uid_t account;
static gid_t group;
static int down;   /* the error of NSS; 0: none */
static bool hangs; /* NSS never answers */
static int slow;   /* ms for each answer of NSS */
static uid_t next; /* a hash makes it the account; 0: nothing does */
static int disk;   /* ms for each look at a home */
static int *looks; /* their number, also in forks; NULL: not counted */

struct passwd *getpwuid(uid_t uid)
{
    static char name[] = "eva"; /* a name in cases/log.txt */
    static struct passwd row = { .pw_name = name };

    while (hangs)
        pause();
    poll(NULL, 0, slow);
    if (down)
        errno = down;
    return uid == 4321 || (account != 0 && uid == account) ? &row : NULL;
}

static gid_t unsaid; /* NSS fails for this gid alone */

struct group *getgrgid(gid_t gid)
{
    static struct group row;
    static char bytes[65536];
    struct group *found = &row;

    while (hangs)
        pause();
    if (group == 0 || gid != group)
        getgrgid_r(gid, &row, bytes, sizeof(bytes), &found);
    if (unsaid && gid == unsaid) {
        errno = ECONNREFUSED;
        return NULL;
    }
    if (down && !found)
        errno = down;
    return found;
}

static gid_t primary; /* a line of /etc/passwd has it, no group */

struct passwd *fgetpwent(FILE *accounts)
{
    static char name[] = "bob";
    static struct passwd row = { .pw_name = name };
    static char bytes[65536];
    struct passwd *found = &row;

    if (primary && row.pw_gid != primary)
        row.pw_gid = primary;
    else if (fgetpwent_r(accounts, &row, bytes, sizeof(bytes), &found))
        return NULL;
    return found;
}

char *crypt_rn(const char *phrase, const char *setting, void *data, int size)
{
    char *hash = crypt_r(phrase, setting, data);

    (void)size;
    account = next ? next : account;
    return hash[0] == '*' ? NULL : hash;
}

int fstatat(int directory, const char *name, struct stat *st, int flags)
{
    poll(NULL, 0, disk);
    if (looks)
        ++*looks;
    return (int)syscall(SYS_newfstatat, directory, name, st, flags);
}

Test(account, uids_of_the_system)
{
    account = 70000;
    group = 70002;
    expect_out(0, PASSWORD, "user add anna", "user anna: uid 70001, ");
    expect_out(0, PASSWORD, "user add bob", "user bob: uid 70003, ");
}

/* An account's primary group has no line in the system's list of groups. */
Test(account, a_primary_gid_of_the_system)
{
    primary = 80000;
    expect_run(0, "", "share add a");
    cr_expect_not_null(strstr(file_text(world.users), "@share:a:80001:"), "%s",
                       file_text(world.users));
    primary = 70000;
    expect_out(0, PASSWORD, "user add anna", "user anna: uid 70001, ");
}

/* The system gets an account while the command waits for a password. */
Test(account, a_uid_of_the_system_meanwhile)
{
    next = 70000;
    expect_out(0, PASSWORD, "user add anna", "user anna: uid 70001, ");
}

/* An existing directory of a share has the gid of a group of the system. */
Test(account, a_gid_of_the_system)
{
    if (geteuid() != 0)
        world_skip("a directory of another group");
    group = 80001;
    files_make_folder(world.shares, 0711);
    files_make_folder(in(world.shares, "a"), 0770);
    cr_assert_eq(chown(in(world.shares, "a"), 0, group), 0);
    expect_err(EX_CANTCREAT, "", "share add a",
               "give it with --local-group 80001");
    group = 70002;
    primary = 80001;
    expect_err(EX_CANTCREAT, "", "share add a",
               "give it with --local-group 80001");
    primary = 80002;
    unsaid = 80001;
    expect_err(EX_TEMPFAIL, "", "share add a", "can't be looked up");
    unsaid = 0;
    expect_run(0, "", "share add a");
}

/* While LDAP is down, the command can't know whether an account has a number,
 * so it assigns none. */
Test(account, accounts_that_cannot_be_asked)
{
    char words[256], text[256];

    expect_run(0, PASSWORD, "user add anna");
    strcpy(text, file_text(world.users));
    down = ECONNREFUSED;
    expect_err(EX_TEMPFAIL, PASSWORD, "user add bob",
               "the system's accounts and groups can't be looked up "
               "(Connection refused), so no number was assigned");
    file_write(in_scratch("new"), "bob:*::::::\n");
    snprintf(words, sizeof(words), "user import %s", in_scratch("new"));
    expect_run(EX_TEMPFAIL, "", words);
    cr_expect_str_eq(file_text(world.users), text);
    cr_expect_not(files_exists(in(world.homes, "bob")));
    down = ENOENT; /* there is no such account */
    expect_run(0, PASSWORD, "user add bob");
}

static void systemd_hangs(struct unit *u)
{
    (void)u;
    if (ctl.lock_fd != 0)
        abort();
    poll(NULL, 0, 2000); /* systemctl has a limit of its own */
}

/* Expects that users can be locked while the command WORDS waits for NSS or for
 * systemd, and that its exit status is CODE. */
static void lock_beside(const char *words, int code)
{
    struct run r;
    int status = 0;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        run_ctl(&r, PASSWORD, words);
        _exit(r.code);
    }
    do
        expect_out(0, "", "user lock anna", "user anna: locked");
    while (waitpid(pid, &status, WNOHANG) == 0);
    cr_expect_eq(WEXITSTATUS(status), code, "%s: %d", words,
                 WEXITSTATUS(status));
}

Test(account, a_lock_beside_what_hangs, .timeout = 120, IN_LONG_RUN)
{
    char words[256];

    expect_run(0, PASSWORD, "user add anna");
    file_write(in_scratch("new"), "dora:*::::::\n");
    snprintf(words, sizeof(words), "user import %s", in_scratch("new"));
    disk_ms = 1000;
    hangs = true;
    lock_beside("user add bert", EX_TEMPFAIL);
    lock_beside("share add s", EX_TEMPFAIL);
    lock_beside("share add s --local-group nogroup1", EX_USAGE);
    lock_beside(words, EX_TEMPFAIL);
    hangs = false;
    paths_unit = systemd_hangs;
    /* If the caller isn't root, a home elsewhere is refused before systemd is
     * asked. */
    lock_beside("user change anna --home /nowhere/anna",
                geteuid() == 0 ? EX_CANTCREAT : EX_USAGE);
    cr_expect_null(strstr(file_text(world.users), "bert"));
    cr_expect_null(strstr(file_text(world.users), "@share"));
}

/* The time counts from the last answer, not for all numbers together. */
Test(account, each_answer_has_a_time_of_its_own, .timeout = 120)
{
    char words[256];

    file_write(in_scratch("new"), "anna:*::::::\nbert:*::::::\n");
    snprintf(words, sizeof(words), "user import %s", in_scratch("new"));
    disk_ms = 1000;
    slow = 50; /* for two numbers and some to spare: 1.7 s */
    expect_out(0, "", words, "2 imported, 0 skipped\n");
    expect_out(0, PASSWORD, "user add carl", "user carl: uid 70002, ");
}

/* The homes are looked at once, not once for each number. */
Test(account, a_disk_that_answers_slowly, .timeout = 120)
{
    looks = mmap(NULL, sizeof(*looks), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert(looks != MAP_FAILED);
    expect_run(0, PASSWORD, "user add anna");
    *looks = 0;
    disk_ms = 2000;
    disk = 1200;
    expect_out(0, PASSWORD, "user add bert", "user bert: uid 70001, ");
    cr_expect(*looks > 0 && *looks < 10, "%d", *looks);
}

/* An import holds the lock for at most a second at a time, so that users can be
 * locked in between. */
Test(account, a_lock_beside_an_import, .timeout = 900, IN_LONG_RUN)
{
    const size_t users = 3000;
    FILE *f = fopen(in_scratch("new"), "w");
    char words[256];

    cr_assert_not_null(f);
    snprintf(words, sizeof(words), "sed -i s/70099/79999/ %s", world.conf);
    cr_assert_eq(system(words), 0);
    for (size_t i = 0; i < users; i++)
        fprintf(f, "u%zu:*::::::\n", i);
    fclose(f);
    expect_run(0, PASSWORD, "user add anna");
    snprintf(words, sizeof(words), "user import %s", in_scratch("new"));
    lock_beside(words, 0);
    snprintf(words, sizeof(words), "test $(wc -l <%s) = %zu", world.users,
             users + 1);
    cr_expect_eq(system(words), 0);
}

static bool map_ids(pid_t pid, const char *file)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    FILE *map = fopen(path, "w");

    return map && fputs("0 0 65536\n", map) >= 0 && fclose(map) == 0;
}

/* Plays a container without privileges, which lacks the ids of new users. */
Test(account, a_container_without_these_ids)
{
    int begin[2], ready[2], status;
    char byte = 0;
    struct run r;
    pid_t pid;

    cr_assert(pipe(begin) == 0 && pipe(ready) == 0);
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        byte = unshare(CLONE_NEWUSER) == 0;
        if (write(ready[1], &byte, 1) != 1 || read(begin[0], &byte, 1) != 1 ||
            byte == 0)
            _exit(EX_UNAVAILABLE);
        run_ctl(&r, PASSWORD, "user add anna");
        if (r.code != EX_CONFIG ||
            !strstr(r.err, "this container has no uid 70000 "
                           "(/proc/self/uid_map); set uid_first and uid_last, "
                           "such as 20000 and 29999"))
            _exit(1);
        run_ctl(&r, "", "share add s");
        _exit(r.code == EX_CONFIG &&
                      strstr(r.err, "has no gid 80000 (/proc/self/gid_map); "
                                    "set gid_first and gid_last")
                  ? 0
                  : 1);
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    byte = byte && map_ids(pid, "uid_map") && map_ids(pid, "gid_map");
    cr_assert_eq(write(begin[1], &byte, 1), 1);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    if (WEXITSTATUS(status) == EX_UNAVAILABLE)
        world_skip("needs root and namespaces of users");
    cr_expect_eq(status, 0);
    cr_expect_not(files_exists(world.users));
}

Test(account, the_last_uid_is_of_the_system)
{
    file_write(in_scratch("users.last-uid"), "70098\n");
    file_write(world.users, "#\n");
    account = 70099;
    expect_err(EX_CONFIG, PASSWORD, "user add bob",
               "no uid is left up to 70099");
}

/* Runs WORDS, and stores the password that it prints. It must be the password
 * of NAME. */
static void take_made(const char *words, const char *name, char password[64])
{
    const char *at = strstr(expect_run(0, "", words)->out, "password: ");

    cr_assert(at);
    cr_assert_eq(sscanf(at, "password: %63s\n", password), 1);
    cr_expect_eq(strlen(password), 24);
    cr_expect_eq(strcspn(password, "0O1lIio"), 24, "%s", password);
    cr_expect(world_password_is(name, password));
}

/* The printed password is the password of the hash, and each call makes another
 * one. */
Test(account, print_password)
{
    char password[2][64];

    take_made("user add anna --role read --print-password", "anna",
              password[0]);
    take_made("user add bob --expires 7d --print-password", "bob", password[1]);
    cr_expect_str_neq(password[0], password[1]);
    cr_expect_not(strstr(file_text(world.users), password[0]));
    expect_err(EX_USAGE, "", "user add eve --print-password --hash-stdin",
               "give --print-password or --hash-stdin, not both");
    expect_err(EX_DATAERR, "", "user add anna --print-password",
               "anna is there already");
    take_made("user passwd anna --print-password", "anna", password[0]);
}
