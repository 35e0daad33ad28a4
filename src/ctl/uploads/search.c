/* Searches homes and shares for "partials", "retention" and "inspect", with or
 * without a running server. For each home or share, a fork becomes the process
 * files, with the ids of the user, or with the share's gid, and works for the
 * command. sallyportctl itself opens nothing in a home. */
#include "search.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/base/pages.h"
#include "sallyport/files/files.h"

/* ms: the longest extension that files may ask for. */
#define WORK_MAX_MS (15 * 60 * 1000)

void (*partials_files)(const struct files_start *start) = files_main;

/* Refuses a home that belongs to a server without root, where one uid owns all
 * files. As root, the search would have the uid of the row, and find
 * nothing. */
static void refuse_home_of_other(const struct search *s, int master)
{
    struct complaint c = { "" };
    struct channel to;
    struct stat st;

    if (geteuid() != 0 || stat(s->home, &st) < 0 || st.st_uid == 0 ||
        st.st_uid == s->uid)
        return;
    complain(&c,
             "the home %s belongs to uid %u, not to uid %u; if the server runs "
             "without root, run sallyportctl as its user",
             s->home, (unsigned)st.st_uid, (unsigned)s->uid);
    channel_init(&to, master, PROCESS_FILES, PROCESS_MASTER, PHASE_START);
    SEND(&to, failed, 0, .error = EACCES, .why = slice_from(c.text));
    _exit(EX_NOINPUT);
}

/* Takes the users, with their hashes, from this fork. Gives whole pages back:
 * to wipe them, each fork would first copy them all. */
static void forget_users(struct users *u)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE),
                 edge = u->text_size < page ? u->text_size : page;

    if (u->text && pages_advise(u->text, u->text_size, MADV_DONTNEED)) {
        explicit_bzero(u->text, edge);
        explicit_bzero(u->text + u->text_size - edge, edge);
        free(u->text);
        u->text = NULL;
    }
    users_release(u);
}

/* Becomes the process files. Copies what files needs about this user to its own
 * stack, and releases the users. */
static void become_files(const struct search *s, int session, int master)
{
    const struct settings *c = &ctl.settings;
    char name[USER_NAME_MAX + 1], home[USER_HOME_MAX + 1];
    struct files_start start = {
        .rules = { .allow_weaker = c->allow_weaker,
                   .fsync = c->fsync, },
        .root = geteuid() == 0,
        .homes = s->below,
        .shares = c->shares,
        .for_ctl = true,
        .session = session,
        .master = master,
        .log = -1,
        .name = name,
        .home = home,
        .uid = s->uid,
        .gid = s->gid,
    };

    fail_to_parent(NULL);
    disk_silence();
    if (ctl.lock_fd > 0)
        close(ctl.lock_fd);
    tzset(); /* files expects this call before its sandbox */
    snprintf(name, sizeof(name), "%s", s->name);
    snprintf(home, sizeof(home), "%s", s->home);
    refuse_home_of_other(s, master);
    forget_users(&ctl.users);
    partials_files(&start);
    _exit(EX_SOFTWARE);
}

static void fork_files(struct search *s)
{
    int session[2] = { -1, -1 }, master[2] = { -1, -1 };

    if (fd_pair(session) == 0 && fd_pair(master) == 0) {
        fflush(stdout);
        s->pid = fork();
        if (s->pid == 0)
            become_files(s, session[1], master[1]);
    }
    fd_close(&session[1]);
    fd_close(&master[1]);
    channel_init(&s->files, session[0], PROCESS_CTL, PROCESS_FILES,
                 PHASE_ASKED);
    channel_init(&s->master, master[0], PROCESS_MASTER, PROCESS_FILES,
                 PHASE_START);
    if (s->pid <= 0)
        fail(EX_OSERR, "%s", strerror(errno));
}

static int search_patience(const struct search *s)
{
    return s->patience > 0    ? s->patience
           : ctl.patience > 0 ? ctl.patience
                              : SEARCH_MS;
}

/* Fails, since files hangs. OPENS is the path in the home that files opened
 * last; "" or "/" is the home itself. Halves the time that the next homes
 * get. */
static noreturn void search_hangs(struct search *s, const char *opens)
{
    const bool home = strlen(opens) <= 1;
    int half = search_patience(s) / 2;

    s->patience = half > SEARCH_LEAST_MS ? half : SEARCH_LEAST_MS;
    fail(EX_TEMPFAIL, "%s%s%s: its disk doesn't answer", s->home,
         home ? "" : ", at ", home ? "" : opens);
}

/* Waits for the next answer. Waits longer while files reports that it works. */
static void search_wait(struct search *s, uint32_t request,
                        struct message *answer)
{
    struct pollfd one = { .fd = s->files.fd, .events = POLLIN };
    int ms = search_patience(s);

    do {
        if (poll(&one, 1, ms) == 0)
            search_hangs(s, "");
        server_wait(&s->files, request, answer, ms);
        ms = search_patience(s);
        if (answer->kind == MSG_working && answer->working.ms > 0)
            ms = answer->working.ms < WORK_MAX_MS ? (int)answer->working.ms
                                                  : WORK_MAX_MS;
    } while (answer->kind == MSG_working);
}

/* Waits until files is ready. Returns false if there is no home, so that there
 * is nothing to search. */
static bool wait_for_files(struct search *s)
{
    struct message m;
    const struct msg_failed *failed = &m.failed;
    char opens[USER_HOME_MAX + 1] = "";
    int r;

    while ((r = channel_wait(&s->master, &m, search_patience(s))) == 1 &&
           m.kind == MSG_files_opens)
        slice_copy(m.files_opens.at, opens, sizeof(opens));
    if (r == -ETIMEDOUT)
        search_hangs(s, opens);
    if (r == 1 && m.kind == MSG_ready)
        return true;
    if (r != 1 || m.kind != MSG_failed)
        fail(EX_TEMPFAIL, "the search process closed the connection");
    if (failed->why.len == 0 && failed->error == ENOENT && s->only_uploads)
        return false;
    if (failed->why.len == 0 && failed->error == EACCES && s->may_be_closed) {
        stderr_print("%s can't be entered: %s", s->home, strerror(EACCES));
        return false;
    }
    if (failed->why.len == 0)
        fail(EX_NOINPUT, "the %s %s can't be entered: %s",
             s->user == s->label ? "share" : "home", s->home,
             strerror(failed->error));
    /* EPERM: the sandbox of files has failed. */
    fail(failed->error == EPERM ? EX_OSERR : EX_NOINPUT, "%.*s",
         (int)failed->why.len, failed->why.ptr);
}

#define UNREAD " directories or files could not be read: %s"

/* Starts files, asks it, and takes all its answers. */
static void search_work(void *data)
{
    struct search *s = data;
    struct message m = { .kind = MSG_NONE };
    const struct msg_partials_end *end = &m.partials_end;

    fork_files(s);
    if (!wait_for_files(s))
        return;
    const uint32_t request = channel_next(&s->files);
    if (s->ask(s, &s->files, request) < 0)
        fail(EX_TEMPFAIL, "the search process closed the connection");
    while (m.kind != MSG_partials_end) {
        search_wait(s, request, &m);
        s->take(s, &m);
    }
    if (end->unread == 0)
        return;
    const char *why = strerror(end->error);
    if (!s->only_uploads ||
        (end->error != EACCES && end->error != ENAMETOOLONG))
        fail(EX_IOERR, "%" PRIu64 UNREAD, end->unread, why);
    stderr_print("%s: %" PRIu64 UNREAD, s->user, end->unread, why);
}

/* Searches a home or share. In a share, each file can have another owner. If
 * USER is NULL, the process files has the share's gid, which the directories
 * have, and the same number as its uid. If an account has that uid, its owner
 * can kill the process, but gets no access. */
int search_try(struct search *s, const struct user *user,
               const struct share *share, struct complaint *why)
{
    const struct settings *c = &ctl.settings;

    if (share)
        snprintf(s->label, sizeof(s->label), "/%s", share->name);
    s->user = share ? s->label : user->name;
    s->name = user ? user->name : share->name;
    s->home = share ? share->path : user->home;
    s->below = share ? c->shares : c->homes;
    s->uid = user ? user->uid : share->gid;
    s->gid = share ? share->gid : user->gid;
    s->pid = 0;
    s->files.fd = s->master.fd = -1;
    why->text[0] = '\0';
    /* Check the row, which can name any uid and any directory. */
    if (user && user_permitted(user, c, geteuid() == 0, why))
        return EX_NOINPUT;
    const int code = fail_caught(search_work, s, why);
    channel_close(&s->files);
    channel_close(&s->master);
    if (code && s->pid > 0)
        kill(s->pid, SIGKILL);
    /* After a failure, files can hang in a call to a dead disk. Don't wait for
     * it then, but reap a process that was killed earlier. */
    if (s->pid > 0)
        waitpid(code ? -1 : s->pid, NULL, code ? WNOHANG : 0);
    return code;
}

bool search_place(size_t n, const struct user **user,
                  const struct share **share)
{
    const struct users *u = &ctl.users;

    *user = n < u->count ? &u->row[n] : NULL;
    *share =
        *user || n - u->count >= u->shares ? NULL : &u->share[n - u->count];
    return *user || *share;
}

void search_failed(const struct search *s, int code,
                   const struct complaint *why)
{
    if (code)
        stderr_print("%s: %s", s->user, why->text);
    if (ctl_status == 0)
        ctl_status = code;
}
