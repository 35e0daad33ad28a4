/* Edits of the users file: locked, complete, and killed at every step. */
#include <sys/mount.h>
#include <sys/ptrace.h>

#include "ctl/edit/edit.h"
#include "support/long.h"
#include "world.h"

TestSuite(edit, .init = world_make, .fini = scratch_remove);

#define OLD "anna:!:70000:1::/h::\n"
#define ROW "bob:!:70001:1::/i::"
#define NEW OLD ROW "\n"

/* Runs an edit in a fork. Returns its exit status; SAID gets its standard
 * error. */
static char said[4096];

static int run_edit(void (*make)(void *given))
{
    int err = memfd_create("err", 0), status;
    pid_t pid;
    ssize_t n;

    fflush(NULL);
    pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        dup2(err, STDERR_FILENO);
        stderr_wait(true);
        snprintf(ctl.settings.users, sizeof(ctl.settings.users), "%s",
                 world.users);
        edit_run(make, NULL);
        ctl_end(0);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    n = pread(err, said, sizeof(said) - 1, 0);
    said[n > 0 ? n : 0] = '\0';
    close(err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void append(const char *line)
{
    struct row row;

    row_need(row_parse(&row, slice_from(line)));
    edit_append(&row);
    row_release(&row);
}

static void append_bob(void *given)
{
    (void)given;
    append(ROW);
}

static void change_nothing(void *given)
{
    (void)given;
}

static void change_first(void *given)
{
    struct row *row = edit_row(edit_users->row[0].line);

    (void)given;
    row_need(row_set(row, "rights", "read"));
    row_need(row_set_column(row, ROW_HASH, "*"));
    append(ROW);
}

static void remove_first(void *given)
{
    (void)given;
    edit_remove(edit_users->row[0].line);
}

/* The entries are in the order of their names, and each name occurs once. */
Test(edit, entries_of_a_list)
{
    static const struct {
        const char *name, *entry, *value;
    } steps[] = {
        { "m", "m:read", "m:read" },
        { "b", "b", "b,m:read" },
        { "z", "z:lw", "b,m:read,z:lw" },
        { "m", "m", "b,m,z:lw" },
        { "ba", NULL, "b,m,z:lw" },
        { "b", NULL, "m,z:lw" },
        { "m", NULL, "z:lw" },
        { "z", NULL, NULL },
    };
    struct row row;

    cr_assert_eq(row_parse(&row, SLICE("bob:!:5:5::/i:: rights=lr")), 0);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        const char *value;

        row_set_entry(&row, "shares", slice_from(steps[i].name),
                      steps[i].entry);
        value = row_get(&row, "shares");
        cr_expect_str_eq(value ? value : "",
                         steps[i].value ? steps[i].value : "", "%zu", i);
    }
    row_release(&row);
}

/* An edit refuses a file that may be a part of a whole one: its last line has
 * no end, or it is open for writing. A line that is cut off can give a user
 * other rights, and the edit would make them permanent. */
Test(edit, never_builds_on_a_part)
{
    static const char whole[] = OLD ROW "\n";
    int fd;

    for (size_t len = 1; len < sizeof(whole); len++) {
        char part[sizeof(whole)];

        snprintf(part, sizeof(part), "%.*s", (int)len, whole);
        file_write(world.users, part);
        cr_expect_eq(run_edit(change_nothing),
                     whole[len - 1] == '\n' ? 0 : EX_DATAERR, "%zu: %s", len,
                     said);
    }
    fd = open(world.users, O_WRONLY | O_CLOEXEC);
    cr_expect_eq(run_edit(change_nothing), EX_TEMPFAIL);
    cr_expect(strstr(said, "open for writing"), "%s", said);
    close(fd);
    cr_expect_eq(run_edit(change_nothing), 0, "%s", said);
}

#define SHARES                                                                 \
    "@share:s:80000:/s:  file_mode=0640 \n"                                    \
    "@team:t:shares=s:drop\r\n"
#define ANNA "anna:!:70000:1::/h::"

/* An edit keeps each byte of the lines of shares and teams, and the other keys
 * of the user. */
Test(edit, shares_and_teams_stay)
{
    file_write(world.users, SHARES ANNA "teams=t dir_mode=w:r\n" SHARES);
    cr_expect_eq(run_edit(change_first), EX_DATAERR);
    file_write(world.users,
               SHARES ANNA "teams=t  dir_mode=0750 shares=s\n# end\n"
                           "@team:u:\n");
    cr_expect_eq(run_edit(change_first), 0, "%s", said);
    cr_expect_str_eq(file_text(world.users), SHARES
                     "anna:*:70000:1::/h::teams=t dir_mode=0750 shares=s "
                     "rights=read\n# end\n@team:u:\n" ROW "\n");
    cr_expect_eq(run_edit(remove_first), 0, "%s", said);
    cr_expect_str_eq(file_text(world.users),
                     SHARES "# end\n@team:u:\n" ROW "\n");
}

static void append_mistake(void *given)
{
    (void)given;
    append("bob:secret:1:1::/i::");
}

/* An edit never writes a line that its reader would refuse. */
Test(edit, a_bad_line_is_not_committed)
{
    file_write(world.users, OLD);
    cr_expect_eq(run_edit(append_mistake), EX_DATAERR);
    cr_expect_not_null(strstr(said, ":2: the hash"), "%s", said);
    cr_expect_str_eq(file_text(world.users), OLD);
    cr_expect_not(files_exists(in_scratch(".users.sallyport-new")));
}

static void append_beside_another(void *given)
{
    int fd = open(world.users, O_WRONLY | O_CLOEXEC);

    append_bob(given);
    cr_assert_eq(pwrite(fd, "b", 1, 0), 1);
    close(fd);
}

/* The edit notices a write in place by another editor, even if the length stays
 * the same. */
Test(edit, a_change_in_place_is_kept)
{
    const struct timespec long_ago[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

    file_write(world.users, OLD);
    cr_assert_eq(utimensat(AT_FDCWD, world.users, long_ago, 0), 0);
    cr_expect_eq(run_edit(append_beside_another), EX_TEMPFAIL, "%s", said);
    cr_expect_eq(file_text(world.users)[0], 'b');
    cr_expect_null(strstr(file_text(world.users), ROW));
}

/* An edit that changes nothing writes nothing. */
Test(edit, nothing_is_changed)
{
    struct stat before, after;

    file_write(world.users, OLD);
    cr_assert_eq(stat(world.users, &before), 0);
    cr_expect_eq(run_edit(change_nothing), 0, "%s", said);
    cr_assert_eq(stat(world.users, &after), 0);
    cr_expect_eq(before.st_ino, after.st_ino);
}

/* An edit doesn't follow a link in the place of its lock. */
Test(edit, a_link_as_lock_is_refused)
{
    file_write(world.users, OLD);
    file_write(in_scratch("victim"), "x");
    cr_assert_eq(symlink("victim", in_scratch("users.lock")), 0);
    cr_expect_neq(run_edit(append_bob), 0);
    cr_expect_str_eq(file_text(world.users), OLD);
}

#define WRITERS 8

/* If the users file is a mount, it can't be replaced, and the command says
 * so. */
Test(edit, a_users_file_that_is_a_mount)
{
    struct run r;
    int status;
    pid_t pid;

    file_write(world.users, OLD);
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        if (!mounts_own() ||
            mount(world.users, world.users, NULL, MS_BIND, NULL))
            _exit(EX_UNAVAILABLE);
        run_ctl(&r, "", "user lock anna");
        _exit(r.code == EX_IOERR && strstr(r.err, "mount its directory") ? 0
                                                                         : 1);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    if (WEXITSTATUS(status) == EX_UNAVAILABLE)
        world_skip("needs root and mounts");
    cr_expect_eq(status, 0);
    cr_expect_str_eq(file_text(world.users), OLD);
}

Test(edit, eight_at_once_lose_nothing)
{
    pid_t pid[WRITERS];
    struct users u;
    char words[64];

    for (int i = 0; i < WRITERS; i++) {
        fflush(NULL);
        pid[i] = fork();
        if (pid[i] == 0) {
            struct run *r = malloc(sizeof(*r));

            snprintf(words, sizeof(words), "user add user%d", i);
            run_ctl(r, "correct horse\n", words);
            _exit(r->code);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        int status;

        cr_assert_eq(waitpid(pid[i], &status, 0), pid[i]);
        cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%d: %x", i,
                  status);
    }
    edit_load_users(&u, world.users, NULL);
    cr_expect_eq(u.count, WRITERS);
    for (size_t i = 0; i < u.count; i++) /* each has a uid of its own */
        cr_expect_eq(u.row[i].uid, 70000 + i);
    users_release(&u);
}

/* Runs an edit in a child, and stops it when its CALLth system call begins: the
 * calls before have ended then. Returns the child; 0: it ended before, with
 * status 0 */
static pid_t stopped_at(unsigned call, void (*make)(void *given))
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        snprintf(ctl.settings.users, sizeof(ctl.settings.users), "%s",
                 world.users);
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        edit_run(make, NULL);
        ctl_end(0);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFSTOPPED(status), "ptrace(2) is not allowed here");
    for (unsigned i = 0; i < 2 * call - 1 && WIFSTOPPED(status); i++) {
        cr_assert_eq(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
        cr_assert_eq(waitpid(pid, &status, 0), pid);
    }
    if (WIFSTOPPED(status))
        return pid;
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", status);
    return 0;
}

static bool killed_at(unsigned call)
{
    pid_t pid = stopped_at(call, append_bob);
    int status;

    if (pid == 0)
        return false;
    kill(pid, SIGKILL);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return true;
}

Test(edit, killed_at_every_call, .timeout = 120)
{
    unsigned call = 0, olds = 0, news = 0;
    bool killed = true;

    while (killed) {
        struct users u;
        const char *text;

        file_write(world.users, OLD);
        killed = killed_at(++call);
        text = file_text(world.users);
        olds += !strcmp(text, OLD);
        news += !strcmp(text, NEW);
        cr_expect_eq(olds + news, call, "call %u: %s", call, text);
        edit_load_users(&u, world.users, NULL);
        users_release(&u);
        /* The next edit works, and removes the rest of the killed one. */
        file_write(world.users, OLD);
        cr_expect_eq(run_edit(append_bob), 0, "call %u: %s", call, said);
        cr_expect_str_eq(file_text(world.users), NEW);
        cr_expect_not(files_exists(in_scratch(".users.sallyport-new")));
    }
    cr_expect_gt(olds, 10, "%u calls", call);
    cr_expect_gt(news, 1, "%u calls", call);
}

/* Plays an editor that writes in place, and takes no lock. It doesn't wait for
 * the lease that the edit may have, since the edit is stopped. */
static void write_without_lock(const char *text)
{
    int fd = open(world.users, O_WRONLY | O_TRUNC | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0) {
        cr_assert_eq(errno, EWOULDBLOCK);
        return;
    }
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* An edit whose file changes while it is read doesn't mix the rows of one text
 * with the lines of another. */
Test(edit, a_file_that_grows_while_it_is_read)
{
    pid_t pid;
    int status;

    for (unsigned call = 1;; call++) {
        file_write(world.users, OLD);
        pid = stopped_at(call, change_nothing);
        if (pid == 0)
            break;
        write_without_lock("#1\n#2\n#3\n" OLD);
        cr_assert_eq(ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
        cr_assert_eq(waitpid(pid, &status, 0), pid);
        /* It may refuse a text that is half old, half new. */
        cr_expect(WIFEXITED(status) && (WEXITSTATUS(status) == 0 ||
                                        WEXITSTATUS(status) == EX_DATAERR ||
                                        WEXITSTATUS(status) == EX_TEMPFAIL),
                  "%u: %x", call, status);
    }
}

/* The server reads the new file at any moment, for another command, and takes a
 * file that is open for writing for incomplete. */
Test(edit, is_whole_as_soon_as_it_has_its_name, .timeout = 120)
{
    unsigned news = 0;
    int status;
    pid_t pid;

    for (unsigned call = 1;; call++) {
        file_write(world.users, OLD);
        pid = stopped_at(call, append_bob);
        if (pid == 0)
            break;
        if (strcmp(file_text(world.users), NEW) == 0) {
            int fd = open(world.users, O_RDONLY | O_CLOEXEC);

            cr_expect_not(users_file_is_written(fd), "call %u", call);
            close(fd);
            news++;
        }
        cr_assert_eq(ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
        cr_assert_eq(waitpid(pid, &status, 0), pid);
    }
    cr_expect_gt(news, 1);
}

/* An edit removes the rest of a killed edit even if it changes nothing. */
Test(edit, leftovers_of_a_killed_edit_are_removed)
{
    file_write(world.users, OLD);
    file_write(in_scratch(".users.sallyport-new"), "anna:");
    file_write(in_scratch("users.new"), "an administrator's");
    cr_expect_eq(run_edit(change_nothing), 0, "%s", said);
    cr_expect_not(files_exists(in_scratch(".users.sallyport-new")));
    cr_expect(files_exists(in_scratch("users.new")));
}

/* If the new file's name is a link, the edit replaces the link, and doesn't
 * follow it. */
Test(edit, a_link_as_new_file)
{
    file_write(world.users, OLD);
    file_write(in_scratch("victim"), "x");
    cr_assert_eq(symlink("victim", in_scratch(".users.sallyport-new")), 0);
    cr_expect_eq(run_edit(append_bob), 0, "%s", said);
    cr_expect_str_eq(file_text(in_scratch("victim")), "x");
    cr_expect_str_eq(file_text(world.users), NEW);
}

Test(edit, up_to_64_MiB, WITHOUT_SANITIZERS)
{
    size_t size = USERS_FILE_MAX - sizeof(ROW) + 1;
    char *text = malloc(size + 1);

    memset(text, '#', size);
    for (size_t i = 0; i < size; i += 4000)
        text[i] = '\n';
    text[size - 1] = '\n';
    text[size] = '\0';
    file_write(world.users, text + 1); /* the new row fits exactly */
    cr_expect_eq(run_edit(append_bob), 0, "%s", said);
    file_write(world.users, text);
    cr_expect_eq(run_edit(append_bob), EX_DATAERR);
    cr_expect_not_null(strstr(said, "would be larger than"), "%s", said);
    free(text);
}
