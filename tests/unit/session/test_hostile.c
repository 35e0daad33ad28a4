/* A session whose peers lie or die: it ends with one event that names the peer,
 * and never acts on the lie. */
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "fake.h"
#include "sallyport/base/fd.h"
#include "sallyport/session/session.h"
#include "support/lie.h"

enum who { MASTER, GATE, FILES };

struct lie {
    const char *what;
    enum who who;
    struct message packet;
    bool raw; /* garbage instead of the packet */
    const char *reason;
};

#define UNASKED "another process failed: "

static const struct lie lies[] = {
    { "granted before login",
      MASTER,
      { .kind = MSG_granted,
        .granted = { .name = SLICE("eve"), .rights = 127, .upload_eof = 0 } },
      false,
      UNASKED "master: a message in the wrong phase" },
    { "login channel unasked",
      MASTER,
      { .kind = MSG_login_channel },
      false,
      UNASKED "master: a message in the wrong phase" },
    { "denied unasked",
      MASTER,
      { .kind = MSG_denied },
      false,
      UNASKED "master: a message in the wrong phase" },
    { "garbage from master",
      MASTER,
      { 0 },
      true,
      UNASKED "master: an unknown or malformed message" },
    { "a port unasked",
      GATE,
      { .kind = MSG_port_is, .port_is = { .request = 1 } },
      false,
      UNASKED "gate: an answer without a request" },
    { "no port unasked",
      GATE,
      { .kind = MSG_port_none, .port_none = { .request = 1 } },
      false,
      UNASKED "gate: an answer without a request" },
    { "garbage from gate",
      GATE,
      { 0 },
      true,
      UNASKED "gate: an unknown or malformed message" },
    { "done unasked",
      FILES,
      { .kind = MSG_done, .done = { .request = 1 } },
      false,
      UNASKED "files: a message in the wrong phase" },
    { "a file unasked",
      FILES,
      { .kind = MSG_file_readable, .file_readable = { .request = 1 } },
      false,
      UNASKED "files: a message in the wrong phase" },
    { "garbage from files",
      FILES,
      { 0 },
      true,
      UNASKED "files: an unknown or malformed message" },
};

/* Sets the message's descriptor to FD, if its row needs one. */
static void set_descriptor(struct message *m, int fd)
{
    const struct message_field *f = message_row(m->kind)->fields();

    for (; f->type != TYPE_END; f++)
        if (f->type == TYPE_FD)
            memcpy((char *)&m->request + f->offset, &fd, sizeof(fd));
}

static void tell_lie(const struct lie *lie)
{
    struct channel *to[] = { &fake.master, &fake.gate, &fake.files };
    struct message p = lie->packet;

    if (lie->raw) {
        cr_assert_eq(send(to[lie->who]->fd, "garbage", 7, MSG_NOSIGNAL), 7);
        return;
    }
    set_descriptor(&p, 0);
    cast_say(to[lie->who], p.kind, &p.request);
}

Test(session_hostile, lies_of_peers, .timeout = 120)
{
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        fake_open();
        tell_lie(&lies[i]);
        cr_assert_eq(fake_reply(), 421, "%s", lies[i].what);
        cr_assert_eq(fake_end(), ENDING_PEER, "%s", lies[i].what);
        cr_assert_str_eq(fake_end_reason(), lies[i].reason, "%s", lies[i].what);
    }
}

/* Gate's answer while the session ends isn't a lie, and the client still reads
 * the reason of the end. */
Test(session_hostile, ports_for_a_session_that_ends, .timeout = 60)
{
    for (int i = 0; i < 2; i++) {
        fake_open();
        fake_say("EPSV");
        EXPECT(&fake.gate, port);
        fake_kick(ENDING_KICKED);
        cr_assert_eq(fake_reply(), 421);
        if (i == 0)
            SAY_BACK(&fake.gate, port_is);
        else
            SAY_BACK(&fake.gate, port_none);
        fake_drop();
        cr_assert_eq(fake_end(), ENDING_KICKED, "%d", i);
    }
}

/* The death of master, gate or files ends the session. The deadline is short,
 * since the session waits for another gate. */
Test(session_hostile, death_of_peers, .timeout = 60)
{
    static const struct session_deadlines soon = { .ask = 30000,
                                                   .ask_long = 600000,
                                                   .gate = 30000,
                                                   .gateless = 300,
                                                   .silent = 60000 };

    fake.deadlines = &soon;
    for (enum who who = MASTER; who <= FILES; who++) {
        struct channel *of[] = { &fake.master, &fake.gate, &fake.files };

        fake_open();
        channel_close(of[who]);
        cr_assert_eq(fake_reply(), 421);
        cr_assert_eq(fake_end(), ENDING_PEER);
    }
}

struct answer {
    const char *what;
    struct message packet;
    uint32_t shift; /* added to the request's number */
    int code;       /* 421: the session ends */
};

static const struct answer answers[] = {
    { "the wrong number", { .kind = MSG_facts_are }, 1, 421 },
    { "an answer to another request",
      { .kind = MSG_file_stored, .file_stored = { .path = SLICE("/x") } },
      0,
      421 },
    { "an outcome out of range",
      { .kind = MSG_refused, .refused = { .outcome = 9999 } },
      0,
      421 },
    { "refused with OK", { .kind = MSG_refused }, 0, 451 },
    { "a kind out of range",
      { .kind = MSG_facts_are, .facts_are = { .kind = 77 } },
      0,
      421 },
    { "not found",
      { .kind = MSG_refused, .refused = { .outcome = OUTCOME_NOT_FOUND } },
      0,
      550 },
    { "a size",
      { .kind = MSG_facts_are,
        .facts_are = { .kind = ENTRY_FILE, .size = UINT64_MAX } },
      0,
      213 },
};

Test(session_hostile, answers_of_files, .timeout = 120)
{
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct message p = answers[i].packet;

        fake_open();
        fake_say("SIZE /x");
        EXPECT(&fake.files, facts);
        p.request = heard.request + answers[i].shift;
        set_descriptor(&p, 0);
        cr_assert_eq(lie_send(&fake.files, p.kind, &p.request), 0);
        cr_assert_eq(fake_reply(), answers[i].code, "%s: %s", answers[i].what,
                     fake.reply);
        if (answers[i].code == 421) {
            cr_assert_eq(fake_end(), ENDING_PEER);
            continue;
        }
        fake_do("QUIT", 221);
        fake_hang_up(ENDING_QUIT);
    }
}

Test(session_hostile, a_denial_out_of_range, .timeout = 30)
{
    fake_start();
    fake_ask_login("eve");
    lie_send(&fake.master, MSG_denied,
             &(struct msg_denied){ .request = heard.request, .why = 99 });
    cr_assert_eq(fake_reply(), 421);
    cr_assert_eq(fake_end(), ENDING_PEER);
}

/* The session closes a data connection of another host without a byte, and logs
 * it. It still expects the client. */
Test(session_hostile, data_from_another_host, LOGGED_IN)
{
    fake_expect("EPSV", 229);
    for (int i = 0; i < 3; i++)
        fake_expect_closed(fake_come_from("127.0.0.2"));
    cr_assert(fake_event(EVENT_DATA_REFUSED, &logged));
    cr_expect(slice_starts(logged.text[FIELD_STRANGER], SLICE("127.0.0.2:")));
    fake_expect_text(&logged, FIELD_REASON, "not who is expected");
    close(fake_come());
    fake_do("NOOP", 200);
}

/* Strangers who had no line of their own are counted before the session's
 * end. */
Test(session_hostile, strangers_at_the_end, .timeout = 60)
{
    uint64_t strangers = 0;

    fake_open();
    fake_expect("EPSV", 229);
    for (int i = 0; i < 3; i++)
        fake_expect_closed(fake_come_from("127.0.0.2"));
    fake_hang_up(ENDING_CLOSED);
    while (fake_event(EVENT_DATA_REFUSED, &logged))
        strangers +=
            logged.number[FIELD_NUMBER] + (logged.text[FIELD_STRANGER].len > 0);
    cr_expect_eq(strangers, 3);
}

/* The line of the end says what was wrong. */
Test(session_hostile, why_a_protocol_error, .timeout = 60)
{
    static const char *const reasons[] = {
        "protocol error: 3 unknown commands",
        "protocol error: a line above 8192 bytes",
    };
    static char line[9001];

    memset(line, 'x', sizeof(line) - 1);
    for (size_t i = 0; i < 2; i++) {
        fake_start();
        fake_secure();
        fake_do("NOOP", 200);
        for (int times = 0; i == 0 && times < 2; times++)
            fake_do("XYZZ", 500);
        fake_do(i == 0 ? "XYZZ" : line, 500);
        fake_hang_up(ENDING_PROTOCOL);
        cr_expect_str_eq(fake_end_reason(), reasons[i]);
    }
}

/* Begins an upload, up to the 150, before the client has connected. */
static void begin_alone(void)
{
    FILE *partial = tmpfile();

    fake_say("STOR x");
    SERVE(&fake.files, file_write, file_writable, .file = fileno(partial));
    fake.files.phase = PHASE_WRITING;
    cr_assert_eq(fake_reply(), 150);
    fclose(partial);
}

/* If only another host has connected, the reply names this host. Strangers who
 * come again and again don't prolong the wait. */
Test(session_hostile, data_from_another_host_alone, LEAVES)
{
    int strangers = 0;

    fake_settings("connect_timeout", 1000);
    fake_open();
    fake_do("PBSZ 0", 200);
    fake_do("PROT P", 200);
    for (int first = 0; first < 2; first++) {
        fake_expect("EPSV", 229);
        if (first)
            close(fake_come_from("127.0.0.2"));
        begin_alone();
        if (!first)
            do
                close(fake_come_from("127.0.0.2"));
            while (++strangers < 40 && fake_is_quiet(fake.control, 200));
        fake_fail(425);
        cr_expect_not_null(
            strstr(fake.reply, "it came from 127.0.0.2, not from 127.0.0.1."),
            "%s", fake.reply);
    }
    cr_expect_lt(strangers, 40);
}

/* A stranger takes none of the time in which the client connects and makes its
 * handshake. */
Test(session_hostile, data_after_another_host, LOGGED_IN)
{
    fake_port();
    begin_alone();
    close(fake_come_from("127.0.0.2"));
    cr_assert(fake_is_quiet(fake.control, 2500));
    transfer.data = fake_come();
    cr_assert(fake_is_quiet(fake.control, 2500));
    fake_secure_data();
    fake_send("slow");
    fake_complete();
    tls_client_free(transfer.tls);
    close(transfer.data);
}

struct kind {
    const char *command;
    enum message_kind asked;
    struct message answer;
    const char *path; /* the file that is passed; NULL: none */
};

static const struct kind kinds[] = {
    { "RETR /x", MSG_file_read, { .kind = MSG_file_readable }, "/" },
    { "RETR /x", MSG_file_read, { .kind = MSG_file_readable }, "/dev/null" },
    { "STOR /x", MSG_file_write, { .kind = MSG_file_writable }, "/" },
    { "LIST", MSG_directory_list, { .kind = MSG_directory_pipe }, "/" },
    { "LIST", MSG_directory_list, { .kind = MSG_directory_pipe }, "/dev/null" },
    { "LIST", MSG_directory_list, { .kind = MSG_directory_listed }, NULL },
    { "STAT x", MSG_directory_list, { .kind = MSG_directory_listed }, NULL },
};

/* An attacker who controls files passes a directory or a device. The session
 * ends. */
Test(session_hostile, descriptors_of_the_wrong_kind, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct message answer = kinds[i].answer;
        int data, fd = -1;

        fake_open();
        data = fake_data();
        fake_say(kinds[i].command);
        if (kinds[i].path)
            fd = open(kinds[i].path, O_RDONLY);
        set_descriptor(&answer, fd);
        answer.request = cast_expect(&fake.files, kinds[i].asked)->request;
        cast_say(&fake.files, answer.kind, &answer.request);
        close(fd);
        cr_assert_eq(fake_reply(), 421, "row %zu: %s", i, fake.reply);
        close(data);
        cr_assert_eq(fake_end(), ENDING_PEER);
        cr_assert_str_eq(fake_end_reason(),
                         kinds[i].path
                             ? UNASKED "files: a descriptor of the wrong kind"
                             : UNASKED "files: a listing without a pipe");
    }
}

/* Another process shortens the file while it is being sent. The client sees a
 * cut and a 451, never zeros that look like a file. */
Test(session_hostile, a_file_cut_short_under_a_download, .timeout = 60)
{
    static char block[65536];
    FILE *source = tmpfile();
    size_t zeros = 0;
    long n;

    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 512; i++)
        cr_assert_eq(fd_write_all(fileno(source), block, sizeof(block)), 0);
    fake_open();
    fake_download_of(source, 512 * sizeof(block));
    cr_assert_gt(tls_client_read(transfer.tls, block, sizeof(block)), 0);
    cr_assert_eq(ftruncate(fileno(source), 4096), 0);
    while ((n = tls_client_read(transfer.tls, block, sizeof(block))) > 0)
        for (long i = 0; i < n; i++)
            zeros += block[i] != 'x';
    cr_assert_eq(n, TLS_CLIENT_CUT);
    cr_assert_eq(zeros, 0);
    cr_assert_eq(fake_reply(), 451);
    fake_release();
    fake_do("QUIT", 221);
    fake_hang_up(ENDING_QUIT);
}

static void cut_in_the_last_page(const char *mode, uint64_t size)
{
    fake_open();
    fake_do(mode, 200);
    transfer.data = fake_data();
    fake_begin_download(size);
    cr_assert_eq(ftruncate(fileno(transfer.file), (off_t)size - 1), 0);
    fake_secure_data();
    cr_expect_eq(fake_drain(NULL), TLS_CLIENT_CUT, "%s, %zu bytes", mode,
                 (size_t)size);
    cr_expect_eq(fake_reply(), 451, "%s, %zu bytes: %s", mode, (size_t)size,
                 fake.reply);
    cr_expect(strstr(fake.reply, "the file was cut short"), "%s", fake.reply);
    fake_part();
}

Test(session_hostile, a_file_cut_in_its_last_page, .timeout = 120)
{
    static const uint64_t sizes[] = { 100,         4096,   5000,   64 << 10,
                                      (256 << 10), 300000, 1 << 20 };

    fake_settings("mode_z", 1);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        cut_in_the_last_page("MODE S", sizes[i]);
    cut_in_the_last_page("MODE Z", 5000);
    cut_in_the_last_page("MODE Z", 8 << 20);
}

/* Only the connection's first byte can show another protocol. The first byte
 * after telnet's signals can't, however late it comes. */
Test(session_hostile, telnet_is_the_first_byte, .init = fake_start, LEAVES)
{
    int waiting;

    cr_assert_eq(fake_reply(), 220);
    cr_assert_eq(write(fake.control, "\xff\xf4\xff\xf2", 4), 4);
    do {
        poll(NULL, 0, 1);
        cr_assert_eq(ioctl(fake.control, SIOCOUTQ, &waiting), 0);
    } while (waiting > 0);
    cr_assert_eq(write(fake.control, "\n", 1), 1);
    cr_assert_eq(fake_reply(), 500); /* a bare LF */
    fake_say("is the rest of that line");
    fake_do("NOOP", 200);
}

/* Answers that name a login which this session didn't begin. */
static const struct message others[] = {
    { .kind = MSG_granted, .granted = { .name = SLICE("eve") } },
    { .kind = MSG_denied },
    { .kind = MSG_login_channel },
};

Test(session_hostile, answers_of_another_login, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct message m = others[i];

        fake_start();
        fake_ask_login("anna");
        m.request = heard.request + 1;
        set_descriptor(&m, 0);
        cast_say(&fake.master, m.kind, &m.request);
        cr_expect_eq(fake_reply(), 421, "%s", fake.reply);
        cr_expect_eq(fake_end(), ENDING_PEER);
        cr_expect_str_eq(fake_end_reason(),
                         UNASKED "master: an answer without a request");
    }
}
