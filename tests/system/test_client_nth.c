/* Each system call of the client on its local files fails once, or the client
 * is killed there. The old file or the whole new file must be there, and the
 * exit status may be 0 only with the new file. The next run of the client must
 * complete the transfer and leave no other file. */
#include "desk.h"
#include "support/files.h"
#include "support/nth.h"
#include "support/test.h"

#define LEN (300 * 1024)
#define OLD "the old one"

SERVER_SHARED(USERS({ .name = "anna" }));

/* The command line of the client, which nth_run() executes. */
struct call {
    char *words[16];
};

static int execute(void *of)
{
    struct call *c = of;
    int out = open("output", O_WRONLY | O_CREAT | O_TRUNC, 0600);

    dup2(out, 1);
    dup2(out, 2);
    execv(c->words[0], c->words);
    return 127;
}

/* Tests can run at the same time, so each one has a file of its own on the
 * server. */
static const char *remote(void)
{
    static char name[32];

    snprintf(name, sizeof(name), "/f%d", (int)getpid());
    return name;
}

static bool has_text(const char *path, const char *text, size_t len)
{
    struct buf b;

    buf_init(&b, 2 * LEN);
    bool same = files_read(path, &b) &&
                slice_equal(buf_slice(&b), (struct slice){ text, len });
    buf_release(&b);
    return same;
}

static size_t entries_of(const char *directory)
{
    struct run_result r;
    size_t n = 0;

    run(&r, NULL, "/bin/ls", "-A", directory, NULL);
    for (const char *at = r.text; (at = strchr(at, '\n')); at++)
        n++;
    run_release(&r);
    return n;
}

/* Plays a transfer again and again; each time another call fails. The next run
 * of the client must complete the transfer. If the client can't read the file
 * of an upload to its end, the server must have no file. */
static void play(struct desk *d, const char *bytes, bool up, int error)
{
    static char dir[SERVER_PATH_MAX + 8], url[200];
    const char *there = server_home_file(&d->server, "anna", remote() + 1);
    const char *to = up ? there : "local/f";
    struct call c = { { (char *)server_program("sallyport"), "--cacert", d->ca,
                        "--password-file", d->password, up ? "put" : "get",
                        "--retries", "0", "--conflict", "overwrite",
                        up ? "local/f" : url, up ? url : "local/f" } };
    struct nth *nth = nth_new();
    unsigned n;

    if (!nth)
        cr_skip_test(NTH_MISSING);
    snprintf(dir, sizeof(dir), "%s/local", d->dir);
    snprintf(url, sizeof(url), "%s%s", d->url, remote());
    files_make_folder("local", 0755);
    if (up)
        files_write("local/f", bytes, LEN, 0644);
    for (n = 1; nth_goes_on(nth); n++) {
        if (up)
            unlink(to);
        else
            files_write(to, OLD, strlen(OLD), 0644);
        nth_arm(nth, n, error, dir);
        int status = nth_run(nth, execute, &c);
        bool met = nth_disarm(nth);
        bool whole = has_text(to, bytes, LEN);
        cr_expect(whole ||
                      (up ? !files_exists(to) : has_text(to, OLD, strlen(OLD))),
                  "call %u, %s: half", n, nth_call(nth));
        cr_expect(status != 0 || whole, "call %u, %s: no file", n,
                  nth_call(nth));
        cr_expect(met || status == 0, "without a fault: %d", status);
        if (up || !whole)
            cr_expect_eq(nth_run(nth, execute, &c), 0, "call %u, %s: not again",
                         n, nth_call(nth));
        cr_expect(has_text(to, bytes, LEN), "call %u, %s", n, nth_call(nth));
        cr_expect_eq(entries_of("local"), 1, "call %u, %s: a leftover", n,
                     nth_call(nth));
    }
    cr_expect_gt(n, 5, "%u calls", n);
    nth_free(nth);
}

static char bytes[LEN];
static struct desk desk;

static void begin(void)
{
    desk_begin(&desk, "anna");
    files_noise(bytes, LEN, 7);
    files_write("file", bytes, LEN, 0644);
    desk_says(&desk, 0, NULL, "put", "file", remote(), NULL);
}

static void end(void)
{
    desk_end(&desk);
}

TestSuite(client_nth, .init = begin, .fini = end, .timeout = 300);

Test(client_nth, get)
{
    play(&desk, bytes, false, EIO);
}

Test(client_nth, get_on_a_full_disk)
{
    play(&desk, bytes, false, ENOSPC);
}

Test(client_nth, get_when_a_call_kills)
{
    play(&desk, bytes, false, NTH_KILL);
}

Test(client_nth, put)
{
    play(&desk, bytes, true, EIO);
}

Test(client_nth, put_when_a_call_kills)
{
    play(&desk, bytes, true, NTH_KILL);
}
