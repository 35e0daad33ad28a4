/* The connection to the running server: connecting, asking, waiting. Its
 * messages are checked as between any two processes, and may still be wrong:
 * texts are bounded and escaped, and every wait has a limit. Then what ends
 * sessions: "kick", and the news of a change of the users file. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/address.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/event/event.h"

#define BUSY_MS       5000
#define CONNECT_S     5
#define BUSY_PAUSE_NS 50000000

/* Does the configuration belong to another user? Then that user's server has
 * another control socket than the path that was tried. */
static bool is_other_users(const char *configuration)
{
    struct stat s;

    return geteuid() != 0 && stat(configuration, &s) == 0 &&
           s.st_uid != geteuid();
}

static int report_unreachable(struct server *s, const char *path, int error)
{
    struct context *x = s->x;

    if (error == EACCES || error == EPERM)
        return ctl_fail(x, EX_NOPERM,
                        "%s: %s; run it as root, as the server's user, or as a "
                        "member of control_group",
                        path, strerror(error));
    s->busy = error == EAGAIN;
    if (s->busy)
        return ctl_fail(x, EX_TEMPFAIL,
                        "%s: the server is busy; try again later", path);
    if (is_other_users(x->settings.file))
        return ctl_fail(x, EX_NOPERM,
                        "the server of %s isn't yours, so only root may ask "
                        "it; run: sudo sallyportctl",
                        x->settings.file);
    return ctl_fail(x, EX_UNAVAILABLE,
                    "no server answers at %s: %s; start it (systemctl start "
                    "sallyport), or name its configuration by --config",
                    path, strerror(error));
}

/* Returns the descriptor or -errno. */
static int connect_to(const char *path)
{
    const struct timeval most = { .tv_sec = CONNECT_S };
    char directory[SETTINGS_PATH_MAX];
    struct sockaddr_un at;
    const char *name;
    int size = local_split(path, directory, sizeof(directory), &name);

    if (size < 0)
        return size;
    FD_CLEANUP int above = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (above < 0)
        return -errno;
    size = local_address(above, name, &at);
    if (size < 0)
        return size;
    FD_CLEANUP int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    /* A blocking connect() keeps its place in the kernel's queue. A repeated
     * one begins at the end. */
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most)) < 0 ||
        connect(fd, (struct sockaddr *)&at, (socklen_t)size) < 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        return -errno;
    return fd_take(&fd);
}

/* Anybody who may make a socket there could pose as the server. */
static int check_peer(struct context *x, int fd, const char *path)
{
    struct ucred who;

    if (local_peer(fd, &who) == 0 && (who.uid == 0 || who.uid == geteuid()))
        return 0;
    return ctl_fail(x, EX_NOPERM,
                    "%s: the server there is neither root's nor yours; run it "
                    "as its user",
                    path);
}

static int connect_server(struct server *s)
{
    struct context *x = s->x;
    char path[SETTINGS_PATH_MAX];
    int fd;

    if (settings_control(&x->settings, path, sizeof(path)) < 0)
        return ctl_fail(x, EX_CONFIG,
                        "the path of the configuration is too "
                        "long for a control socket beside it");
    fd = connect_to(path);
    if (fd < 0)
        return report_unreachable(s, path, -fd);
    channel_init(&s->channel, fd, PROCESS_CTL, PROCESS_MASTER, PHASE_START);
    return check_peer(x, fd, path);
}

static const int refusal_codes[REFUSAL_COUNT] = {
    [REFUSAL_BUSY] = EX_TEMPFAIL,    [REFUSAL_DENIED] = EX_NOPERM,
    [REFUSAL_NO_USER] = EX_NOUSER,   [REFUSAL_HOME] = EX_NOINPUT,
    [REFUSAL_BAD_FILE] = EX_DATAERR,
};

int server_escape(struct slice text, char *out, size_t size)
{
    struct buf escaped;
    int r;

    buf_init(&escaped, size);
    r = event_escape(text, &escaped);
    if (r == 0)
        r = slice_copy(buf_slice(&escaped), out, size);
    buf_release(&escaped);
    return r == 0 ? 0 : -ENAMETOOLONG;
}

/* A backslash of TEXT itself is escaped, so each "\x22" is a quote. */
int server_words(struct slice text, char *out, size_t size)
{
    static const char quote[] = "\\x22";
    const size_t len = sizeof(quote) - 1;
    int r = server_escape(text, out, size);

    for (char *at = out; r == 0 && (at = strstr(at, quote)); at++) {
        *at = '"';
        memmove(at + 1, at + len, strlen(at + len) + 1);
    }
    return r;
}

static int fail_refused(struct context *x,
                        const struct msg_control_refused *msg)
{
    char why[COMPLAINT_MAX];

    if (server_words(msg->why, why, sizeof(why)) < 0)
        snprintf(why, sizeof(why), "the server refuses, in too many words");
    return ctl_fail(x, refusal_codes[msg->refusal], "%s", why);
}

static int fail_broken(struct context *x, const struct channel *c, int error)
{
    const char *who = c->peer == PROCESS_MASTER ? "the server" : "its files";

    if (error == -ETIMEDOUT)
        return ctl_fail(x, EX_TEMPFAIL, "%s doesn't answer in time", who);
    if (error == -EPROTO)
        return ctl_fail(x, EX_PROTOCOL,
                        "%s says what it may not: %s; if it is of another "
                        "version, restart it: systemctl restart sallyport",
                        who, c->wrong);
    return ctl_fail(
        x, EX_TEMPFAIL,
        "%s hung up; what was asked may be done: see its log, or restart it if "
        "its version differs",
        who);
}

int server_wait(struct context *x, struct channel *c, uint32_t request,
                struct message *answer, int ms)
{
    int r = channel_wait(c, answer, ms);

    if (r == -EPIPE) /* the first message may fail with the socket's error */
        r = channel_receive(c, answer);
    if (r == 1 && answer->request != request) {
        message_close(answer);
        c->wrong = "an answer without a request";
        r = -EPROTO;
    }
    if (r != 1)
        return fail_broken(x, c, r);
    return answer->kind == MSG_control_refused
               ? fail_refused(x, &answer->control_refused)
               : 0;
}

int server_lies(struct context *x, const char *what)
{
    return ctl_fail(x, EX_PROTOCOL,
                    "unexpected answer of the server (%s); is it of another "
                    "version?",
                    what);
}

static int open_once(struct server *s)
{
    struct context *x = s->x;
    struct message m = { .kind = MSG_NONE }; /* if nothing comes */
    int code;

    *s = (struct server){ .x = x,
                          .channel.fd = -1,
                          .patience =
                              x->patience ? x->patience : SERVER_ANSWER_MS };
    code = connect_server(s);
    if (code)
        return code;
    code = server_wait(x, &s->channel, 0, &m, s->patience);
    if (code) {
        s->busy = m.kind == MSG_control_refused &&
                  m.control_refused.refusal == REFUSAL_BUSY;
        return code;
    }
    if (m.kind != MSG_welcome)
        return server_lies(x, "no welcome");
    if (server_escape(m.welcome.version, s->version, sizeof(s->version)) < 0)
        return server_lies(x, "a version that can't be");
    s->ours = strcmp(s->version, SALLYPORT_VERSION) == 0;
    s->pid = m.welcome.pid;
    s->channel.phase = PHASE_ASKED;
    return 0;
}

/* The server has few places, each for a short time. */
int server_open(struct server *s, struct context *x)
{
    const struct timespec pause = { .tv_nsec = BUSY_PAUSE_NS };
    uint64_t end = clock_ms() + BUSY_MS;
    int code;

    s->x = x;
    for (;;) {
        code = open_once(s);
        if (code == 0 || !s->busy || clock_ms() >= end)
            return code;
        server_close(s);
        x->complaint.text[0] = '\0';
        nanosleep(&pause, NULL);
    }
}

void server_close(struct server *s)
{
    channel_close(&s->channel);
}

uint32_t server_request(struct server *s)
{
    s->request = channel_next(&s->channel);
    return s->request;
}

int server_next(struct server *s, struct message *answer)
{
    return server_wait(s->x, &s->channel, s->request, answer, s->patience);
}

int server_asked(struct server *s, int result, struct message *answer)
{
    if (result < 0 && result != -EPIPE) /* a last message may be unread */
        return ctl_fail(s->x, EX_OSERR, "the server can't be asked: %s",
                        strerror(-result));
    return server_next(s, answer);
}

int server_place(struct server *s, uint64_t next, uint64_t *at)
{
    if (next != 0 && next <= *at)
        return server_lies(s->x, "a list without end");
    *at = next;
    return 0;
}

/* The end of sessions. */

#define SERIAL_DIGITS 16
/* ms: the change is made, so the caller doesn't wait long for the server. */
#define EDITED_MS 5000

static bool is_serial(const char *word)
{
    return strlen(word) == SERIAL_DIGITS &&
           strspn(word, "0123456789abcdefABCDEF") == SERIAL_DIGITS;
}

int sessions_name_check(struct context *x, const char *name)
{
    struct address a;
    const bool address = address_parse(slice_from(name), &a) == 0;

    if (!address && !is_serial(name))
        return 0;
    return ctl_fail(x, EX_DATAERR,
                    "kick would take the name %s for %s; give another name",
                    name, address ? "an address" : "a session's serial");
}

/* The form of the word decides: an address, 16 hexadecimal digits, or else a
 * user's name. */
static void read_word(const char *word, struct msg_end_sessions *ret)
{
    if (address_parse(slice_from(word), &ret->client) == 0)
        return;
    ret->client = (struct address){ 0 };
    if (is_serial(word))
        ret->serial = strtoull(word, NULL, 16);
    else if (user_name_ok(slice_from(word)))
        ret->user = slice_from(word);
    else
        fail(EX_USAGE,
             "%s: neither a user's name, nor a serial (16 hexadecimal "
             "digits), nor an IP address; run: sallyportctl who",
             word);
}

/* Adds the words of the command line from FIRST on, without its options. */
static void add_words(const struct arguments *a, size_t first, size_t end,
                      struct buf *into)
{
    for (size_t i = first; i < end && i < a->words; i++)
        if (buf_add_format(into, "%s%s", i > first ? " " : "", a->word[i]) < 0)
            return; /* the log has the beginning */
}

/* Adds the options with their values. No option has a password or a hash; a
 * comment may be about a person, and says nothing about rights. */
static void add_options(const struct arguments *a, struct buf *into)
{
    static const bool unlogged[OPTIONS] = {
        [OPTION_config] = true,
        [OPTION_json] = true,
        [OPTION_yes] = true,
        [OPTION_hash_stdin] = true,
        [OPTION_print_password] = true,
        [OPTION_comment] = true,
    };

    for (size_t i = 0; i < OPTIONS; i++) {
        const struct ctl_option *o = &ctl_options[i];

        if (a->option[i] && !unlogged[i] &&
            buf_add_format(into, "%s--%s%s%s", into->len > 0 ? " " : "",
                           o->name, o->value ? " " : "", a->option[i]) < 0)
            return; /* the log has the beginning */
    }
}

static int send_changed(struct server *s, uint32_t request)
{
    const struct arguments *a = &s->x->args;
    struct buf verb, to;
    int r;

    buf_init(&verb, MESSAGE_WORD_MAX);
    buf_init(&to, MESSAGE_TEXT_MAX);
    add_words(a, 0, 2, &verb);
    add_words(a, 2, a->words, &to);
    add_options(a, &to);
    r = SEND(&s->channel, users_changed, request, .verb = buf_slice(&verb),
             .to = buf_slice(&to));
    buf_release(&verb);
    buf_release(&to);
    return r;
}

/* Ends the sessions of WHOSE; NULL: all sessions that the users file doesn't
 * permit any more. */
static int end_sessions(struct context *x, const struct msg_end_sessions *whose,
                        uint64_t *ended)
{
    struct message m;
    struct server s;
    int code = server_open(&s, x);

    if (code == 0) {
        uint32_t request = server_request(&s);
        int r = whose ? SEND(&s.channel, end_sessions, request,
                             .serial = whose->serial, .user = whose->user,
                             .client = whose->client)
                      : send_changed(&s, request);

        code = server_asked(&s, r, &m);
    }
    if (code == 0 && m.kind != MSG_ended)
        code = server_lies(x, "no answer to a kick");
    if (code == 0)
        *ended = m.ended.sessions;
    server_close(&s);
    return code;
}

static void print_ended(FILE *out, uint64_t ended)
{
    fprintf(out, "%" PRIu64 " session%s ended\n", ended, ended == 1 ? "" : "s");
}

void sessions_kick(void)
{
    struct context *x = &ctl;
    struct msg_end_sessions whose = { 0 };
    uint64_t ended = 0;

    read_word(x->args.word[1], &whose);
    need(x, end_sessions(x, &whose, &ended));
    if (ended == 0)
        fail(EX_NOUSER, "%s has no session; run: sallyportctl who",
             x->args.word[1]);
    if (x->args.json) {
        json_print(json_pack("{s:I}", "ended", (json_int_t)ended));
        return;
    }
    print_ended(stdout, ended);
}

void sessions_edited(struct context *x)
{
    const struct complaint why = x->complaint;
    uint64_t ended = 0;
    int patience = x->patience;
    int code;

    x->complaint.text[0] = '\0';
    x->patience = EDITED_MS;
    code = end_sessions(x, NULL, &ended);
    x->patience = patience;
    if (code == 0 && ended > 0)
        print_ended(x->args.json ? stderr : stdout, ended);
    if (code != 0 && code != EX_UNAVAILABLE)
        stderr_print(
            "the running server could not be told of it: %s; it looks by "
            "itself within 10 s",
            x->complaint.text);
    x->complaint = why;
}
