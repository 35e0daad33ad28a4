/* A session and its client: order of replies, login, endings. */
#include "fake.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/rights.h"
#include "session/session.h"
#include "support/long.h"

Test(session, every_verb_is_handled_or_refused)
{
    for (size_t i = 0; i < command_count; i++) {
        const struct command *c = &command_table[i];
        bool refused = c->flags & COMMAND_REFUSED;

        cr_assert_eq(handlers[c->verb] == NULL, refused, "%s", c->name);
    }
}

Test(session, every_row_of_site_is_handled)
{
    for (size_t i = 0; i < SITE_COUNT; i++)
        cr_assert_not_null(site_handlers[site_table[i].verb], "%s",
                           site_table[i].name);
}

Test(session, three_unknown_commands_before_login_are_the_end,
     .init = fake_start, .timeout = 30)
{
    cr_assert_eq(fake_reply(), 220);
    fake_do("NOOP", 200);
    fake_say("ONE\r\nTWO\r\nTHREE\r\nNOOP");
    for (int i = 0; i < 3; i++)
        cr_assert_eq(fake_reply(), 500);
    cr_assert_eq(fake_reply(), 0);
    fake_hang_up(ENDING_PROTOCOL);
}

/* An unknown command as the first line is from another protocol. */
Test(session, an_unknown_command_at_first_is_the_end, .init = fake_start,
     .timeout = 30)
{
    cr_assert_eq(fake_reply(), 220);
    fake_do("SSH-2.0-x secret", 500);
    cr_assert_eq(fake_reply(), 0);
    fake_hang_up(ENDING_NOT_FTP);
    cr_expect_str_eq(fake_end_reason(),
                     "not FTP: it began with 'SSH-2.0-'; set that client to "
                     "another port");
}

/* CVE-2011-0411: plain text after AUTH is never executed. */
Test(session, plain_text_behind_auth_is_the_end, .init = fake_start,
     .timeout = 30)
{
    cr_assert_eq(fake_reply(), 220);
    fake_do("AUTH TLS\r\nNOOP", 234);
    cr_assert_eq(fake_reply(), 0);
    fake_hang_up(ENDING_PROTOCOL);
    cr_assert_str_eq(fake_end_reason(),
                     "protocol error: plain text after AUTH");
}

/* Commands that come while the session waits for files are kept in order; none
 * is lost. */
Test(session, pipelined_commands_keep_their_order, LOGGED_IN)
{
    fake_say("CWD /a\r\nPWD\r\nCWD /b\r\nPWD\r\nNOOP");
    for (int i = 0; i < 2; i++) {
        SERVE(&fake.files, directory_enter, done);
        cr_assert_eq(fake_reply(), 250);
        cr_assert_eq(fake_reply(), 257);
        cr_assert(strstr(fake.reply, i == 0 ? "\"/a\"" : "\"/b\""), "%s",
                  fake.reply);
    }
    cr_assert_eq(fake_reply(), 200);
}

/* Lines that only get a 500 keep their order, too, so that the client doesn't
 * take a 500 for the transfer's reply. */
Test(session, lines_during_a_transfer_keep_their_order, LOGGED_IN)
{
    static const char bad[] = "PW\0D\r\n";

    fake_upload();
    fake_say("NOOP\r\nWHAT");
    cr_assert(tls_client_write(fake.tls, bad, sizeof(bad) - 1));
    fake_do("\r\nNOOP\r\nPWD", 200);
    fake_send("");
    fake_complete();
    cr_expect_eq(fake_reply(), 500, "WHAT: %s", fake.reply);
    cr_expect(fake_reply() == 500 && strstr(fake.reply, "NUL"), "%s",
              fake.reply);
    cr_expect_eq(fake_reply(), 500, "an empty line: %s", fake.reply);
    cr_expect_eq(fake_reply(), 200, "%s", fake.reply);
    cr_expect_eq(fake_reply(), 257, "%s", fake.reply);
    fake_release();
}

/* If a file can't be read, the client gets a 451, but no byte and no
 * close_notify. */
Test(session, a_file_that_cant_be_read, LOGGED_IN)
{
    int unreadable = open("/tmp", O_TMPFILE | O_WRONLY, 0600);
    uint64_t bytes = 0;

    cr_assert_eq(ftruncate(unreadable, 1), 0);
    fake_download_of(fdopen(unreadable, "w"), 1);
    cr_expect_eq(fake_drain(&bytes), TLS_CLIENT_CUT);
    cr_expect_eq(bytes, 0);
    fake_replies(451, "can't read the file");
    fake_release();
}

/* The client gets the id of an upload that waits, even if files couldn't sync
 * its directory. */
Test(session, an_upload_that_waits_unsafely, LOGGED_IN)
{
    fake_upload();
    cr_assert(tls_client_shutdown(transfer.tls));
    fake_commits();
    SAY_BACK(&fake.files, file_stored, .path = SLICE("/x"),
             .held = SLICE("0123456789abcdef"), .unsafe = true);
    fake_replies(451, "(id 0123456789abcdef)");
    fake.files.phase = PHASE_IDLE;
    fake_release();
}

/* ABOR doesn't wait for the lines before it. */
Test(session, abor_overtakes_bad_lines, LOGGED_IN)
{
    fake_upload();
    fake_do("\xff\xf4\xff\xf2\r\nP\rWD\r\n\xff\xf4\xff\xf2"
            "ABOR",
            426);
    cr_expect_eq(fake_reply(), 226, "%s", fake.reply);
    fake_given_up();
    cr_expect_eq(fake_reply(), 500, "%s", fake.reply);
    cr_expect_eq(fake_reply(), 500, "%s", fake.reply);
    fake_release();
}

Test(session, quit_in_a_transfer_finishes_it_first, .init = fake_open,
     .timeout = 30)
{
    fake_upload();
    fake_do("NOOP", 200);
    cr_assert(tls_client_write(transfer.tls, "hello", 5));
    do { /* until the bytes have come */
        fake_do("STAT", 211);
    } while (strstr(fake.lines, "bytes so far: 0, STOR /x\r\n"));
    cr_assert(strstr(fake.lines, "bytes so far: 5, STOR /x\r\n"), "%s",
              fake.lines);
    fake_say("QUIT");
    cr_assert(tls_client_shutdown(transfer.tls));
    cr_assert_eq(fake_stored("/x"), 5);
    cr_assert_eq(fake_reply(), 226);
    cr_assert_eq(fake_reply(), 221);
    fake_release();
    fake_hang_up(ENDING_QUIT);
}

/* A REST counts for the next transfer only, even if this transfer is
 * refused. */
Test(session, rest_never_reaches_another_file, .timeout = 60)
{
    static const char *const refused[] = {
        "RETR /x",           /* 425: no PASV */
        "STOR /bad\x01name", /* goes to files, which refuses it */
        "LIST",              /* 425 */
    };

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        int data, first = -1;

        fake_open();
        if (i == 1)
            first = fake_data();
        fake_do("PBSZ 0", 200);
        fake_do("PROT P", 200);
        fake_do("REST 500", 350);
        fake_say(refused[i]);
        if (i == 1)
            fake_refuse(MSG_file_write, OUTCOME_BAD_NAME);
        cr_assert_geq(fake_reply(), 400);
        data = fake_data();
        fake_say("STOR /doc");
        cr_assert_eq(EXPECT(&fake.files, file_write)->offset, 0, "row %zu", i);
        close(data);
        if (first >= 0)
            close(first);
        fake_drop(); /* files never answers */
        fake_end();
    }
}

#define MUCH (64u << 20) /* more than the buffers can hold */

Test(session, stat_in_a_transfer, LOGGED_IN)
{
    char some[65536];

    fake_download(MUCH);
    cr_assert_gt(tls_client_read(transfer.tls, some, sizeof(some)), 0);
    fake_do("STAT", 211);
    cr_expect(strstr(fake.lines, ", RETR /x\r\n"), "%s", fake.lines);
    cr_expect(strstr(fake.lines, "bytes so far: "), "%s", fake.lines);
    cr_expect_not(strstr(fake.lines, "bytes so far: 0,"), "%s", fake.lines);
    fake_abort();
    fake_do("STAT", 211);
    cr_expect_not(strstr(fake.lines, "so far"), "%s", fake.lines);
    fake_release();
}

/* A connection that is reset while files is still busy costs no CPU time. */
Test(session, a_reset_while_files_is_asked_does_not_spin, LOGGED_IN)
{
    struct pollfd said[] = { { .fd = fake.files.fd, .events = POLLIN },
                             { .fd = fake.control, .events = POLLIN } };

    close(fake_data());
    fake_say("RETR /x");
    /* The session either notices the hang-up first (425), or sends files a
     * request, which the test answers late. */
    cr_assert_gt(poll(said, 2, 20000), 0);
    if (said[0].revents) {
        EXPECT(&fake.files, file_read);
        fake_expect_asleep(400);
        SAY_BACK(&fake.files, refused, .outcome = OUTCOME_NOT_FOUND);
        cr_assert_eq(fake_reply(), 550);
    } else {
        cr_assert_eq(fake_reply(), 425);
    }
}

/* A line that comes before the reply to the previous line stays in the socket,
 * and costs no CPU time. */
Test(session, a_line_that_waits_does_not_spin, LOGGED_IN)
{
    fake_say("CWD a");
    EXPECT(&fake.files, directory_enter);
    fake_say("NOOP");
    fake_expect_asleep(400);
    SAY_BACK(&fake.files, done);
    cr_assert_eq(fake_reply(), 250);
    cr_assert_eq(fake_reply(), 200);
}

/* If a client asks for new keys without end, but doesn't read them, the session
 * doesn't read this client any more: it sleeps, and keeps its deadlines. */
Test(session, new_keys_without_end, .timeout = 60)
{
    unsigned long so_far;
    int looks = 0;

    fake_settings("login_timeout", 8000);
    fake_start();
    fake_secure();
    fd_set_nonblock(fake.control, true);
    for (int held = 0; held < 10; held += !tls_client_renew(fake.tls))
        poll(NULL, 0, held > 0 ? 20 : 0);
    do { /* the session may have keys left to make */
        so_far = fake_cpu_ms();
        poll(NULL, 0, 100);
    } while (fake_cpu_ms() - so_far > 10 && ++looks < 20);
    cr_expect_lt(looks, 20);
    cr_expect_eq(fake_end(), ENDING_LOGIN_TIME);
}

/* Users type "USER name password", or a password instead of the name. The log
 * must not have such a password. It has a doubtful name only if master reports
 * that the password was right. */
Test(session, what_cannot_be_a_user_is_not_logged, .timeout = 60)
{
    static const struct {
        const char *name, *logged;
        enum denial why;
        bool right;
    } rows[] = {
        { "anna canary", "?", DENIAL_TOO_MANY, true },
        { "Canary@1", "Canary@1", DENIAL_TOO_MANY, true },
        { "Canary@1", "?", DENIAL_BUSY, false },
        { "Canary@1", "Canary@1", DENIAL_BUSY, true }, /* after a delay */
        { "anna", "anna", DENIAL_BUSY, false },
        { "Canary@1", "?", DENIAL_AWAY, false },
        { "Canary@1", "?", DENIAL_CHANGED, false },
        { "Canary@1", "Canary@1", DENIAL_CHANGED, true },
        { "Canary@1", "Canary@1", DENIAL_FAILED, true },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_start();
        fake_ask_login(rows[i].name);
        fake.right = rows[i].right;
        fake_deny(rows[i].why);
        fake_reply();
        fake_await(EVENT_LOGIN_FAILED, &logged);
        fake_expect_text(&logged, FIELD_USER, rows[i].logged);
        fake_hang_up(rows[i].why == DENIAL_TOO_MANY ? ENDING_CLOSED
                     : rows[i].why == DENIAL_FAILED ? ENDING_PEER
                                                    : ENDING_NO_LOGIN);
    }
}

/* Master has granted the login, and ends the session before its 230. */
Test(session, a_granted_login_has_its_name, .init = fake_start, .timeout = 60)
{
    fake.granted.name = SLICE("Canary@1");
    fake.granted.version = 1;
    fake_grant();
    fake_kick(ENDING_SHUTDOWN);
    cr_expect_eq(fake_reply(), 421);
    shutdown(fake.control, SHUT_WR);
    cr_expect_eq(fake_end(), ENDING_SHUTDOWN);
    cr_assert(fake_event(EVENT_LOGIN_FAILED, &logged));
    fake_expect_text(&logged, FIELD_USER, "Canary@1");
}

/* The session doesn't log a wrong password: auth has logged it, with the
 * reason. */
Test(session, a_wrong_password_is_not_its_line, .init = fake_start,
     .timeout = 30)
{
    fake_ask_login("anna");
    fake_deny(DENIAL_WRONG);
    cr_assert_eq(fake_reply(), 530);
    fake_do("QUIT", 221);
    fake_hang_up(ENDING_QUIT);
    cr_expect_not(fake_event(EVENT_LOGIN_FAILED, &logged));
}

/* Each other denial has a line, but auth has logged that it can't hash. */
Test(session, each_denial_has_its_line, .timeout = 60)
{
    for (unsigned why = 0; why < DENIAL_COUNT; why++) {
        fake_start();
        fake_ask_login("anna");
        fake_deny(why);
        cr_expect_neq(fake_reply(), 230);
        shutdown(fake.control, SHUT_WR);
        fake_end();
        cr_expect_eq(fake_event(EVENT_LOGIN_FAILED, &logged),
                     why != DENIAL_WRONG && why != DENIAL_NO_HASH, "%u", why);
    }
}

/* An overload and a fault have different replies, and different reasons in the
 * log. */
Test(session, denials_that_end_it, .timeout = 60)
{
    static const struct {
        enum denial why;
        const char *reply, *reason;
    } rows[] = {
        { DENIAL_BUSY, "421 Too many logins at once. Try again later.\r\n",
          "no auth worker is free" },
        { DENIAL_FAILED, "421 Part of the server failed; connect again.\r\n",
          "a part of the server failed" },
        { DENIAL_LATE, "421 Your home doesn't answer now. Try again later.\r\n",
          "the home doesn't answer" },
        { DENIAL_CHANGED,
          "421 Your account was changed just now. Try again.\r\n",
          "the account was changed just now" },
        { DENIAL_AWAY,
          "421 The server can't reach its files now. Try again later.\r\n",
          "the users file or the homes can't be reached" },
        { DENIAL_NO_HASH,
          "421 Passwords can't be verified now. Try again later.\r\n", NULL },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_start();
        fake_ask_login("anna");
        fake_deny(rows[i].why);
        cr_expect_eq(fake_reply(), 421);
        cr_expect_str_eq(fake.reply, rows[i].reply);
        fake_hang_up(rows[i].why == DENIAL_FAILED ? ENDING_PEER
                                                  : ENDING_NO_LOGIN);
        cr_assert_eq(fake_event(EVENT_LOGIN_FAILED, &logged),
                     rows[i].reason != NULL);
        if (rows[i].reason) /* otherwise auth has logged it */
            fake_expect_text(&logged, FIELD_REASON, rows[i].reason);
    }
}

static unsigned client_events(const char *name)
{
    unsigned n = 0;

    for (; fake_event(EVENT_CLIENT, &logged); n++) {
        fake_expect_text(&logged, FIELD_NAME, name);
        fake_expect_text(&logged, FIELD_USER, "anna");
    }
    return n;
}

/* The log gets the client's first name, cut to 64 bytes, and only once. */
Test(session, a_client_names_itself, .timeout = 30)
{
    char line[200] = "CLNT ";

    memset(line + 5, 'x', 100);
    fake_open();
    fake_do(line, 200);
    fake_do("CLNT other", 200);
    fake_do("CSID Name=third;", 200);
    fake_hang_up(ENDING_CLOSED);
    line[5 + 64] = '\0';
    cr_expect_eq(client_events(line + 5), 1);
}

static const struct {
    const char *csid, *name;
} csids[] = {
    { "Name=sallyport;", "sallyport" },
    { "Name=x;", "x" },
    { "Name=FileZilla;Version=3.67.0;", "FileZilla 3.67.0" },
    { "name = Tool ; Platform=Linux; version = 2", "Tool 2" },
    { "Version=2;", "Version=2;" },
    { "a tool", "a tool" },
    { ";;=;", ";;=;" },
};

/* The line of the end has the name, too. */
Test(session, a_client_names_itself_by_csid, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(csids) / sizeof(csids[0]); i++) {
        char line[64];

        snprintf(line, sizeof(line), "CSID %s", csids[i].csid);
        fake_open();
        fake_do(line, 200);
        fake_hang_up(ENDING_CLOSED);
        fake_await(EVENT_CLIENT, &logged);
        fake_expect_text(&logged, FIELD_NAME, csids[i].name);
        fake_await(EVENT_END, &logged);
        fake_expect_text(&logged, FIELD_CLIENT, csids[i].name);
    }
}

/* The log gets no name if nobody logs in. */
Test(session, a_stranger_names_itself, .init = fake_start, .timeout = 30)
{
    fake_secure();
    fake_do("CLNT nobody", 200);
    fake_hang_up(ENDING_CLOSED);
    cr_expect_eq(client_events(""), 0);
}

/* A 550 names the missing right, whichever process refuses. Files decides about
 * rights in a directory, and gets no request for a right that the user has
 * nowhere. */
Test(session, a_missing_right_is_named, .timeout = 60, WITH_SANITIZERS)
{
    static const struct {
        unsigned nowhere;
        bool shares; /* the user has the other rights in some shares only */
        const char *line;
        enum message_kind asked; /* files refuses it; MSG_NONE: no request */
        const char *words;
    } rows[] = {
        { RIGHT_LIST, false, "LIST", MSG_directory_list, "list (l);" },
        { RIGHT_LIST, false, "SIZE x", MSG_facts, "list (l);" },
        { RIGHT_LIST | RIGHT_WRITE, false, "LIST", MSG_NONE,
          "list (l) or upload (w);" },
        { RIGHT_LIST | RIGHT_WRITE, false, "MDTM x", MSG_NONE,
          "list (l) or upload (w);" },
        { 0, false, "DELE x", MSG_file_delete, "delete (d);" },
        { RIGHT_READ, false, "RETR x", MSG_NONE, "read (r);" },
        { RIGHT_WRITE, false, "APPE x", MSG_NONE, "upload (w);" },
        { RIGHT_WRITE, false, "STOU", MSG_NONE, "upload (w);" },
        { RIGHT_WRITE, false, "AVBL", MSG_NONE, "upload (w);" },
        { RIGHT_WRITE, false, "MFMT 20200101000000 x", MSG_NONE,
          "upload (w);" },
        { RIGHT_WRITE, false, "SITE CHMOD 600 x", MSG_NONE, "upload (w);" },
        { RIGHT_REPLACE, false, "SITE CHMOD 600 x", MSG_NONE,
          "overwrite (o);" },
        { RIGHT_DELETE, false, "DELE x", MSG_NONE, "delete (d);" },
        { RIGHT_RENAME, false, "RNFR x", MSG_NONE, "rename (n);" },
        { RIGHT_DIRECTORY, false, "MKD x", MSG_NONE,
          "make and remove directories (m);" },
        { RIGHT_WRITE, false, "STOR x", MSG_NONE, "upload (w);" },
        { RIGHT_REPLACE, false, "STOR x", MSG_file_write, "overwrite (o);" },
        { RIGHT_LIST, false, "MDTM x", MSG_facts, "list (l);" },
        { 0, true, "RETR x", MSG_file_read, "read (r);" },
        { 0, true, "STOR x", MSG_file_write, "upload (w) or overwrite (o);" },
        { 0, true, "DELE x", MSG_file_delete, "delete (d);" },
        { 0, true, "MKD x", MSG_directory_make,
          "make and remove directories (m);" },
        { 0, true, "SITE CHMOD 600 x", MSG_mode,
          "upload (w) or overwrite (o);" },
        { 0, true, "SIZE x", MSG_facts, "list (l);" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char words[128];
        int data;

        snprintf(words, sizeof(words), "no right to %s", rows[i].words);
        fake.granted.rights = RIGHT_ALL & ~rows[i].nowhere;
        fake.granted.everywhere = rows[i].shares ? 0 : fake.granted.rights;
        fake_open();
        data = fake_data();
        fake_say(rows[i].line);
        if (rows[i].asked != MSG_NONE)
            fake_refuse(rows[i].asked, OUTCOME_NO_RIGHT);
        cr_expect_eq(fake_reply(), 550, "%s: %s", rows[i].line, fake.reply);
        cr_expect(strstr(fake.reply, words), "%s: %s", rows[i].line,
                  fake.reply);
        close(data);
        fake_hang_up(ENDING_CLOSED);
    }
}

/* A drop refuses to all users, and names what would help. */
Test(session, no_right_in_a_drop, LOGGED_IN)
{
    static const struct {
        const char *line;
        enum message_kind asked;
        const char *words;
    } rows[] = {
        { "MKD x", MSG_directory_make, "directories in a drop; send one" },
        { "RMD x", MSG_directory_remove, "directories in a drop; send one" },
        { "DELE x", MSG_file_delete, "delete in a drop" },
        { "SITE CHMOD 600 x", MSG_mode, "change modes in a drop" },
        { "HASH x", MSG_file_read, "read in a drop" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_do_refused(rows[i].line, rows[i].asked, OUTCOME_IN_DROP, 550);
        cr_expect(strstr(fake.reply, rows[i].words), "%s", fake.reply);
        cr_expect_not(strstr(fake.reply, "administrator"), "%s", fake.reply);
    }
    FAKE_DO("RNFR x", 350, facts, facts_are);
    fake_do_refused("RNTO y", MSG_rename, OUTCOME_IN_DROP, 550);
    cr_expect(strstr(fake.reply, "directory with u"), "%s", fake.reply);
}

/* A user who may only upload (a drop) continues a cut upload: files answers
 * SIZE for the user's own partials. */
Test(session, size_for_a_drop, LEAVES)
{
    fake.granted.rights = fake.granted.everywhere = RIGHT_WRITE;
    fake_open();
    fake_do_refused("SIZE x", MSG_facts, OUTCOME_NOT_FOUND, 550);
}

Test(session, rnto_works_once, LOGGED_IN)
{
    FAKE_DO("RNFR /a", 350, facts, facts_are);
    FAKE_DO("RNTO /b", 250, rename, renamed, .path = SLICE("/b"),
            .from = SLICE("/a"));
    cr_expect_not_null(strstr(fake.reply, "250 Done."), "%s", fake.reply);
    fake_do("RNTO /c", 503);
    FAKE_DO("RNFR /a", 350, facts, facts_are);
    FAKE_DO("RNTO /c", 250, rename, renamed, .path = SLICE("/c (2)"),
            .from = SLICE("/a"));
    cr_expect_not_null(strstr(fake.reply, "/c (2)"), "%s", fake.reply);
}

/* MFMT takes the name that the client gave for the name that the upload got,
 * until this file is renamed. */
Test(session, an_upload_that_is_renamed, LOGGED_IN)
{
    fake_upload();
    fake_send("");
    fake_stored("/x (2)");
    fake_replies(226, "");
    fake_release();
    FAKE_DO("MFMT 20200101000000 /x", 213, times, done);
    cr_expect(slice_equal(heard.times.path, SLICE("/x (2)")));
    FAKE_DO("RNFR /x (2)", 350, facts, facts_are);
    FAKE_DO("RNTO /y", 250, rename, renamed, .path = SLICE("/y"),
            .from = SLICE("/x (2)"));
    FAKE_DO("MFMT 20200101000000 /x", 213, times, done);
    cr_expect(slice_equal(heard.times.path, SLICE("/x")));
}

/* Files dies after a kick: the log still has the kick's reason. */
Test(session, a_kick_keeps_its_reason, .init = fake_open, .timeout = 30)
{
    fake_kick(ENDING_SHUTDOWN);
    channel_close(&fake.files);
    cr_assert_eq(fake_reply(), 421);
    cr_assert_eq(fake_reply(), 0);
    fake_hang_up(ENDING_SHUTDOWN);
    cr_assert_str_eq(fake_end_reason(), "the server stops");
}

static const struct msg_doing *look(void)
{
    REQUEST(&fake.master, look_at);
    return EXPECT(&fake.master, doing);
}

static uint32_t asked;

/* Sends LINE, about which the session asks files. Returns the session's report
 * of what it does. */
static const struct msg_doing *look_at_mlst(const char *line)
{
    fake_say(line);
    asked = EXPECT(&fake.files, facts)->request;
    return look();
}

static void files_refuses(void)
{
    SAY(&fake.files, refused, asked, .outcome = OUTCOME_NOT_FOUND);
    cr_expect_eq(fake_reply(), 550);
    fake_hang_up(ENDING_CLOSED);
}

/* The session reports what it does between commands, in a transfer, and while
 * it waits for files. */
Test(session, what_it_does_now, .init = fake_open, .timeout = 60)
{
    const struct msg_doing *d;
    char some[65536];

    fake_do("CLNT a client", 200);
    d = look();
    cr_expect(slice_equal(d->client, SLICE("a client")));
    cr_expect(slice_starts(d->tls, SLICE("TLSv1.3")));
    cr_expect(d->verb.len == 0 && d->path.len == 0 && d->of == 0);
    fake_download(MUCH);
    cr_assert_gt(tls_client_read(transfer.tls, some, sizeof(some)), 0);
    d = look();
    cr_expect(slice_equal(d->verb, SLICE("RETR")));
    cr_expect(slice_equal(d->path, SLICE("/x")));
    cr_expect_eq(d->of, MUCH);
    cr_expect(d->bytes > 0 && d->bytes < d->of);
    fake_abort();
    fake_release();
    d = look_at_mlst("MLST /there");
    cr_expect(slice_equal(d->verb, SLICE("MLST")));
    cr_expect(slice_equal(d->path, SLICE("/there")));
    files_refuses();
}

/* A path that is too long for the message loses its beginning. */
Test(session, a_long_path_is_cut, .timeout = 60)
{
    char line[2100] = "MLST /";
    const struct msg_doing *d;

    for (size_t i = 6; i < 2000; i++)
        line[i] = i % 100 == 5 ? '/' : 'x';
    strcat(line, "/end");
    fake_open();
    d = look_at_mlst(line);
    cr_expect_eq(d->path.len, MESSAGE_TEXT_MAX);
    cr_expect_eq(memcmp(d->path.ptr + d->path.len - 4, "/end", 4), 0);
    files_refuses();
}

/* The client leaves while its password is verified: the session ends at once,
 * so that master forgets the login. */
Test(session, the_client_leaves_before_the_reply_to_pass, .timeout = 60)
{
    const struct linger now = { .l_onoff = 1 };

    for (int resets = 0; resets <= 1; resets++) {
        fake_start();
        fake_ask_login("anna");
        if (resets) { /* closes the socket by a reset, and keeps the number */
            setsockopt(fake.control, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
            cr_assert_eq(dup2(STDIN_FILENO, fake.control), fake.control);
        } else {
            shutdown(fake.control, SHUT_WR);
        }
        cr_assert_eq(fake_end(), ENDING_CLOSED);
    }
}

/* A client that sends PASS, a further command and its end, such as a script
 * with a pipe, gets both replies. */
Test(session, the_client_ends_its_direction_after_a_command, .timeout = 60)
{
    static const char *const later[] = { "PASS secret\r\nQUIT", "PASS secret" };

    for (size_t i = 0; i < 2; i++) {
        fake_start();
        fake_secure();
        fake_do("USER anna", 331);
        fake_say(later[i]);
        EXPECT(&fake.master, login);
        if (i > 0)
            fake_say("QUIT");
        shutdown(fake.control, SHUT_WR);
        fake_expect_asleep(200);
        fake_deny(DENIAL_WRONG);
        cr_expect_eq(fake_reply(), 530);
        cr_expect_eq(fake_reply(), 221);
        cr_assert_eq(fake_end(), ENDING_QUIT);
    }
}

/* A login that waits ends without an answer, whoever ends it: before the
 * verdict, or when the session waits for the keys of tickets. The log names the
 * user; but if the client itself leaves, nobody has refused it. */
static void clock_ends(void)
{
    cr_expect_eq(fake_reply(), 421);
    fake_hang_up(ENDING_NO_LOGIN);
}

static void lock_ends(void)
{
    fake_kick(ENDING_LOCKED);
    cr_expect_eq(fake_reply(), 530);
    fake_hang_up(ENDING_LOCKED);
}

static void stop_ends(void)
{
    fake_kick(ENDING_SHUTDOWN);
    cr_expect_eq(fake_reply(), 421);
    fake_hang_up(ENDING_SHUTDOWN);
}

static void tries_end(void)
{
    fake_kick(ENDING_LOGIN_TRIES);
    cr_expect_eq(fake_reply(), 421);
    fake_hang_up(ENDING_LOGIN_TRIES);
}

static void master_ends(void)
{
    channel_close(&fake.master);
    cr_expect_eq(fake_reply(), 421);
    cr_expect_eq(fake_end(), ENDING_PEER);
}

static void client_ends(void)
{
    fake_hang_up(ENDING_CLOSED);
}

/* The clock has struck, and the client doesn't leave: then master answers. */
static void clock_ends_first(void)
{
    cr_expect_eq(fake_reply(), 421);
    fake_deny(DENIAL_BUSY);
    fake_hang_up(ENDING_NO_LOGIN);
}

static const struct {
    void (*end)(void);
    const char *reason; /* NULL: no line */
    bool only_before;   /* only before the verdict */
} unanswered[] = {
    { lock_ends, "the account was locked", false },
    { stop_ends, "the server stops", false },
    { tries_end, "too many wrong passwords", false },
    { master_ends, "another process failed", false },
    { client_ends, NULL, false },
    { clock_ends, "no answer in time", false },
    { clock_ends_first, "no auth worker is free", true },
};

Test(session, a_login_without_an_answer, .timeout = 120)
{
    for (size_t i = 0; i < sizeof(unanswered) / sizeof(unanswered[0]); i++)
        for (int granted = 0; granted <= 1; granted++) {
            const char *reason = unanswered[i].reason;

            if (granted && unanswered[i].only_before)
                continue;
            if (unanswered[i].end == clock_ends)
                fake_settings("login_timeout", 3000);
            fake_start();
            if (granted)
                fake_grant(); /* without fake_tell_keys() */
            else
                fake_ask_login("anna");
            unanswered[i].end();
            cr_expect_eq(fake_event(EVENT_LOGIN_FAILED, &logged),
                         reason != NULL, "%zu, %d", i, granted);
            if (reason) {
                fake_expect_text(&logged, FIELD_USER, "anna");
                fake_expect_text(&logged, FIELD_REASON, reason);
                cr_expect_not(fake_event(EVENT_LOGIN_FAILED, &logged));
            }
        }
}
