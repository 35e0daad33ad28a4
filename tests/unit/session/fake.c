/* Fake peers for a real session process. */
#include "fake.h"

#include <arpa/inet.h>
#include <criterion/hooks.h>
#include <netinet/in.h>

#include "sallyport/base/fd.h"
#include "sallyport/domain/rights.h"
#include "sallyport/session/session.h"
#include "sallyport/tls/context.h"
#include "support/cast.h"
#include "support/certificate.h"
#include "support/processes.h"
#include "support/scratch.h"
#include "support/signer.h"
#include "support/wait.h"

#define DEADLINE_MS 20000

struct fake fake = { .granted = { .name = { "anna", 4 },
                                  .rights = RIGHT_ALL,
                                  .everywhere = RIGHT_ALL } };
struct fake_transfer transfer;
struct event_record logged;

static struct tls_context *context;

/* Makes the context once, before the runner forks: each session inherits it, as
 * from gate. It takes as long as a session. */
ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    char folder[] = "/tmp/sallyport-session-XXXXXX", command[512];
    struct complaint c = { "" };
    int certificate, key;

    (void)set;
    cr_assert_not_null(mkdtemp(folder));
    certificate_make(folder);
    snprintf(command, sizeof(command), "%s/certificate.pem", folder);
    certificate = open(command, O_RDONLY | O_CLOEXEC);
    snprintf(command, sizeof(command), "%s/key.pem", folder);
    key = open(command, O_RDONLY | O_CLOEXEC);
    const struct key_files files = { certificate, "certificate", key, "key" };
    context = signer_context(&files, &c);
    cr_assert_not_null(context, "%s", c.text);
    close(certificate);
    close(key);
    scratch_remove_tree(folder);
}

static void pair_with(struct channel *c, enum process self, int *session_end)
{
    *session_end =
        channel_make(c, self, PROCESS_SESSION,
                     self == PROCESS_MASTER ? PHASE_GREETED : PHASE_RUN);
}

static struct {
    const char *key;
    uint64_t value;
} changes[8];
static size_t change_count;

static const struct networks this_host = {
    .list = { { .address = { .family = 4, .bytes = { 127, 0, 0, 1 } },
                .bits = 32 } },
    .count = 1
};

struct tls_client *fake_data_tls(int data)
{
    struct tls_session *newest = tls_client_session(fake.tls);
    const struct tls_client_options options = { .show = newest };
    struct tls_client *tls = tls_client_new(data, &options);

    tls_session_free(newest);
    return tls;
}

void fake_settings(const char *key, uint64_t value)
{
    cr_assert_lt(change_count, sizeof(changes) / sizeof(changes[0]));
    changes[change_count].key = key;
    changes[change_count++].value = value;
}

static void change(struct settings *s, const char *key, uint64_t value)
{
    for (size_t i = 0; i < setting_count; i++) {
        char *field = (char *)s + setting_table[i].offset;

        if (strcmp(setting_table[i].key, key) != 0)
            continue;
        if (strcmp(setting_table[i].value, "yes") == 0 ||
            strcmp(setting_table[i].value, "no") == 0)
            *(bool *)field = value;
        else
            memcpy(field, &value, sizeof(value));
    }
}

unsigned long fake_cpu_ms(void)
{
    return process_ticks(fake.pid) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK);
}

void fake_expect_asleep(int ms)
{
    unsigned long so_far = fake_cpu_ms();

    poll(NULL, 0, ms);
    cr_assert_lt(fake_cpu_ms() - so_far, 50);
}

bool fake_is_quiet(int fd, int ms)
{
    return poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, ms) == 0;
}

void fake_start(void)
{
    struct session_start start = { .settings = &fake.settings,
                                   .deadlines = fake.deadlines,
                                   .serial = 7,
                                   .proxied = fake.proxied };
    int ends[2];

    signal(SIGPIPE, SIG_IGN); /* OpenSSL answers a cut with an alert */
    conf_default(&fake.settings);
    for (size_t i = 0; i < change_count; i++)
        change(&fake.settings, changes[i].key, changes[i].value);
    if (fake.proxied)
        fake.settings.proxies = this_host;
    fake.files.fd = -1;
    fake.tls = NULL;
    fake.lent = false;
    start.tls = context;
    random_bytes(&fake.tickets, sizeof(fake.tickets));
    address_parse_port(SLICE("127.0.0.1:40000"), &start.peer);
    address_parse_port(SLICE("127.0.0.1:21"), &start.local);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    fake.control = ends[0];
    start.control = ends[1];
    fd_set_nonblock(start.control, true);
    pair_with(&fake.master, PROCESS_MASTER, &start.master);
    pair_with(&fake.gate, PROCESS_GATE, &start.gate);
    pair_with(&fake.log, PROCESS_LOG, &start.log);
    start.keys = signer_process();
    if (fake.proxied)
        fake.master.phase = fake.gate.phase = PHASE_START;
    fake.pid = fork();
    if (fake.pid == 0)
        session_main(&start);
    close(start.control);
    close(start.master);
    close(start.gate);
    fake.to_log = start.log;
    close(start.keys);
}

static void wait_readable(int fd)
{
    struct pollfd one = { .fd = fd, .events = POLLIN };

    cr_assert_eq(poll(&one, 1, DEADLINE_MS), 1, "nothing came");
}

static long receive(char *c)
{
    if (fake.tls)
        return tls_client_read(fake.tls, c, 1);
    wait_readable(fake.control);
    return recv(fake.control, c, 1, 0);
}

static bool read_line(char *line, size_t size)
{
    size_t n = 0;

    while (n < size - 1) {
        if (receive(line + n) <= 0)
            return false;
        if (line[n++] == '\n')
            break;
    }
    line[n] = 0;
    return true;
}

int fake_reply(void)
{
    char line[8192];
    size_t len = 0;

    fake.lines[0] = 0;
    do {
        if (!read_line(line, sizeof(line)))
            return 0;
        len += (size_t)snprintf(fake.lines + len, sizeof(fake.lines) - len,
                                "%s", line);
        cr_assert_lt(len, sizeof(fake.lines));
    } while (line[0] == ' ' || line[3] == '-');
    memcpy(fake.reply, line, sizeof(line));
    return atoi(line);
}

static void expect_code(const char *line, int code)
{
    int got = fake_reply();

    cr_assert_eq(got, code, "%s: %d instead of %d: %s", line, got, code,
                 fake.reply);
}

void fake_do(const char *line, int code)
{
    fake_say(line);
    expect_code(line, code);
}

void fake_do_refused(const char *line, enum message_kind request,
                     enum outcome outcome, int code)
{
    fake_say(line);
    fake_refuse(request, outcome);
    expect_code(line, code);
}

void fake_replies(int code, const char *words)
{
    expect_code(words, code);
    cr_expect_not_null(strstr(fake.reply, words), "no \"%s\" in: %s", words,
                       fake.reply);
}

void fake_abort(void)
{
    fake_do("ABOR", 426);
    cr_assert_eq(fake_reply(), 226, "%s", fake.reply);
}

void fake_say(const char *line)
{
    char text[8300];
    int len = snprintf(text, sizeof(text), "%s\r\n", line);

    if (fake.tls)
        cr_assert(tls_client_write(fake.tls, text, (size_t)len));
    else
        cr_assert_eq(send(fake.control, text, (size_t)len, MSG_NOSIGNAL), len);
}

void fake_secure(void)
{
    cr_assert_eq(fake_reply(), 220);
    fake_do("AUTH TLS", 234);
    fake.tls = tls_client_new(fake.control, NULL);
    cr_assert_not_null(fake.tls, "%s", tls_client_error());
}

void fake_hear_credentials(const char *password, const char *wanted)
{
    struct channel auth;
    int far = channel_make(&auth, PROCESS_AUTH, PROCESS_SESSION, PHASE_RUN);

    SAY_BACK(&fake.master, login_channel, .auth = far);
    close(far);
    EXPECT(&auth, credentials);
    cr_assert(slice_equal(heard.credentials.name, SLICE("anna")));
    cr_assert(slice_equal(heard.credentials.password, slice_from(password)));
    cr_assert(slice_equal(heard.credentials.wanted, slice_from(wanted)));
    channel_close(&auth);
}

void fake_ask_login(const char *user)
{
    char line[64];

    fake_secure();
    snprintf(line, sizeof(line), "USER %s", user);
    fake_do(line, 331);
    fake_say("PASS secret");
    EXPECT(&fake.master, login);
}

void fake_deny(enum denial why)
{
    fake.master.phase = PHASE_GREETED;
    SAY_BACK(&fake.master, denied, .why = why, .right = fake.right);
}

void fake_grant(void)
{
    struct msg_granted out = fake.granted;

    fake_ask_login("anna");
    out.request = heard.request;
    fake_hear_credentials("secret", "");
    out.max_file_size = fake.settings.max_file_size;
    out.files =
        channel_make(&fake.files, PROCESS_FILES, PROCESS_SESSION, PHASE_IDLE);
    cast_say(&fake.master, MSG_granted, &out);
    close(out.files);
}

void fake_tell_keys(void)
{
    struct slice now = { (const char *)&fake.tickets.now, TICKET_KEY_BYTES };
    struct slice before = { (const char *)&fake.tickets.before,
                            TICKET_KEY_BYTES };

    fake.gate.phase = PHASE_USER; /* gate may send more messages from now on */
    SAY(&fake.gate, ticket_keys, .now = now, .before = before);
}

void fake_login(void)
{
    fake_grant();
    fake_tell_keys();
    cr_assert_eq(fake_reply(), 230);
}

void fake_open(void)
{
    fake_start();
    fake_login();
}

void fake_regate(void)
{
    int far;

    channel_close(&fake.gate);
    far = channel_make(&fake.gate, PROCESS_GATE, PROCESS_SESSION, PHASE_USER);
    SAY(&fake.master, gate, .gate = far);
    close(far);
}

void fake_lend(const char *told, bool by_proxy)
{
    struct address address;
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t size = sizeof(at);
    FD_CLEANUP int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    EXPECT(&fake.gate, port);
    fd_set_nonblock(fd, true);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, size), 0);
    cr_assert_eq(listen(fd, 8), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    fake.port = at.sin_port;
    cr_assert_eq(address_parse(slice_from(told), &address), 0);
    address.port = ntohs(fake.port);
    SAY_BACK(&fake.gate, port_is, .address = address, .bound = address,
             .proxied = by_proxy, .listener = fd);
}

void fake_expect(const char *line, int code)
{
    fake_say(line);
    if (!fake.lent)
        fake_lend("127.0.0.1", false);
    fake.lent = true;
    cr_assert_eq(fake_reply(), code, "%s", fake.reply);
}

int fake_come_from(const char *host)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert_eq(inet_pton(AF_INET, host, &at.sin_addr), 1);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    at.sin_port = fake.port;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0, "%m");
    return fd;
}

int fake_come(void)
{
    return fake_come_from("127.0.0.1");
}

void fake_expect_closed(int fd)
{
    char byte;

    cr_expect_leq(recv(fd, &byte, 1, 0), 0, "not closed");
    close(fd);
}

void fake_port(void)
{
    fake_do("PBSZ 0", 200);
    fake_do("PROT P", 200);
    fake_expect("PASV", 227);
}

int fake_data(void)
{
    fake_port();
    return fake_come();
}

void fake_refuse(enum message_kind request, enum outcome outcome)
{
    cast_expect(&fake.files, request);
    SAY_BACK(&fake.files, refused, .outcome = outcome);
}

struct msg_file_commit *fake_commits(void)
{
    if (cast_hear(&fake.files) == MSG_file_prepare) {
        SAY_BACK(&fake.files, done);
        cast_hear(&fake.files);
    }
    cast_check(&fake.files, 1, MSG_file_commit, &heard);
    return &heard.file_commit;
}

uint64_t fake_stored(const char *path)
{
    uint64_t length = fake_commits()->length;

    SAY_BACK(&fake.files, file_stored, .path = slice_from(path));
    fake.files.phase = PHASE_IDLE;
    return length;
}

bool fake_given_up(void)
{
    SERVE(&fake.files, file_abort, done);
    fake.files.phase = PHASE_IDLE;
    return heard.file_abort.worthless;
}

void fake_complete(void)
{
    fake_stored("/x");
    expect_code("an upload", 226);
}

void fake_fail(int code)
{
    fake_given_up();
    expect_code("an upload", code);
}

static uint32_t listing;

int fake_list(void)
{
    int ends[2];

    cr_assert_eq(pipe(ends), 0);
    SERVE(&fake.files, directory_list, directory_pipe, .listing = ends[0]);
    listing = heard.request;
    close(ends[0]);
    return ends[1];
}

void fake_listed(int pipe, enum outcome outcome)
{
    close(pipe);
    SAY(&fake.files, directory_listed, listing, .outcome = outcome);
}

void fake_kick(enum ending why)
{
    SAY(&fake.master, kick, .why = why);
}

void fake_secure_data(void)
{
    transfer.tls = fake_data_tls(transfer.data);
    cr_assert_not_null(transfer.tls, "%s", tls_client_error());
}

void fake_begin_upload_of(const char *line, struct msg_file_writable answer)
{
    char name[64];

    transfer.file = tmpfile();
    cr_assert_eq(ftruncate(fileno(transfer.file), (off_t)answer.first), 0);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fileno(transfer.file));
    answer.file = open(name, O_WRONLY);
    cr_assert_geq(answer.file, 0);
    transfer.data = fake_data();
    fake_say(line);
    answer.request = EXPECT(&fake.files, file_write)->request;
    cast_say(&fake.files, MSG_file_writable, &answer);
    transfer.fleeting = heard.file_write.keep_nothing;
    close(answer.file);
    fake.files.phase = PHASE_WRITING;
    cr_assert_eq(fake_reply(), 150, "%s", fake.reply);
}

void fake_begin_upload(void)
{
    fake_begin_upload_of("STOR /x", (struct msg_file_writable){ 0 });
}

void fake_send(const char *text)
{
    size_t len = strlen(text);

    cr_assert(len == 0 || tls_client_write(transfer.tls, text, len));
    cr_assert(tls_client_shutdown(transfer.tls));
}

void fake_expect_file(const char *text)
{
    char bytes[64] = "";

    cr_assert_geq(pread(fileno(transfer.file), bytes, sizeof(bytes) - 1, 0), 0);
    cr_expect_str_eq(bytes, text);
}

void fake_upload(void)
{
    fake_begin_upload();
    fake_secure_data();
}

FILE *fake_zeros(uint64_t size)
{
    FILE *file = tmpfile();

    cr_assert_eq(ftruncate(fileno(file), (off_t)size), 0);
    return file;
}

static bool has_least(void *length)
{
    struct stat st;

    return fstat(fileno(transfer.file), &st) == 0 &&
           st.st_size >= *(off_t *)length;
}

void fake_await_least(off_t length)
{
    cr_assert(wait_until(has_least, &length, WAIT_MS));
}

static bool has_length(void *length)
{
    struct stat st;

    return fstat(fileno(transfer.file), &st) == 0 &&
           st.st_size == *(off_t *)length;
}

void fake_await_length(off_t length)
{
    cr_assert(wait_until(has_length, &length, WAIT_MS));
}

void fake_read(const char *line, FILE *source, uint64_t size)
{
    fake_say(line);
    SERVE(&fake.files, file_read, file_readable, .size = size,
          .file = fileno(source));
}

void fake_begin_download(uint64_t size)
{
    transfer.file = fake_zeros(size);
    fake_read("RETR /x", transfer.file, size);
    expect_code("RETR /x", 150);
}

void fake_download(uint64_t size)
{
    fake_download_of(fake_zeros(size), size);
}

void fake_download_of(FILE *source, uint64_t size)
{
    rewind(source); /* as if files had just opened it */
    transfer.file = source;
    transfer.data = fake_data();
    fake_read("RETR /x", source, size);
    expect_code("RETR /x", 150);
    fake_secure_data();
}

long fake_drain(uint64_t *bytes)
{
    static char some[65536];
    long n;

    while ((n = tls_client_read(transfer.tls, some, sizeof(some))) > 0)
        if (bytes)
            *bytes += (uint64_t)n;
    return n;
}

void fake_release(void)
{
    tls_client_free(transfer.tls);
    close(transfer.data);
    fclose(transfer.file);
}

int fake_end(void)
{
    int status;

    cr_assert_eq(waitpid(fake.pid, &status, 0), fake.pid);
    tls_client_free(fake.tls);
    fake.tls = NULL;
    close(fake.control);
    close(fake.to_log);
    cr_assert(WIFEXITED(status), "killed by %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

void fake_hang_up(int status)
{
    shutdown(fake.control, SHUT_WR);
    cr_assert_eq(fake_end(), status);
}

void fake_leave(void)
{
    fake_hang_up(ENDING_CLOSED);
    cr_assert_str_neq(fake_end_reason(), "");
}

void fake_part(void)
{
    fake_leave();
    fake_release();
}

void fake_drop(void)
{
    close(fake.control);
    fake.control = -1;
}

bool fake_event(enum event event, struct event_record *r)
{
    static struct message p;

    while (channel_receive(&fake.log, &p) == 1) {
        cr_assert_eq(event_decode(p.event.event, r), 0);
        cr_assert_neq(r->event, EVENT_SYSCALL, "the sandbox refused call %llu",
                      (unsigned long long)r->number[FIELD_NUMBER]);
        if (r->event == event)
            return true;
    }
    return false;
}

void fake_await(enum event event, struct event_record *r)
{
    while (!fake_event(event, r)) {
        cr_assert_neq(r->event, EVENT_END, "no such event");
        wait_readable(fake.log.fd);
    }
}

void fake_expect_transfer(uint64_t result, const char *reason)
{
    const struct slice *said = &logged.text[FIELD_REASON];
    struct event_record other;

    cr_assert(fake_event(EVENT_TRANSFER, &logged), "no event of the transfer");
    cr_expect_eq(logged.number[FIELD_RESULT], result, "%llu",
                 (unsigned long long)logged.number[FIELD_RESULT]);
    cr_expect(slice_starts(*said, slice_from(reason)) &&
                  (reason[0] || said->len == 0),
              "\"%.*s\" instead of \"%s\"", (int)said->len, said->ptr, reason);
    cr_expect_not(fake_event(EVENT_TRANSFER, &other), "a second event");
}

void fake_expect_text(const struct event_record *r, enum event_field field,
                      const char *text)
{
    cr_expect(slice_equal(r->text[field], slice_from(text)),
              "\"%.*s\" instead of \"%s\"", (int)r->text[field].len,
              r->text[field].ptr, text);
}

void fake_fill_log(void)
{
    struct event_sender e;
    struct event_record r;

    event_sender_init(&e, fake.to_log, PROCESS_SESSION);
    event_begin(&r, EVENT_CHILD);
    while (!e.full)
        cr_assert_eq(event_send(&e, &r), 0);
}

const char *fake_end_reason(void)
{
    static char reason[512];
    struct event_record r;

    cr_assert(fake_event(EVENT_END, &r), "no END event");
    slice_copy(r.text[FIELD_REASON], reason, sizeof(reason));
    return reason;
}
