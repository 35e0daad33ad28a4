/* The key that survives a restart: it is made once and complete, and only its
 * owner can read it. */

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check/check.h"
#include "sallyport/base/random.h"
#include "support/nth.h"
#include "support/scratch.h"

static struct complaint c;

static void begin(void)
{
    scratch_make();
    umask(0); /* the modes come from the code alone */
}

TestSuite(state, .init = begin, .fini = scratch_remove);

static int key_of(const char *path, bool make, uint8_t key[STATE_KEY])
{
    c.text[0] = '\0';
    random_bytes(key, STATE_KEY);
    return state_key(path, make, key, &c);
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

Test(state, made_once)
{
    uint8_t first[STATE_KEY], second[STATE_KEY];

    cr_assert_eq(key_of(in_scratch("s"), false, first), -ENOENT); /* --check */
    cr_assert_neq(access(in_scratch("s"), F_OK), 0, "made by --check");
    cr_assert_eq(key_of(in_scratch("s"), true, first), 0, "%s", c.text);
    cr_assert_str_eq(c.text, "");
    cr_assert_eq(mode_of(in_scratch("s")), 0700);
    cr_assert_eq(mode_of(in_scratch("s/partials.key")), 0600);
    cr_assert_eq(key_of(in_scratch("s"), true, second), 0, "%s", c.text);
    cr_assert_arr_eq(first, second, STATE_KEY);
    cr_assert_eq(key_of(in_scratch("s"), false, second), 0, "%s", c.text);
    cr_assert_arr_eq(first, second, STATE_KEY);
    cr_assert_eq(unlink(in_scratch("s/partials.key")), 0);
    cr_assert_eq(rmdir(in_scratch("s")), 0, "something else was left in it");
}

/* Ten processes at once make one key. */
Test(state, made_at_the_same_moment)
{
    uint8_t keys[10][STATE_KEY];
    int ends[2];

    cr_assert_eq(pipe(ends), 0);
    for (int i = 0; i < 10; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            int r = key_of(in_scratch("s"), true, keys[0]);
            ssize_t n = write(ends[1], keys[0], STATE_KEY);

            _exit(r < 0 || n != STATE_KEY);
        }
        cr_assert(pid > 0);
    }
    close(ends[1]);
    for (int i = 0; i < 10; i++)
        cr_assert_eq(read(ends[0], keys[i], STATE_KEY), STATE_KEY);
    for (int i = 1; i < 10; i++)
        cr_assert_arr_eq(keys[0], keys[i], STATE_KEY);
    close(ends[0]);
}

static size_t files_in(const char *path)
{
    DIR *d = opendir(path);
    size_t n = 0;

    if (!d)
        return 0;
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
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
    uint8_t key[STATE_KEY];
    unsigned n;

    if (!nth)
        cr_skip_test(NTH_MISSING);
    returned = mmap(NULL, STATE_KEY, PROT_READ | PROT_WRITE,
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
            cr_expect_arr_eq(key, returned, STATE_KEY, "call %u", n);
        cr_expect_eq(files_in(in_scratch("s")), 1, "call %u, %s: a leftover", n,
                     nth_call(nth));
        scratch_remove_tree(in_scratch("s"));
    }
    cr_expect_gt(n, 10);
    munmap(returned, STATE_KEY);
    nth_free(nth);
}

Test(state, each_call_fails_once)
{
    play(EIO);
}

Test(state, each_call_kills_once)
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

Test(state, a_file_that_is_no_key)
{
    uint8_t key[STATE_KEY];

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        put("partials.key", files[i].bytes, files[i].mode);
        int r = key_of(scratch, true, key);
        cr_assert_eq(r, files[i].word ? -EINVAL : 0, "row %zu: %s", i, c.text);
        cr_assert(!files[i].word || strstr(c.text, files[i].word), "%s",
                  c.text);
        cr_assert_eq(memcmp(key, "0123456789abcdef", STATE_KEY) == 0,
                     files[i].word == NULL);
    }
}

/* A crash of the file system leaves such a file. The server goes on with
 * another key, and --check changes nothing. */
Test(state, a_damaged_key_is_set_aside)
{
    static const char *const damaged[] = { "0123456789abcde",
                                           "0123456789abcdefg", "" };
    uint8_t key[STATE_KEY], again[STATE_KEY];

    for (size_t i = 0; i < 3; i++) {
        memset(key, 'n', sizeof(key));
        put("partials.key", damaged[i], 0600);
        cr_assert_eq(key_of(scratch, false, key), -EACCES);
        cr_assert(strstr(c.text, "partials.key: not a key"), "%s", c.text);
        c.text[0] = '\0';
        cr_assert_eq(key_of(scratch, true, key), 0, "%s", c.text);
        cr_assert(strstr(c.text, "set aside as partials.key.damaged"), "%s",
                  c.text);
        cr_assert_eq(access(in_scratch("partials.key.damaged"), F_OK), 0);
        c.text[0] = '\0';
        cr_assert_eq(key_of(scratch, true, again), 0, "%s", c.text);
        cr_expect_str_eq(c.text, "");
        cr_expect_arr_eq(key, again, STATE_KEY);
    }
}

Test(state, a_link_is_not_followed)
{
    uint8_t key[STATE_KEY];

    put("else", "0123456789abcdef", 0600);
    cr_assert_eq(symlink("else", in_scratch("partials.key")), 0);
    cr_assert_eq(key_of(scratch, true, key), -EACCES);
    cr_assert(strstr(c.text, "partials.key: "), "%s", c.text);
}

Test(state, a_directory_of_others)
{
    uint8_t key[STATE_KEY];

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
