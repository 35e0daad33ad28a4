/* SITE PSWD's write of the users file: each of its system calls fails once, or
 * the process is killed there. The file always has the old text or the new one,
 * the result says which, and the next try succeeds. */
#include "sallyport/users/users_file.h"
#include "support/files.h"
#include "support/nth.h"
#include "support/scratch.h"
#include "support/test.h"

#define OLD    "# mine\nanna:$5$a:1:1::/h::\n"
#define NEW    "# mine\nanna:$y$b:1:1::/h::\n"
#define KILLED (128 + SIGKILL)

static char path[128], temp[136];

TestSuite(nth, .init = scratch_make, .fini = scratch_remove);

enum { CHANGED, UNCHANGED, CHANGED_UNSAFELY };

static int change(void *unused)
{
    const struct hash_change change = {
        .user = "anna", .old = "$5$a", .hash = "$y$b", .text = SLICE(OLD)
    };
    bool stands;
    int r = users_file_set_hash(path, &change, &stands);

    (void)unused;
    return r == 0 ? CHANGED : stands ? CHANGED_UNSAFELY : UNCHANGED;
}

static bool is_text(const char *text)
{
    struct buf b;

    buf_init(&b, 4096);
    cr_assert(files_read(path, &b));
    bool same = slice_equal(buf_slice(&b), slice_from(text));
    buf_release(&b);
    return same;
}

static void expect_truth(struct nth *nth, unsigned n, int status)
{
    bool new = is_text(NEW);

    cr_expect(new || is_text(OLD), "call %u, %s: half", n, nth_call(nth));
    if (status != KILLED)
        cr_expect_eq(new, status != UNCHANGED, "call %u, %s: %d", n,
                     nth_call(nth), status);
    cr_expect(status != CHANGED || strcmp(nth_call(nth), "fsync") != 0,
              "call %u: not synced", n);
    if (status != KILLED && strncmp(nth_call(nth), "unlink", 6) != 0)
        cr_expect_not(files_exists(temp), "call %u, %s: a leftover", n,
                      nth_call(nth));
    if (!new)
        cr_expect_eq(change(NULL), CHANGED, "call %u, %s: never again", n,
                     nth_call(nth));
    cr_expect(is_text(NEW));
    cr_expect(new || !files_exists(temp), "the leftover stays");
}

static void play(int error)
{
    struct nth *nth = nth_new();
    unsigned n;

    if (!nth)
        cr_skip_test(NTH_MISSING);
    snprintf(path, sizeof(path), "%s/users", scratch);
    snprintf(temp, sizeof(temp), "%s/.users.sallyport-new", scratch);
    for (n = 1; nth_goes_on(nth); n++) {
        files_write(path, OLD, strlen(OLD), 0600);
        nth_arm(nth, n, error, NULL);
        expect_truth(nth, n, nth_run(nth, change, NULL));
        nth_disarm(nth);
    }
    cr_expect_gt(n, 10);
    nth_free(nth);
}

Test(nth, call_says_eio)
{
    play(EIO);
}

Test(nth, call_says_enospc)
{
    play(ENOSPC);
}

Test(nth, call_says_eintr)
{
    play(EINTR);
}

Test(nth, call_kills)
{
    play(NTH_KILL);
}
