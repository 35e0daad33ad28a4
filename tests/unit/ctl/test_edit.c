/* Edits of the users file: locked, complete, and killed at every step. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ctl/edit/edit.h"
#include "world.h"

TestSuite(edit, .init = world_make, .fini = scratch_remove);

#define OLD "anna:!:70000:1::/h::\n"
#define ROW "bob:!:70001:1::/i::"
#define NEW OLD ROW "\n"

static int append(struct edit *e, const char *line)
{
    struct row row;
    int code;

    cr_assert_eq(row_parse(&row, slice_from(line)), 0);
    code = edit_append(e, &row);
    row_release(&row);
    return code;
}

static int append_bob(unsigned lock_ms, struct complaint *c)
{
    struct edit e;
    int code = edit_open(&e, world.users, lock_ms, NULL, c);

    if (code == 0)
        code = append(&e, ROW);
    if (code == 0)
        code = edit_commit(&e);
    edit_release(&e);
    return code;
}

Test(edit, append_remove_set_hash)
{
    struct complaint c = { .text = "" };
    struct edit e;

    file_write(world.users, "#a\n" OLD "#b\n");
    cr_assert_eq(edit_open(&e, world.users, 0, NULL, &c), 0, "%s", c.text);
    cr_expect_eq(edit_set_column(&e, e.users->row[0].line, ROW_HASH, "*"), 0);
    cr_expect_eq(append(&e, ROW), 0);
    cr_expect_eq(edit_commit(&e), 0, "%s", c.text);
    edit_release(&e);
    cr_expect_str_eq(file_text(world.users),
                     "#a\nanna:*:70000:1::/h::\n#b\n" ROW "\n");
    cr_assert_eq(edit_open(&e, world.users, 0, NULL, &c), 0, "%s", c.text);
    edit_remove(&e, e.users->row[1].line);
    cr_expect_eq(edit_commit(&e), 0, "%s", c.text);
    edit_release(&e);
    cr_expect_str_eq(file_text(world.users), "#a\nanna:*:70000:1::/h::\n#b\n");
}

/* The rows that were read before the lock count only for the same text. */
Test(edit, rows_from_before_the_lock)
{
    struct context x = { .lock_fd = 0 };
    struct complaint c = { .text = "" };
    struct edit e;

    snprintf(x.settings.users, sizeof(x.settings.users), "%s", world.users);
    file_write(world.users, OLD);
    cr_assert_eq(edit_read_before(&x), 0, "%s", x.complaint.text);
    cr_assert_eq(edit_open(&e, world.users, 0, &x, &c), 0, "%s", c.text);
    cr_expect_eq(e.users, &x.users);
    cr_expect_eq(append(&e, ROW), 0);
    cr_expect_eq(edit_commit(&e), 0, "%s", c.text);
    edit_release(&e);
    cr_expect_str_eq(x.users.row[0].name, "anna");
    cr_assert_eq(edit_open(&e, world.users, 0, &x, &c), 0, "%s", c.text);
    cr_expect_eq(e.users->count, 2);
    edit_release(&e);
    cr_assert_eq(edit_read_again(&x), 0, "%s", x.complaint.text);
    cr_expect_eq(x.users.count, 2);
    file_write(world.users, OLD);
    cr_assert_eq(edit_open(&e, world.users, 0, &x, &c), 0, "%s", c.text);
    cr_expect_eq(e.users->count, 1);
    edit_release(&e);
    users_release(&x.users);
}

/* Entries have the order of their names, and each name occurs once. A line that
 * was removed moves no other. */
Test(edit, entries_of_a_list)
{
    static const struct {
        const char *name, *entry, *row;
    } steps[] = {
        { "m", "m:read", "  rights=lr shares=m:read" },
        { "b", "b", " rights=lr shares=b,m:read" },
        { "z", "z:lw", " rights=lr shares=b,m:read,z:lw" },
        { "m", "m", " rights=lr shares=b,m,z:lw" },
        { "ba", NULL, " rights=lr shares=b,m,z:lw" },
        { "b", NULL, " rights=lr shares=m,z:lw" },
        { "m", NULL, " rights=lr shares=z:lw" },
        { "z", NULL, " rights=lr" },
    };
    struct complaint c = { .text = "" };
    struct edit e;

    file_write(world.users, OLD "\nbob:!:5:5::/i:: rights=lr\r\n#end\n");
    cr_assert_eq(edit_open(&e, world.users, 0, NULL, &c), 0, "%s", c.text);
    edit_remove(&e, 1);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct slice row;
        struct buf line;

        cr_assert_eq(edit_set_entry(&e, 3, "shares", slice_from(steps[i].name),
                                    steps[i].entry),
                     0);
        buf_init(&line, USER_LINE_MAX);
        cr_assert_eq(row_print(&e.line[2].row, &line), 0);
        row = buf_slice(&line);
        row.ptr += strlen("bob:!:5:5::/i::");
        row.len -= strlen("bob:!:5:5::/i::") + 1;
        cr_expect(
            slice_equal(slice_trim(row), slice_trim(slice_from(steps[i].row))),
            "%zu: %.*s", i, (int)row.len, row.ptr);
        buf_release(&line);
    }
    cr_expect_eq(edit_commit(&e), 0, "%s", c.text);
    edit_release(&e);
    cr_expect_str_eq(file_text(world.users),
                     "\nbob:!:5:5::/i::rights=lr\r\n#end\n");
}

/* Such a file may be a part of another one: a line that is cut off gives a user
 * other rights, and an edit would make that permanent. */
Test(edit, never_builds_on_a_part)
{
    static const char whole[] = OLD ROW "\n";
    struct complaint c = { .text = "" };
    struct edit e;
    int fd;

    for (size_t len = 1; len < sizeof(whole); len++) {
        char part[sizeof(whole)];
        const int code = whole[len - 1] == '\n' ? 0 : EX_DATAERR;

        snprintf(part, sizeof(part), "%.*s", (int)len, whole);
        file_write(world.users, part);
        cr_expect_eq(edit_open(&e, world.users, 0, NULL, &c), code, "%zu: %s",
                     len, c.text);
        edit_release(&e);
        c.text[0] = '\0';
    }
    fd = open(world.users, O_WRONLY | O_CLOEXEC);
    cr_expect_eq(edit_open(&e, world.users, 0, NULL, &c), EX_TEMPFAIL);
    cr_expect(strstr(c.text, "open for writing"), "%s", c.text);
    edit_release(&e);
    close(fd);
    cr_expect_eq(edit_open(&e, world.users, 0, NULL, &c), 0, "%s", c.text);
    edit_release(&e);
}

#define SHARES                                                                 \
    "@share:s:80000:/s:  file_mode=0640 \n"                                    \
    "@team:t:shares=s:drop\r\n"
#define ANNA "anna:!:70000:1::/h::"

/* Lines of shares and teams stay byte by byte, and so do the other keys. */
Test(edit, shares_and_teams_stay)
{
    struct complaint c = { .text = "" };
    struct edit e;

    file_write(world.users, SHARES ANNA "teams=t rights./in=w:r\n" SHARES);
    cr_expect_eq(edit_open(&e, world.users, 0, NULL, &c), EX_DATAERR);
    edit_release(&e);
    c.text[0] = '\0';
    file_write(world.users,
               SHARES ANNA "teams=t  rights./in=w shares=s\n# end\n"
                           "@team:u:\n");
    cr_assert_eq(edit_open(&e, world.users, 0, NULL, &c), 0, "%s", c.text);
    cr_expect_eq(edit_set_key(&e, e.users->row[0].line, "rights", "read"), 0);
    cr_expect_eq(edit_set_column(&e, e.users->row[0].line, ROW_HASH, "*"), 0);
    cr_expect_eq(append(&e, ROW), 0);
    cr_expect_eq(edit_commit(&e), 0, "%s", c.text);
    edit_release(&e);
    cr_expect_str_eq(file_text(world.users),
                     SHARES "anna:*:70000:1::/h::teams=t rights./in=w shares=s "
                            "rights=read\n# end\n@team:u:\n" ROW "\n");
    cr_assert_eq(edit_open(&e, world.users, 0, NULL, &c), 0, "%s", c.text);
    edit_remove(&e, e.users->row[0].line);
    cr_expect_eq(edit_commit(&e), 0, "%s", c.text);
    edit_release(&e);
    cr_expect_str_eq(file_text(world.users),
                     SHARES "# end\n@team:u:\n" ROW "\n");
}

/* A line that would be refused at reading is never written. */
Test(edit, a_bad_line_is_not_committed)
{
    struct complaint c = { .text = "" };
    struct edit e;

    file_write(world.users, OLD);
    cr_assert_eq(edit_open(&e, world.users, 0, NULL, &c), 0, "%s", c.text);
    cr_expect_eq(append(&e, "bob:secret:1:1::/i::"), 0);
    cr_expect_eq(edit_commit(&e), EX_DATAERR);
    cr_expect_not_null(strstr(c.text, ":2: the hash"), "%s", c.text);
    edit_release(&e);
    cr_expect_str_eq(file_text(world.users), OLD);
    cr_expect_not(files_exists(in_scratch(".users.sallyport-new")));
}

Test(edit, the_lock_has_a_deadline)
{
    struct complaint c = { .text = "" };
    int fd;

    file_write(world.users, OLD);
    fd = open(in_scratch("users.lock"), O_RDWR | O_CREAT, 0600);
    cr_assert_eq(flock(fd, LOCK_EX), 0);
    cr_expect_eq(append_bob(30, &c), EX_TEMPFAIL);
    cr_expect(strstr(c.text, "edited by somebody else; try again"));
    cr_expect_str_eq(file_text(world.users), OLD);
    close(fd);
    c.text[0] = '\0';
    cr_expect_eq(append_bob(30, &c), 0, "%s", c.text);
    cr_expect_str_eq(file_text(world.users), NEW);
}

/* A lock that is a link isn't followed out of the directory. */
Test(edit, a_link_as_lock_is_refused)
{
    struct complaint c = { .text = "" };

    file_write(world.users, OLD);
    file_write(in_scratch("victim"), "x");
    cr_assert_eq(symlink("victim", in_scratch("users.lock")), 0);
    cr_expect_neq(append_bob(0, &c), 0);
    cr_expect_str_eq(file_text(world.users), OLD);
}

#define WRITERS 20

Test(edit, twenty_at_once_lose_nothing)
{
    struct complaint c = { .text = "" };
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
    cr_assert_eq(edit_load_users(&u, world.users, NULL, &c), 0, "%s", c.text);
    cr_expect_eq(u.count, WRITERS);
    for (size_t i = 0; i < u.count; i++) /* one by one, all of them */
        cr_expect_eq(u.row[i].uid, 70000 + i);
    users_release(&u);
}

/* Runs DO_IT in a child until its CALLth system call begins, and stops it
 * there: what happens at the end of a call happens before the next one. Returns
 * 0 if it ended by itself, with status 0. */
static pid_t stopped_at(unsigned call, int (*do_it)(void))
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        _exit(do_it());
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

static int append_traced(void)
{
    struct complaint c = { .text = "" };

    return append_bob(1000, &c);
}

static bool killed_at(unsigned call)
{
    pid_t pid = stopped_at(call, append_traced);
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
        struct complaint c = { .text = "" };
        struct users u;
        const char *text;

        file_write(world.users, OLD);
        killed = killed_at(++call);
        text = file_text(world.users);
        olds += !strcmp(text, OLD);
        news += !strcmp(text, NEW);
        cr_expect_eq(olds + news, call, "call %u: %s", call, text);
        cr_expect_eq(edit_load_users(&u, world.users, NULL, &c), 0, "%s",
                     c.text);
        users_release(&u);
        /* The next edit works, and removes what the killed one left. */
        file_write(world.users, OLD);
        cr_expect_eq(append_bob(1000, &c), 0, "call %u: %s", call, c.text);
        cr_expect_str_eq(file_text(world.users), NEW);
        cr_expect_not(files_exists(in_scratch(".users.sallyport-new")));
    }
    cr_expect_gt(olds, 10, "%u calls", call);
    cr_expect_gt(news, 1, "%u calls", call);
}

/* An edit that changes nothing removes it as well. */
static int open_and_look(void)
{
    struct complaint c = { .text = "" };
    struct edit e;
    int code = edit_open(&e, world.users, 1000, NULL, &c);

    for (size_t i = 0; code == 0 && i < e.users->count; i++)
        code = e.users->row[i].line > e.lines;
    edit_release(&e);
    return code == EX_DATAERR ? 0 : code; /* half of the old, half of the new */
}

/* By an editor that takes no lock: rows and lines are of one text. */
Test(edit, a_file_that_grows_while_it_is_read, .timeout = 120)
{
    pid_t pid;
    int status;

    for (unsigned call = 1;; call++) {
        file_write(world.users, OLD);
        pid = stopped_at(call, open_and_look);
        if (pid == 0)
            break;
        file_write(world.users, "#1\n#2\n#3\n" OLD);
        cr_assert_eq(ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
        cr_assert_eq(waitpid(pid, &status, 0), pid);
        cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%u: %x", call,
                  status);
    }
}

Test(edit, leftovers_of_a_killed_edit_are_removed)
{
    struct complaint c = { .text = "" };
    struct edit e;

    file_write(in_scratch(".users.sallyport-new"), "anna:");
    file_write(in_scratch("users.new"), "an administrator's");
    cr_expect_eq(edit_open(&e, world.users, 0, NULL, &c), 0, "%s", c.text);
    edit_release(&e);
    cr_expect_not(files_exists(in_scratch(".users.sallyport-new")));
    cr_expect(files_exists(in_scratch("users.new")));
}

/* If the new file's name is a link, the link is replaced, not followed. */
Test(edit, a_link_as_new_file)
{
    struct complaint c = { .text = "" };

    file_write(world.users, OLD);
    file_write(in_scratch("victim"), "x");
    cr_assert_eq(symlink("victim", in_scratch(".users.sallyport-new")), 0);
    cr_expect_eq(append_bob(0, &c), 0, "%s", c.text);
    cr_expect_str_eq(file_text(in_scratch("victim")), "x");
    cr_expect_str_eq(file_text(world.users), NEW);
}

Test(edit, up_to_64_MiB)
{
    struct complaint c = { .text = "" };
    size_t size = USERS_FILE_MAX - sizeof(ROW) + 1;
    char *text = malloc(size + 1);
    struct edit e;

    memset(text, '#', size);
    for (size_t i = 0; i < size; i += 4000)
        text[i] = '\n';
    text[size - 1] = '\n';
    text[size] = '\0';
    file_write(world.users, text + 1); /* fits exactly, with its line end */
    cr_assert_eq(edit_open(&e, world.users, 0, NULL, &c), 0, "%s", c.text);
    cr_expect_eq(append(&e, ROW), 0);
    cr_expect_eq(edit_commit(&e), 0, "%s", c.text);
    edit_release(&e);
    file_write(world.users, text);
    cr_assert_eq(edit_open(&e, world.users, 0, NULL, &c), 0, "%s", c.text);
    cr_expect_eq(append(&e, ROW), 0);
    cr_expect_eq(edit_commit(&e), EX_DATAERR);
    cr_expect_not_null(strstr(c.text, "would be larger than"), "%s", c.text);
    edit_release(&e);
    free(text);
}

static int say_no(int fd, void *owner)
{
    (void)fd;
    (void)owner;
    return -EINVAL;
}

Test(edit, replace_gives_the_checks_answer_back)
{
    int fd = open(scratch, O_RDONLY | O_DIRECTORY);
    bool stands = true;

    file_write(world.users, OLD);
    cr_expect_eq(users_file_replace(fd, "users", SLICE("x"), NULL, say_no, NULL,
                                    &stands),
                 -EINVAL);
    cr_expect_not(stands);
    cr_expect_str_eq(file_text(world.users), OLD);
    cr_expect_not(files_exists(in_scratch(".users.sallyport-new")));
    close(fd);
}

Test(edit, replace_says_when_it_cannot)
{
    int fd = open(scratch, O_RDONLY | O_DIRECTORY);
    char name[256];
    bool stands;

    memset(name, 'a', 255);
    name[255] = '\0';
    cr_expect_eq(
        users_file_replace(fd, name, SLICE("x"), NULL, NULL, NULL, &stands),
        -ENAMETOOLONG);
    close(fd);
    cr_expect_eq(
        users_file_replace(fd, "users", SLICE("x"), NULL, NULL, NULL, &stands),
        -EBADF);
}
