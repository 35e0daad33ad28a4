/* "partials list" and "partials purge", and "retention run", with or without a
 * running server. For each home, or share, a fork becomes a process files with
 * that user's ids, or the share's gid; it searches and removes, and sends this
 * program what it found. Lines are printed as they arrive, and file names are
 * escaped. This program opens nothing in a home. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/event/event.h"
#include "sallyport/files/files.h"
#include "sallyport/ftp/path.h"
#include "sallyport/ipc/channel.h"

#define DAY       86400
#define DAYS_MAX  36500
#define START_MS  10000            /* files: to enter its sandbox */
#define WALK_MS   (15 * 60 * 1000) /* files: to find the next partial */
#define TEXT_ROOM (5 * (FTP_PATH_MAX + 1024))

void (*partials_files)(const struct files_start *start) = files_main;

struct search {
    struct context *x;
    bool remove;
    bool expired;                 /* files too, for retention */
    uint64_t age;                 /* minimum, in seconds */
    char path[USER_HOME_MAX + 1]; /* with expired: the directory */
    int64_t now;
    const char *user; /* whose home is searched; or the label of a share */
    char label[USER_NAME_MAX + 2];
    uint8_t key[16]; /* of the partials' names; zero: not known */
    uint64_t lines;
    uint64_t count[PARTIAL_STATE_COUNT];
    uint64_t bytes[PARTIAL_STATE_COUNT];
};

/* What is searched, and with which ids. */
struct ground {
    const char *name, *home, *below; /* below: the setting homes, or shares */
    uid_t uid;
    gid_t gid;
    const struct user *member; /* whose shares are searched too, or NULL */
};

static const char *const state_words[PARTIAL_STATE_COUNT] = {
    [PARTIAL_RESTS] = "waiting",
    [PARTIAL_IN_USE] = "uploading",
    [PARTIAL_REMOVED] = "removed",
    [PARTIAL_STAYS] = "stays",
};

static const char *state_word(const struct search *s, enum partial_state state)
{
    return s->expired && state == PARTIAL_RESTS ? "expired"
                                                : state_words[state];
}

/* Writes "PATH" or "PATH for "NAME"". */
static void partial_text(const struct msg_partial *msg, struct buf *text)
{
    int r = event_escape(msg->path, text);

    if (r == 0 && msg->name.len > 0) {
        r = buf_add_text(text, " for \"");
        if (r == 0)
            r = event_escape(msg->name, text);
        if (r == 0)
            r = buf_add_text(text, "\"");
    }
    if (r < 0)
        buf_add_text(text, "...");
}

static void print_partial(struct search *s, const struct msg_partial *msg,
                          struct slice text)
{
    char ago[WHEN_MAX];

    if (s->lines++ == 0)
        printf("%-16s %14s %8s %-9s %s\n", "USER", "BYTES", "AGE", "STATE",
               "PATH");
    printf("%-16s %14" PRIu64 " %8s %-9s %.*s\n", s->user, msg->bytes,
           when_ago(msg->mtime, s->now, ago), state_word(s, msg->state),
           (int)text.len, text.ptr);
}

/* The server, which may not run, removes nothing here and logs nothing. So the
 * system's log has who removed what. */
static void log_removed(const struct search *s, const struct msg_partial *msg,
                        struct slice text)
{
    char when[WHEN_MAX];

    if (s->expired)
        syslog(LOG_DAEMON | LOG_NOTICE,
               "retention: removed %.*s of %s, %" PRIu64 " bytes, unchanged "
               "since %s",
               (int)text.len, text.ptr, s->user, msg->bytes,
               when_text(msg->mtime, when));
    else
        syslog(LOG_DAEMON | LOG_NOTICE,
               "uid %u removed the unfinished upload %.*s of user %s, %" PRIu64
               " bytes",
               (unsigned)getuid(), (int)text.len, text.ptr, s->user,
               msg->bytes);
}

/* Prints one partial as a line of an array. The array is never in memory as a
 * whole. */
static int print_partial_json(struct search *s, const struct msg_partial *msg)
{
    char when[WHEN_MAX];
    json_t *one = json_pack(
        "{s:s, s:o, s:o, s:I, s:s, s:s}", "user", s->user, "path",
        json_slice(msg->path), "for", json_slice(msg->name), "bytes",
        (json_int_t)msg->bytes, "modified", when_text(msg->mtime, when),
        "state", state_word(s, msg->state));
    int r = -1;

    if (one) {
        fputs(s->lines++ == 0 ? "[\n" : ",\n", stdout);
        r = json_dumpf(one, stdout, JSON_COMPACT);
    }
    json_decref(one);
    return r == 0 ? 0 : ctl_fail(s->x, EX_IOERR, "JSON can't be written");
}

static int take_partial(struct search *s, const struct msg_partial *msg)
{
    struct buf text;
    int code = 0;

    buf_init(&text, TEXT_ROOM);
    partial_text(msg, &text);
    s->count[msg->state]++;
    s->bytes[msg->state] += msg->bytes;
    if (msg->state == PARTIAL_REMOVED)
        log_removed(s, msg, buf_slice(&text));
    if (s->x->args.json)
        code = print_partial_json(s, msg);
    else
        print_partial(s, msg, buf_slice(&text));
    buf_release(&text);
    return code;
}

static int take_partials_end(struct search *s,
                             const struct msg_partials_end *msg)
{
    if (msg->unread == 0 && msg->error)
        stderr_print("%s: %s: %s", s->user, s->path, strerror(msg->error));
    if (msg->unread == 0)
        return 0;
    return ctl_fail(s->x, EX_IOERR,
                    "%" PRIu64 " directories could not be read: %s",
                    msg->unread, strerror(msg->error));
}

static int find_partials(struct search *s, struct channel *files)
{
    uint32_t request = channel_next(files);
    struct message m;
    int code = 0;
    int r = s->expired ? SEND(files, expired_find, request, .remove = s->remove,
                              .age = s->age, .path = slice_from(s->path))
                       : SEND(files, partials_find, request,
                              .remove = s->remove, .age = s->age);

    if (r < 0)
        return ctl_fail(s->x, EX_TEMPFAIL, "its files hung up");
    while (code == 0) {
        code = server_wait(s->x, files, request, &m, WALK_MS);
        if (code == 0 && m.kind == MSG_partials_end)
            return take_partials_end(s, &m.partials_end);
        if (code == 0 && m.kind == MSG_partial)
            code = take_partial(s, &m.partial);
        else if (code == 0)
            code = server_lies(s->x, "no answer to partials");
    }
    return code;
}

/* A user's process files, seen from here: ends of its channels. */
struct helper {
    pid_t pid;
    struct channel files, master; /* its peers are a session's, and master's */
};

/* A server that runs without root has one uid, and so have all its files. Root
 * would search the home with the uid of the row, and find nothing. */
static void refuse_home_of_other(const struct ground *g, int master)
{
    struct complaint c = { "" };
    struct channel to;
    struct stat st;

    if (geteuid() != 0 || stat(g->home, &st) < 0 || st.st_uid == 0 ||
        st.st_uid == g->uid)
        return;
    complain(&c,
             "the home %s belongs to uid %u, not to uid %u; if the server runs "
             "without root, run sallyportctl as its user",
             g->home, (unsigned)st.st_uid, (unsigned)g->uid);
    channel_init(&to, master, PROCESS_FILES, PROCESS_MASTER, PHASE_START);
    SEND(&to, files_failed, 0, .error = EACCES, .why = slice_from(c.text));
    _exit(EX_NOINPUT);
}

/* The user's shares. Directories with rights of their own are a part of the
 * home, in which this program sees everything. */
struct mounts {
    struct files_mount row[USER_MOUNTS_MAX];
    char at[USER_MOUNTS_MAX][USER_NAME_MAX + 2];
    char path[USER_MOUNTS_MAX][USER_HOME_MAX + 1];
};

static void copy_shares(struct mounts *m, const struct user *user)
{
    for (size_t i = 0; i < user->grants; i++) {
        const struct share *share = &user->share[user->grant[i].share];

        snprintf(m->at[i], sizeof(m->at[i]), "/%s", share->name);
        snprintf(m->path[i], sizeof(m->path[i]), "%s", share->path);
        m->row[i] = (struct files_mount){ .at = m->at[i],
                                          .path = m->path[i],
                                          .gid = share->gid,
                                          .rights = user->grant[i].rights };
    }
}

/* Becomes the process files. It needs nothing of the other users, and what it
 * knows of this one it has on its own stack. */
static void become_files(const struct search *s, const struct ground *g,
                         int session, int master)
{
    const struct settings *c = &s->x->settings;
    char name[USER_NAME_MAX + 1], home[USER_HOME_MAX + 1];
    struct mounts mounts;
    struct files_start start = {
        .rules = { .allow_weaker = c->allow_weaker },
        .root = geteuid() == 0,
        .homes = g->below,
        .shares = c->shares,
        .for_ctl = true,
        .session = session,
        .master = master,
        .log = -1,
        .name = name,
        .home = home,
        .uid = g->uid,
        .gid = g->gid,
        .mounts = mounts.row,
        .mount_count = g->member ? g->member->grants : 0,
    };

    if (g->member)
        copy_shares(&mounts, g->member);
    snprintf(name, sizeof(name), "%s", g->name);
    snprintf(home, sizeof(home), "%s", g->home);
    memcpy(start.name_key, s->key, sizeof(start.name_key));
    refuse_home_of_other(g, master);
    users_release(&s->x->users); /* wipes the hashes */
    partials_files(&start);
    _exit(EX_SOFTWARE);
}

static int fork_files(struct search *s, const struct ground *g,
                      struct helper *h)
{
    int session[2] = { -1, -1 }, master[2] = { -1, -1 };

    if (fd_pair(session) == 0 && fd_pair(master) == 0) {
        fflush(stdout);
        h->pid = fork();
        if (h->pid == 0)
            become_files(s, g, session[1], master[1]);
    }
    fd_close(&session[1]);
    fd_close(&master[1]);
    channel_init(&h->files, session[0], PROCESS_CTL, PROCESS_FILES,
                 PHASE_ASKED);
    channel_init(&h->master, master[0], PROCESS_MASTER, PROCESS_FILES,
                 PHASE_START);
    return h->pid > 0 ? 0 : ctl_fail(s->x, EX_OSERR, "%s", strerror(errno));
}

static int wait_for_files(struct search *s, const struct ground *g,
                          struct helper *h)
{
    struct message m;
    const struct msg_files_failed *failed = &m.files_failed;
    int r = channel_wait(&h->master, &m, START_MS);

    if (r == 1 && m.kind == MSG_files_ready)
        return 0;
    if (r != 1 || m.kind != MSG_files_failed)
        return ctl_fail(s->x, EX_TEMPFAIL, "its files hung up");
    if (failed->why.len == 0)
        return ctl_fail(s->x, EX_NOINPUT, "the %s %s can't be entered: %s",
                        s->user == s->label ? "share" : "home", g->home,
                        strerror(failed->error));
    /* EPERM: its sandbox has failed. */
    return ctl_fail(s->x, failed->error == EPERM ? EX_OSERR : EX_NOINPUT,
                    "%.*s", (int)failed->why.len, failed->why.ptr);
}

/* One that has failed may hang in a call of a dead disk, until the call
 * returns. So it isn't waited for: this reaps those that were killed earlier.
 */
static void end_files(struct helper *h, bool failed)
{
    channel_close(&h->files);
    channel_close(&h->master);
    if (h->pid <= 0)
        return;
    if (failed)
        kill(h->pid, SIGKILL);
    waitpid(failed ? -1 : h->pid, NULL, failed ? WNOHANG : 0);
}

static int search_ground(struct search *s, const struct ground *g)
{
    struct helper h = { .files.fd = -1, .master.fd = -1 };
    int code = fork_files(s, g, &h);

    if (code == 0)
        code = wait_for_files(s, g, &h);
    if (code == 0)
        code = find_partials(s, &h.files);
    end_files(&h, code != 0);
    return code;
}

static int search_user(struct search *s, const struct user *user)
{
    const struct ground g = { .name = user->name,
                              .home = user->home,
                              .below = s->x->settings.homes,
                              .uid = user->uid,
                              .gid = user->gid,
                              .member = s->expired ? NULL : user };

    s->user = user->name;
    /* Its row may name any uid and any directory. */
    return user_permitted(user, &s->x->settings, geteuid() == 0,
                          &s->x->complaint)
               ? EX_NOINPUT
               : search_ground(s, &g);
}

/* Reports a failure with one home, and continues with the next. */
static void search_failed(struct search *s, int code, int *first)
{
    if (code == 0)
        return;
    stderr_print("%s: %s", s->user, s->x->complaint.text);
    s->x->complaint.text[0] = '\0';
    if (*first == 0)
        *first = code;
}

static int search_all(struct search *s)
{
    const struct users *u = &s->x->users;
    int first = 0;

    for (size_t i = 0; i < u->count; i++)
        search_failed(s, search_user(s, &u->row[i]), &first);
    return first;
}

static void print_end(const struct search *s)
{
    if (s->x->args.json)
        fputs(s->lines == 0 ? "[]\n" : "\n]\n", stdout);
    else if (s->remove)
        printf("%" PRIu64 " removed, %" PRIu64 " bytes; %" PRIu64
               " being uploaded; %" PRIu64 " could not be removed\n",
               s->count[PARTIAL_REMOVED], s->bytes[PARTIAL_REMOVED],
               s->count[PARTIAL_IN_USE], s->count[PARTIAL_STAYS]);
}

/* Without its key, the name of a partial's upload isn't shown. */
static void read_key(struct search *s)
{
    char path[SETTINGS_PATH_MAX + sizeof(SETTINGS_KEY_FILE) + 1];
    FD_CLEANUP int fd = -1;

    snprintf(path, sizeof(path), "%s/" SETTINGS_KEY_FILE, s->x->settings.state);
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || read(fd, s->key, sizeof(s->key)) != sizeof(s->key))
        memset(s->key, 0, sizeof(s->key));
}

static int search_homes(struct search *s)
{
    struct context *x = s->x;
    const struct user *user = NULL;
    int code = x->args.word[2] ? ctl_find(x, &x->users, &user) : 0;

    s->now = time(NULL);
    read_key(s);
    if (code == 0) {
        code = user ? search_user(s, user) : search_all(s);
        print_end(s);
    }
    explicit_bzero(s->key, sizeof(s->key));
    if (code == 0 && s->count[PARTIAL_STAYS] > 0)
        code = ctl_fail(x, EX_IOERR, "some could not be removed");
    return code;
}

/* Takes --older-than; otherwise *age doesn't change. */
static int take_age(struct context *x, uint64_t *age)
{
    uint64_t days;

    if (!x->args.older_than)
        return 0;
    if (slice_number(slice_from(x->args.older_than), DAYS_MAX, &days) < 0)
        return ctl_fail(x, EX_USAGE,
                        "--older-than %s: use a number of days, 0 to %d",
                        x->args.older_than, DAYS_MAX);
    *age = days * DAY;
    return 0;
}

int partials_list(struct context *x)
{
    struct search s = { .x = x };
    int code = take_age(x, &s.age);

    return code ? code : search_homes(&s);
}

int partials_purge(struct context *x)
{
    struct search s = { .x = x,
                        .remove = true,
                        .age = x->settings.partial_days * DAY };
    int code = take_age(x, &s.age);

    if (code)
        return code;
    if (x->args.all && x->args.older_than)
        return ctl_fail(x, EX_USAGE, "--all goes without --older-than");
    if (x->args.all)
        s.age = 0;
    return search_homes(&s);
}

/* In a share each file may have another owner. The process that removes them
 * has the share's gid, which the directories have, and as uid the same number:
 * if an account has that, it is no matter, since the process sees nothing but
 * the share. */
static int search_share(struct search *s, const struct share *share)
{
    const struct ground g = { .name = share->name,
                              .home = share->path,
                              .below = s->x->settings.shares,
                              .uid = share->gid,
                              .gid = share->gid };

    snprintf(s->label, sizeof(s->label), "/%s", share->name);
    s->user = s->label;
    return search_ground(s, &g);
}

/* Each entry of retain= of a user, or of a share. */
static void expire(struct search *s, struct slice retain,
                   const struct user *user, const struct share *share,
                   int *first)
{
    struct retention one;

    while (user_retain_next(&retain, &one) == 1) {
        slice_copy(one.path, s->path, sizeof(s->path));
        s->age = (uint64_t)one.seconds;
        search_failed(s, user ? search_user(s, user) : search_share(s, share),
                      first);
    }
}

int retention_run(struct context *x)
{
    const struct users *u = &x->users;
    struct search s = {
        .x = x, .remove = !x->args.dry_run, .expired = true, .now = time(NULL)
    };
    int code = 0;

    for (size_t i = 0; i < u->count; i++)
        expire(&s, u->row[i].retain, &u->row[i], NULL, &code);
    for (size_t i = 0; i < u->shares; i++)
        expire(&s, u->share[i].retain, NULL, &u->share[i], &code);
    print_end(&s);
    if (s.lines == 0 && x->args.dry_run && !x->args.json)
        puts("nothing is older than its home or share keeps it");
    if (code == 0 && s.count[PARTIAL_STAYS] > 0)
        code = ctl_fail(x, EX_IOERR, "some could not be removed");
    return code;
}
