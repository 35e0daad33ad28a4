/* SITE PSWD, and a user who must change the password first. */
#include "fake.h"
#include "sallyport/ftp/command.h"
#include "support/cast.h"

/* Sends LINE: master gets no password, and auth gets OLD and WANTED. Returns
 * the number of the request to master. */
static uint32_t ask(const char *line, const char *old, const char *wanted)
{
    uint32_t request;

    fake_say(line);
    request = EXPECT(&fake.master, login)->request;
    fake_hear_credentials(old, wanted);
    return request;
}

/* A password of 511 bytes and a code arrive whole. A longer text is cut, but
 * stays wrong, and counts as a failed login. */
Test(password, a_long_one_and_a_code_arrive_whole, .timeout = 60)
{
    char line[5 + SECRET_MAX + 2] = "PASS ", whole[SECRET_MAX + 1] = "";

    memset(line + 5, 'x', SECRET_MAX - 1);
    memset(whole, 'x', SECRET_MAX - 1);
    fake_start();
    fake_secure();
    for (int i = 0; i < 3; i++) {
        fake_do("USER anna", 331);
        SAY(&fake.master, denied, ask(line, whole, ""), .why = DENIAL_WRONG);
        cr_assert_eq(fake_reply(), 530);
        line[5 + SECRET_MAX - 1] = line[5 + SECRET_MAX] = 'x';
        whole[SECRET_MAX - 1] = 'x';
    }
    cr_assert_eq(fake_reply(), 421);
    cr_assert_eq(fake_reply(), 0);
    fake_hang_up(ENDING_LOGIN_TRIES);
}

static void tell(uint32_t request, enum password_fault fault)
{
    SAY(&fake.master, password_is, request, .fault = fault,
        .version = fault == PASSWORD_OK || fault == PASSWORD_UNSYNCED);
}

static const struct {
    enum password_fault fault;
    int code;
    const char *words;
} answers[] = {
    { PASSWORD_OK, 200, "is changed" },
    { PASSWORD_SHORT, 550, "too short" },
    { PASSWORD_LONG, 550, "longer than 511" },
    { PASSWORD_BYTES, 550, "NUL" },
    { PASSWORD_SAME, 550, "the old one" },
    { PASSWORD_WRONG, 550, "the old one is wrong" },
    { PASSWORD_FIXED, 550, "administrator" },
    { PASSWORD_NONE, 550, "certificate" },
    { PASSWORD_BUSY, 450, "try again" },
    { PASSWORD_RELOADED, 450, "log in again" },
    { PASSWORD_UNWRITTEN, 550, "can't write it" },
    { PASSWORD_UNSYNCED, 451, "power cut" },
    { PASSWORD_LATE, 451, "try both" },
};

/* Each answer has its reply, which names the cause, and the session
 * continues. */
Test(password, replies, LEAVES)
{
    cr_assert_eq(sizeof(answers) / sizeof(answers[0]), PASSWORD_FAULTS);
    fake_open();
    for (size_t i = 0; i < PASSWORD_FAULTS; i++) {
        uint32_t request =
            ask("SITE PSWD secret \"a new one\"", "secret", "a new one");

        tell(request, answers[i].fault);
        fake_replies(answers[i].code, answers[i].words);
        fake_do("PWD", 257);
    }
}

/* Uploads by a data connection that resumes SHOWN. */
static void upload_by(const struct tls_session *shown, int code)
{
    const struct tls_client_options options = { .show = shown };

    fake_begin_upload();
    transfer.tls = tls_client_new(transfer.data, &options);
    cr_assert_not_null(transfer.tls, "%s", tls_client_error());
    if (code == 226) {
        fake_send("hello");
        fake_complete();
    } else {
        cr_expect_eq(fake_reply(), code, "%s", fake.reply);
        fake_given_up();
    }
    fake_release();
}

/* With the new password tickets from before are of a changed account. The reply
 * brings others. */
Test(password, tickets_from_before, .timeout = 60)
{
    for (size_t i = 0; i < PASSWORD_FAULTS; i++) {
        const bool changed = answers[i].fault == PASSWORD_OK ||
                             answers[i].fault == PASSWORD_UNSYNCED;
        struct tls_session *before, *after;

        fake_open();
        before = tls_client_session(fake.tls);
        tell(ask("SITE PSWD secret \"a new one\"", "secret", "a new one"),
             answers[i].fault);
        fake_replies(answers[i].code, "");
        after = tls_client_session(fake.tls);
        upload_by(after, 226);
        upload_by(before, changed ? 425 : 226);
        tls_session_free(before);
        tls_session_free(after);
        fake_hang_up(ENDING_CLOSED);
    }
}

/* Lines that come before master's answer are served after it. */
Test(password, lines_wait, LOGGED_IN)
{
    uint32_t request;

    request = ask("SITE PSWD a b\r\nNOOP", "a", "b");
    tell(request, PASSWORD_OK);
    fake_replies(200, "changed");
    cr_expect_eq(fake_reply(), 200);
}

Test(password, bad_arguments, LOGGED_IN)
{
    static const char *const lines[] = {
        "SITE PSWD",
        "SITE PSWD old",
        "SITE PSWD old new third",
        "SITE PSWD \"old new",
        "SITE PSWD \"a\"b new",
        "SITE PSWD  old new",
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        fake_do(lines[i], 501);
}

/* Lines that are answered even if the user must change the password: commands
 * that need no login, and lines that clients send before a transfer. */
static const struct {
    const char *line;
    int code;
} answered[] = {
    { "NOOP", 200 },
    { "FEAT", 211 },
    { "HELP", 214 },
    { "SITE HELP", 214 },
    { "SYST", 215 },
    { "AUTH TLS", 503 },
    { "HOST x", 503 },
    { "USER anna", 503 },
    { "PASS secret", 503 },
    { "CLNT x", 200 },
    { "CSID", 200 },
    { "OPTS UTF8 ON", 200 },
    { "PBSZ 0", 200 },
    { "PROT P", 200 },
    { "PWD", 257 },
    { "XPWD", 257 },
    { "TYPE I", 200 },
    { "STRU F", 200 },
    { "MODE S", 200 },
    { "PRET RETR x", 200 },
    { "REST 5", 350 },
    { "RANG 1 2", 350 },
    { "ABOR", 225 },
    { "PORT 127,0,0,1,200,1", 502 },
    { "EPRT |1|127.0.0.1|40000|", 502 },
};

/* One line can't test these commands. */
static const char *const played[] = { "EPSV", "PASV", "QUIT", "SITE" };

static bool is_answered(const char *name)
{
    for (size_t i = 0; i < sizeof(played) / sizeof(played[0]); i++)
        if (strcmp(played[i], name) == 0)
            return true;
    for (size_t i = 0; i < sizeof(answered) / sizeof(answered[0]); i++)
        if (slice_starts(slice_from(answered[i].line), slice_from(name)) &&
            strchr(" ", answered[i].line[strlen(name)]))
            return true;
    return false;
}

static void refuse(const char *line)
{
    fake_do(line, 550);
    cr_expect_str_eq(fake.reply,
                     "550 Change the password first: SITE PSWD old new\r\n",
                     "%s", line);
}

/* Expects that every other command of the table, and every other SITE, is
 * refused. Skips rows with COMMAND_REFUSED, which are refused to all users. */
static void refuse_others(void)
{
    char line[64];

    for (size_t i = 0; i < command_count; i++) {
        const struct command *c = &command_table[i];

        if (is_answered(c->name) || c->flags & COMMAND_REFUSED)
            continue;
        snprintf(line, sizeof(line), "%s%s", c->name,
                 c->argument == ARGUMENT_NONE ? "" : " 20200101000000 x");
        refuse(line);
    }
    for (size_t i = 0; i < SITE_COUNT; i++) {
        snprintf(line, sizeof(line), "SITE %s%s", site_table[i].name,
                 site_table[i].argument == ARGUMENT_NONE ? "" : " 1 x");
        if (i != SITE_PSWD && i != SITE_HELP)
            refuse(line);
    }
}

/* Expects that transfers are refused even if the client has connected. */
static void refuse_transfers(void)
{
    static const char *const lines[] = { "LIST", "MLSD", "NLST", "RETR x",
                                         "STOR x" };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        int data = fake_data();

        refuse(lines[i]);
        close(data);
    }
}

/* No request reaches files before the password is changed, not even after a
 * failed change. */
Test(password, before_anything_else, LEAVES)
{
    uint32_t request;

    fake.granted.must_change = true;
    fake_open();
    cr_expect(strstr(fake.reply, "SITE PSWD"), "%s", fake.reply);
    for (size_t i = 0; i < sizeof(answered) / sizeof(answered[0]); i++)
        fake_do(answered[i].line, answered[i].code);
    refuse_others();
    refuse_transfers();
    request = ask("site pswd wrong better", "wrong", "better");
    tell(request, PASSWORD_WRONG);
    cr_expect_eq(fake_reply(), 550);
    fake_do("CWD /", 550);
    cast_hear_nothing(&fake.files, 0);
    request = ask("SITE PSWD secret better", "secret", "better");
    tell(request, PASSWORD_OK);
    cr_expect_eq(fake_reply(), 200);
    FAKE_DO("CWD /", 250, directory_enter, done);
}

/* The event of a refused SITE PSWD has neither the old nor the new password. */
Test(password, never_logged, LOGGED_IN)
{
    uint32_t request;

    request = ask("SITE PSWD canary1 canary2", "canary1", "canary2");
    tell(request, PASSWORD_FIXED);
    cr_expect_eq(fake_reply(), 550);
    cr_assert(fake_event(EVENT_COMMAND_REFUSED, &logged));
    cr_expect(slice_equal(logged.text[FIELD_VERB], SLICE("SITE")));
    cr_expect_eq(logged.text[FIELD_TO].len, 0, "%.*s",
                 (int)logged.text[FIELD_TO].len, logged.text[FIELD_TO].ptr);
    cr_expect(slice_starts(logged.text[FIELD_REASON],
                           SLICE("the password stays: the admin")));
}

/* In plain text SITE PSWD ends the session, as PASS does. */
Test(password, without_tls, .init = fake_start, .timeout = 60)
{
    cr_assert_eq(fake_reply(), 220);
    fake_do("SITE HELP", 530);
    fake_do("SITE PSWD old new", 530);
    cr_expect_eq(fake_end(), ENDING_PLAIN);
}

/* Master ends the session while SITE PSWD waits: the 421 has the reason. */
Test(password, kicked_meanwhile, .init = fake_open, .timeout = 60)
{
    ask("SITE PSWD a b", "a", "b");
    fake_kick(ENDING_CHANGED);
    fake_replies(421, "account has changed");
    fake_hang_up(ENDING_CHANGED);
}
