/* Tries which data connections may transfer: each mode of data_binding with
 * each ticket that a client can show, in both versions of TLS, against a real
 * server. Also moves the clock. */
#include "clock.h"
#include "support/files.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"

#define BYTES "whose is it?"
#define CASES 7

enum mode { MODE_USER, MODE_SESSION, MODE_ADDRESS, MODES };

/* Each row of the table has its own user, and so its own lines in the log. */
static const char *const mode_words[MODES] = { "user", "session", "address" };

enum what {
    SHOW_OWN,
    SHOW_LIVE,
    SHOW_ENDED,
    SHOW_OTHER_USER,
    SHOW_OTHER_ADDRESS,
    SHOW_NOTHING,
    SHOW_PLAIN
};

/* The expected result of a transfer. */
enum fate {
    DONE,
    NOT_RESUMED, /* 425: a client that can't resume needs another mode */
    NOT_THIS,    /* 425: this user's ticket of another control connection */
    FOREIGN,     /* 425: a ticket of another user or address */
    NO_TLS       /* 425 */
};

static const char *const fates[] = {
    [DONE] = "226 {*}",
    [NOT_RESUMED] = "425 {*}not resumed; {*}sallyportctl user change {*} "
                    "--data-binding address",
    [NOT_THIS] = "425 {*}not resumed here; {*}sallyportctl user change {*} "
                 "--data-binding user",
    [FOREIGN] = "425 {*}not resumed: another user's ticket{*}",
    [NO_TLS] = "425 TLS failed on the data connection{*}",
};

static const struct {
    const char *name;
    enum what show;
    enum fate tls12[MODES], tls13[MODES]; /* for user, session, address */
} cases[CASES] = {
    { "own", SHOW_OWN, { DONE, DONE, DONE }, { DONE, DONE, DONE } },
    { "live",
      SHOW_LIVE,
      { NOT_RESUMED, NOT_RESUMED, DONE },
      { DONE, NOT_THIS, DONE } },
    { "ended",
      SHOW_ENDED,
      { NOT_RESUMED, NOT_RESUMED, DONE },
      { DONE, NOT_THIS, DONE } },
    /* In TLS 1.2 only the session that issued a ticket can read it; for another
     * session the ticket counts as none. */
    { "other-user",
      SHOW_OTHER_USER,
      { NOT_RESUMED, NOT_RESUMED, DONE },
      { FOREIGN, FOREIGN, FOREIGN } },
    { "other-address",
      SHOW_OTHER_ADDRESS,
      { NOT_RESUMED, NOT_RESUMED, DONE },
      { FOREIGN, FOREIGN, FOREIGN } },
    { "nothing",
      SHOW_NOTHING,
      { NOT_RESUMED, NOT_RESUMED, DONE },
      { NOT_RESUMED, NOT_RESUMED, DONE } },
    { "plain",
      SHOW_PLAIN,
      { NO_TLS, NO_TLS, NO_TLS },
      { NO_TLS, NO_TLS, NO_TLS } },
};

struct row {
    char user[33];
    size_t which; /* index of the case */
    enum mode mode;
    int version;
};
#define ROWS (CASES * MODES * 2)

static struct row rows[ROWS];

static void fill_rows(void)
{
    size_t n = 0;

    for (size_t c = 0; c < CASES; c++)
        for (int m = 0; m < MODES; m++)
            for (int v = 2; v <= 3; v++) {
                struct row *r = &rows[n++];

                *r = (struct row){ .which = c,
                                   .mode = (enum mode)m,
                                   .version = v == 2 ? SESSION_TLS_12
                                                     : SESSION_TLS_13 };
                snprintf(r->user, sizeof(r->user), "%s-%s-1%d", cases[c].name,
                         mode_words[m], v);
            }
}

/* The first mode is the server's setting; the other users have their own. */
ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    static const char *const keys[] = { NULL, "data_binding=session",
                                        "data_binding=address" };
    static struct server_user users[ROWS + 1] = { { .name = "stranger" } };
    const struct server_plan plan = { .users = users,
                                      .user_count = ROWS + 1,
                                      .settings = "startups = 200\n"
                                                  "max_per_address = 200\n" };

    (void)set;
    fill_rows();
    for (size_t i = 0; i < ROWS; i++)
        users[i + 1] = (struct server_user){ .name = rows[i].user,
                                             .keys = keys[rows[i].mode] };
    server_share(&plan);
}

static void begin(struct session *s, const struct server *server,
                  const char *user, const char *from, int version)
{
    session_init(s);
    s->version = version;
    snprintf(s->from, sizeof(s->from), "%s", from);
    session_open(s, server, user);
}

/* Gets a ticket for USER at FROM in a session of its own. */
static struct tls_session *earn(const struct server *server, const char *user,
                                const char *from, int version,
                                struct session *s)
{
    struct tls_session *ticket;

    begin(s, server, user, from, version);
    ticket = tls_client_session(s->tls);
    cr_assert(ticket, "no ticket");
    return ticket;
}

/* Returns the ticket to show, or NULL. OTHER is the session that has got the
 * ticket. */
static struct tls_session *prepare(const struct server *server,
                                   const struct row *row, struct session *other)
{
    switch (cases[row->which].show) {
    case SHOW_OTHER_USER:
        return earn(server, "stranger", "127.0.0.1", row->version, other);
    case SHOW_OTHER_ADDRESS:
        return earn(server, row->user, "127.0.0.2", row->version, other);
    case SHOW_LIVE:
    case SHOW_ENDED:
        return earn(server, row->user, "127.0.0.1", row->version, other);
    default:
        return NULL;
    }
}

/* Sends the command, and opens the data connection. Makes a TLS handshake on it
 * or, if PLAIN, sends BYTES. */
static void connect_data(struct session *s, struct data *d, bool plain,
                         const char *command)
{
    data_connect(s, d);
    session_send(s, "%s", command);
    session_expect(s, "150 {*}");
    if (!plain)
        data_secure(s, d);
    else
        cr_assert_eq(write(d->fd, BYTES, strlen(BYTES)),
                     (ssize_t)strlen(BYTES));
}

/* A refused client must get a close_notify, and no byte. */
static void expect_nothing(struct data *d)
{
    char byte;

    if (d->tls)
        cr_expect_eq(tls_client_read(d->tls, &byte, 1), TLS_CLIENT_END);
    data_cut(d, false);
}

static void store(struct session *s, const struct server *server,
                  const struct row *row, enum fate fate)
{
    const char *file = server_home_file(server, row->user, "new");
    struct data d;

    connect_data(s, &d, fate == NO_TLS, "STOR new");
    if (fate == DONE) {
        data_write(&d, BYTES, strlen(BYTES));
        data_close(&d);
    } else {
        expect_nothing(&d);
    }
    session_expect(s, fates[fate]);
    cr_expect_eq(files_exists(file), fate == DONE, "%s", row->user);
    if (fate != DONE) /* a refused upload leaves no partial */
        session_do(s, "550 {*}", "SIZE new");
}

static void fetch(struct session *s, const char *command, size_t least,
                  enum fate fate)
{
    struct buf got;
    struct data d;

    buf_init(&got, 1 << 20);
    connect_data(s, &d, fate == NO_TLS, command);
    if (fate == DONE) {
        data_read_all(&d, &got);
        cr_expect_geq(got.len, least, "%s", command);
        data_close(&d);
    } else {
        expect_nothing(&d);
    }
    session_expect(s, fates[fate]);
    buf_release(&got);
}

/* Expects one event for each transfer, with the cause. */
static void expect_events(const struct server *server, const struct row *row,
                          enum fate fate)
{
    char user[64];

    snprintf(user, sizeof(user), " user=%s ", row->user);
    server_log_wait(server, " login ", user, mode_words[row->mode], NULL);
    server_log_wait(
        server, " transfer ", user, " verb=STOR ",
        fate == DONE ? " result=226 " : " result=425 reason=", NULL);
    server_log_wait(
        server, " transfer ", user, " verb=RETR ",
        fate == DONE ? " result=226 " : " result=425 reason=", NULL);
}

ParameterizedTestParameters(binding, matrix)
{
    fill_rows();
    return cr_make_param_array(struct row, rows, ROWS);
}

ParameterizedTest(struct row *row, binding, matrix, .timeout = 60)
{
    const enum fate *wanted = row->version == SESSION_TLS_12
                                  ? cases[row->which].tls12
                                  : cases[row->which].tls13;
    enum fate fate = wanted[row->mode];
    enum what show = cases[row->which].show;
    struct tls_session *ticket;
    struct session s, other;
    struct server server;

    server_shared(&server);
    server_put(&server, row->user, "old", BYTES, strlen(BYTES));
    session_init(&other);
    ticket = prepare(&server, row, &other);
    if (show == SHOW_ENDED)
        session_close(&other);
    begin(&s, &server, row->user, "127.0.0.1", row->version);
    s.anew = show == SHOW_NOTHING;
    s.show = ticket;
    store(&s, &server, row, fate);
    fetch(&s, "RETR old", strlen(BYTES), fate);
    fetch(&s, "LIST", 4, fate);
    expect_events(&server, row, fate);
    session_close(&s);
    if (show != SHOW_ENDED)
        session_drop(&other);
    tls_session_free(ticket);
}

/* After three hours a TLS 1.2 session works as before. The old tickets of TLS
 * 1.3 have expired, and the newest one works. */
Test(binding, the_clock_is_moved, .timeout = 60)
{
    static const int versions[] = { SESSION_TLS_12, SESSION_TLS_13 };
    char name[64];
    volatile time_t *ahead = clock_take(name, sizeof(name));
    struct server server;

    setenv("SALLYPORT_TEST_CLOCK", name, 1);
    setenv("LD_PRELOAD", server_build(CLOCK_PRELOAD), 1);
    server_start(&server, PLAN(0));
    unsetenv("LD_PRELOAD");
    for (size_t i = 0; i < 2; i++) {
        struct tls_session *old;
        struct session s;
        struct data d;

        *ahead = 0;
        begin(&s, &server, "anna", "127.0.0.1", versions[i]);
        session_store(&s, "STOR", "now", BYTES, strlen(BYTES));
        old = tls_client_session(s.tls);
        *ahead = 3 * 3600;
        session_store(&s, "STOR", "later", BYTES, strlen(BYTES));
        s.show = old;
        connect_data(&s, &d, false, "LIST");
        cr_expect_eq(tls_client_resumed(d.tls), i == 0, "TLS 1.%zu", i + 2);
        data_cut(&d, false);
        session_reply(&s);
        s.show = NULL;
        session_store(&s, "STOR", "later", BYTES, strlen(BYTES));
        session_close(&s);
        tls_session_free(old);
    }
    server_stop(&server);
    unlink(name);
}

/* After a harmless change of the user's row an older ticket still counts; after
 * a change of the rights it doesn't. */
ServerTest(binding, tickets_of_the_row_before, 60, PLAN(0))
{
    static const struct {
        const char *from, *to, *edition;
        enum fate fate;
    } changes[] = {
        { "::", ":Anna, accounts:", "users file read: edition 2", DONE },
        { "/anna::", "/anna::rights=lrwo", "users file read: edition 3",
          FOREIGN },
    };
    struct session s;
    struct tls_session *ticket =
        earn(server, "anna", "127.0.0.1", SESSION_TLS_13, &s);

    session_close(&s);
    for (size_t i = 0; i < 2; i++) {
        struct data d;

        files_change(server_path(server, "users"), changes[i].from,
                     changes[i].to, false);
        server_log_wait(server, changes[i].edition, NULL);
        begin(&s, server, "anna", "127.0.0.1", SESSION_TLS_13);
        s.show = ticket;
        connect_data(&s, &d, false, "STOR f");
        data_close(&d);
        session_expect(&s, fates[changes[i].fate]);
        s.show = NULL;
        session_store(&s, "STOR", "f", "x", 1);
        session_close(&s);
    }
    tls_session_free(ticket);
}
