/* "user edit": the users file in an editor, as vipw(8) does it. Nobody else
 * waits while the editor is open: a user must be locked, and a password be
 * changed, at any time. So the file is locked only to read it and to replace
 * it, and isn't replaced if somebody has changed it in between. The copy is in
 * its own directory, which nobody else can enter: editors leave files beside
 * the edited one. If its text didn't reach the users file, the copy stays. */
#include "edit.h"

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
    struct buf before, text; /* of the file, and of the copy */
    bool stands;
    sigset_t mask; /* the caller's, and what these did: */
    struct sigaction interrupt, quit;
} h;

/* While the copy exists Ctrl-C is the editor's, and another signal waits. */
static void hold_signals(void)
{
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigset_t held;

    sigemptyset(&held);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGHUP);
    sigprocmask(SIG_BLOCK, &held, &h.mask);
    sigaction(SIGINT, &ignore, &h.interrupt);
    sigaction(SIGQUIT, &ignore, &h.quit);
}

static void let_signals(void)
{
    sigaction(SIGINT, &h.interrupt, NULL);
    sigaction(SIGQUIT, &h.quit, NULL);
    sigprocmask(SIG_SETMASK, &h.mask, NULL);
}

static bool is_ended(void)
{
    sigset_t waiting;

    return sigpending(&waiting) == 0 && (sigismember(&waiting, SIGTERM) == 1 ||
                                         sigismember(&waiting, SIGHUP) == 1);
}

static bool is_changed(void)
{
    return h.text.len > 0 &&
           !slice_equal(buf_slice(&h.text), buf_slice(&h.before));
}

static void remove_copy(void)
{
    DIR *dir = opendir(h.directory);
    const struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        unlinkat(dirfd(dir), entry->d_name, 0); /* not "." and ".." */
    if (dir)
        closedir(dir);
    rmdir(h.directory);
}

/* Calls when the command fails. */
static void edit_left(int code)
{
    (void)code;
    if (h.stands)
        sessions_edited(&ctl);
    if (h.stands || !is_changed())
        remove_copy();
    else
        stderr_print("your text is in %s: after the next user edit remove its "
                     "directory",
                     h.copy);
}

static void lock_and_read(struct users_file *file, struct buf *text)
{
    *file = (struct users_file){ .directory_fd = -1, .lock_fd = -1 };
    edit_lock(file, text);
}

static void make_copy(void)
{
    struct users_file file;
    int r;

    lock_and_read(&file, &h.before);
    snprintf(h.directory, sizeof(h.directory), "%s.edit-%d", file.path,
             (int)getpid());
    users_file_close(&file);
    if (mkdir(h.directory, 0700) < 0)
        fail(ctl_exit_of(errno), "%s: a copy: %s", h.directory,
             strerror(errno));
    at_fail = edit_left;
    snprintf(h.copy, sizeof(h.copy), "%s/users", h.directory);
    FD_CLEANUP int fd =
        open(h.copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    r = fd < 0 ? -errno : fd_write_all(fd, h.before.data, h.before.len);
    if (r < 0)
        fail(ctl_exit_of(-r), "%s: %s", h.copy, strerror(-r));
}

static void run_editor(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        let_signals();
        execl("/bin/sh", "sh", "-c", EDITOR, "sh", h.copy, (char *)NULL);
        _exit(EX_UNAVAILABLE);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pid < 0 || status != 0)
        fail(EX_UNAVAILABLE, "the editor has failed; nothing was changed");
}

/* Editors replace the file. A text without rows isn't empty: so an empty file
 * looks different, as a full disk leaves it. */
static void read_copy(void)
{
    FD_CLEANUP int fd = open(h.copy, O_RDONLY | O_CLOEXEC);
    int r;

    buf_release(&h.text);
    buf_init(&h.text, USERS_FILE_MAX);
    r = fd < 0 ? -errno : fd_read_file(fd, &h.text);
    if (r == 0 && h.text.len == 0)
        r = buf_add_text(&h.text, "# no users\n");
    if (r == 0 && h.text.data[h.text.len - 1] != '\n')
        r = buf_add_text(&h.text, "\n");
    if (r < 0)
        fail(ctl_exit_of(-r), "%s: %s", h.copy, strerror(-r));
}

/* If there is no terminal, nobody is asked. */
static bool wants_again(void)
{
    return isatty(STDIN_FILENO) && !is_ended() &&
           terminal_confirm("The server would refuse this. Edit it again? "
                            "[y/N] ") == 1;
}

static void edit_copy(void)
{
    struct complaint why;
    struct users u;
    bool again;
    int code;

    do {
        run_editor();
        read_copy();
        if (!is_changed())
            return;
        why.text[0] = '\0';
        code = edit_load_users(&u, h.copy, edit_print_mistake, &why);
        users_release(&u);
        again = code && wants_again();
    } while (again);
    if (code)
        fail(code, "nothing was changed");
    if (is_ended())
        fail(EX_TEMPFAIL, "nothing was changed");
}

static void replace_file(void)
{
    struct users_file file;
    struct buf now;

    lock_and_read(&file, &now);
    if (!slice_equal(buf_slice(&now), buf_slice(&h.before)))
        fail(EX_TEMPFAIL,
             "somebody has changed %s meanwhile, so it isn't replaced",
             file.path);
    edit_replace(&file, buf_slice(&h.text), &h.stands);
    users_file_close(&file);
}

void user_edit(void)
{
    hold_signals();
    make_copy();
    edit_copy();
    if (is_changed())
        replace_file();
    at_fail = NULL;
    remove_copy();
    let_signals();
    puts(h.stands ? "the users file: changed"
                  : "the users file: nothing was changed");
    if (h.stands)
        sessions_edited(&ctl);
}
