/* The key that survives a restart: it is made once and complete, only its owner
 * can read it, and several machines can have it in common. */
#include "check/check.h"
#include "sallyport/base/random.h"
#include "sallyport/conf/conf.h"
#include "support/nth.h"
#include "support/scratch.h"
#include "support/test.h"

static struct complaint c;
static struct check k;

static void begin(void)
{
    scratch_make();
    umask(0); /* the modes come from the code alone */
    conf_default(&k.settings);
}

TestSuite(key, .init = begin, .fini = scratch_remove);

/* Finds the key of a server with the directory STATE. */
static int key_of(const char *state, bool make, uint8_t key[SIPHASH_KEY])
{
    struct prepared p = { .make = make };
    int r;

    random_bytes(p.key, SIPHASH_KEY);
    strcpy(k.settings.state, state);
    c.text[0] = '\0';
    r = part_key(&k, &p, &c);
    memcpy(key, p.key, SIPHASH_KEY);
    return r;
}

static void put(const char *name, const char *bytes, mode_t mode)
{
    int fd = open(in_scratch(name), O_WRONLY | O_CREAT | O_TRUNC, mode);

    cr_assert(fd >= 0 && fchmod(fd, mode) == 0);
    cr_assert_eq(write(fd, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
    close(fd);
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    cr_assert_eq(stat(path, &st), 0, "%s", path);
    return st.st_mode & 07777;
}

Test(key, made_once)
{
    uint8_t first[SIPHASH_KEY], second[SIPHASH_KEY];

    cr_assert_eq(key_of(in_scratch("s"), false, first), -ENOENT); /* --check */
    cr_assert_neq(access(in_scratch("s"), F_OK), 0, "made by --check");
    cr_assert_eq(key_of(in_scratch("s"), true, first), 0, "%s", c.text);
    cr_assert_str_eq(c.text, "");
    cr_assert_eq(mode_of(in_scratch("s")), 0700);
    cr_assert_eq(mode_of(in_scratch("s/partials.key")), 0600);
    cr_assert_eq(key_of(in_scratch("s"), true, second), 0, "%s", c.text);
    cr_assert_arr_eq(first, second, SIPHASH_KEY);
    cr_assert_eq(key_of(in_scratch("s"), false, second), 0, "%s", c.text);
    cr_assert_arr_eq(first, second, SIPHASH_KEY);
    cr_assert_eq(unlink(in_scratch("s/partials.key")), 0);
    cr_assert_eq(rmdir(in_scratch("s")), 0, "something else was left in it");
}

/* Ten processes at once make one key. Servers with a common key have a
 * directory `state` each. */
static void make_at_once(bool in_common)
{
    uint8_t keys[10][SIPHASH_KEY];
    int ends[2];

    cr_assert_eq(pipe(ends), 0);
    for (int i = 0; i < 10; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            const char name[] = { (char)(in_common ? 'a' + i : 's'), '\0' };
            int r = key_of(in_scratch(name), true, keys[0]);
            ssize_t n = write(ends[1], keys[0], SIPHASH_KEY);

            _exit(r < 0 || n != SIPHASH_KEY);
        }
        cr_assert(pid > 0);
    }
    close(ends[1]);
    for (int i = 0; i < 10; i++)
        cr_assert_eq(read(ends[0], keys[i], SIPHASH_KEY), SIPHASH_KEY);
    for (int i = 1; i < 10; i++)
        cr_assert_arr_eq(keys[0], keys[i], SIPHASH_KEY);
    close(ends[0]);
}

Test(key, made_at_the_same_moment)
{
    make_at_once(false);
}

static size_t files_in(const char *path)
{
    DIR *d = opendir(path);
    size_t n = 0;

    if (!d)
        return 0;
    for (struct dirent *e; (e = readdir(d));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n;
}

static uint8_t *returned; /* shared with the fork */

static int make_key(void *unused)
{
    (void)unused;
    return key_of(in_scratch("s"), true, returned) != 0;
}

/* Whatever call fails, or kills the process: a key that was returned stands in
 * the file, and the next start has that one. */
static void play(int error)
{
    struct nth *nth = nth_new();
    uint8_t key[SIPHASH_KEY];
    unsigned n;

    if (!nth)
        cr_skip_test(NTH_MISSING);
    returned = mmap(NULL, SIPHASH_KEY, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (n = 1; nth_goes_on(nth); n++) {
        nth_arm(nth, n, error, NULL);
        int status = nth_run(nth, make_key, NULL);
        bool stands = access(in_scratch("s/partials.key"), F_OK) == 0;

        nth_disarm(nth);
        cr_expect(status != 0 || stands, "call %u", n);
        cr_expect(status != 0 || strcmp(nth_call(nth), "fsync") != 0,
                  "call %u: not synced", n);
        cr_expect_eq(key_of(in_scratch("s"), true, key), 0, "call %u, %s: %s",
                     n, nth_call(nth), c.text);
        if (status == 0)
            cr_expect_arr_eq(key, returned, SIPHASH_KEY, "call %u", n);
        cr_expect_eq(files_in(in_scratch("s")), 1, "call %u, %s: a leftover", n,
                     nth_call(nth));
        scratch_remove_tree(in_scratch("s"));
    }
    cr_expect_gt(n, 10);
    munmap(returned, SIPHASH_KEY);
    nth_free(nth);
}

Test(key, each_call_fails_once)
{
    play(EIO);
}

Test(key, each_call_kills_once)
{
    play(NTH_KILL);
}

static const struct {
    const char *bytes;
    mode_t mode;
    const char *word; /* of the complaint; NULL: there is none */
} files[] = {
    { "0123456789abcdef", 0600, NULL },
    { "0123456789abcdef", 0644, "chmod o-rwx" },
    { "0123456789abcdef", 0620, "chmod g-w" },
};

Test(key, a_file_that_is_no_key)
{
    uint8_t key[SIPHASH_KEY];

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        put("partials.key", files[i].bytes, files[i].mode);
        int r = key_of(scratch, true, key);
        cr_assert_eq(r, files[i].word ? -EINVAL : 0, "row %zu: %s", i, c.text);
        cr_assert(!files[i].word || strstr(c.text, files[i].word), "%s",
                  c.text);
        cr_assert_eq(memcmp(key, "0123456789abcdef", SIPHASH_KEY) == 0,
                     files[i].word == NULL);
    }
}

/* A crash of the file system leaves such a file. The server goes on with
 * another key, and --check changes nothing. */
Test(key, a_damaged_key_is_set_aside)
{
    static const char *const damaged[] = { "0123456789abcde",
                                           "0123456789abcdefg", "" };
    uint8_t key[SIPHASH_KEY], again[SIPHASH_KEY];

    for (size_t i = 0; i < 3; i++) {
        memset(key, 'n', sizeof(key));
        put("partials.key", damaged[i], 0600);
        cr_assert_eq(key_of(scratch, false, key), -EACCES);
        cr_assert(strstr(c.text, "partials.key: not a key"), "%s", c.text);
        cr_assert_eq(key_of(scratch, true, key), 0, "%s", c.text);
        cr_assert(strstr(c.text, "set aside as partials.key.damaged"), "%s",
                  c.text);
        cr_assert_eq(access(in_scratch("partials.key.damaged"), F_OK), 0);
        cr_assert_eq(key_of(scratch, true, again), 0, "%s", c.text);
        cr_expect_str_eq(c.text, "");
        cr_expect_arr_eq(key, again, SIPHASH_KEY);
    }
}

Test(key, a_link_is_not_followed)
{
    uint8_t key[SIPHASH_KEY];

    put("else", "0123456789abcdef", 0600);
    cr_assert_eq(symlink("else", in_scratch("partials.key")), 0);
    cr_assert_eq(key_of(scratch, true, key), -EACCES);
    cr_assert(strstr(c.text, "partials.key: "), "%s", c.text);
}

Test(key, a_directory_of_others)
{
    uint8_t key[SIPHASH_KEY];

    cr_assert_eq(mkdir(in_scratch("wide"), 0777), 0);
    cr_assert_eq(key_of(in_scratch("wide"), true, key), -EINVAL);
    cr_assert(strstr(c.text, "chmod 0700"), "%s", c.text);
    if (geteuid() != 0)
        return;
    cr_assert_eq(mkdir(in_scratch("theirs"), 0700), 0);
    cr_assert_eq(chown(in_scratch("theirs"), 70000, 70000), 0);
    cr_assert_eq(key_of(in_scratch("theirs"), true, key), -EINVAL);
    cr_assert(strstr(c.text, "belongs to uid 70000; run: chown 0"), "%s",
              c.text);
}

/* --- partials_key: a key of several machines ------------------------------ */

static void have_in_common(const char *name)
{
    char text[256];

    snprintf(text, sizeof(text), "partials_key = %s/%s\n", scratch, name);
    c.text[0] = '\0';
    cr_assert_eq(conf_parse(&k.settings, slice_from(text), "conf", NULL, &c), 0,
                 "%s", c.text);
}

static void expect_no_key_in(const char *state)
{
    cr_expect_eq(files_in(in_scratch(state)), 0, "%s has a key of its own",
                 state);
}

Test(key, made_in_common_at_the_same_moment)
{
    have_in_common("common.key");
    make_at_once(true);
}

Test(key, of_two_state_directories)
{
    uint8_t first[SIPHASH_KEY], second[SIPHASH_KEY];

    have_in_common("common.key");
    cr_assert_eq(key_of(in_scratch("a"), false, first), -ENOENT);
    cr_assert_neq(access(in_scratch("common.key"), F_OK), 0);
    cr_assert_eq(key_of(in_scratch("a"), true, first), 0, "%s", c.text);
    cr_expect_eq(mode_of(in_scratch("common.key")), 0600);
    cr_assert_eq(key_of(in_scratch("b"), true, second), 0, "%s", c.text);
    cr_expect_str_eq(c.text, "");
    cr_expect_arr_eq(first, second, SIPHASH_KEY);
    cr_expect_eq(mode_of(in_scratch("b")), 0700, "the bans need it");
    expect_no_key_in("a");
    expect_no_key_in("b");
}

/* An upgraded server still finds its unfinished uploads; a later server takes
 * the common key. */
Test(key, in_common_is_the_one_that_the_first_had)
{
    uint8_t before[SIPHASH_KEY], other[SIPHASH_KEY], key[SIPHASH_KEY];

    cr_assert_eq(key_of(in_scratch("a"), true, before), 0);
    cr_assert_eq(key_of(in_scratch("b"), true, other), 0);
    have_in_common("common.key");
    cr_assert_eq(key_of(in_scratch("a"), true, key), 0, "%s", c.text);
    cr_expect_arr_eq(key, before, SIPHASH_KEY);
    cr_assert_eq(key_of(in_scratch("b"), true, key), 0, "%s", c.text);
    cr_expect_arr_eq(key, before, SIPHASH_KEY);
}

/* A reload: the key in use becomes the common one, or stays beside another. A
 * restart would use the other one. */
Test(key, in_common_after_a_reload)
{
    struct prepared p = { .make = true,
                          .inherited = true,
                          .key = "in use, 16 byte" };
    uint8_t key[SIPHASH_KEY];

    cr_assert_eq(key_of(in_scratch("a"), true, key), 0);
    cr_expect_eq(part_key(&k, &p, &c), -EACCES);
    cr_expect(strstr(c.text, "partials.key: has another key"), "%s", c.text);
    have_in_common("common.key");
    c.text[0] = '\0';
    cr_assert_eq(part_key(&k, &p, &c), 0, "%s", c.text);
    cr_assert_eq(key_of(in_scratch("a"), true, key), 0, "%s", c.text);
    cr_expect_arr_eq(key, "in use, 16 byte", SIPHASH_KEY);
    memcpy(p.key, "another, 16 byte", SIPHASH_KEY);
    cr_expect_eq(part_key(&k, &p, &c), -EACCES);
    cr_expect(strstr(c.text, "common.key: has another key than"), "%s", c.text);
    cr_expect_arr_eq(p.key, "another, 16 byte", SIPHASH_KEY);
}

/* Each of them would be another key than the neighbours', so it ends a start,
 * and what is there stays. */
static const struct {
    const char *name, *bytes;
    mode_t mode;
    const char *word;
} refused[] = {
    { "common.key", "short", 0600, "common.key: not a key" },
    { "common.key", "0123456789abcdef", 0644, "chmod o-rwx" },
    { "away/common.key", NULL, 0, "/away: No such file or directory" },
    { "wide/common.key", NULL, 0, "/wide: writable by others; run: chmod" },
};

Test(key, in_common_that_is_refused)
{
    uint8_t key[SIPHASH_KEY];

    cr_assert_eq(mkdir(in_scratch("wide"), 0777), 0);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        have_in_common(refused[i].name);
        if (refused[i].bytes)
            put(refused[i].name, refused[i].bytes, refused[i].mode);
        for (int make = 0; make < 2; make++) {
            cr_expect_eq(key_of(in_scratch("a"), make, key), -EINVAL, "%zu", i);
            cr_expect_eq(strncmp(c.text, "conf:1: partials_key = ", 23), 0,
                         "%s", c.text);
            cr_expect(strstr(c.text, refused[i].word), "%s", c.text);
        }
        cr_expect_eq(access(in_scratch("away"), F_OK), -1);
        unlink(in_scratch("common.key"));
    }
}
