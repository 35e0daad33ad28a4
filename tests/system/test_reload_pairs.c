/* A reload must end no session. The test makes pairs of valid configurations,
 * with random values of each setting that a reload may change, and reloads from
 * the first to the second while sessions are in each state. A session keeps the
 * settings that it began with, its transfer ends as without a reload, and the
 * newest master lists it. The number of a pair determines it:
 * SALLYPORT_LONG=1 SALLYPORT_PAIR=N plays only the pair N. */
#include "ctl.h"
#include "generation.h"
#include "sallyport/conf/conf.h"
#include "support/fail.h"
#include "support/files.h"
#include "support/long.h"
#include "support/pki.h"
#include "support/served.h"
#include "support/test.h"

#define VALUES_MAX 4
#define LARGE      ((size_t)4 << 20)
#define PAIRS      80U

/* The first configuration gets one of the first FEW values, so that the
 * sessions can begin; the second configuration gets any value. "./" is the
 * server's directory. */
static const struct setting_values {
    const char *key;
    unsigned few;
    const char *value[VALUES_MAX];
    bool root; /* only root can change it */
} rows[] = {
    { "listen",
      2,
      { "127.0.0.1:0, 127.0.0.1:0 proxy",
        "127.0.0.1:0, 127.0.0.1:0, 127.0.0.1:0 proxy" },
      false },
    { "certificate", 2, { "./first.pem", "./second.pem" }, false },
    { "key", 2, { "./first.key", "./second.key" }, false },
    { "certificate.other", 2, { "./other.pem", "./third.pem" }, false },
    { "key.other", 2, { "./other.key", "./third.key" }, false },
    { "client_ca", 2, { "./certificate.pem", "./ca.pem" }, false },
    { "client_certificates", 2, { "off", "request", "require" }, false },
    { "proxies", 2, { "127.0.0.5", "10.0.0.0/8", "127.0.0.1" }, false },
    { "shares", 2, { "./shares", "./shares.second" }, false },
    { "empty", 2, { "./empty", "./empty.second" }, false },
    { "state", 2, { "./state", "./state.second" }, false },
    { "log_format", 2, { "text", "json" }, false },
    { "control_group", 2, { "", "70500" }, false },
    { "ports", 3, { "auto", "21000-21399", "22000-22399" }, false },
    { "address", 2, { "", "192.0.2.7" }, false },
    { "data_binding", 3, { "user", "session", "address" }, false },
    { "ticket_lifetime", 2, { "10min", "24h" }, false },
    { "tls_min", 2, { "1.2", "1.3" }, false },
    { "tls_suites", 2, { "all", "aes256" }, false },
    { "max_sessions", 2, { "20", "500", "1", "1000" }, false },
    { "max_per_address", 2, { "20", "64", "1", "1000" }, false },
    { "max_per_user", 3, { "1", "4", "64" }, false },
    { "startups", 2, { "20", "100", "1" }, false },
    { "max_fruitless", 2, { "1000", "120", "1" }, false },
    { "crash_ban", 2, { "600s", "1min" }, false },
    { "ban_after", 2, { "100", "10" }, false },
    { "ban_time", 2, { "1h", "1min" }, false },
    { "no_ban", 2, { "127.0.0.0/8, ::1", "127.0.0.0/8", "" }, false },
    { "login_timeout", 2, { "60s", "120s", "1s" }, false },
    { "drain_timeout", 2, { "24h", "1h", "100ms" }, false },
    { "idle_timeout", 2, { "300s", "120s", "1s" }, false },
    { "connect_timeout", 2, { "30s", "60s", "1s" }, false },
    { "stall_timeout", 2, { "120s", "60s", "1s" }, false },
    { "hash_timeout", 2, { "600s", "60s" }, false },
    { "login_delay", 2, { "0", "100ms" }, false },
    { "guess_delay", 2, { "0", "1s" }, false },
    { "login_tries", 2, { "3", "1" }, false },
    { "totp_time", 2, { "12h", "1h" }, false },
    { "password_change", 2, { "no", "yes" }, false },
    { "hash_cost", 2, { "5", "6" }, false },
    { "max_file_size", 2, { "0", "1G", "1" }, false },
    { "bandwidth_up", 2, { "0", "100M", "1M" }, false },
    { "bandwidth_down", 2, { "0", "100M", "4M" }, false },
    { "copy_max", 2, { "1G", "1M" }, false },
    { "min_free", 2, { "0", "1", "8388607T" }, false },
    { "ascii", 2, { "no", "yes" }, false },
    { "mode_z", 2, { "no", "yes" }, false },
    { "partial_days", 2, { "7", "1" }, false },
    { "file_mode", 2, { "0600", "0640" }, false },
    { "dir_mode", 2, { "0700", "0750" }, false },
    { "resume", 2, { "yes", "no" }, false },
    { "on_conflict", 3, { "overwrite", "rename", "reject" }, false },
    { "upload_eof", 3, { "strict", "lenient", "size" }, false },
    { "fsync", 2, { "yes", "no" }, false },
    { "sha256", 2, { "no", "yes" }, false },
    { "accounts", 2, { "69990", "69890" }, true },
    { "uid_first", 2, { "70000", "69999" }, true },
    { "uid_last", 2, { "79999", "75000" }, true },
    { "gid_first", 2, { "80000", "80100" }, true },
    { "gid_last", 2, { "89999", "85000" }, true },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* Settings that end sessions on purpose, or that have files or names of their
 * own. Other tests change these settings. */
static const char others[] =
    " control users partials_key client_crl homes address. allow_weaker ";

/* The key of a setting with a label ends with a dot. */
static bool is_row_of(const struct setting_values *row, const char *key)
{
    size_t len = strlen(key);

    return key[len - 1] == '.' ? strncmp(row->key, key, len) == 0
                               : strcmp(row->key, key) == 0;
}

Test(reload_rows, none_is_forgotten)
{
    for (size_t i = 0; i < setting_count; i++) {
        char word[64];
        bool found = false;

        for (size_t j = 0; j < ROWS; j++)
            found |= is_row_of(&rows[j], setting_table[i].key);
        snprintf(word, sizeof(word), " %s ", setting_table[i].key);
        cr_expect_neq(found, strstr(others, word) != NULL,
                      "%s: needs a row in test_reload_pairs.c, or else its key "
                      "in others there",
                      setting_table[i].key);
    }
}

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static unsigned count_values(const struct setting_values *row)
{
    unsigned n = 0;

    while (n < VALUES_MAX && row->value[n])
        n++;
    return n;
}

static void set(const struct server *server, const char *key, const char *value)
{
    if (strncmp(value, "./", 2) == 0) {
        const char *path = server_path(server, value + 2);
        value = path;
    }
    server_set(server, key, value);
}

/* Sets random values; a certificate gets its own key. */
static void configure(const struct server *server, uint32_t *state, bool second)
{
    unsigned pair = next_random(state) % 2, other = next_random(state) % 2;

    for (size_t i = 0; i < ROWS; i++) {
        const struct setting_values *row = &rows[i];
        unsigned n = second ? count_values(row) : row->few;
        unsigned which = next_random(state) % n;

        if (strcmp(row->key, "certificate") == 0 ||
            strcmp(row->key, "key") == 0)
            which = pair;
        if (strcmp(row->key, "certificate.other") == 0 ||
            strcmp(row->key, "key.other") == 0)
            which = other;
        if (!row->root || geteuid() == 0)
            set(server, row->key, row->value[which]);
    }
}

static void make_certificates(const struct server *server)
{
    static const char *const names[][2] = { { "first", "DNS:localhost" },
                                            { "second", "DNS:localhost" },
                                            { "other", "DNS:other.example" },
                                            { "third", "DNS:third.example" } };
    struct pki *ca = pki_new(server->folder, "ca");

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        pki_issue(ca, &(struct pki_leaf){ .name = names[i][0],
                                          .names = names[i][1],
                                          .server = true });
    pki_free(ca);
}

/* The states of sessions at a reload; each state has a user. SENT: all bytes of
 * the upload are on their way. ANNOUNCED: after the 150, without a data
 * connection. WAITING: after EPSV. RESTING: after the session left a port
 * unused. */
enum state {
    IDLE,
    GREETED,
    NAMED,
    UPLOAD,
    SENT,
    DOWNLOAD,
    LIST,
    ANNOUNCED,
    WAITING,
    RESTING,
    STATES
};

static const struct server_user users[STATES] = {
    { .name = "idle" },    { .name = "greeted" },   { .name = "named" },
    { .name = "upload" },  { .name = "sent" },      { .name = "download" },
    { .name = "list" },    { .name = "announced" }, { .name = "waiting" },
    { .name = "resting" },
};

struct crowd {
    const struct server *server;
    struct session session[STATES];
    struct data data[STATES];
};

static void fill_homes(const struct server *server)
{
    static char large[LARGE];
    char name[32];

    server_put(server, "download", "large", large, LARGE);
    for (unsigned i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "file-%u", i);
        files_write(server_home_file(server, "list", name), "", 0, 0600);
    }
}

static void greet(struct crowd *c, enum state which)
{
    struct session *s = &c->session[which];

    session_arrive(s, c->server);
}

static void crowd_enter(struct crowd *c)
{
    struct session *resting = &c->session[RESTING];

    greet(c, GREETED);
    greet(c, NAMED);
    session_do(&c->session[NAMED], "331 {*}", "USER named");
    for (enum state i = 0; i < STATES; i++)
        if (i != GREETED && i != NAMED) {
            session_init(&c->session[i]);
            session_open(&c->session[i], c->server, users[i].name);
        }
    data_open(&c->session[UPLOAD], &c->data[UPLOAD], "STOR f");
    data_write(&c->data[UPLOAD], "some ", 5);
    data_open(&c->session[DOWNLOAD], &c->data[DOWNLOAD], "RETR large");
    data_open(&c->session[LIST], &c->data[LIST], "MLSD");
    data_open(&c->session[SENT], &c->data[SENT], "STOR f");
    data_write(&c->data[SENT], "some and more", 13);
    data_close(&c->data[SENT]);
    session_do(&c->session[WAITING], "229 {*}(|||{port}|){*}", "EPSV");
    session_do(&c->session[ANNOUNCED], "229 {*}(|||{port}|){*}", "EPSV");
    session_do(&c->session[ANNOUNCED], "150 {*}", "STOR f");
    session_do(resting, "229 {*}(|||{port}|){*}", "EPSV");
    session_do(resting, "225 {*}", "ABOR");
}

static void expect_bytes(struct crowd *c, enum state which, size_t least)
{
    struct buf got;

    buf_init(&got, 2 * LARGE);
    data_read_all(&c->data[which], &got);
    data_close(&c->data[which]);
    cr_expect_geq(got.len, least, "%s: %zu bytes", users[which].name, got.len);
    buf_release(&got);
    session_expect(&c->session[which], "226 {*}");
}

static void expect_stored(struct crowd *c, enum state which)
{
    struct buf got;

    session_expect(&c->session[which], "226 {*}");
    buf_init(&got, 1 << 10);
    cr_expect(
        files_read(server_home_file(c->server, users[which].name, "f"), &got));
    cr_expect_eq(got.len, 13, "%s: %zu bytes", users[which].name, got.len);
    buf_release(&got);
}

/* Uploads after the client's EPSV. Sends STOR, unless the state is
 * ANNOUNCED. */
static void finish_upload(struct crowd *c, enum state which)
{
    struct session *s = &c->session[which];

    data_connect_to(s, &c->data[which], s->port);
    if (which != ANNOUNCED)
        session_do(s, "150 {*}", "STOR f");
    data_secure(s, &c->data[which]);
    data_write(&c->data[which], "some and more", 13);
    data_close(&c->data[which]);
    expect_stored(c, which);
}

/* Finishes one transfer at a time, since the sessions' own configuration can
 * permit no more. */
static void crowd_finish(struct crowd *c)
{
    data_write(&c->data[UPLOAD], "and more", 8);
    data_close(&c->data[UPLOAD]);
    expect_stored(c, UPLOAD);
    expect_stored(c, SENT);
    expect_bytes(c, DOWNLOAD, LARGE);
    expect_bytes(c, LIST, 500 * strlen("type=file; file-0"));
    finish_upload(c, ANNOUNCED);
    finish_upload(c, WAITING);
    session_do(&c->session[RESTING], "229 {*}(|||{port}|){*}", "EPSV");
    finish_upload(c, RESTING);
}

static void crowd_log_in(struct crowd *c)
{
    struct session *s = &c->session[NAMED];

    session_do(s, "230 {*}", "PASS " SERVER_PASSWORD);
    s = &c->session[GREETED];
    session_do(s, "331 {*}", "USER greeted");
    session_do(s, "230 {*}", "PASS " SERVER_PASSWORD);
}

static void crowd_expect_listed(struct crowd *c, bool all)
{
    char name[32];

    for (enum state i = 0; i < STATES; i++) {
        snprintf(name, sizeof(name), " %s ", users[i].name);
        if (all || (i != GREETED && i != NAMED))
            ctl(c->server, 0, "who", name);
    }
}

static void crowd_lock(struct crowd *c)
{
    char words[64];

    for (enum state i = 0; i < STATES; i++) {
        snprintf(words, sizeof(words), "user lock %s", users[i].name);
        ctl(c->server, 0, words, "");
        session_expect(&c->session[i], "530 Your account was locked.");
        session_drop(&c->session[i]);
        snprintf(words, sizeof(words), "user unlock %s", users[i].name);
        ctl(c->server, 0, words, "");
    }
}

static void play(const struct server *server, unsigned number)
{
    uint32_t state = 2654435761U * (number + 1);
    struct crowd c = { .server = server };

    fail_context("pair %u: ", number);
    configure(server, &state, false);
    ctl(server, 0, "reload", "");
    crowd_enter(&c);
    configure(server, &state, true);
    ctl(server, 0, "reload", "");
    crowd_expect_listed(&c, false);
    session_do(&c.session[IDLE], "200 {*}", "NOOP");
    crowd_finish(&c);
    crowd_log_in(&c);
    crowd_expect_listed(&c, true);
    for (enum state i = 0; i < STATES; i++)
        session_do(&c.session[i], "200 {*}", "NOOP");
    crowd_lock(&c);
    for (enum state i = 0; i < STATES; i++)
        unlink(server_home_file(server, users[i].name, "f"));
    generation_wait_at_most(server, 1);
}

TestSuite(reload_pairs, IN_LONG_RUN);

ServerTest(reload_pairs, no_session_ends, 7000,
           PLAN(.listen = "127.0.0.1:0", .users = users, .user_count = STATES))
{
    const char *one = getenv("SALLYPORT_PAIR");

    make_certificates(server);
    fill_homes(server);
    for (unsigned i = 0; i < PAIRS && !one; i++)
        play(server, i);
    if (one)
        play(server, (unsigned)strtoul(one, NULL, 10));
}
