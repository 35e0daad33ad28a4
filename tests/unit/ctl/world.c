/* A directory with a configuration, in which sallyportctl runs. */
#include "world.h"

#include <crypt.h>
#include <stdarg.h>

#include "ctl/ctl.h"
#include "sallyport/base/fd.h"
#include "support/allocation.h"
#include "support/nth.h"

struct world world;

/* Replaces libcrypt's function: a hash takes the least work, unless REAL_HASHES
 * is in the environment. */
char *crypt_gensalt_rn(const char *prefix, unsigned long cost, const char *salt,
                       int salt_size, char *out, int size)
{
    char *setting = crypt_gensalt_ra(prefix, getenv("REAL_HASHES") ? cost : 1,
                                     salt, salt_size);

    cr_assert(setting && strlen(setting) < (size_t)size, "%s", strerror(errno));
    strcpy(out, setting);
    free(setting);
    return out;
}

void world_make(void)
{
    char text[1024];

    scratch_make();
    cr_assert_eq(chmod(scratch, 0711), 0);
    snprintf(world.conf, sizeof(world.conf), "%s/conf", scratch);
    snprintf(world.users, sizeof(world.users), "%s/users", scratch);
    snprintf(world.homes, sizeof(world.homes), "%s/homes", scratch);
    snprintf(world.shares, sizeof(world.shares), "%s/shares", scratch);
    snprintf(text, sizeof(text),
             "users = %s\nhomes = %s\nuid_first = 70000\nuid_last = 70099\n"
             "shares = %s\ngid_first = 80000\ngid_last = 80009\n",
             world.users, world.homes, world.shares);
    file_write(world.conf, text);
    cr_assert_eq(chmod(world.conf, 0644), 0);
}

static void make_directory(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
    files_make_folder(path, mode);
    if (geteuid() == 0)
        cr_assert_eq(chown(path, uid, gid), 0);
    cr_assert_eq(chmod(path, mode), 0);
}

void world_people(void)
{
    char text[2048];

    scratch_remove();
    world_make();
    cr_assert_eq(chdir(scratch), 0);
    make_directory(world.homes, 0, 0, 0711);
    make_directory(world.shares, 0, 0, 0711);
    make_directory(in(world.homes, "anna"), 70000, 70000, 0700);
    make_directory(in(world.homes, "bert"), 70001, 70001, 0700);
    make_directory(in(world.shares, "old"), 0, 80000, 02770);
    file_write(in(world.homes, "anna/file"), "x");
    file_write(in(world.shares, "old/file"), "x");
    file_write("users.lock", "");
    file_write("users.last-uid", "70001\n");
    file_write("users.last-gid", "80000\n");
    file_write("one", "b1:*::::::\n");
    file_write("import", "b1:*:::B:::\nb2:*::::::\nb3:*::::::\n");
    file_write("import2", "b1:*:::C:::\nb2:!::::::\n"
                          "b3:*::::::expires=2030-01-01\nb5:*::::::\n");
    snprintf(text, sizeof(text),
             "# the users\n"
             "anna:" WORLD_HASH ":70000:70000:Anna:%s/anna::rights=full "
             "shares=old teams=legal\n"
             "bert:!" WORLD_HASH
             ":70001:70001::%s/bert::rights=read retain=/:1h\n"
             "@share:old:80000:%s/old:\n@team:legal:shares=old:read\n",
             world.homes, world.homes, world.shares);
    file_write(world.users, text);
}

const char *in(const char *folder, const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

const char *file_text(const char *path)
{
    static char text[WORLD_TEXT];
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

    cr_assert(n >= 0 && n < (ssize_t)sizeof(text) - 1, "%s", path);
    text[n] = '\0';
    if (fd >= 0)
        close(fd);
    return text;
}

void file_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    cr_assert_geq(fd, 0, "%s", path);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

bool world_password_is(const char *name, const char *password)
{
    struct complaint c = { "" };
    const struct user *user;
    struct secret s;
    struct users u;
    int fd = open(world.users, O_RDONLY);
    bool is;

    cr_assert_eq(users_read(&u, fd, "users", &c), 0, "%s", c.text);
    close(fd);
    user = users_find(&u, slice_from(name));
    cr_assert(user && secret_set(&s, slice_from(password)) == 0);
    is = hash_verify(&s, user->hash) == HASH_RIGHT;
    users_release(&u);
    return is;
}

const char *world_command(const char *words)
{
    static char text[256];

    snprintf(text, sizeof(text), "run: sallyportctl --config %s %s", world.conf,
             words);
    return text;
}

void world_configure(const char *format, ...)
{
    static char text[WORLD_TEXT];
    size_t len = strlen(strcpy(text, file_text(world.conf)));
    va_list args;

    va_start(args, format);
    int n = vsnprintf(text + len, sizeof(text) - len, format, args);
    va_end(args);
    cr_assert(n > 0 && (size_t)n < sizeof(text) - len);
    file_write(world.conf, text);
}

static int as_descriptor(const char *name, struct slice text)
{
    int fd = memfd_create(name, 0);

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text.ptr, text.len), (ssize_t)text.len);
    cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static _Noreturn void run_child(int argc, char **argv, const int fd[3])
{
    setsid(); /* so that nothing can ask on the terminal */
    dup2(fd[0], STDIN_FILENO);
    dup2(world.out ? open(world.out, O_WRONLY) : fd[1], STDOUT_FILENO);
    dup2(fd[2], STDERR_FILENO);
    if (strcmp(argv[0], "sallyportctl") != 0) {
        fd_close_others(3, NULL, 0);
        execvp(argv[0], argv);
        _exit(127);
    }
    allocation_fail(world.fails);
    if (world.nth)
        nth_enter(world.nth);
    ctl_run(argc, argv);
    abort();
}

/* Runs the words in a process. Returns the exit status, or 128 + a signal. */
static int run_words(int argc, char **argv, const int fd[3])
{
    int status;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0)
        run_child(argc, argv, fd);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void collect(int fd, char *text)
{
    ssize_t n = pread(fd, text, WORLD_TEXT - 1, 0);

    text[n < 0 ? 0 : n] = '\0';
    close(fd);
}

void run_ctl(struct run *r, const char *input, const char *words)
{
    const int fd[] = { as_descriptor("in", slice_from(input)),
                       as_descriptor("out", SLICE("")),
                       as_descriptor("err", SLICE("")) };
    char text[1024], *argv[32] = { (char[]){ "sallyportctl" } };
    int argc = 1;

    snprintf(text, sizeof(text), "%s", words);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc++] = (char[]){ "--config" };
    argv[argc++] = world.conf;
    r->code = run_words(argc, argv, fd);
    if (world.fails && !allocation_failed())
        r->code = NOTHING_FAILS;
    collect(fd[1], r->out);
    collect(fd[2], r->err);
    close(fd[0]);
}

static void add_output(int fd, struct buf *to)
{
    struct stat s;

    cr_assert(fstat(fd, &s) == 0 && buf_reserve(to, (size_t)s.st_size) == 0);
    cr_assert_eq(pread(fd, to->data + to->len, (size_t)s.st_size, 0),
                 s.st_size);
    to->len += (size_t)s.st_size;
    close(fd);
}

int world_fork(int argc, char **argv, struct slice in, struct buf *out,
               struct buf *err)
{
    const int fd[] = { as_descriptor("in", in), as_descriptor("out", SLICE("")),
                       as_descriptor("err", SLICE("")) };
    const int code = run_words(argc, argv, fd);

    close(fd[0]);
    add_output(fd[1], out);
    add_output(fd[2], err);
    return code;
}

const struct run *expect_run(int code, const char *input, const char *words)
{
    static struct run r;

    run_ctl(&r, input, words);
    cr_expect_eq(r.code, code, "%s: %d instead of %d\n%s%s", words, r.code,
                 code, r.out, r.err);
    return &r;
}

void expect_out(int code, const char *input, const char *words,
                const char *said)
{
    const struct run *r = expect_run(code, input, words);

    cr_expect(strstr(r->out, said), "%s: %s", words, r->out);
}

void expect_err(int code, const char *input, const char *words,
                const char *said)
{
    const struct run *r = expect_run(code, input, words);

    cr_expect(strstr(r->err, said), "%s: %s", words, r->err);
}

const char *world_json(const char *words)
{
    static char text[WORLD_TEXT];
    const struct run *r = expect_run(0, "", words);
    json_t *all = json_loads(r->out, 0, NULL), *one;
    size_t i;

    json_array_foreach(all, i, one)
    {
        json_object_del(one, "age");
    }
    cr_assert(all, "%s: %s", words, r->out);
    text[json_dumpb(all, text, sizeof(text) - 1, JSON_COMPACT)] = '\0';
    json_decref(all);
    return text;
}
