/* "user edit": the users file in an editor, as vipw(8) does it. No other
 * command waits while the editor is open: it must always be possible to lock a
 * user or change a password. So the file is locked only while it is read and
 * while it is replaced, and isn't replaced if somebody has changed it in
 * between. The copy is in a directory of its own, USERS.edit, which nobody else
 * can enter, since editors leave files beside the edited file. If the changed
 * text doesn't reach the users file, the copy stays, also after a signal. */
#include "edit/edit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

#define EDITOR                                                                 \
    "exec ${VISUAL:-${EDITOR:-$(command -v editor || echo vi)}} \"$1\""

static struct hand_edit {
    char directory[PATH_MAX + 32], copy[PATH_MAX + 64];
    struct buf before, text; /* texts of the file, and of the copy */
    struct users now;        /* the rows of the copy */
} h;

static void take_signals(void (*how)(int))
{
    static const int signals[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        signal(signals[i], how);
}

static bool is_changed(void)
{
    return h.text.len > 0 &&
           !slice_equal(buf_slice(&h.text), buf_slice(&h.before));
}

/* Runs at the end of the command, also after a failure. Removes the copy,
 * unless it has a changed text that isn't in the users file. */
static void edit_left(int code)
{
    (void)code;
    if (edit_stands)
        sessions_edited(NULL);
    if (edit_stands || !is_changed()) {
        DIR *dir = opendir(h.directory);
        const struct dirent *entry;

        while (dir && (entry = readdir(dir)))
            unlinkat(dirfd(dir), entry->d_name, 0); /* fails for "." and ".." */
        if (dir)
            closedir(dir);
        rmdir(h.directory);
    } else
        stderr_print("your text is in %s; move its directory away before the "
                     "next user edit",
                     h.copy);
}

static void make_copy(void)
{
    struct users_file file;
    int r;

    edit_lock(&file, &h.before);
    snprintf(h.directory, sizeof(h.directory), "%s.edit", file.path);
    users_file_close(&file);
    if (mkdir(h.directory, 0700) < 0)
        fail(errno == EEXIST ? EX_TEMPFAIL : ctl_exit_of(errno), "%s: %s%s",
             h.directory, strerror(errno),
             errno == EEXIST
                 ? "; \"user edit\" runs already, or has left a text "
                   "there: if so, move the directory away"
                 : "");
    at_fail = edit_left;
    snprintf(h.copy, sizeof(h.copy), "%s/users", h.directory);
    FD_CLEANUP int fd =
        open(h.copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    r = fd < 0 ? -errno : fd_write_all(fd, h.before.data, h.before.len);
    if (r < 0)
        fail(ctl_exit_of(-r), "%s: %s", h.copy, strerror(-r));
}

/* Returns false if the editor has failed. */
static bool run_editor(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        take_signals(SIG_DFL);
        execl("/bin/sh", "sh", "-c", EDITOR, "sh", h.copy, (char *)NULL);
        _exit(EX_UNAVAILABLE);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && status == 0;
}

/* Reads the copy, which an editor can have replaced. */
static void read_copy(void)
{
    FD_CLEANUP int fd = open(h.copy, O_RDONLY | O_CLOEXEC);
    int r;

    buf_release(&h.text);
    buf_init(&h.text, USERS_FILE_MAX);
    r = fd < 0 ? -errno : fd_read_file(fd, &h.text);
    if (r == 0 && h.text.len > 0 && h.text.data[h.text.len - 1] != '\n')
        r = buf_add_text(&h.text, "\n");
    if (r < 0) {
        at_fail = NULL; /* what the editor has left stays */
        fail(ctl_exit_of(-r), "%s: %s%s", h.copy, strerror(-r),
             rmdir(h.directory) < 0 ? "; move its directory away before the "
                                      "next user edit"
                                    : "");
    }
}

static void edit_copy(void)
{
    int mistakes;

    do {
        const bool ended = run_editor();

        read_copy();
        if (!ended) /* keeps what the editor has written */
            fail(EX_UNAVAILABLE, "the editor has failed; nothing was changed");
        /* A full disk can have emptied it. */
        if (h.text.len == 0 && h.before.len > 0)
            fail(EX_DATAERR,
                 "the editor has left an empty text, so nothing was changed; "
                 "to remove all users, leave the line #");
        if (!is_changed())
            return;
        users_release(&h.now);
        mistakes = edit_load_users(&h.now, h.copy, edit_print_mistake);
    } while (mistakes &&
             terminal_confirm("The server would refuse this. Edit it "
                              "again? [y/N] ") == 1);
    if (mistakes)
        fail(EX_DATAERR, "nothing was changed");
}

static void ignore_mistake(const char *mistake)
{
    (void)mistake;
}

/* Notes the numbers of the old file that the new one doesn't have. */
static void lose_numbers(const char *path)
{
    struct users old;

    edit_load_users(&old, path, ignore_mistake);
    for (size_t i = 0; i < old.count; i++) {
        const struct user *was = &old.row[i],
                          *is = users_find(&h.now, slice_from(was->name));

        if (is && is->uid == was->uid && is->gid == was->gid)
            continue;
        ids_lose(&h.now, was->uid);
        ids_lose(&h.now, was->gid);
    }
    for (size_t i = 0; i < old.shares; i++)
        ids_lose(&h.now, old.share[i].gid);
    users_release(&old);
}

void user_edit(void)
{
    struct users_file file;
    struct buf now;

    take_signals(SIG_IGN); /* the editor handles them */
    make_copy();
    edit_copy();
    if (is_changed()) {
        edit_lock(&file, &now);
        if (!slice_equal(buf_slice(&now), buf_slice(&h.before)))
            fail(EX_TEMPFAIL,
                 "somebody has changed %s meanwhile, so your text doesn't "
                 "replace it",
                 file.path);
        lose_numbers(file.path);
        edit_replace(&file, buf_slice(&h.text), &edit_stands);
        users_file_close(&file);
    }
    at_fail = edit_stands ? edit_stood : NULL;
    puts(edit_stands ? "the users file: changed"
                     : "the users file: nothing was changed");
    edit_left(0);
}
