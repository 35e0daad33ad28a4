/* "user edit": the users file in an editor, as vipw(8) does it. Nobody else
 * waits while the editor is open: a user must be locked, and a password be
 * changed, at any time. So the file is locked only to read it and to replace
 * it, and isn't replaced if somebody has changed it in between. The copy is in
 * a directory of its own, which nobody else can enter: editors leave files
 * beside the one that they edit. */
#include "edit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

#define EDITOR                                                                 \
    "exec ${VISUAL:-${EDITOR:-$(command -v editor || echo vi)}} \"$1\""

struct hand_edit {
    struct context *x;
    char directory[PATH_MAX + 32], copy[PATH_MAX + 64];
    struct buf before, text; /* of the file, and of the copy */
    sigset_t mask;           /* the caller's, and what these did: */
    struct sigaction interrupt, quit;
};

/* While the copy exists Ctrl-C is the editor's, and another signal waits. */
static void hold_signals(struct hand_edit *h)
{
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigset_t held;

    sigemptyset(&held);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGHUP);
    sigprocmask(SIG_BLOCK, &held, &h->mask);
    sigaction(SIGINT, &ignore, &h->interrupt);
    sigaction(SIGQUIT, &ignore, &h->quit);
}

static void let_signals(const struct hand_edit *h)
{
    sigaction(SIGINT, &h->interrupt, NULL);
    sigaction(SIGQUIT, &h->quit, NULL);
    sigprocmask(SIG_SETMASK, &h->mask, NULL);
}

static bool is_ended(void)
{
    sigset_t waiting;

    return sigpending(&waiting) == 0 && (sigismember(&waiting, SIGTERM) == 1 ||
                                         sigismember(&waiting, SIGHUP) == 1);
}

static int make_copy(struct hand_edit *h)
{
    struct users_file file;
    int r, code = edit_read_locked(&file, h->x->settings.users, CTL_LOCK_MS,
                                   &h->before, &h->x->complaint);

    if (code == 0)
        snprintf(h->directory, sizeof(h->directory), "%s.edit-%d", file.path,
                 (int)getpid());
    users_file_close(&file);
    if (code)
        return code;
    if (mkdir(h->directory, 0700) < 0) {
        h->directory[0] = '\0';
        return ctl_fail(h->x, ctl_exit_of(errno), "%s: a copy: %s",
                        h->x->settings.users, strerror(errno));
    }
    snprintf(h->copy, sizeof(h->copy), "%s/users", h->directory);
    FD_CLEANUP int fd =
        open(h->copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    r = fd < 0 ? -errno : fd_write_all(fd, h->before.data, h->before.len);
    return r < 0 ? ctl_fail(h->x, ctl_exit_of(-r), "%s: %s", h->copy,
                            strerror(-r))
                 : 0;
}

static void remove_copy(struct hand_edit *h)
{
    DIR *dir = h->directory[0] ? opendir(h->directory) : NULL;
    const struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        unlinkat(dirfd(dir), entry->d_name, 0); /* not "." and ".." */
    if (dir)
        closedir(dir);
    if (h->directory[0])
        rmdir(h->directory);
}

static int run_editor(struct hand_edit *h)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        let_signals(h);
        execl("/bin/sh", "sh", "-c", EDITOR, "sh", h->copy, (char *)NULL);
        _exit(EX_UNAVAILABLE);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && status == 0
               ? 0
               : ctl_fail(h->x, EX_UNAVAILABLE,
                          "the editor has failed; nothing was changed");
}

/* Editors replace the file. */
static int read_copy(struct hand_edit *h)
{
    FD_CLEANUP int fd = open(h->copy, O_RDONLY | O_CLOEXEC);
    int r;

    buf_release(&h->text);
    buf_init(&h->text, USERS_FILE_MAX);
    r = fd < 0 ? -errno : fd_read_file(fd, &h->text);
    if (r == 0 && h->text.len > 0 && h->text.data[h->text.len - 1] != '\n')
        r = buf_add_text(&h->text, "\n");
    return r < 0 ? ctl_fail(h->x, ctl_exit_of(-r), "%s: %s", h->copy,
                            strerror(-r))
                 : 0;
}

static bool is_changed(const struct hand_edit *h)
{
    return !slice_equal(buf_slice(&h->text), buf_slice(&h->before));
}

/* Without a terminal nobody is asked. */
static bool wants_again(void)
{
    return isatty(STDIN_FILENO) && !is_ended() &&
           terminal_confirm("The server would refuse this. Edit it again? "
                            "[y/N] ") == 1;
}

static int edit_copy(struct hand_edit *h)
{
    struct users u = { 0 };
    int code;

    do {
        h->x->complaint.text[0] = '\0';
        users_release(&u);
        code = run_editor(h);
        if (code == 0)
            code = read_copy(h);
        if (code)
            return code;
        if (is_changed(h))
            code = edit_load_users(&u, h->copy, edit_print_mistake,
                                   &h->x->complaint);
    } while (code && wants_again());
    users_release(&u);
    if (code)
        h->x->complaint.text[0] = '\0';
    return code ? ctl_fail(h->x, code, "nothing was changed") : 0;
}

static int replace_file(struct hand_edit *h)
{
    struct context *x = h->x;
    struct users_file file;
    struct buf now;
    int code;

    buf_init(&now, USERS_FILE_MAX);
    code = edit_read_locked(&file, x->settings.users, CTL_LOCK_MS, &now,
                            &x->complaint);
    if (code == 0 && !slice_equal(buf_slice(&now), buf_slice(&h->before))) {
        code = ctl_fail(x, EX_TEMPFAIL,
                        "somebody has changed %s meanwhile, so it isn't "
                        "replaced; your text is in %s: run user edit again, "
                        "and then remove that directory",
                        file.path, h->copy);
        h->directory[0] = '\0'; /* it stays */
    }
    if (code == 0)
        code = edit_replace(&file, buf_slice(&h->text), edit_check,
                            &x->complaint, &x->stands, &x->complaint);
    users_file_close(&file);
    buf_release(&now);
    return code;
}

int user_edit(struct context *x)
{
    struct hand_edit h = { .x = x };
    int code;

    buf_init(&h.before, USERS_FILE_MAX);
    buf_init(&h.text, USERS_FILE_MAX);
    hold_signals(&h);
    code = make_copy(&h);
    if (code == 0)
        code = edit_copy(&h);
    if (code == 0 && is_ended())
        code = ctl_fail(x, EX_TEMPFAIL, "nothing was changed");
    if (code == 0 && is_changed(&h))
        code = replace_file(&h);
    remove_copy(&h);
    let_signals(&h);
    if (code == 0)
        puts(x->stands ? "the users file: changed"
                       : "the users file: nothing was changed");
    if (x->stands)
        sessions_edited(x);
    buf_release(&h.before);
    buf_release(&h.text);
    return code;
}
