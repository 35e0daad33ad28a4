/* Connects to the running server, asks it, and waits for its answers. The
 * channel checks the server's messages as between any two processes. Their
 * contents can still be wrong, so texts are bounded and escaped, and every wait
 * has a limit. Also contains the functions that end sessions: "kick", and the
 * message that the users file has changed. */
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
#include "sallyport/base/harmless.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/ipc/generation.h"

#define BUSY_MS       5000
#define CONNECT_S     5
#define BUSY_PAUSE_NS 50000000

struct server server = { .channel.fd = -1 };

static bool nobody_listens(int error)
{
    return error == ENOENT || error == ENOTDIR || error == ECONNREFUSED;
}

static noreturn void fail_unreachable(const char *path, int error)
{
    const char *configuration = ctl.settings.file;
    struct stat s;

    if (error == EACCES || error == EPERM)
        fail(EX_NOPERM,
             "%s: %s; run sallyportctl as root, as the server's user, or as a "
             "member of control_group",
             path, strerror(error));
    if (error == EAGAIN)
        fail(EX_TEMPFAIL, "%s: the server is busy; try again later", path);
    /* Another user's server has its control socket at another path. */
    if (geteuid() != 0 && stat(configuration, &s) == 0 && s.st_uid != geteuid())
        fail(EX_NOPERM,
             "the server of %s isn't yours, so only root may ask it; run: sudo "
             "sallyportctl",
             configuration);
    if (error == ENAMETOOLONG)
        fail(EX_CONFIG, "the path of the configuration is too long for a "
                        "control socket beside it");
    if (!nobody_listens(error))
        fail(EX_OSERR, "%s: %s", path, strerror(error));
    fail(EX_UNAVAILABLE,
         "no server answers at %s: %s; start it (systemctl start sallyport), "
         "or name its configuration by --config",
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
     * call would begin at the end of the queue. */
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most)) < 0 ||
        connect(fd, (struct sockaddr *)&at, (socklen_t)size) < 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        return -errno;
    return fd_take(&fd);
}

/* Connects to the server that was started with this configuration, or with the
 * default path of the same file. Writes the PATH of the socket. Returns the
 * descriptor or -errno. */
static int connect_any(char path[SETTINGS_PATH_MAX])
{
    const char *given = ctl.settings.file;
    char usual[SETTINGS_PATH_MAX];
    int fd = settings_control(given, path, SETTINGS_PATH_MAX), found;

    if (fd == 0)
        fd = connect_to(path);
    if (!nobody_listens(-fd) || !settings_is_default(given) ||
        settings_control(SETTINGS_FILE, usual, sizeof(usual)))
        return fd;
    found = connect_to(usual);
    if (nobody_listens(-found))
        return fd;
    memcpy(path, usual, sizeof(usual));
    return found;
}

/* Connects. If the server is busy, returns false; if LAST, fails. Checks the
 * uid of the server: other users who can make a socket at this path must not
 * pose as the server. */
static bool connect_server(bool last)
{
    char path[SETTINGS_PATH_MAX];
    struct ucred who;
    int fd = connect_any(path);

    if (fd == -EAGAIN && !last)
        return false;
    if (fd < 0)
        fail_unreachable(path, -fd);
    channel_init(&server.channel, fd, PROCESS_CTL, PROCESS_MASTER, PHASE_START);
    if (local_peer(fd, &who) < 0 || (who.uid != 0 && who.uid != geteuid()))
        fail(EX_NOPERM,
             "%s: the server there is neither root's nor yours; run "
             "sallyportctl as its user",
             path);
    return true;
}

static const int refusal_codes[REFUSAL_COUNT] = {
    [REFUSAL_BUSY] = EX_TEMPFAIL,    [REFUSAL_DENIED] = EX_NOPERM,
    [REFUSAL_NO_USER] = EX_NOUSER,   [REFUSAL_HOME] = EX_NOINPUT,
    [REFUSAL_BAD_FILE] = EX_DATAERR,
};

static noreturn void fail_refused(int code,
                                  const struct msg_control_refused *msg)
{
    fail(code ? code : refusal_codes[msg->refusal], "%.*s", (int)msg->why.len,
         msg->why.ptr);
}

static void receive(struct channel *c, uint32_t request, struct message *answer,
                    int ms)
{
    const bool is_search = c->peer != PROCESS_MASTER;
    const char *who = is_search ? "the search process" : "the server";
    int r = channel_wait(c, answer, ms);

    if (r == -EPIPE) /* the socket's error can come before a message */
        r = channel_receive(c, answer);
    if (r == 1 && answer->request != request) {
        message_close(answer);
        c->wrong = "an answer without a request";
        r = -EPROTO;
    }
    if (r == -ETIMEDOUT)
        fail(EX_TEMPFAIL, "%s doesn't answer in time", who);
    if (r == -EPROTO)
        fail(EX_PROTOCOL, "%s sent an invalid answer: %s%s", who, c->wrong,
             is_search ? ""
                       : "; if its version differs, restart it: systemctl "
                         "restart sallyport");
    if (r != 1)
        fail(EX_TEMPFAIL,
             "%s closed the connection, and may have done what was asked%s",
             who,
             is_search ? ""
                       : ": see its log, or restart it if its version differs");
}

void server_wait(struct channel *c, uint32_t request, struct message *answer,
                 int ms)
{
    receive(c, request, answer, ms);
    if (answer->kind == MSG_control_refused)
        fail_refused(0, &answer->control_refused);
}

void server_lies(const char *what)
{
    fail(EX_PROTOCOL,
         "unexpected answer of the server (%s); if it is of another version, "
         "restart it: systemctl restart sallyport",
         what);
}

/* Connects, and waits for the welcome. Returns false if the server is busy; if
 * LAST, fails then. */
static bool open_once(bool last)
{
    struct message m;

    server_close();
    server = (struct server){ .channel.fd = -1,
                              .patience = ctl.patience ? ctl.patience
                                                       : SERVER_ANSWER_MS };
    if (!connect_server(last))
        return false;
    receive(&server.channel, 0, &m, server.patience);
    if (m.kind == MSG_control_refused && !last &&
        m.control_refused.refusal == REFUSAL_BUSY)
        return false;
    if (m.kind == MSG_control_refused)
        fail_refused(0, &m.control_refused);
    if (m.kind != MSG_welcome)
        server_lies("no welcome");
    if (slice_copy(m.welcome.version, server.version, sizeof(server.version)))
        server_lies("an invalid version");
    harmless_make(server.version, strlen(server.version));
    server.ours =
        slice_equal(slice_from(server.version), slice_from(SALLYPORT_VERSION));
    server.channel.phase = PHASE_ASKED;
    return true;
}

/* Retries while the server is busy: it has few places for connections, and each
 * is soon free again. */
void server_open(void)
{
    const struct timespec pause = { .tv_nsec = BUSY_PAUSE_NS };
    const uint64_t end = clock_ms() + BUSY_MS;

    while (!open_once(clock_ms() >= end))
        nanosleep(&pause, NULL);
}

void server_close(void)
{
    channel_close(&server.channel);
}

uint32_t server_request(void)
{
    server.request = channel_next(&server.channel);
    return server.request;
}

void server_next(struct message *answer)
{
    server_wait(&server.channel, server.request, answer, server.patience);
}

static void need_sent(int result)
{
    if (result < 0 && result != -EPIPE) /* an answer may be unread */
        fail(EX_OSERR, "the server can't be asked: %s", strerror(-result));
}

void server_asked(int result, struct message *answer)
{
    need_sent(result);
    server_next(answer);
}

bool server_page(uint64_t next, uint64_t *at)
{
    if (next != 0 && next <= *at)
        server_lies("a list without end");
    *at = next;
    return next > 0;
}

void server_ask(enum showable what, uint64_t place, struct message *answer)
{
    if (!server.ours)
        fail(EX_PROTOCOL,
             "the server still runs version %s; run: sallyportctl reload",
             server.version);
    need_sent(SEND(&server.channel, show, server_request(),
                   .build = slice_from(build_name()), .what = what,
                   .place = place));
    receive(&server.channel, server.request, answer, server.patience);
    /* The server also refuses another build of its own version. */
    server.ours = answer->kind != MSG_control_refused;
    if (!server.ours)
        fail_refused(EX_PROTOCOL, &answer->control_refused);
}

/* The functions that end sessions. */

#define SERIAL_DIGITS 16
/* ms; short, since the users file has changed already. */
#define EDITED_MS 5000

static bool is_serial(const char *word)
{
    return strlen(word) == SERIAL_DIGITS &&
           strspn(word, "0123456789abcdefABCDEF") == SERIAL_DIGITS;
}

void sessions_name_check(const char *name)
{
    struct address a;
    const bool address = address_parse(slice_from(name), &a) == 0;

    if (address || is_serial(name))
        fail(EX_DATAERR,
             "kick would take the name %s for %s; give another name", name,
             address ? "an address" : "a session's serial");
}

/* Adds the words after the command, and the options with their values. No
 * option has a password or a hash. Leaves out --comment, which can be about a
 * person, and says nothing about rights. */
static void add_command(struct buf *into)
{
    static const bool unlogged[OPTIONS] = {
        [OPTION_config] = true,
        [OPTION_json] = true,
        [OPTION_yes] = true,
        [OPTION_hash_stdin] = true,
        [OPTION_print_password] = true,
        [OPTION_comment] = true,
        [OPTION_show] = true,
    };

    for (char **word = ctl.rest; word && *word; word++)
        if (buf_add_format(into, "%s%s", into->len > 0 ? " " : "", *word) < 0)
            return; /* the log gets the beginning */
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct ctl_option *o = &ctl_options[i];
        const char *value = ctl.args.option[i];

        if (value && !unlogged[i] &&
            buf_add_format(into, "%s--%s%s%s", into->len > 0 ? " " : "",
                           o->name, o->value ? " " : "", value) < 0)
            return; /* the log gets the beginning */
    }
}

static void print_ended(FILE *out, uint64_t ended)
{
    fprintf(out, "%" PRIu64 " session%s ended\n", ended, ended == 1 ? "" : "s");
}

/* Decides by the form of the word. Takes an address as a client, 16 hexadecimal
 * digits as a serial, and anything else as a user's name. */
void sessions_kick(void)
{
    const char *word = ctl.args.word[1];
    struct slice user = { NULL, 0 };
    struct address client;
    uint64_t serial = 0;
    struct message m;

    if (address_parse(slice_from(word), &client) < 0) {
        client = (struct address){ 0 };
        if (is_serial(word))
            serial = strtoull(word, NULL, 16);
        else if (user_name_ok(slice_from(word)))
            user = slice_from(word);
        else
            fail(EX_USAGE,
                 "%s: neither a user's name, nor a serial (16 hexadecimal "
                 "digits), nor an IP address; run: sallyportctl who",
                 word);
    }
    server_open();
    SERVER_ASK(&m, control_done, end_sessions, .serial = serial, .user = user,
               .client = client);
    if (m.control_done.sessions == 0)
        fail(EX_NOUSER, "%s has no session; run: sallyportctl who", word);
    if (ctl.args.json)
        json_print(
            json_pack("{s:I}", "ended", (json_int_t)m.control_done.sessions));
    else
        print_ended(stdout, m.control_done.sessions);
}

bool sessions_unconfirmed;
static uint64_t edit_ended; /* sessions that the last edit has ended */

static void tell_of_edit(void *to)
{
    char verb[CTL_NAME] = "";
    struct message m;

    if (ctl.command)
        ctl_name_of(ctl.command, verb);
    server_open();
    SERVER_ASK(&m, control_done, users_changed, .verb = slice_from(verb),
               .to = buf_slice(to));
    edit_ended = m.control_done.sessions;
}

void sessions_edited(const char *text)
{
    const int patience = ctl.patience;
    struct complaint why;
    struct buf to;
    int code;

    buf_init(&to, MESSAGE_TEXT_MAX);
    if (text)
        buf_add_text(&to, text);
    else
        add_command(&to);
    edit_ended = 0;
    ctl.patience = EDITED_MS;
    code = fail_caught(tell_of_edit, &to, &why);
    buf_release(&to);
    server_close(); /* the server has few places, and the command goes on */
    ctl.patience = patience;
    if (edit_ended > 0)
        print_ended(ctl.args.json || ctl.invites ? stderr : stdout, edit_ended);
    if (code == 0 || code == EX_UNAVAILABLE)
        return;
    sessions_unconfirmed = true;
    stderr_print("the running server did not confirm this: %s; its "
                 "log may lack the command, and the server reads the users "
                 "file within 10 s",
                 why.text);
}
